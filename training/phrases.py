"""Sentences of our own, by kind of text and language, in the notation of `grammar`. Each was written for this file."""

PROSE = {
    "en": (
        "{full} <was|is> a <{nat} |><writer|painter|footballer|engineer|{job}|politician|scientist|actress>< born in {place}|>< who worked for {org}|>.",
        "{full} (born {longdate}< in {place}|>) is a {nat} <former |><singer|lawyer|cyclist|composer|chemist>.",
        "Born in {place} in {year}, {full} <studied|taught|worked> at {org} <until {year}|before moving to {place}>.",
        "{again} <married|met|succeeded|was followed by> {full} in {year}<, and they had two children, {first} and {first}|>.",
        "In {longdate}, {again} <joined|left|founded|was appointed to the board of> {org}.",
        "After <graduating from|leaving> {org}, {first} moved to {place}, where <he|she> <opened a {noun} shop|took a post with {org}>.",
        "{titled} <told reporters|said|announced> on {weekday} that {org} would <close|open|sell> its <plant|office|branch> in {place}.",
        "{org} said <on {weekday} |>it <will|would> buy {org} for {money}<, according to {full}, a {job} at {org}|>.",
        "Shares in {org} <rose|fell> {num} <after|before> the results were published in {month}.",
        "The <{nat} |>government <has denied|denied> that {full} <visited|travelled to> {place} <in {longdate}|last week>.",
        "{place}, {longdate} - {full} <won|lost> the <final|match> against {full} <in {place}|by {num} points>.",
        "{org} <beat|drew with|lost to> {org} {num} on {weekday} night, with {last} and {last} scoring.",
        "The applicant, {titled}, is a {nat} national who was born in {year} and lives in {place}.",
        "On {longdate} the {org} <dismissed|allowed|adjourned> the appeal lodged by {titled}<, represented by {titled}, a lawyer practising in {place}|>.",
        "The case originated in an application (no. {id}) against {country} lodged by {titled} on {longdate}.",
        "{titled} was arrested in {place} on {longdate} and <detained|questioned> by officers of {org}.",
        "The witness, {full}, aged {age}, <stated|testified> that <he|she> had seen {again} near {street}.",
        "{full}, {age}, of {place}, <was charged|pleaded guilty|was sentenced> <on {weekday}|in {month}>.",
        "A {age}-year-old <man|woman> from {place} was taken to {org} with {med}.",
        "The novel {work} by {full} was published by {org} in {year}.",
        "{work} is the {adj} album by {org}, released on {longdate}.",
        "Directed by {full}, {work} stars {full}, {full} and {full}.",
        "{full} and {full} <wrote|presented|recorded> {work} <together|in {place}>.",
        "<Critics|Readers> compared {last} with {full} and {full}.",
        "The {noun} stands <near|north of|in> {place}<, {num} km from {place}|>.",
        "<He|She> grew up in {place} and <later |>lived in {place}, {place} and {place}.",
        "The <company|firm|agency>, <based|headquartered> in {place}, employs {num} people in {country} and {country}.",
        "{org} and {org} <signed an agreement|merged> in {year}.",
        "{last} <resigned|retired|died> <in {longdate}|at the age of {age}|on {longdate} in {place}>.",
        "{nat} <voters|farmers|students> <met|protested> in {place} on {longdate}.",
        "It was not until {year} that {last}'s <work|idea|paper> was <noticed|translated into {nat}>.",
        "<The chairman of {org}, {full},|{full}, chair of {org},> <opened|closed> the <meeting|session>.",
        "<Mayor|Governor|Senator|Coach|Judge|Detective> {full} <did not comment|agreed|refused>.",
    ),
    "de": (
        "{full} (* {longdate} in {place}) ist <ein|eine> {nat} <Schriftsteller|Malerin|Ingenieur|Politikerin>.",
        "{titled} <wohnt|lebt> in {place} und arbeitet <seit {year} |>bei {org}<als {job}|>.",
        "Der Kläger, {titled}, geboren am {date} in {place}, <beantragt|erhob> <die Zulassung|Klage>.",
        "Wie {org} am {weekday} mitteilte, <übernimmt|verlässt> {full} <den Standort|das Werk> in {place}.",
        "{first} und {first} treffen sich am {date} in {place}.", "Sehr geehrte<r|> {titled}, <vielen Dank für|wir bestätigen> Ihre Anfrage vom {date}.",
        "Die Wohnung in der {address} wird am {longdate} übergeben.", "Bitte senden Sie die Unterlagen an {full}, {address}.", "Der Patient {full}, {age} Jahre alt, leidet an {med}.",
        "{full} studierte an der {org} und zog {year} nach {place}.", "Der Tisch, die Lampe und das Buch sind neu.", "Im {month} ist das Büro geschlossen.", "{org} und {org} <fusionieren|kooperieren> in {country}.",
    ),
    "fr": (
        "{full}, né<e|> le {longdate} à {place}, est <un|une> <écrivain|peintre|avocate> {nat}.", "{titled} habite {place} et travaille chez {org}<comme {job}|>.", "Le requérant, {titled}, est né en {year} et réside à {place}.",
        "{org} a annoncé {weekday} le départ de {full}.", "{first} et {first} se retrouvent à {place} le {date}.", "Bonjour {first}, <merci pour|j'ai bien reçu> votre message du {date}.", "Veuillez envoyer le colis à {full}, {address}.",
        "Le patient {full}, {age} ans, souffre de {med}.", "Après ses études à l'{org}, {again} s'installe à {place}.", "Le rapport sera publié en {month}.", "{org} et {org} signent un accord à {place}.", "La table et la lampe sont dans la cuisine.", "Domicilié <au|> {address}.",
    ),
    "es": (
        "{full} (nacido el {longdate} en {place}) es un <escritor|pintor|abogado> {nat}.", "{titled} vive en {place} y trabaja en {org}.", "El demandante, {titled}, con domicilio en {address}, presentó el recurso el {date}.",
        "{org} anunció el {weekday} la salida de {full}.", "{first} y {first} se reúnen en {place} el {date}.", "Hola {first}, <gracias por|he recibido> tu mensaje del {date}.", "Enviar el paquete a {full}, {address}.", "La paciente {full}, de {age} años, padece {med}.",
        "Tras estudiar en la {org}, {again} se trasladó a {place}.", "La reunión será en {month}.", "La mesa y la silla están en la cocina.", "{org} compró {org} por {money}.",
    ),
    "it": (
        "{full} (nato a {place} il {longdate}) è un <pittore|giurista|calciatore> {nat}.", "{titled} abita a {place} e lavora per {org}.", "Il ricorrente, {titled}, residente in {address}, ha presentato ricorso il {date}.", "{org} ha annunciato {weekday} l'arrivo di {full}.",
        "{first} e {first} si incontrano a {place} il {date}.", "Ciao {first}, grazie per il messaggio del {date}.", "Spedire a {full}, {address}.", "Il paziente {full}, {age} anni, soffre di {med}.", "La riunione si terrà in {month}.", "Il tavolo e la sedia sono in cucina.",
    ),
    "nl": (
        "{full} (geboren op {longdate} in {place}) is een {nat} <schrijver|schilder|arts>.", "{titled} woont in {place} en werkt bij {org}.", "De eiser, {titled}, wonende te {address}, heeft op {date} beroep ingesteld.", "{org} maakte {weekday} bekend dat {full} vertrekt.",
        "{first} en {first} ontmoeten elkaar op {date} in {place}.", "Beste {first}, bedankt voor je bericht van {date}.", "Stuur het pakket naar {full}, {address}.", "Patiënt {full}, {age} jaar, heeft {med}.", "De vergadering is in {month}.", "De tafel en de stoel staan in de keuken.",
    ),
    "pt": (
        "{full} (nascido em {place}, {longdate}) é um <escritor|pintor|advogado> {nat}.", "{titled} mora em {place} e trabalha na {org}.", "O requerente, {titled}, residente na {address}, apresentou recurso em {date}.", "A {org} anunciou na {weekday} a saída de {full}.",
        "{first} e {first} encontram-se em {place} em {date}.", "Olá {first}, obrigado pela mensagem de {date}.", "Enviar para {full}, {address}.", "A paciente {full}, {age} anos, tem {med}.", "A reunião será em {month}.", "A mesa e a cadeira estão na cozinha.",
    ),
    "pl": (
        "{full} (ur. {longdate} w {place}) – {nat} <pisarz|malarz|prawnik>.", "{titled} mieszka w {place} i pracuje w {org}.", "Skarżący, {titled}, zamieszkały: {address}, wniósł skargę dnia {date}.", "{org} ogłosiła, że {full} odchodzi.", "{first} i {first} spotykają się w {place} {date}.",
        "Cześć {first}, dziękuję za wiadomość z {date}.", "Proszę wysłać paczkę na adres: {full}, {address}.", "Pacjent {full}, lat {age}, choruje na: {med}.", "Spotkanie odbędzie się w czerwcu.", "Stół i krzesło są w kuchni.",
    ),
}  # fmt: skip

