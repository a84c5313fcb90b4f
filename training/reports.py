"""More sentences of our own: news as agencies send it, lives as encyclopaedias tell them, judgments, and logs that name nobody. The notation is that of `grammar`."""

NEWS = (
    "{upplace}, {month} {num} ({org}) - {org} <reported|posted> a <quarterly|first-half> <profit|loss> of {money} on {weekday}.",
    "{upplace} {isodate}\n\n{full} <scored twice|hit a late winner> as {team} <beat|held> {team} in <the first round|a friendly> on {weekday}.",
    "{place} <police|officials|rescuers> said {num} people <were hurt|had been moved to safety> when <a bus|a ferry|a crane> <overturned|caught fire> near {place}.",
    "\"We <never|always> <wanted|expected> this,\" <said|added> {full}, <the {job} who runs|who heads|spokeswoman for> {org}.",
    "<Prime Minister|President|Foreign Minister|Finance Minister|Chancellor> {full} <arrived in|left|will visit> {place} on {weekday} for <talks|a two-day visit> with his {nat} counterpart {full}.",
    "{full}, {org}'s <chief executive|head of research|managing director>, <declined to comment|was not available>.",
    "{org} <Corp|Inc|Plc> shares <gained|lost> {num} percent in <early|late> {place} trade.",
    "<The|A> {nat} <tribunal|court|regulator> <fined|cleared> {org} {money} <in {longdate}|on {weekday}>.",
    "<Results|Leading scores> <of|from> the {place} Open on {weekday} ({nat} unless stated):\n{num}. {full} {num} {num} {num}\n{num}. {full} ({country}) {num} {num}",
    "{last} ({country}) beat {last} ({country}) {num}-{num} {num}-{num}",
    "{team} {num} ({last} {num}, {last} {num} penalty) {team} {num}. Halftime {num}-{num}. Attendance {num}",
    "{upteam} - {upteam} WIN <AGAIN|AT LAST|IN EXTRA TIME>, {uplast} HURT.",
    "<Storms|Heavy snow|A heatwave> <hit|cut off> <villages|roads> <in|around> {place} and {place}, {country}, <on {weekday}|overnight>, the <state|national> news agency <said|reported>.",
    "<Diplomats|Analysts|Traders> in {place} <expect|doubt> that {country} will <join|leave> <the union|the pact> <before|by> {year}.",
    "{team} <signed|released> {nat} <striker|goalkeeper|pitcher|guard> {full} <from {team}|for {money}|on a {num}-year contract>.",
    "{full} <took the lead|finished third|withdrew> <at|in> the {place} <Grand Prix|Marathon|Masters|rally>, {num} seconds <ahead of|behind> {full}.",
    "<Asked about|Commenting on> the <strike|merger|verdict>, {last} <told|wrote to> {org} that <he|she> \"<would not resign|had nothing to add>\".",
    "By {full}\n{upplace} - <Thousands|Dozens> <gathered|marched> in {place} on {weekday} to <mourn|greet> {titled}.",
    "<At least|Some|About> {num} <tonnes|barrels|tickets> <were|have been> sold, {last} said.",
    "Editor: {full}\nPhotographs: {full}\n<Additional reporting|Research> by {full} in {place} and {full} in {place}",
    "{org} and its {nat} <partner|rival> {org} <will build|are closing> a <plant|terminal|warehouse> in {place}, <sources|people> familiar with the plan said.",
    "<The strike|The vote|The trial> <starts|ends> on {weekday}, {longdate}, <in|at> {place}.",
)  # fmt: skip

