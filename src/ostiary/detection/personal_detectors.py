"""What leads to a person: ways to reach them, their money, their machines, their papers."""

from dataclasses import replace

from ostiary.detection import european, keccak, national, validity
from ostiary.detection.dates import NUMERIC, WRITTEN
from ostiary.detection.detector import Detector, form, named, national_id

_PHONE_NAMES = (
    "phone|telephone|tel|telefon|telefono|telefone|telephone number|mobile|mobil|handy|cell|cellphone|cellular|celular|cellulare|movil|portable|"
    "fax|whatsapp|sms|call|call me|call us|text me|dial|ring|contact number|contact no|reach me|reach us|hotline|msisdn|telefoon|puhelin|"
    "telefonnummer|rufnummer|numero de tel|phone_number|landline|voicemail|pager|gsm|telegram|signal|viber|answering at|my number|number is|messages to|registered number|facsimile|contact|office number"
)
_PHONE_WORDS = tuple(_PHONE_NAMES.split("|"))
_BIRTH = (
    r"(?i:\b(?:dob|d\.o\.b\.?|date[ _]of[ _]birth|birth[ _]?date|birthday|born(?: on| in [A-Z][a-z]+,?(?: on)?)?|geboren(?: am)?|geburtsdatum|geb\.|"
    r"date de naissance|nee? le|nacid[oa](?: el)?|fecha de nacimiento|data di nascita|nat[oa] il|data de nascimento|nascid[oa] em|geboortedatum|"
    r"fodelsedatum|fodselsdato|syntymaaika|data urodzenia|urodzon[ya])\b[\"']?)[^0-9A-Za-z]{0,12}(?:A: )?(?:is |was |on |the |am |le |el |il )?"
)
_DAY = rf"(?:{NUMERIC}|{WRITTEN}|\d{{1,4}}[-/. ]\d{{1,2}}[-/. ]\d{{1,4}}|\d{{8}}\b)"

_EMAIL_LOCAL = r"[A-Za-z0-9_\xe9](?:[A-Za-z0-9_\xe9.+\-'%&/=?^{|}~!#$*]{0,62}[A-Za-z0-9_\xe9+\-=~$*])?"
_DOMAIN = r"(?:[A-Za-z0-9\xe9\xa4](?:[A-Za-z0-9\xe9\xa4\-]{0,61}[A-Za-z0-9\xe9\xa4])?\.){1,6}(?:[A-Za-z\xe9\xa4]{2,24}|xn--[A-Za-z0-9\-]{2,40})"
_IPV6 = (
    r"(?i:(?P<v>(?:(?:[0-9a-f]{0,4}:){2,7}\d{1,3}(?:\.\d{1,3}){3}|(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|(?:[0-9a-f]{1,4}:){1,6}(?::[0-9a-f]{1,4}){1,6}|"
    r"::(?:[0-9a-f]{1,4}:){0,6}[0-9a-f]{1,4}|(?:[0-9a-f]{1,4}:){1,7}:|::)(?:%[0-9a-z]{1,15})?(?:/\d{1,3}\b)?)(?:$|[^0-9a-z:]|:$|:[^0-9a-z:]))"
)
"""As RFC 4291 writes them, with a zone (RFC 4007) and a prefix length, up to what cannot go on an address."""

_CARD_WORDS = (
    "card",
    "visa",
    "mastercard",
    "amex",
    "credit",
    "debit",
    "karte",
    "carte",
    "tarjeta",
    "cartao",
    "carta",
    "pan",
)
_AT = "(?:at|arroba|chiocciola|malpa|aet)"
_AT_ELSEWHERE = "(?:arroba|chiocciola|malpa)"
_DOT = "(?:dot|punkt|punto|point|ponto|punt|kropka)"
_TLD = "com|org|net|edu|gov|info|io|co|eu|de|fr|es|it|nl|pt|pl|uk|us|ca|au|in|br|ng|example"
_IBAN_COUNTRY = "|".join(f"{code[0]}[ .\\-_]?{code[1]}" for code in validity.IBAN_LENGTHS)