CHAT = (
    "hey {first}, <are you coming|u coming> to {place} <on {weekday}|tomorrow|tonight>?", "lol {first} said {org} is hiring again", "<omg|wow|ok> just saw {full} at {place} airport!!", "RT {handle}: {full} <is back|was right> #<{noun}|{code}>",
    "{handle} {handle} <thanks|happy birthday> {first} <:)|xx|>", "who else is watching {org} tonight", "can someone from {org} look at this? {first} is away until {date}", "my name is {full} and i <live in|am from> {place}",
    "call me {first}, everyone does", "i moved from {place} to {place} in {year}", "<she|he> is {age} and has {med}", "{first}: did you send it?\n{first}: not yet, asking {first}", "love {work} by {full} <so much|!!>", "im at {org} w/ {first} and {first}",
    "{weekday} again :( <need coffee|no sleep>", "good morning <world|everyone>, it is {num} degrees", "why is my {brand} so slow", "will you be there in <may|june|august>?", "the rose in the garden is <red|white>", "mark my words, the bill will be <high|late>",
    "<may|might> be worth a try", "hope for the best", "grace and faith and joy are what we need", "a robin and a jay sat on the <olive|hazel> tree", "turkey sandwiches and china plates <again|>", "User {user} <joined|left> the channel", "this is {first} from {org}, <how can i help|is this a good time>?",
    "please update my address to {address}", "I'd like to order {num} {nouns} to {address}", "Ship to: {address}", "my new address is {address}, moved in on {date}", "i am turning {age} <on {longdate}|next month>", "{full} here, my account is {id} and my phone is {phone}",
)  # fmt: skip