LIVES = (
    "{full} ({longdate} – {longdate}) was <a|an> {nat} <botanist|mathematician|sculptor|jurist|conductor|explorer|bishop|general|physician>.",
    "{full} <(born {longdate})|(born {year} in {place})|(c. {year}–{year})> is <a|an> {nat} <poet|swimmer|cricketer|journalist|pianist|film director|businesswoman>.",
    "{again} was <the son|the daughter|the third child> of {full}, a <miller|doctor|clergyman>, and <his wife|his second wife> {full}.",
    "<He|She> was educated at {org} <and {org}|in {place}|where {full} was among <his|her> teachers>.",
    "In {year} {last} <married|wed> {full}<, daughter of {full}|, with whom <he|she> had a son, {first}|>.",
    "From {year} to {year} <he|she> <taught <law|physics|music>|served as {job}> <at|for> {org}<, {place}|>.",
    "<He|She> <died|passed away> <in {place}|at <his|her> home in {place}> <on {longdate}|in {month} {year}>, aged {age}.",
    "{last}'s <first novel|first solo exhibition|only opera>, {work}, <appeared|opened> in {place} in {year}.",
    "<His|Her> <brother|sister|uncle|cousin|grandfather> {full} <was also|became> <a|an> <actor|senator|painter>.",
    "Among <his|her> <pupils|students|colleagues> were {full}, {full} and {full}.",
    "{last} <played|made {num} appearances> for {team}<, {team} and {team}| between {year} and {year}|>.",
    "<He|She> <moved|emigrated> from {place}, {country}, to {place} <in {year}|at the age of {age}>, and <changed <his|her> name to {full}|never went back>.",
    "{full}, <better known as|known professionally as|also called> {full}, <grew up|was raised> in {place}.",
    "<He|She> <received|won|declined> the {work} <Prize|Medal> <in {year}|for {work}>.",
    "The <town|village|parish> of {place} <lies|is situated> in {place}<, {country}|>, {num} kilometres <south|east> of {place}.",
    "A <street|school|park> in {place} <is named after|bears the name of> {last}.",
    "<After the war|During the {year}s|Upon his return> <he|she> worked <alongside|with> {full} <on {work}|at {org}>.",
    "{first} {last} <Jr.|Sr.|III|> <was elected|ran> <to|for> the {org} <from|in> {place} in {year}.",
    "<Early life|Career|Personal life|Legacy>\n{last} <was born|spent <his|her> childhood> in {place}, where <his|her> parents, {first} and {first}, <kept an inn|ran a bakery>.",
)  # fmt: skip

COURT = (
    "The applicant was born in {year} and <lives|is detained> in {place}. <He|She> was represented <before the Court |>by {titled}, <a lawyer|an advocate> <practising|admitted> in {place}.",
    "The {nat} Government (\"the Government\") were represented by their Agent, {titled}<, of {org}|>.",
    "On {longdate} <and {longdate} |>the {place} <District|Regional|Administrative|Assize> Court <heard|questioned> {titled}.",
    "By <a judgment|an order> of {longdate} the {place} Court of Appeal (<Judges|comprising> {last}, {last} and {last}) <upheld|quashed> the <decision|conviction>.",
    "Between {longdate} and {longdate} the applicant was <treated|held> <at|in> {org} <in|,> {place}.",
    "<A.B.|K.L.|Mr X> <submitted|maintained> that on {longdate} <two officers|a neighbour>, {last} and {last}, had <entered|searched> his <flat|car> <at {street}|in {street}, {place}>.",
    "The <claim|application> (no. {id}) was <lodged|registered> on {longdate}; the <reply|defence> <is dated|was served on> {longdate}.",
    "<The respondent|The defendant>, {org}, <denied|admitted> having <paid|received> {money} from {titled}.",
    "{titled}, a {job} <born|residing> in {place}, gave evidence on {weekday}.",
    "The expert, {titled} of {org}, <diagnosed|found> {med} in a report of {longdate}.",
    "On {dayonly}, {dayonly}, {dayonly} and {longdate} <further hearings were held|the court adjourned|witnesses were heard>.", "On {dayonly} and {dayonly} <the applicant|{titled}> <appealed|was questioned>.",
    "He died <in {year}|on {longdate}>, leaving <a wife and |>{num} children born in {year}, {year} and {year}.", "Between {longdate} and {longdate} <the applicant|{last}> <was unemployed|worked as a {job}|received sickness benefit>.",
    "<The applicant|She|He> is a {job} by profession<. <She|He> resides in {place}|, living in {place}|>.", "The <first|second> applicant, {full}, used to work as <a|an> {job} <in {place}|at {org}>.",
    "The applications (nos. {id}, {id} and {id}) were lodged between {longdate} and {longdate}.", "The file was <sent|remitted> to the {place} <Court|public prosecutor>, which <received it|replied> on {dayonly}.",
    "The <Chamber|Court>, composed of:\n{full}, President,\n{full},\n{full}, judges,\nand {full}, Section Registrar,\nhaving deliberated in private on {longdate},", "{full}, Agent,\n{full}, Counsel,\n{titled}, {job}, Advisers;",
    "<Having regard to|Noting> the <observations|report> submitted by the Government on {longdate}, <the President|the Section> <decided|held> as follows.", "The <Constitutional|Supreme> Court, by a decision of {longdate}, <dismissed|allowed> the <complaint|appeal> of {titled}.",
    "In view of Article {num} of the Code of <Civil|Criminal> Procedure, the Court <rejects|allows> the <motion|appeal>.",
)  # fmt: skip

