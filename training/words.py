"""Plain words, by kind and language, to make sentences with."""

MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "pl": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
}
WEEKDAYS = {
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "de": "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
    "fr": "lundi mardi mercredi jeudi vendredi samedi dimanche",
    "es": "lunes martes miércoles jueves viernes sábado domingo",
    "it": "lunedì martedì mercoledì giovedì venerdì sabato domenica",
    "nl": "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag",
    "pt": "segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado domingo",
    "pl": "poniedziałek wtorek środa czwartek piątek sobota niedziela",
}
TITLES = {
    "en": "Mr|Mr.|Mrs|Mrs.|Ms|Ms.|Dr|Dr.|Prof.|Professor|Sir|Judge|Captain|Sgt.|Senator|President|Rev.|Mayor|Governor|Coach",
    "de": "Herr|Frau|Dr.|Prof.|Prof. Dr.|Herrn|Frau Dr.|Herr Dr.|Herrn Dr.|Frau Prof. Dr.|Rechtsanwältin|Rechtsanwalt|Frau|Bürgermeister|Richter", "fr": "M.|Mme|Mlle|Dr|le Dr|la docteure|Me|Me|Monsieur|Madame|le docteur|le président",
    "es": "Sr.|Sra.|la doctora|el doctor|D.|D.ª|Don|Doña|Dr.|Dra.|el señor|la señora|el presidente", "it": "Sig.|Sig.ra|il dott.|la dott.ssa|signora|Dott.|Dott.ssa|Avv.|il signor|la signora|Ing.",
    "nl": "dhr.|mevr.|mr.|drs.|mevrouw dr.|de heer|mevrouw|dr.|prof.|meneer", "pt": "Sr.|Sra.|Dr.|Dra.|o senhor|a senhora|Dom|Eng.", "pl": "pan|pani|pan dr|pani doktor|Pan|Pani|dr|prof.|mec.|inż.",
}  # fmt: skip
DEMONYMS = {
    "en": "American British French German Spanish Italian Dutch Polish Portuguese Irish Scottish Welsh Swedish Norwegian Danish Finnish Russian Ukrainian Czech Slovak Slovenian "
    "Hungarian Romanian Bulgarian Greek Turkish Kurdish Iranian Iraqi Syrian Lebanese Israeli Palestinian Egyptian Moroccan Algerian Tunisian Nigerian Kenyan Ethiopian Ghanaian "
    "Somali Indian Pakistani Bangladeshi Nepali Chinese Japanese Korean Vietnamese Thai Filipino Indonesian Malaysian Australian Canadian Mexican Brazilian Argentine Chilean "
    "Colombian Peruvian Cuban Jamaican Croatian Serbian Bosnian Albanian Estonian Latvian Lithuanian Belgian Swiss Austrian Icelandic Maltese Cypriot Armenian Georgian European "
    "African Asian Arab Jewish Muslim Christian Catholic Protestant Buddhist Hindu Sikh Orthodox Republican Democrat Conservative Liberal Communist Socialist",
    "de": "deutsche französische spanische polnische türkische italienische katholische evangelische muslimische jüdische österreichische Schweizer amerikanische russische",
    "fr": "français française allemand espagnole italien marocain algérienne catholique musulman juive belge suisse américain sénégalais",
    "es": "español francesa alemán mexicana argentino chilena católico musulmana judío estadounidense peruano colombiana", "it": "italiano francese tedesca spagnolo cattolica albanese romena svizzero americana ebreo",
    "nl": "Nederlandse Duitse Franse Belgische Turkse Marokkaanse Spaanse Poolse Surinaamse katholieke", "pt": "brasileiro portuguesa francês alemã espanhol italiana católico angolana evangélica americano",
    "pl": "polski niemiecki francuska hiszpański ukraiński katolicki żydowski czeska amerykański rosyjska",
}  # fmt: skip
PLACES_AS_SAID = {
    "en": "London|Paris|New York|Washington|Berlin|Moscow|Tokyo|Beijing|Rome|Madrid|Chicago|Los Angeles|Boston|Sydney|Melbourne|Toronto|Dublin|Edinburgh|Manchester|Liverpool|Vienna|Prague|Warsaw|Brussels|Geneva|Munich|Cologne|California|Texas|Florida|Ontario|Bavaria",
    "de": "Deutschland|Österreich|Schweiz|Frankreich|Italien|Spanien|Polen|Türkei|Russland|Großbritannien|Niederlande|Belgien|Dänemark|Schweden|Ungarn|Tschechien|Griechenland|Ägypten|Brasilien|China|Japan|"
    "Köln|München|Wien|Zürich|Genf|Nürnberg|Düsseldorf|Münster|Göttingen|Tübingen|Hannover|Frankfurt|Brüssel|Mailand|Rom|Venedig|Prag|Warschau|Moskau|Bayern|Hessen|Sachsen|Thüringen|Baden-Württemberg|Nordrhein-Westfalen|Tirol|Südtirol|Kärnten|Europa|Afrika",
    "fr": "France|Belgique|Suisse|Allemagne|Espagne|Italie|Pays-Bas|Royaume-Uni|Angleterre|Pologne|Russie|Algérie|Maroc|Tunisie|Sénégal|Québec|États-Unis|Chine|Japon|Brésil|Londres|Bruxelles|Genève|Vienne|Moscou|Pékin|Bretagne|Normandie|Provence|Bourgogne|Île-de-France|Orléans|Béziers|Besançon|Liège|Montréal|Europe|Afrique",
    "es": "España|Francia|Alemania|Italia|Portugal|Inglaterra|Reino Unido|Estados Unidos|México|Perú|Argentina|Chile|Colombia|Brasil|Japón|China|Rusia|Marruecos|Cádiz|Málaga|Córdoba|León|San Sebastián|Ciudad de México|Bogotá|Londres|París|Roma|Bruselas|Cataluña|Andalucía|Aragón|País Vasco|Europa|África|América Latina",
    "it": "Italia|Francia|Germania|Spagna|Svizzera|Austria|Inghilterra|Regno Unito|Stati Uniti|Polonia|Russia|Cina|Giappone|Brasile|Egitto|Milano|Roma|Torino|Firenze|Venezia|Napoli|Genova|Bologna|Parigi|Londra|Berlino|Monaco di Baviera|Lombardia|Toscana|Sicilia|Sardegna|Puglia|Forlì|Cefalù|Europa|Africa",
    "nl": "Nederland|België|Duitsland|Frankrijk|Spanje|Italië|Engeland|Verenigd Koninkrijk|Zweden|Polen|Rusland|Turkije|Marokko|Suriname|Verenigde Staten|China|Den Haag|'s-Hertogenbosch|Antwerpen|Gent|Brugge|Luik|Brussel|Parijs|Londen|Berlijn|Keulen|Wenen|Rome|Friesland|Zeeland|Noord-Brabant|Limburg|Vlaanderen|Europa|Afrika",
    "pt": "Portugal|Brasil|Espanha|França|Alemanha|Itália|Inglaterra|Reino Unido|Estados Unidos|Angola|Moçambique|Cabo Verde|Japão|China|Rússia|Lisboa|Porto|Coimbra|Évora|Braga|São Paulo|Rio de Janeiro|Brasília|Belém|Goiânia|Maceió|Londres|Paris|Madrid|Minas Gerais|Bahia|Algarve|Alentejo|Europa|África",
    "pl": "Polska|Polsce|Polski|Niemcy|Niemczech|Francja|Francji|Hiszpania|Włochy|Włoszech|Anglia|Anglii|Rosja|Ukraina|Ukrainie|Czechy|Szwecja|Stany Zjednoczone|Chiny|Japonia|Warszawa|Warszawie|Kraków|Krakowie|Łódź|Łodzi|Wrocław|Wrocławiu|Poznań|Poznaniu|Gdańsk|Gdańsku|Białystok|Częstochowa|Londyn|Paryż|Berlinie|Śląsk|Mazury|Małopolska|Europa",
}  # fmt: skip
JOBS = {
    "en": "software engineer|nurse|accountant|primary school teacher|school-teacher|farmer|taxi driver|prison officer|bricklayer|shop assistant|bank clerk|mechanic|widow|student|housewife|pensioner|businessman|army officer|sales manager|teacher|lawyer|project manager|Chief Executive Officer|CFO|head of marketing|data analyst|plumber|electrician|HR specialist|"
    "graphic designer|civil engineer|pharmacist|police officer|journalist|research assistant|truck driver|operations manager|product designer|Senior Account Executive|general counsel|surgeon",
    "de": "Geschäftsführer|Buchhalterin|Krankenschwester|Lehrer|Rechtsanwältin|Ingenieur|Vertriebsleiter|Tischler|Ärztin", "fr": "comptable|infirmière|directeur commercial|avocate|ingénieur|enseignant|chef de projet",
    "es": "contable|enfermera|abogado|profesora|ingeniero|jefe de ventas|periodista", "it": "ragioniere|infermiera|avvocato|insegnante|ingegnere|direttore generale", "nl": "boekhouder|verpleegkundige|advocaat|leraar|projectleider|huisarts",
    "pt": "contador|enfermeira|advogado|professora|engenheiro|gerente de vendas", "pl": "księgowa|pielęgniarka|adwokat|nauczyciel|inżynier|dyrektor handlowy",
}  # fmt: skip
MEDICAL = {
    "en": "type 2 diabetes|hypertension|asthma|chronic bronchitis|migraine|major depressive disorder|anxiety disorder|breast cancer|HIV|hepatitis B|atrial fibrillation|pneumonia|osteoarthritis|"
    "schizophrenia|epilepsy|appendicitis|anaemia|metformin 500mg|lisinopril|ibuprofen 400 mg|amoxicillin|sertraline 50 mg|warfarin|hip replacement|chemotherapy|MRI of the lumbar spine|colonoscopy",
    "de": "Diabetes mellitus|Bluthochdruck|Asthma|Depression|Lungenentzündung|Brustkrebs|Metformin", "fr": "diabète de type 2|hypertension|asthme|dépression|pneumonie|cancer du sein|paracétamol", "es": "diabetes|hipertensión|asma|depresión|neumonía|cáncer de mama|ibuprofeno",
    "it": "diabete|ipertensione|asma|depressione|polmonite|tumore al seno", "nl": "diabetes|hoge bloeddruk|astma|depressie|longontsteking", "pt": "diabetes|hipertensão|asma|depressão|pneumonia", "pl": "cukrzyca|nadciśnienie|astma|depresja|zapalenie płuc",
}  # fmt: skip
ADJECTIVES = "new old red blue green quiet early late public private local global annual strong open bright small large first second final broken simple steady golden silver northern digital modern united central advanced clear".split()
NOUNS = (
    "river garden house market report engine bridge window paper river stone forest cloud harbor signal table budget meeting ticket invoice server printer battery dinner train contract "
    "album concert season match coach goal chapter lesson recipe warehouse shipment camera device cable screen door kitchen office road school hospital library museum theatre tree flower dog horse cat bird wolf lion eagle"
).split()
BRAND_WORDS = "Blue Harbor North Star Silver Oak Summit Pioneer Vertex Nova Apex Quantum Delta Horizon Atlas Orion Phoenix Evergreen Granite Lumen Cobalt Crescent Sterling Beacon Redwood Iron Solar Stellar Prime Pacific Atlantic Global United First National General Standard".split()
INDUSTRY = "Systems Technologies Software Energy Foods Logistics Partners Capital Holdings Insurance Pharma Laboratories Media Studios Motors Airlines Bank Financial Consulting Industries Networks Solutions Group Foundation Records Press Robotics Analytics Health Labs".split()
COMPANY_FORMS = {
    "en": "Inc.|Inc|LLC|Ltd|Ltd.|Corp.|Corporation|PLC|LLP|& Co.|Group|Pty Ltd", "de": "GmbH|AG|KG|GmbH & Co. KG|e.V.|UG|SE", "fr": "SA|SARL|SAS|SNC", "es": "S.A.|S.L.|S.A. de C.V.|S.L.U.", "it": "S.p.A.|S.r.l.|s.n.c.",
    "nl": "B.V.|N.V.|V.O.F.", "pt": "Ltda|S.A.|Ltda.|Lda.", "pl": "Sp. z o.o.|S.A.|sp.k.",
}  # fmt: skip
INSTITUTIONS = {
    "en": "University of {p}|{p} University|{p} City Council|{p} General Hospital|{p} Police Department|Bank of {p}|{p} Herald|The {p} Times|{p} United|{p} FC|{p} Hawks|{p} Rovers|{p} Chamber of Commerce|{p} High School|"
    "Ministry of Finance|Department of Transportation|Supreme Court of {p}|{p} Symphony Orchestra|National Institute of Health|{p} Airlines|{p} Historical Society|{l} Foundation|St. {f}'s Hospital|{l} College|Church of {f}|{l} Museum",
    "de": "Universität {p}|Stadtwerke {p}|Landgericht {p}|Sparkasse {p}|FC {p}|Klinikum {p}|Amtsgericht {p}|Volksbank {p}|TSV {p}|Bundesministerium der Finanzen", "fr": "Université de {p}|Mairie de {p}|Tribunal judiciaire de {p}|Banque de {p}|Lycée {f} {l}|CHU de {p}|Olympique de {p}",
    "es": "Universidad de {p}|Ayuntamiento de {p}|Banco de {p}|Hospital {f} {l}|Real {p}|Juzgado de {p}", "it": "Università di {p}|Comune di {p}|Banca di {p}|Tribunale di {p}|Ospedale {f} {l}|AC {p}", "nl": "Universiteit {p}|Gemeente {p}|Rechtbank {p}|{p} Ziekenhuis|FC {p}",
    "pt": "Universidade de {p}|Prefeitura de {p}|Banco de {p}|Tribunal de {p}|Câmara Municipal de {p}", "pl": "Uniwersytet w {p}|Sąd Rejonowy w {p}|Urząd Miasta {p}|Szpital w {p}|Bank {p}",
}  # fmt: skip
PARTS_OF_PLACES = {
    "en": "Lake {l}|Mount {l}|{l} River|River {l}|North {p}|South {p}|East {p}|West {p}|{l} County|{l} Park|{p} Airport|{l} Bridge|{p} Bay|{l} Square|Port {l}|Fort {l}|{l} Valley|{l} Hills|Cape {l}|{l} Island|Saint {f}|St. {f}|New {p}|{p} Station",
    "de": "Bad {p}|{l}platz|{p} Hauptbahnhof|Landkreis {p}", "fr": "Saint-{f}|place {l}|gare de {p}|lac de {p}", "es": "San {f}|Santa {f}|plaza {l}|Puerto {l}", "it": "San {f}|piazza {l}|Monte {l}|lago di {p}", "nl": "station {p}|{l}plein", "pt": "São {f}|praça {l}|Porto {l}", "pl": "plac {l}|Nowa {p}",
}  # fmt: skip
STREETS = {
    "en": "{l} Street|{l} St|{l} St.|{l} Avenue|{l} Ave|{l} Road|{l} Rd|{l} Lane|{l} Ln|{l} Drive|{l} Dr.|{l} Blvd|Main St|Oak Avenue|Church Road|High Street|{f} Court|{l} Way|{l} Close|{l} Terrace|{n}th Street|Station Rd|{l} Crescent|{l} Parkway|E {n}th St|{l} Place",
    "de": "{l}straße|{l}str.|{l}weg|{l}allee|{l}platz|Hauptstraße|Am {l}berg|Bahnhofstr.|{f}-{l}-Straße|Ringstrasse|{l}gasse", "fr": "rue {f} {l}|avenue {l}|boulevard {l}|place de {p}|rue de la Gare|impasse {l}|chemin de {p}|Rue {l}",
    "es": "Calle {l}|C/ {l}|Avenida {l}|Av. {l}|Plaza {l}|Paseo de {p}|Calle {f} {l}|Callejón {l}", "it": "Via {l}|Viale {l}|Piazza {l}|Corso {f} {l}|Via {f} {l}|Strada {l}", "nl": "{l}straat|{l}laan|{l}weg|Kerkstraat|{l}plein|{l}gracht|Dorpsstraat",
    "pt": "Rua {l}|Avenida {l}|Av. {f} {l}|Travessa {l}|Praça {l}|R. {f} {l}|Alameda {l}", "pl": "ul. {l}|ul. {f} {l}|al. {l}|os. {l}|pl. {l}|ulica {l}",
}  # fmt: skip