FORMS = (
    "Name: {full}\nAddress: {address}\nDate of birth: {date}\nPhone: {phone}", "First name: {first}\nLast name: {last}\nCity: {place}\nE-mail: {mail}", "Patient: {full}, MRN: {id}, DOB: {date}.\n<Diagnosis|Indication>: {med}\nPhysician: {titled}",
    "Employee ID: {id}\nEmployee: {listed}\nPosition: {job}\nStart date: {date}", "Invoice {id}\nBill to: {org}\n{address}\nDue: {date}\nTotal: {money}", "To: {full} <{mail}>\nFrom: {full} <{mail}>\nDate: {isodate}\nSubject: {adj} {noun} for {org}",
    "Dear {titled},\n\nThank you for your letter of {longdate}.\n\n<Kind regards|Best wishes|Yours sincerely>,\n{full}\n{job}, {org}\n{address}\nT {phone}", "Hi {first},\n\nthe {noun} is ready. Could you ask {first} to <sign|check> it by {weekday}?\n\n<Thanks|Best|Cheers>,\n{first}",
    "Minutes, {longdate}\nPresent: {full}, {full}, {full} ({org})\nApologies: {titled}\n1. {first} reported on the {adj} {noun}.\nAction: {first} to write to {org} by {date}.", "Shipping label\n{full}\n{address}", "{full}\n{job}\n{org}\n{address}\n{mail} | {phone}",
    "CURRICULUM VITAE\n{full}\nBorn: {date} in {place}\nNationality: {nat}\n{year} - {year}: {job}, {org}, {place}\n{year} - {year}: student, {org}", "Account holder: {full}; account {id}; branch: {place}", "Vorname: {first}\nNachname: {last}\nAnschrift: {address}\nGeburtsdatum: {date}",
    "Nom : {last}\nPrénom : {first}\nAdresse : {address}\nNé(e) le : {date} à {place}", "Nombre: {full}\nDomicilio: {address}\nFecha de nacimiento: {date}", "Nome: {first}\nCognome: {last}\nIndirizzo: {address}", "Naam: {full}\nAdres: {address}\nGeboortedatum: {date}",
    "Nome: {full}\nEndereço: {address}\nData de nascimento: {date}", "Imię i nazwisko: {full}\nAdres: {address}\nData urodzenia: {date}", "Customer\tCity\tOrder\tDate\n{full}\t{place}\t{id}\t{isodate}\n{full}\t{place}\t{id}\t{isodate}", "{listed}; {age}; {place}; {job}\n{listed}; {age}; {place}; {job}",
    "name,city,company\n{full},{place},{org}\n{full},{place},{org}", "| Name | Role | Since |\n|---|---|---|\n| {full} | {job} | {year} |\n| {full} | {job} | {year} |", "Passport no. {id}, issued {date}, holder {listed}, nationality {nat}", "Ticket #{num}\nReporter: {first}\nAssignee: {user}\nThe {noun} of {org} is <down|slow> since {time}.",
    "Emergency contact: {full} ({phone})", "Next of kin: {full}, {address}", "THIS AGREEMENT is made on {longdate} between {org} (\"the Seller\"), of {address}, and {full} (\"the Buyer\").", "Medical history: {med}, {med}. Allergies: none. Seen by {titled} at {org} on {date}.", "Signed,\n{full}\n{place}, {date}",
    "How can we reach you? {full}, {phone}", "The address of {org} is {address}", "{full}'s office is at {address}.", "I used to work for {org} as <a|an> {job}", "{first} {last} lives at {street}", "Mr and Mrs {last}\n{address}", "Card holder: {full}, valid until {date}",
)  # fmt: skip