LOGS = (
    "{isodate} DEBUG {code} {code}={num} {code}={num}", "<Jan|Feb|Apr|May|Jun|Aug> {num} {time} {code} <sshd|systemd|kernel|cron>[{num}]: <Accepted publickey|Started|Stopped|Failed> {code} port {num}",
    "Exception in thread \"{code}\" java.lang.IllegalStateException: {code} <is|was> closed\n\tat com.{code}.{code}({code}.java:{num})\n\tat org.{code}.{code}({code}.java:{num})",
    "Traceback (most recent call last):\n  File \"/usr/lib/{code}/{code}.py\", line {num}, in {code}\nValueError: {code}", "for {code} in {code}:\n    if {code} is None:\n        continue\n    elif {code} < {num}:\n        {code}.append({code})",
    "const {code} = await {code}.{code}({ {code}: {num} });", "static int {code}(struct {code} *{code}, size_t {code})\n{\n\treturn {code}->{code} + {num};\n}", "func ({code} *{code}) {code}(ctx context.Context) error {\n\treturn {code}.{code}()\n}",
    "level=info ts={isodate} caller={code}.go:{num} msg=\"{code} ready\"", "{num} {num} {num} {num} {num}\n{num} {num} {num} {num} {num}", "Step {num}/{num} : RUN {code} install --{code}", "[{num}/{num}] Compiling {code} v{num}", "PASS {code}/{code}.test.ts ({num} s)", "{hex}  {code}/{code}.tar.gz",
    "CREATE TABLE {code} ({code} INTEGER PRIMARY KEY, {code} TEXT NOT NULL, {code} TIMESTAMP);", "WARN: {code} deprecated, use {code} instead", "let {code}: Option<{code}> = {code}.iter().map(|c| c.{code}()).next();", "<a href=\"/{code}\" class=\"{code}\">{code}</a>", "export {code}=\"${code}:{num}\"",
    "Assertion `{code} == {code}' failed at {code}.c:{num}", "{code}.{code} = {code}.{code} or {code}.{code}  # {adj} {noun}", "GC pause ({code}) {num}ms, heap {num}M->{num}M", "| {code} | {num} | {num} |\n| {code} | {num} | {num} |", "eth0: link up, {num}Mbps", "Retrying {code} in {num}s (attempt {num} of {num})",
)  # fmt: skip