DETECTORS: tuple[Detector, ...] = (
    # Ways to reach a person
    Detector("e-mail address", "email", "", _EMAIL_LOCAL + r"(?:@|%40|=40|\\(?:u00|x)40)" + _DOMAIN, validity.email, (), 0.95),
    Detector(
        "e-mail address spelled out",
        "email",
        "",
        r"(?i:\b[a-z0-9_.+\-]{1,64} ?[\[({<] ?at ?[\])}>] ?[a-z0-9\-]{1,63}(?:(?: ?[\[({<] ?dot ?[\])}>] ?|\.)[a-z0-9\-]{2,24}){1,4}\b)",
        None,
        (),
        0.85,
    ),
    Detector(
        "e-mail address in words",
        "email",
        "",
        r"(?i:\b[a-z0-9_\-]{1,64}(?:(?: dot |\.)[a-z0-9_\-]{1,40}){0,3} at [a-z0-9\-]{1,63}(?: dot [a-z0-9\-]{2,40}){1,3}\b)",
        None,
        (),
        0.85,
    ),
    Detector(
        "e-mail address, joined by underscores",
        "email",
        "",
        r"(?i:\b[a-z0-9][a-z0-9.\-]{0,40}_at_[a-z0-9\-]{1,40}(?:_dot_[a-z0-9\-]{2,24}){1,3}\b)",
        None,
        (),
        0.85,
    ),
    Detector(
        "e-mail address, at in words",
        "email",
        "",
        r"(?i:\b[a-z0-9][a-z0-9._+\-]{1,63} at (?:[a-z0-9\-]{1,40}\.){1,3}(?:" + _TLD + r")\b)",
        None,
        ("email", "e-mail", "mail", "mailbox", "write to", "contact", "reach me", "address is"),
        0.2,
        reach=(30, 0),
    ),
    Detector(
        "e-mail address, its signs in words between marks",
        "email",
        "",
        rf"(?i:\b[a-z0-9][a-z0-9._+\-]{{0,63}}(?: ?[\[({{<*|\"'=~#]{{1,2}} ?{_AT} ?[\])}}>*|\"'=~#]{{1,2}} ?[a-z0-9\-]{{1,63}}(?:(?:[^a-z0-9]{{1,3}}{_DOT}[^a-z0-9]{{1,3}}|\.)[a-z0-9\-]{{2,40}}){{1,4}}"
        rf"|(?: ?[/_\-] ?{_AT} ?[/_\-] ?| {_AT_ELSEWHERE} )[a-z0-9\-]{{1,63}}?(?: ?[/_\-]? ?{_DOT} ?[/_\-]? ?[a-z0-9]{{2,40}}){{1,4}})\b)",
        None,
        (),
        0.8,
    ),
    Detector(
        "e-mail address, (a) for its sign",
        "email",
        "",
        rf"(?i:\b[a-z0-9][a-z0-9._+\-]{{1,63}} ?[\[(]a[\])] ?(?:[a-z0-9\-]{{1,40}}\.){{1,3}}(?:{_TLD})\b)",
        None,
        (),
        0.8,
    ),
    Detector(
        "e-mail address, broken after its sign",
        "email",
        "",
        _EMAIL_LOCAL + r"@\r?\n[> \t]{0,4}(?:[A-Za-z0-9\-]{1,40}\.){1,3}" + rf"(?:{_TLD})\b",
        None,
        (),
        0.8,
    ),
    Detector(
        "e-mail address, spaced",
        "email",
        "",
        r"(?i:\b[a-z0-9_\-]{1,64}(?: ?\. ?[a-z0-9_\-]{1,40}){0,3}(?: @ ?| ?@ )[a-z0-9\-]{1,63}(?: ?\. ?[a-z0-9\-]{2,40}){0,3} ?\. ?(?:" + _TLD + r")\b)",
        None,
        (),
        0.7,
    ),
    Detector(
        "international phone number",
        "phone",
        "",
        r"(?:\+|\b[Pp]lus ) ?\(?\d(?:[ ().\-/]{0,3}\d){7,14}(?:(?i: ?(?:x|ext\.?|extension) ?)\d{1,6})?",
        validity.phone_international,
        _PHONE_WORDS,
        0.75,
        numeric=True,
    ),
    Detector(
        "international phone number with 00",
        "phone",
        "",
        r"\b00[1-9]\d{0,2}(?:[ ().\-/]{0,3}\d){6,13}(?:(?i: ?(?:x|ext\.?) ?)\d{1,6})?",
        validity.phone_international,
        _PHONE_WORDS,
        0.3,
        numeric=True,
    ),
    Detector(
        "North American phone number",
        "phone",
        "US",
        r"(?:\b(?:001|1)[ .\-])?(?:\(\d{3}\)[ .\-]{0,2}|\b[2-9]\d{2}[.\-])[2-9]\d{2}[ .\-]{1,3}\d{4}(?:(?i: ?(?:x|ext\.?|extension|#) ?)\d{1,6})?",
        validity.phone_american,
        _PHONE_WORDS,
        0.65,
        numeric=True,
    ),
    Detector(
        "North American phone number, spaced",
        "phone",
        "US",
        r"\b(?:1 )?[2-9]\d{2} [2-9]\d{2}[ \-]\d{4}(?:(?i: ?(?:x|ext\.?|extension|#) ?)\d{1,6})?",
        validity.phone_american,
        _PHONE_WORDS,
        0.5,
        numeric=True,
    ),
    Detector(
        "national phone number, trunk zero",
        "phone",
        "",
        r"(?:\(0\d{1,5}\) ?|\b0[1-9]\d{0,4}[ /])\d{2,8}(?:[ \-]\d{2,5}){0,4}\b",
        validity.phone_national,
        _PHONE_WORDS,
        0.5,
        numeric=True,
    ),
    Detector(
        "French phone number", "phone", "FR", r"\b0[1-9](?:[ .\-]\d{2}){4}\b", validity.phone_national, _PHONE_WORDS, 0.65, numeric=True
    ),
    Detector(
        "Brazilian phone number", "phone", "BR", r"\(\d{2}\) ?9?\d{4}[\- ]\d{4}\b", validity.phone_national, _PHONE_WORDS, 0.7, numeric=True
    ),
    Detector(
        "Chinese mobile number", "phone", "CN", r"\b1[3-9]\d[ \-]?\d{4}[ \-]?\d{4}\b", validity.phone_national, _PHONE_WORDS, 0.3, numeric=True
    ),
    Detector("Indian mobile number", "phone", "IN", r"\b[6-9]\d{4}[ \-]\d{5}\b", validity.phone_national, _PHONE_WORDS, 0.5, numeric=True),
    Detector(
        "phone number named as such",
        "phone",
        "",
        r"\(?\b\d(?:[ ().\-/]{0,3}\d){5,14}(?:(?i: ?(?:x|ext\.?|extension|#) ?)\d{1,6})?\b",
        validity.phone_spoken_of,
        _PHONE_WORDS,
        0.2,
        numeric=True,
        reach=(30, 6),
    ),
    # Money
    Detector(
        "payment card",
        "card",
        "",
        r"\b(?:[2-6]\d\d|180|979)(?:\d|(?:[ .\-_/]{1,2}|\+| - |\r?\n)\d{3}){4,16}(?:[ .\-_/]{1,2}\d\d?)?",
        validity.card_certain,
        _CARD_WORDS,
        0.8,
        numeric=True,
        trims=validity.card_lengths,
    ),
    Detector(
        "payment card, digit by digit",
        "card",
        "",
        r"\b(?:\d(?:(?:[ .\-_/]{1,2}| - )\d){13,}|\d\d(?:(?:[ .\-_/]{1,2}| - )\d\d){6,})\b",
        validity.card_certain,
        _CARD_WORDS,
        0.8,
        numeric=True,
    ),
    Detector(
        "payment card, rarer scheme",
        "card",
        "",
        r"\b\d(?:(?:[ .\-_]{0,2}|[,:|*;/\t]| - |\) ?\(|\r?\n)\d){11,18}",
        validity.card_or_luhn,
        (*_CARD_WORDS, "maestro"),
        0.3,
        numeric=True,
        trims=validity.card_lengths_any,
    ),
    Detector(
        "card verification code",
        "card_code",
        "",
        r"(?i:\b(?:cvv2?|cvc2?|cid|security code)\b[\"']?(?: ?(?:is|:|=|#))?) {0,2}[\"']?(?P<v>\d{3,4})\b",
        None,
        (),
        0.8,
    ),
    Detector(
        "IBAN",
        "iban",
        "",
        rf"(?i:\b(?:{_IBAN_COUNTRY})[ .\-_]{{0,2}}\d[ .\-_]?\d(?:(?:[ .\-_]{{0,3}}|[,/]|\r?\n)[a-z0-9]){{11,30}})",
        validity.iban,
        ("iban",),
        0.95,
        trims=validity.iban_lengths,
    ),
    Detector(
        "BIC",
        "swift_bic",
        "",
        r"\b[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?\b",
        validity.bic,
        ("bic", "swift", "bic/swift", "swift code", "bank identifier"),
        0.2,
        reach=(30, 12),
    ),
    Detector(
        "US bank routing number",
        "us_aba_routing",
        "US",
        r"\b\d{4}-?\d{4}-?\d\b",
        national.us_routing,
        ("routing", "aba", "rtn", "transit number"),
        0.2,
        numeric=True,
    ),
    Detector(
        "UK sort code",
        "gb_sort_code",
        "GB",
        r"\b\d{2}[\- ]\d{2}[\- ]\d{2}\b",
        None,
        ("sort code", "sortcode", "sort-code"),
        0.2,
        numeric=True,
        reach=(25, 0),
    ),
    Detector(
        "bank account named as such",
        "bank_account",
        "",
        r"(?i:\b(?:account|acct|a/c|konto|compte|cuenta|conta|rekening)[ _\-]?(?:number|nummer|no\.?|nr\.?|num|#)?\b[\"']?(?: ?(?:is|:|=|#))?) {0,2}[\"']?"
        r"(?P<v>\d(?:[ \-]?\d){6,17})\b",
        None,
        ("bank", "account number", "account no", "routing", "iban", "sort code", "acct", "konto", "wire", "deposit", "bsb", "checking", "savings"),
        0.2,
    ),
    named("IBAN named as such", "iban", "iban", r"[a-z]{2}\d{2}(?:[ \-]?[a-z0-9]{2,6}){2,8}"),
    named("routing number named as such", "bank_account", "routing|routing transit|aba|sort code|bsb", r"\d{6}|\d{8,9}|\d\d-\d\d-\d\d|\d{3}-\d{3}"),
    named(
        "card number named as such",
        "card",
        r"card(?: on file| ending)?|credit card|debit card|cc|visa|mastercard|amex|american express|kreditkarte|carte bancaire|carte|tarjeta|cartao",
        r"\d{4}(?:[ \-.]?\d{2,6}){2,4}",
    ),
    Detector(
        "payment card with letters for digits",
        "card",
        "",
        r"\b[3-6][0-9OoIl](?:[ .\-]?[0-9OoIl]){11,17}\b",
        validity.card_misread,
        (),
        0.7,
        numeric=True,
    ),
    Detector(
        "IBAN with letters for digits",
        "iban",
        "",
        r"\b[A-Z]{2}[0-9OIl]{2}(?:[ \-]?[A-Z0-9l]){11,30}\b",
        validity.iban_misread,
        (),
        0.9,
    ),
    # Networks and machines
    Detector(
        "IPv4 address, spaced or in words",
        "ip_address",
        "",
        r"(?i:\b\d{1,3}(?: \. \d{1,3}){3}\b|\b\d{1,3}(?: dot \d{1,3}){3}\b)",
        validity.ipv4_in_words,
        (),
        0.7,
        numeric=True,
    ),
    Detector("IPv4 address", "ip_address", "", r"\b\d{1,3}(?:\.\d{1,3}){3}\b(?:/(?:[12]?\d|3[0-2])\b)?", validity.ipv4, ("ip", "address", "host"), 0.75, numeric=True,
             unless=r"(?i:version[ :=\"']{0,4}|\bver\.? ?|\brelease ?|[a-z]/|(?:linux|kernel|python|release|gcc|glibc|policy)[ \-]|,v )$"),
    Detector(
        "IPv6 address",
        "ip_address",
        "",
        _IPV6,
        validity.ipv6,
        ("ip", "address", "host", "ipv6"),
        0.75,
        numeric=True,
        unless=r"[0-9A-Za-z]::?$|::$",
    ),
    form("IPv4 address of nobody", "ip_address", "", r"\b\d{1,3}(?:\.\d{1,3}){3}\b(?:/(?:[12]?\d|3[0-2])\b)?", validity.ipv4_form),
    replace(form("IPv6 address of nobody", "ip_address", "", _IPV6, validity.ipv6_form), unless=r"[0-9A-Za-z]::?$|:$"),
    Detector(
        "MAC address",
        "mac_address",
        "",
        r"(?i:\b[0-9a-f]{2}(?::[0-9a-f]{2}){5}\b|\b[0-9a-f]{2}(?:-[0-9a-f]{2}){5}\b|\b[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}\b)",
        validity.mac,
        ("mac", "ethernet"),
        0.75,
    ),
    Detector("IMEI", "imei", "", r"\b\d{2}-?\d{6}-?\d{6}-?\d\b", validity.luhn_15, ("imei",), 0.2, numeric=True),
    Detector("Bitcoin address", "crypto_wallet", "", r"\b[13LMDX][1-9A-HJ-NP-Za-km-z]{25,34}\b", validity.base58check, (), 0.95),
    Detector("bech32 address", "crypto_wallet", "", r"(?i:\b(?:bc|tb|ltc)1[02-9ac-hj-np-z]{25,87}\b)", validity.bech32, (), 0.95),
    Detector("Ethereum address", "crypto_wallet", "", r"\b0x[0-9a-fA-F]{40}\b", keccak.ethereum, (), 0.85),
    Detector("Tron address", "crypto_wallet", "", r"\bT[1-9A-HJ-NP-Za-km-z]{33}\b", validity.base58check, (), 0.95),
    Detector(
        "wallet named as such",
        "crypto_wallet",
        "",
        r"\b(?:r[1-9A-HJ-NP-Za-km-z]{24,34}|[48][1-9A-HJ-NP-Za-km-z]{94}|addr1[02-9ac-hj-np-z]{50,100}|[1-9A-HJ-NP-Za-km-z]{43,44})\b",
        validity.random_looking,
        ("wallet", "solana", "monero", "ripple", "xrp", "cardano", "crypto", "sol address"),
        0.2,
    ),
    # Born, travelling, driving, ill
    Detector("date of birth", "date_of_birth", "", _BIRTH + r"(?P<v>" + _DAY + ")", validity.birth_date, (), 0.8),
    Detector(
        "passport number",
        "passport",
        "",
        r"\b(?:[A-Za-z]{1,3}[ \-]?\d{5,9}[A-Za-z]?|\d{8,9}|\d{2}[A-Za-z]{2}\d{5})\b",
        validity.passport,
        ("passport", "passeport", "pasaporte", "reisepass", "passaporto", "passaporte", "paspoort", "travel document", "passnummer"),
        0.2,
        reach=(40, 12),
    ),
    named("passport named as such", "passport", "passport|passeport|pasaporte|reisepass|passaporto|passaporte|paspoort|travel document|visa number"),
    named(
        "driving licence named as such",
        "driving_licence",
        r"(?:driving|driver'?s?) licen[cs]e|licen[cs]e (?:number|no)|dl|fuhrerschein|permis de conduire|licencia de conducir|licen[cs]e plate|plate",
    ),
    Detector("machine-readable zone", "passport_mrz", "", r"\bP[A-Z<][A-Z]{3}[A-Z]+<<[A-Z<]{10,40}(?:\s[A-Z0-9<]{44})?", None, (), 0.95),
    Detector(
        "UK driving licence",
        "gb_driving_licence",
        "GB",
        r"\b[A-Z9]{5}[0-9](?:0[1-9]|1[0-2]|5[1-9]|6[0-2])[0-3][0-9]{2}[A-Z9]{2}[A-Z0-9]{3}\b",
        european.gb_driving,
        ("driving", "driver", "licence", "license"),
        0.7,
    ),
    Detector(
        "driving licence number",
        "driving_licence",
        "",
        r"\b(?:[A-Za-z]{1,3}[ \-]?\d{3,4}[ \-]?\d{3,4}[ \-]?\d{0,5}|\d{7,12}|[A-Za-z]\d{2}-\d{2}-\d{4,6}|[A-Za-z]{2}\d{2}[ \-]?\d{11})\b",
        validity.passport,
        ("driving licence", "driving license", "driver license", "driver licence", "drivers license", "driver's license", "driver's licence",
         "drivers licence", "license number", "licence number", "dl number", "dl no", "fuhrerschein", "permis de conduire", "dln", "driver lic"),
        0.2,
        reach=(40, 12),
    ),
    national_id("NHS number", "gb_nhs", r"\b\d{3}[ \-]?\d{3}[ \-]?\d{4}\b", european.gb_nhs, "nhs|national health|patient|chi number", 0.3),
    national_id("US Medicare beneficiary", "us_mbi", r"(?i:\b[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d-?[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d-?[AC-HJKMNP-RT-Y]{2}\d{2}\b)",
        None, "medicare|mbi|beneficiary", 0.55),
    national_id("Australian Medicare", "au_medicare", r"\b[2-6]\d{3}[ ]?\d{5}[ ]?\d(?:[ /]?\d)?\b", national.au_medicare, "medicare", 0.25),
    national_id("US prescriber (NPI)", "us_npi", r"\b[12]\d{3}[ \-]?\d{3}[ \-]?\d{3}\b", national.us_npi, "npi|provider", 0.2),
    national_id("US prescriber (DEA)", "us_dea", r"\b[ABFGMPRX][A-Z9]\d{7}\b", national.us_dea, "dea", 0.45),
    named("medical record number named as such", "health_id", r"mrn|medical record|patient id|patient number|patient no|chart number|chart no"),
    named(
        "insurance number named as such",
        "health_id",
        r"(?:health )?insurance(?: policy| member)?(?: id| number| no)?|policy(?: id| number| no)?|national health id|member id|subscriber id|medicare|medicaid|nhs|"
        r"health card|krankenversicherung|versichertennummer|beneficiary id",
    ),
    named("prescriber named as such", "health_id", r"npi|dea"),
)  # fmt: skip