MACHINE = (
    '{"user": "{full}", "city": "{place}", "created": "{isodate}", "id": {num}}', '{"first_name": "{first}", "last_name": "{last}", "username": "{user}", "active": true}', '{"name": "{code}", "type": "{noun}", "version": "{num}", "hash": "{hex}"}',
    "INSERT INTO users (name, city) VALUES ('{full}', '{place}');", "SELECT {code}, {code} FROM {nouns} WHERE {code} = '{hex}' ORDER BY created_at DESC LIMIT {num};", "UPDATE {nouns} SET {code} = {num} WHERE id = {num};", "{isodate} INFO [{code}] user {user} logged in from 10.0.{num}",
    "{isodate} ERROR {code}: Connection refused (attempt {num})", "{isodate} WARN worker-{num} {code} took {num} ms", "[{isodate}] {full} updated profile. Email: {mail}", "def {code}({code}, {code}=None):\n    return {code}.{code}({num})", "public class {code} extends {code} { private final String {code}; }",
    "import { {code} } from './{code}';", "Deployed to S3, EC2 and EKS in us-east-1; CloudWatch alarm {code} cleared.", "kubectl get pods -n {code} | grep {hex}", "Author: {full} <{mail}>", "commit {hex}\nAuthor: {full} <{mail}>\nDate: {isodate}\n\n    Fix {code} in {code}", "docker run -p {num}:{num} {code}:{num}",
    "GET /api/v{num}/{nouns}/{hex} 200 {num}ms", "<dependency><groupId>org.{code}</groupId><artifactId>{code}</artifactId></dependency>", "AWS Lambda, Azure Functions, Kubernetes, Redis, Kafka, Jenkins and Docker are supported.", "TypeError: Cannot read properties of undefined (reading '{code}')", "# Config for {full}\nDB_USER = \"{user}\"\nHOST = \"{code}\"",
    "{code}: {num}\n{code}: {num}\n{code}: true", "TODO({user}): rename {code}", "Test {code} PASSED in {num}s", "Java, Python, Rust, Swift, Ruby, Julia, Ada and Pascal are programming languages.", "user={user} action=login ip=192.168.{num} status=ok", "at com.{code}.{code}.{code}({code}.java:{num})",
    "Total\tNet\tTax\tGross\n{num}\t{num}\t{num}\t{num}", "{hex} {hex} {hex} {num}", "Server: nginx\nContent-Type: text/html\nX-Request-Id: {hex}", "Fetching {code}@{num}... done", "{isodate} Alert for {full}: login from a new device",
)  # fmt: skip