ELSEWHERE = {
    "de": (
        "{full} (geboren <am |>{longdate} in {place}; gestorben {year}) war <ein|eine> {nat} <Komponist|Ärztin|Architekt|Biologin>.", "{place} – {org} hat <am {weekday}|im {month}> <mitgeteilt|bestätigt>, dass {titled} <das Amt|den Posten> <aufgibt|übernimmt>.",
        "{last} <spielte|arbeitete> von {year} bis {year} für {org} und wohnte in {place}.", "Das <Amtsgericht|Landgericht> {place} <verurteilte|entließ> {full} am {longdate}.", "Hallo {first}, <kannst|könntest> du {first} <bis {weekday}|morgen> Bescheid geben?", "Lieferung an {full}, {address}, bis zum {date}.",
        "\"<Wir sind zufrieden|Das war knapp>\", sagte {full}, {job} bei {org}.", "Der Zug von {place} nach {place} hatte {num} Minuten Verspätung.", "Mein Name ist {full}, ich wohne in der {address}.", "Die {adj} Sitzung findet <am {longdate}|im Rathaus> statt.", "Die Zeugin {titled} sah den Wagen in {place}.",
    ),
    "fr": (
        "{full}, <mort|morte> le {longdate} à {place}, était <un|une> <compositeur|médecin|architecte> {nat}.", "{place} - {org} a <annoncé|confirmé> {weekday} que {titled} <quitterait|prendrait> ses fonctions.", "Entre {year} et {year}, {last} <joua|travailla> pour {org}.", "Le tribunal de {place} a <condamné|relaxé> {full} le {longdate}.",
        "Salut {first}, tu peux prévenir {first} avant {weekday} ?", "Livraison chez {full}, {address}.", "« Nous sommes ravis », a déclaré {full}, {job} chez {org}.", "Le train de {place} à {place} a du retard.", "Je m'appelle {full} et j'habite {address}.", "La réunion aura lieu au mois de {month}.",
    ),
    "es": (
        "{full} (fallecido el {longdate} en {place}) fue un <compositor|médico|arquitecto> {nat}.", "{place}.- {org} <anunció|confirmó> el {weekday} que {titled} <dejará|asumirá> el cargo.", "Entre {year} y {year}, {last} <jugó|trabajó> en {org}.", "El juzgado de {place} <condenó|absolvió> a {full} el {longdate}.",
        "Hola {first}, ¿puedes avisar a {first} antes del {weekday}?", "Entrega a {full}, {address}.", "«Estamos contentos», dijo {full}, {job} de {org}.", "El tren de {place} a {place} llegó tarde.", "Me llamo {full} y vivo en {address}.", "La {noun} está cerrada en {month}.",
    ),
    "it": (
        "{full} (morto a {place} il {longdate}) è stato un <compositore|medico|architetto> {nat}.", "{org} ha <annunciato|confermato> {weekday} che {titled} lascerà l'incarico.", "Tra il {year} e il {year} {last} ha lavorato per {org} a {place}.", "Il tribunale di {place} ha <condannato|assolto> {full} il {longdate}.",
        "Ciao {first}, puoi avvisare {first} entro {weekday}?", "Consegna a {full}, {address}.", "«Siamo contenti», ha detto {full}, {job} di {org}.", "Il treno da {place} a {place} è in ritardo.", "Mi chiamo {full} e abito a {place}, {address}.",
    ),
    "nl": (
        "{full} (overleden op {longdate} in {place}) was een {nat} <componist|arts|architect>.", "{org} heeft {weekday} <gemeld|bevestigd> dat {titled} opstapt.", "Tussen {year} en {year} werkte {last} voor {org} in {place}.", "De rechtbank in {place} <veroordeelde|sprak> {full} op {longdate} <vrij|>.",
        "Hoi {first}, kun je {first} voor {weekday} bellen?", "Bezorgen bij {full}, {address}.", "\"We zijn blij\", zei {full}, {job} bij {org}.", "De trein van {place} naar {place} had vertraging.", "Ik heet {full} en woon aan de {address}.",
    ),
    "pt": (
        "{full} (falecido em {place}, {longdate}) foi um <compositor|médico|arquiteto> {nat}.", "A {org} <anunciou|confirmou> na {weekday} que {titled} deixará o cargo.", "Entre {year} e {year}, {last} trabalhou na {org} em {place}.", "O tribunal de {place} <condenou|absolveu> {full} em {longdate}.",
        "Oi {first}, você pode avisar {first} até {weekday}?", "Entregar a {full}, {address}.", "\"Estamos felizes\", disse {full}, {job} da {org}.", "O comboio de {place} para {place} atrasou-se.", "Chamo-me {full} e moro na {address}.",
    ),
    "pl": (
        "{full} (zm. {longdate} w {place}) – {nat} <kompozytor|lekarz|architekt>.", "{org} <ogłosiła|potwierdziła>, że {titled} odejdzie w {year} roku.", "W latach {year}–{year} {last} pracował w {org}.", "Sąd Okręgowy w {place} <skazał|uniewinnił> {full} dnia {longdate}.",
        "Cześć {first}, czy możesz zadzwonić do {first}?", "Dostawa: {full}, {address}.", "„Cieszymy się” – powiedziała {full}, {job} w {org}.", "Pociąg z {place} do {place} był opóźniony.", "Nazywam się {full}, mieszkam pod adresem {address}.",
    ),
}  # fmt: skip