TABLES = (
    "{num}. {full} ({country}) {num}\n{num}. {full} ({country}) {num}\n{num}. {full} ({country}) {num}", "{org} {num} {org} {num}\n{org} {num} {org} {num}", "{place} {isodate}", "{place} {num} {place} {num}",
    "Scorers: {last} ({num}), {last} ({num} pen)", "{last} {num} {last} {num} {last} not out {num}", "{full} ({country}) <beat|bt> {full} ({country}) {num}-{num} {num}-{num}", "Standings: {org} {num} {num} {num}, {org} {num} {num} {num}",
    "{weekday}: {org} v {org}, {place}", "{country} - {first} {last}, {first} {last}, {last}, {last}", "{full}; {full}; {full}; {full}", "{place} | {num} | {num}\n{place} | {num} | {num}", "{org}\t{place}\t{money}\n{org}\t{place}\t{money}",
    "Winner: {full}, {age}, {place}", "{place} at {place}\n{org} at {org}", "- {full}, {org}\n- {full}, {org}\n- {full}, {org}", "Cast: {full} as {first}, {full} as {titled}", "References: {last}, {first}. {work}. {place}: {org}, {year}.",
)  # fmt: skip

NOTHING = (
    "The {adj} {noun} is <near|behind|under> the {adj} {noun}.", "The Quick Guide to {adj} {nouns}", "Terms and Conditions", "Table of Contents", "Annual Report", "Please read the Instructions before using the {noun}.", "How do I <open|close|replace> the {noun}?",
    "<The|A> {noun} of <the |>{noun} costs {money}.", "Chapter {num}: The {noun}", "Key Findings and Next Steps", "Frequently Asked Questions", "Will the {noun} be ready? It may be.", "Bill and mark the {nouns} before you send them.", "The Article {num} of the Convention and Section {num} of the Act apply.",
    "Figure {num} shows the {adj} {noun} beside the {noun}.", "Order Status: Shipped", "Net Income, Gross Margin and Operating Costs", "<Oak|Maple|Cherry|Willow|Hazel|Ivy|Lily|Daisy|Violet> <trees|flowers|leaves> need water.", "The <lion|wolf|robin|jay|falcon|buck> was seen near the {noun}.",
    "Introduction\nMethods\nResults\nDiscussion", "Dear Sir or Madam,\n\nplease find the {noun} attached.", "Dear Customer,\n\nyour {noun} has been shipped.", "Yes, that works. Thank you!", "What is the difference between a {noun} and a {noun}?", "Version {num} of the {noun} adds {num} {nouns}.",
    "Department Name Amount Status Total", "First Name / Last Name / Date of Birth", "Grand Total", "The Court holds that there has been no violation of Article {num}.", "Save Changes  Cancel  Delete Account", "Wi-Fi, Bluetooth, USB and HDMI are included.", "The Committee agreed that the Chair should write to the Board.", "<Good|Bad> {noun}, <good|bad> {noun}. I would buy it again.",
    "Let me know if you have any questions.", "It costs {money}, which is {num} more than before.", "Mix the flour with the butter, add salt and bake for {num} minutes.", "<Happy|Merry> <New Year|Christmas|Easter>!", "Section {num}. Definitions.", "Page {num} of {num}", "Call us on {phone} or write to {mail}.",
)  # fmt: skip
