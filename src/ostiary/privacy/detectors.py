"""The pattern tier's detectors, in one flat list: what is not in `DETECTORS` is not looked for, and a reader sees all of it here.

A detector's `score` is what a match that passes its check is worth alone; a context word close by, or in the name of the field, adds CONTEXT_RAISE.
What reaches THRESHOLD is a finding. So `score` 0.2 means "only with context", 0.5 and more "always". Patterns are RE2 (linear time) over folded text
(`folding`): ASCII digits, spaces and hyphens only; \\xe9 stands for other letters. A group named `v` narrows the span to the value.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ostiary.privacy import national, validity
from ostiary.privacy.finding import Category

THRESHOLD = 0.5
CONTEXT_RAISE = 0.35


@dataclass(frozen=True, slots=True)
class Detector:
    """One thing to look for. `context`: lower-case words, any of which within reach raises the score. `reach`: characters before and after the match.

    unless: a pattern that, right before the match, says that it is something else.
    numeric: the match may not be part of a longer number (1-2-3, 1.2.3). trims: groups at either end may be dropped until `valid` holds.
    """

    name: str
    category: Category
    country: str
    pattern: str
    valid: Callable[[str], bool] | None
    context: tuple[str, ...]
    score: float
    numeric: bool = False
    trims: bool = False
    reach: tuple[int, int] = (60, 20)
    unless: str = ""


def _secret(
    name: str, pattern: str, valid: Callable[[str], bool] | None = None, score: float = 0.95
) -> Detector:
    return Detector(name, Category.API_KEY, "", pattern, valid, (), score)


def _id(
    name: str,
    country: str,
    pattern: str,
    valid: Callable[[str], bool] | None,
    context: str,
    score: float,
    *,
    category: Category = Category.NATIONAL_ID,
) -> Detector:
    """A national number. `context` lists words separated by `|`; every number answers to the general words too."""
    words = (*context.split("|"), *_ANY_ID) if context else _ANY_ID
    return Detector(name, category, country, pattern, valid, words, score, numeric=True)


def _named(
    name: str,
    category: Category,
    labels: str,
    value: str = r"[a-z]{0,5}[\-/]?[a-z0-9]{0,4}\d[a-z0-9]*(?:[ \-./][a-z0-9]*\d[a-z0-9]*){0,5}",
    country: str = "",
) -> Detector:
    """A value that a label right before it names (`Passport no.: X1234567`), whatever its form and check digit: who wrote the label knew."""
    spelled = labels.replace(" ", r"[ _\-]?")
    label = rf"(?:\b|_)(?:{spelled})\b(?:[ _\-]?(?:number|nummer|no|nr|num|id|code|numero|#)\b)?[.#]?"
    joint = r"[\"'\])]{0,2} ?(?:is|was|of|:|=|=>|>|#|-)? {0,2}[\"'(]?"
    pattern = rf"(?i:{label}{joint}(?P<v>{value})\b)"
    return Detector(name, category, country, pattern, validity.telling_number, (), 0.7, numeric=True)


_ANY_ID = (
    "national id",
    "national identity",
    "identity number",
    "identity card",
    "id card",
    "id number",
    "id no",
    "personal number",
    "personal id",
    "personal code",
    "tax id",
    "tax number",
    "taxpayer",
    "tin",
    "social security",
    "identification number",
    "government id",
    "citizen",
    "national_id",
    "tax_id",
    "ssn",
)
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
_MONTH = (
    r"(?i:jan(?:uary|uar|vier)?|feb(?:ruary|ruar)?|fevrier|mar(?:ch|s|zo)?|maerz|marz|apr(?:il|ile)?|avril|may|mai|june?|juni|juin|july?|juli|juillet|"
    r"aug(?:ust)?|aout|sep(?:t(?:ember|embre)?)?|oct(?:ober|obre)?|okt(?:ober)?|nov(?:ember|embre)?|dec(?:ember|embre)?|dez(?:ember)?)"
)
_DAY = (
    r"(?:\d{1,4}[-/. ]\d{1,2}[-/. ]\d{1,4}|\d{1,2}(?:st|nd|rd|th)?[ .\-/]{1,2}(?:of )?" + _MONTH + r"[ .,\-/]{0,2}\d{2,4}|"
    + _MONTH + r"[ .]{1,2}\d{1,2}(?:st|nd|rd|th)?,? \d{2,4}|\d{8}\b)"
)  # fmt: skip

_KEY_WORD = (
    r"(?i:(?:password|passwd|passwort|passphrase|passcode|pwd|pass|contrasena|mot de passe|wachtwoord|senha|secret|secret[ _\-]?key|api[ _\-]?key|"
    r"access[ _\-]?key|auth[ _\-]?token|access[ _\-]?token|refresh[ _\-]?token|client[ _\-]?secret|private[ _\-]?key|account[ _\-]?key|"
    r"encryption[ _\-]?key|signing[ _\-]?key|credentials?|identified by|db[ _]?pass))"
)

_EMAIL_LOCAL = r"[A-Za-z0-9_\xe9](?:[A-Za-z0-9_\xe9.+\-'%&/=?^{|}~!#$*]{0,62}[A-Za-z0-9_\xe9+\-=~$*])?"
_DOMAIN = r"(?:[A-Za-z0-9\xe9\xa4](?:[A-Za-z0-9\xe9\xa4\-]{0,61}[A-Za-z0-9\xe9\xa4])?\.){1,6}(?:[A-Za-z\xe9\xa4]{2,24}|xn--[A-Za-z0-9\-]{2,40})"

DETECTORS: tuple[Detector, ...] = (
    # Secrets first: where spans are equal in score and length, the earlier detector names them.
    Detector(
        "private key block",
        Category.PRIVATE_KEY,
        "",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:(?s:.*?)-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|[A-Za-z0-9+/=\s\\:,]*)",
        None,
        (),
        1.0,
    ),
    Detector("PuTTY key", Category.PRIVATE_KEY, "", r"PuTTY-User-Key-File-[23]:(?s:.*?)Private-MAC: [0-9a-f]{40,64}", None, (), 1.0),
    Detector("age identity", Category.PRIVATE_KEY, "", r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b", None, (), 1.0),
    Detector(
        "URL with password",
        Category.PASSWORD,
        "",
        r"\b[A-Za-z][A-Za-z0-9+.\-]{1,30}://[^\s:/@\"'<>]{0,100}:[^\s/\"'<>]{1,200}@[^\s\"'<>,;)]{1,200}",
        validity.url_password,
        (),
        0.97,
    ),
    Detector(
        "connection string password",
        Category.PASSWORD,
        "",
        r"(?i:\b(?:password|pwd|accountkey|sharedaccesskey|sharedaccesssignature)) ?= ?(?P<v>[^;\s\"'&]{3,200})",
        validity.password_value,
        (),
        0.9,
    ),
    Detector(
        "assigned secret",
        Category.PASSWORD,
        "",
        r"(?:\b|_|[a-z])" + _KEY_WORD + r"(?i:[\"'\]]{0,2} ?(?::=|=>|=|:| is:?| was:?) ?[\"'`]?| [\"'`])(?P<v>[^\s\"'`,;<>]{4,200})",
        validity.password_value,
        (),
        0.8,
    ),
    Detector(
        "authorization header",
        Category.API_KEY,
        "",
        r"(?i:\b(?:bearer|basic|token|apikey)) +(?P<v>[A-Za-z0-9_\-.~+/]{16,1000}={0,2})",
        validity.random_looking,
        (),
        0.85,
    ),
    _secret("JSON Web Token", r"\beyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{4,}(?:\.[A-Za-z0-9_\-]*){0,3}", validity.jwt, 0.98),
    _secret("Ostiary key", r"\bo(?:st|pk)_[a-z0-9]{2,12}_[A-Za-z0-9]{12}_[A-Za-z0-9]{40,60}(?:_[A-Za-z0-9]{6})?\b"),
    _secret("AWS access key", r"\b(?:AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AROA|ANPA|ANVA|AIPA)[A-Z2-7]{16}\b"),
    Detector(
        "AWS secret key",
        Category.API_KEY,
        "",
        r"(?i:aws|amazon|secret)[A-Za-z0-9_ .\-]{0,30}[\"']?[ ]?[:=]+[ ]?[\"']?(?P<v>[A-Za-z0-9/+]{40})\b",
        validity.random_looking,
        (),
        0.9,
    ),
    _secret("GitHub token", r"\bgh[pousr]_[A-Za-z0-9]{30,255}\b"),
    _secret("GitHub fine-grained token", r"\bgithub_pat_[A-Za-z0-9_]{40,255}\b"),
    _secret("GitLab token", r"\bgl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat|ffct)-[A-Za-z0-9_\-.]{20,300}"),
    _secret("Slack token", r"\bxox[abeoprs]-[A-Za-z0-9\-]{10,250}|\bxapp-\d-[A-Za-z0-9\-]{10,250}"),
    _secret("Slack webhook", r"\bhooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/+]{20,120}"),
    _secret("Discord webhook", r"\bdiscord(?:app)?\.com/api/webhooks/\d{15,22}/[A-Za-z0-9_\-]{50,100}"),
    _secret("Stripe key", r"\b(?:sk|rk|pk)_(?:live|test|prod)_[A-Za-z0-9]{10,250}\b|\bwhsec_[A-Za-z0-9+/=]{24,100}"),
    _secret("Google API key", r"\bAIza[A-Za-z0-9_\-]{35}"),
    _secret("Google OAuth secret", r"\bGOCSPX-[A-Za-z0-9_\-]{20,40}|\bya29\.[A-Za-z0-9_\-.]{20,1000}|\b1//0[A-Za-z0-9_\-]{40,200}"),
    _secret("Anthropic key", r"\bsk-ant-[A-Za-z0-9_\-]{20,250}"),
    _secret("OpenAI key", r"\bsk-(?:proj-|svcacct-|admin-|None-)[A-Za-z0-9_\-]{20,250}|\bsk-[A-Za-z0-9]{20,100}\b"),
    _secret("OpenRouter or DeepSeek key", r"\bsk-or-v1-[0-9a-f]{64}\b|\bgsk_[A-Za-z0-9]{40,60}\b|\bxai-[A-Za-z0-9]{70,90}\b|\bpplx-[A-Za-z0-9]{40,60}\b"),
    _secret("Hugging Face token", r"\bhf_[A-Za-z0-9]{30,60}\b|\bapi_org_[A-Za-z0-9]{30,60}\b"),
    _secret("npm token", r"\bnpm_[A-Za-z0-9]{36}\b"),
    _secret("PyPI token", r"\bpypi-[A-Za-z0-9_\-]{16,300}", validity.random_looking),
    _secret("RubyGems, Cargo or NuGet key", r"\brubygems_[0-9a-f]{48}\b|\bcio[A-Za-z0-9]{32}\b|\boy2[a-z0-9]{43}\b"),
    _secret("SendGrid key", r"\bSG\.[A-Za-z0-9_\-]{16,32}\.[A-Za-z0-9_\-]{30,64}"),
    _secret("Twilio key", r"\b(?:SK|AC)[0-9a-f]{32}\b"),
    _secret("Mailgun or Mailchimp key", r"\bkey-[0-9a-z]{32}\b|\b[0-9a-f]{32}-us\d{1,2}\b"),
    _secret("Telegram bot token", r"\b\d{8,10}:AA[A-Za-z0-9_\-]{32,34}"),
    _secret("Shopify token", r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b"),
    _secret("Square token", r"\bsq0(?:atp|csp|idp)-[A-Za-z0-9_\-]{22,43}|\bEAAA[A-Za-z0-9_\-]{60}"),
    _secret("DigitalOcean token", r"\bdo[por]_v1_[0-9a-f]{64}\b"),
    _secret("HashiCorp token", r"\bhv[sbr]\.[A-Za-z0-9_\-]{20,300}|\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_\-=]{60,70}"),
    _secret("Databricks, Grafana, Linear, Notion, New Relic, Sentry or Figma token",
            r"\bdapi[0-9a-f]{32}(?:-\d)?\b|\bgl(?:sa|c)_[A-Za-z0-9+/=_]{32,400}|\blin_api_[A-Za-z0-9]{40}\b|\b(?:secret|ntn)_[A-Za-z0-9]{43,50}\b|"
            r"\bNRAK-[A-Z0-9]{27}\b|\bsntry[su]_[A-Za-z0-9+/=_]{40,300}|\bfig[dur]_[A-Za-z0-9_\-]{40}"),
    _secret("Atlassian, Docker, Postman, Doppler, PlanetScale or Airtable token",
            r"\bATATT3[A-Za-z0-9_\-=]{100,300}|\bdckr_pat_[A-Za-z0-9_\-]{27}|\bPMAK-[0-9a-f]{24}-[0-9a-f]{34}\b|\bdp\.(?:pt|st|ct|sa|scim|audit)\."
            r"[A-Za-z0-9.]{40,60}\b|\bpscale_(?:tkn|pw|oauth)_[A-Za-z0-9_\-.=]{32,64}|\bpat[A-Za-z0-9]{14}\.[0-9a-f]{64}\b"),
    _secret("Azure storage key", r"\b[A-Za-z0-9+/]{86}=="),
    Detector(
        "SSH or PGP fingerprinted secret in JSON",
        Category.PRIVATE_KEY,
        "",
        r"\"(?:d|k)\" ?: ?\"(?P<v>[A-Za-z0-9_\-]{42,700})\"",
        validity.random_looking,
        (),
        0.6,
    ),
    # Ways to reach a person
    Detector("e-mail address", Category.EMAIL, "", _EMAIL_LOCAL + r"(?:@|%40)" + _DOMAIN, validity.email, (), 0.95),
    Detector(
        "e-mail address spelled out",
        Category.EMAIL,
        "",
        r"(?i:\b[a-z0-9_.+\-]{1,64} ?[\[({<] ?at ?[\])}>] ?[a-z0-9\-]{1,63}(?:(?: ?[\[({<] ?dot ?[\])}>] ?|\.)[a-z0-9\-]{2,24}){1,4}\b)",
        None,
        (),
        0.85,
    ),
    Detector(
        "international phone number",
        Category.PHONE,
        "",
        r"\+ ?\(?\d(?:[ ().\-/]{0,3}\d){7,14}(?:(?i: ?(?:x|ext\.?|extension) ?)\d{1,6})?",
        validity.phone_international,
        _PHONE_WORDS,
        0.75,
        numeric=True,
    ),
    Detector(
        "international phone number with 00",
        Category.PHONE,
        "",
        r"\b00[1-9]\d{0,2}(?:[ ().\-/]{0,3}\d){6,13}(?:(?i: ?(?:x|ext\.?) ?)\d{1,6})?",
        validity.phone_international,
        _PHONE_WORDS,
        0.3,
        numeric=True,
    ),
    Detector(
        "North American phone number",
        Category.PHONE,
        "US",
        r"(?:\b(?:001|1)[ .\-])?(?:\(\d{3}\)[ .\-]{0,2}|\b[2-9]\d{2}[.\-])[2-9]\d{2}[ .\-]{1,3}\d{4}(?:(?i: ?(?:x|ext\.?|extension|#) ?)\d{1,6})?",
        validity.phone_american,
        _PHONE_WORDS,
        0.65,
        numeric=True,
    ),
    Detector(
        "North American phone number, spaced",
        Category.PHONE,
        "US",
        r"\b(?:1 )?[2-9]\d{2} [2-9]\d{2}[ \-]\d{4}(?:(?i: ?(?:x|ext\.?|extension|#) ?)\d{1,6})?",
        validity.phone_american,
        _PHONE_WORDS,
        0.5,
        numeric=True,
    ),
    Detector(
        "national phone number, trunk zero",
        Category.PHONE,
        "",
        r"(?:\(0\d{1,5}\) ?|\b0[1-9]\d{0,4}[ /])\d{2,8}(?:[ \-]\d{2,5}){0,4}\b",
        validity.phone_national,
        _PHONE_WORDS,
        0.5,
        numeric=True,
    ),
    Detector(
        "French phone number", Category.PHONE, "FR", r"\b0[1-9](?:[ .\-]\d{2}){4}\b", validity.phone_national, _PHONE_WORDS, 0.65, numeric=True
    ),
    Detector(
        "Brazilian phone number", Category.PHONE, "BR", r"\(\d{2}\) ?9?\d{4}[\- ]\d{4}\b", validity.phone_national, _PHONE_WORDS, 0.7, numeric=True
    ),
    Detector(
        "Chinese mobile number", Category.PHONE, "CN", r"\b1[3-9]\d[ \-]?\d{4}[ \-]?\d{4}\b", validity.phone_national, _PHONE_WORDS, 0.3, numeric=True
    ),
    Detector("Indian mobile number", Category.PHONE, "IN", r"\b[6-9]\d{4}[ \-]\d{5}\b", validity.phone_national, _PHONE_WORDS, 0.5, numeric=True),
    Detector(
        "phone number named as such",
        Category.PHONE,
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
        Category.CARD,
        "",
        r"\b\d(?:[ .\-_]{0,2}\d){12,18}",
        validity.card_certain,
        ("card", "visa", "mastercard", "amex", "credit", "debit", "karte", "carte", "tarjeta", "cartao", "carta", "pan"),
        0.8,
        numeric=True,
        trims=True,
    ),
    Detector(
        "payment card, rarer scheme",
        Category.CARD,
        "",
        r"\b\d(?:[ .\-_]{0,2}\d){11,18}",
        validity.card_or_luhn,
        ("card", "visa", "maestro", "credit", "debit", "karte", "carte", "tarjeta", "cartao", "carta", "pan"),
        0.3,
        numeric=True,
        trims=True,
    ),
    Detector(
        "card verification code",
        Category.CARD,
        "",
        r"(?i:\b(?:cvv2?|cvc2?|cid|security code)\b[\"']?(?: ?(?:is|:|=|#))?) {0,2}[\"']?(?P<v>\d{3,4})\b",
        None,
        (),
        0.8,
    ),
    Detector(
        "IBAN",
        Category.IBAN,
        "",
        r"(?i:\b[a-z]{2}\d{2}(?:[ .\-_]{0,2}[a-z0-9]){11,30})",
        validity.iban,
        ("iban",),
        0.95,
        trims=True,
    ),
    Detector(
        "BIC",
        Category.BANK_ACCOUNT,
        "",
        r"\b[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?\b",
        validity.bic,
        ("bic", "swift", "bic/swift", "swift code", "bank identifier"),
        0.2,
        reach=(30, 12),
    ),
    Detector(
        "US bank routing number",
        Category.BANK_ACCOUNT,
        "US",
        r"\b\d{9}\b",
        national.us_routing,
        ("routing", "aba", "rtn", "transit number"),
        0.2,
        numeric=True,
    ),
    Detector(
        "UK sort code",
        Category.BANK_ACCOUNT,
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
        Category.BANK_ACCOUNT,
        "",
        r"(?i:\b(?:account|acct|a/c|konto|compte|cuenta|conta|rekening)[ _\-]?(?:number|nummer|no\.?|nr\.?|num|#)?\b[\"']?(?: ?(?:is|:|=|#))?) {0,2}[\"']?"
        r"(?P<v>\d(?:[ \-]?\d){6,17})\b",
        None,
        ("bank", "account number", "account no", "routing", "iban", "sort code", "acct", "konto", "wire", "deposit", "bsb", "checking", "savings"),
        0.2,
    ),
    _named("IBAN named as such", Category.IBAN, "iban", r"[a-z]{2}\d{2}(?:[ \-]?[a-z0-9]{2,6}){2,8}"),
    _named("routing number named as such", Category.BANK_ACCOUNT, "routing|routing transit|aba|sort code|bsb", r"\d{6}|\d{8,9}|\d\d-\d\d-\d\d|\d{3}-\d{3}"),
    _named(
        "card number named as such",
        Category.CARD,
        r"card(?: on file| ending)?|credit card|debit card|cc|visa|mastercard|amex|american express|kreditkarte|carte bancaire|carte|tarjeta|cartao",
        r"\d{4}(?:[ \-.]?\d{2,6}){2,4}",
    ),
    # Networks and machines
    Detector("IPv4 address", Category.IP_ADDRESS, "", r"\b\d{1,3}(?:\.\d{1,3}){3}\b", validity.ipv4, ("ip", "address", "host"), 0.75, numeric=True,
             unless=r"(?i:version[ :=\"']{0,4}|\bver\.? ?|\brelease ?|[a-z]/)$"),
    Detector(
        "IPv6 address",
        Category.IP_ADDRESS,
        "",
        r"(?i:(?:[0-9a-f]{1,4}:){1,7}(?::[0-9a-f]{1,4}){1,6}|(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|::(?:[0-9a-f]{1,4}:){0,6}[0-9a-f]{1,4}|"
        r"(?:[0-9a-f]{1,4}:){1,7}:|(?:[0-9a-f]{0,4}:){2,6}\d{1,3}(?:\.\d{1,3}){3})",
        validity.ipv6,
        ("ip", "address", "host", "ipv6"),
        0.75,
    ),
    Detector(
        "MAC address",
        Category.MAC_ADDRESS,
        "",
        r"(?i:\b[0-9a-f]{2}(?::[0-9a-f]{2}){5}\b|\b[0-9a-f]{2}(?:-[0-9a-f]{2}){5}\b|\b[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}\b)",
        validity.mac,
        ("mac", "ethernet"),
        0.75,
    ),
    Detector("IMEI", Category.MAC_ADDRESS, "", r"\b\d{2}-?\d{6}-?\d{6}-?\d\b", validity.luhn_15, ("imei",), 0.2, numeric=True),
    Detector("Bitcoin address", Category.CRYPTO_WALLET, "", r"\b[13LMDX][1-9A-HJ-NP-Za-km-z]{25,34}\b", validity.base58check, (), 0.95),
    Detector("bech32 address", Category.CRYPTO_WALLET, "", r"(?i:\b(?:bc|tb|ltc)1[02-9ac-hj-np-z]{25,87}\b)", validity.bech32, (), 0.95),
    Detector("Ethereum address", Category.CRYPTO_WALLET, "", r"\b0x[0-9a-fA-F]{40}\b", None, (), 0.85),
    Detector("Tron address", Category.CRYPTO_WALLET, "", r"\bT[1-9A-HJ-NP-Za-km-z]{33}\b", validity.base58check, (), 0.95),
    Detector(
        "wallet named as such",
        Category.CRYPTO_WALLET,
        "",
        r"\b(?:r[1-9A-HJ-NP-Za-km-z]{24,34}|[48][1-9A-HJ-NP-Za-km-z]{94}|addr1[02-9ac-hj-np-z]{50,100}|[1-9A-HJ-NP-Za-km-z]{43,44})\b",
        validity.random_looking,
        ("wallet", "solana", "monero", "ripple", "xrp", "cardano", "crypto", "sol address"),
        0.2,
    ),
    # Born, travelling, driving, ill
    Detector("date of birth", Category.DATE_OF_BIRTH, "", _BIRTH + r"(?P<v>" + _DAY + ")", validity.birth_date, (), 0.8),
    Detector(
        "passport number",
        Category.PASSPORT,
        "",
        r"\b(?:[A-Za-z]{1,3}[ \-]?\d{5,9}[A-Za-z]?|\d{8,9}|\d{2}[A-Za-z]{2}\d{5})\b",
        validity.passport,
        ("passport", "passeport", "pasaporte", "reisepass", "passaporto", "passaporte", "paspoort", "travel document", "passnummer"),
        0.2,
        reach=(40, 12),
    ),
    _named("passport named as such", Category.PASSPORT, "passport|passeport|pasaporte|reisepass|passaporto|passaporte|paspoort|travel document|visa number"),
    _named(
        "driving licence named as such",
        Category.DRIVING_LICENCE,
        r"(?:driving|driver'?s?) licen[cs]e|licen[cs]e (?:number|no)|dl|fuhrerschein|permis de conduire|licencia de conducir|licen[cs]e plate|plate",
    ),
    Detector("machine-readable zone", Category.PASSPORT, "", r"\bP[A-Z<][A-Z]{3}[A-Z]+<<[A-Z<]{10,40}(?:\s[A-Z0-9<]{44})?", None, (), 0.95),
    Detector(
        "UK driving licence",
        Category.DRIVING_LICENCE,
        "GB",
        r"\b[A-Z9]{5}[0-9](?:0[1-9]|1[0-2]|5[1-9]|6[0-2])[0-3][0-9]{2}[A-Z9]{2}[A-Z0-9]{3}\b",
        national.gb_driving,
        ("driving", "driver", "licence", "license"),
        0.7,
    ),
    Detector(
        "driving licence number",
        Category.DRIVING_LICENCE,
        "",
        r"\b(?:[A-Za-z]{1,3}[ \-]?\d{3,4}[ \-]?\d{3,4}[ \-]?\d{0,5}|\d{7,12}|[A-Za-z]\d{2}-\d{2}-\d{4,6}|[A-Za-z]{2}\d{2}[ \-]?\d{11})\b",
        validity.passport,
        ("driving licence", "driving license", "driver license", "driver licence", "drivers license", "driver's license", "driver's licence",
         "drivers licence", "license number", "licence number", "dl number", "dl no", "fuhrerschein", "permis de conduire", "dln", "driver lic"),
        0.2,
        reach=(40, 12),
    ),
    _id("NHS number", "GB", r"\b\d{3}[ \-]?\d{3}[ \-]?\d{4}\b", national.gb_nhs, "nhs|national health|patient|chi number", 0.3, category=Category.HEALTH_ID),
    _id("US Medicare beneficiary", "US", r"\b[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d-?[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d-?[AC-HJKMNP-RT-Y]{2}\d{2}\b",
        None, "medicare|mbi|beneficiary", 0.55, category=Category.HEALTH_ID),
    _id("Australian Medicare", "AU", r"\b[2-6]\d{3}[ ]?\d{5}[ ]?\d(?:[ /]?\d)?\b", national.au_medicare, "medicare", 0.25, category=Category.HEALTH_ID),
    _id("US prescriber (NPI)", "US", r"\b[12]\d{9}\b", national.us_npi, "npi|provider", 0.2, category=Category.HEALTH_ID),
    _id("US prescriber (DEA)", "US", r"\b[ABFGMPRX][A-Z9]\d{7}\b", national.us_dea, "dea", 0.45, category=Category.HEALTH_ID),
    _named("medical record number named as such", Category.HEALTH_ID, r"mrn|medical record|patient id|patient number|patient no|chart number|chart no"),
    _named(
        "insurance number named as such",
        Category.HEALTH_ID,
        r"(?:health )?insurance(?: policy| member)?(?: id| number| no)?|policy(?: id| number| no)?|national health id|member id|subscriber id|medicare|medicaid|nhs|"
        r"health card|krankenversicherung|versichertennummer|beneficiary id",
    ),
    _named("prescriber named as such", Category.HEALTH_ID, r"npi|dea"),
    # National numbers
    _id("social security number", "US", r"\b\d{3}-\d{2}-\d{4}\b", national.us_ssn, "ssn|social security|social", 0.7),
    _id("social security number, unusual", "US", r"\b\d{3}[ ._]?\d{2}[ ._]?\d{4}\b", national.us_ssn, "ssn|social security|ss#|soc sec|social", 0.2),
    _id("individual taxpayer number", "US", r"\b9\d{2}-\d{2}-\d{4}\b", national.us_itin, "itin|taxpayer", 0.7),
    _id("individual taxpayer number, unusual", "US", r"\b9\d{2}[ ]?\d{2}[ ]?\d{4}\b", national.us_itin, "itin|taxpayer", 0.2),
    _id("social insurance number", "CA", r"\b\d{3}[ \-]\d{3}[ \-]\d{3}\b", national.ca_sin, "sin|social insurance|nas", 0.5),
    _id("social insurance number, plain", "CA", r"\b\d{9}\b", national.ca_sin, "sin|social insurance", 0.2),
    _id("CURP", "MX", r"(?i:\b[A-Z][AEIOUX][A-Z]{2}\d{6}[HMX][A-Z]{2}[B-DF-HJ-NP-TV-Z]{3}[A-Z\d]\d\b)", national.mx_curp, "curp", 0.9),
    _id("RFC", "MX", r"\b[A-Z&]{3,4}\d{6}[A-Z0-9]{3}\b", national.mx_rfc, "rfc", 0.5),
    _id("CPF", "BR", r"\b\d{3}\.\d{3}\.\d{3}-\d{2}\b", national.br_cpf, "cpf", 0.9),
    _id("CPF, plain", "BR", r"\b\d{9}[\- ]?\d{2}\b", national.br_cpf, "cpf|cadastro", 0.3),
    _id("CNPJ", "BR", r"\b\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}\b", national.br_cnpj, "cnpj", 0.9),
    _id("CNPJ, plain", "BR", r"\b\d{14}\b", national.br_cnpj, "cnpj", 0.3),
    _id("CUIT", "AR", r"\b\d{2}-\d{8}-\d\b", national.ar_cuit, "cuit|cuil", 0.8),
    _id("CUIT, plain", "AR", r"\b\d{11}\b", national.ar_cuit, "cuit|cuil", 0.2),
    _id("RUT", "CL", r"\b\d{1,2}\.\d{3}\.\d{3}-[\dkK]\b", national.cl_rut, "rut|run", 0.85),
    _id("RUT, plain", "CL", r"\b\d{7,8}-[\dkK]\b", national.cl_rut, "rut|run", 0.4),
    _id("NIT", "CO", r"\b\d{3}\.?\d{3}\.?\d{3}-\d\b", national.co_nit, "nit", 0.4),
    _id("cédula", "CO", r"\b\d{1,3}(?:\.?\d{3}){2,3}\b", None, "cedula|cedula de ciudadania", 0.2),
    _id("cedula", "EC", r"\b\d{10}\b", national.ec_cedula, "cedula", 0.2),
    _id("cédula", "UY", r"\b\d\.\d{3}\.\d{3}-\d\b", national.uy_ci, "cedula|ci", 0.7),
    _id("DNI", "PE", r"\b\d{8}\b", None, "dni", 0.2),
    _id("DNI", "AR", r"\b\d{2}\.\d{3}\.\d{3}\b", None, "dni|documento", 0.2),
    _id("National Insurance number", "GB", r"(?i:\b[ABCEGHJ-PRSTW-Z][ABCEGHJ-NPRSTW-Z][ \-]?\d{2}[ \-]?\d{2}[ \-]?\d{2}[ \-]?[A-D]\b)", national.gb_nino,
        "nino|national insurance|ni number", 0.7),
    _id("PPS number", "IE", r"(?i:\b\d{7}[A-W][A-IW]?\b)", national.ie_pps, "pps|ppsn|personal public", 0.55),
    _id("Steuer-IdNr", "DE", r"\b\d{2}[ /]?\d{3}[ /]?\d{3}[ /]?\d{3}\b", national.de_tax_id,
        "steuer|idnr|steueridentifikation|steuernummer|steuer-id|steuerid", 0.3),
    _id("Rentenversicherungsnummer", "DE", r"\b\d{2}[ ]?[0-3]\d[01]\d{3}[ ]?[A-Z][ ]?\d{3}\b", national.de_pension,
        "rentenversicherung|sozialversicherung|rvnr|svnr|sv-nummer", 0.65),
    _id("Personalausweis", "DE", r"\b[CFGHJKLMNPRTVWXYZ][CFGHJKLMNPRTVWXYZ0-9]{8}\d?\b", national.de_identity_card, "personalausweis|ausweis", 0.2),
    _id("NIR", "FR", r"(?i:\b[12][ .]?\d{2}[ .]?\d{2}[ .]?(?:\d{2}|2[AB])[ .]?\d{3}[ .]?\d{3}[ .]?\d{2}\b)", national.fr_nir,
        "nir|securite sociale|numero de securite|insee|secu", 0.8),
    _id("numéro fiscal", "FR", r"\b[0-3]\d[ ]?\d{2}[ ]?\d{3}[ ]?\d{3}[ ]?\d{3}\b", national.fr_tax, "fiscal|spi|impot", 0.3),
    _id("DNI", "ES", r"(?i:\b\d{2}\.?\d{3}\.?\d{3}[ \-]?[A-HJ-NP-TV-Z]\b)", national.es_dni, "dni|nif|documento", 0.65),
    _id("NIE", "ES", r"(?i:\b[XYZ][ \-]?\d{7}[ \-]?[A-HJ-NP-TV-Z]\b)", national.es_nie, "nie|extranjero", 0.75),
    _id("codice fiscale", "IT", r"(?i:\b[A-Z]{6}[0-9LMNP-V]{2}[ABCDEHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]\b)", national.it_codice_fiscale,
        "codice fiscale|cf", 0.9),
    _id("partita IVA", "IT", r"\b\d{11}\b", validity.luhn_15, "partita iva|p.iva|p. iva|piva", 0.2),
    _id("NIF", "PT", r"\b[1235689]\d{2}[ ]?\d{3}[ ]?\d{3}\b", national.pt_nif, "nif|contribuinte|nipc", 0.2),
    _id("burgerservicenummer", "NL", r"\b\d{4}[. ]?\d{2}[. ]?\d{3}\b|\b\d{3}[. ]\d{3}[. ]\d{3}\b", national.nl_bsn, "bsn|burgerservice|sofi|burgerservicenummer",
        0.25),
    _id("rijksregisternummer", "BE", r"\b\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}\b", national.be_national, "rijksregister|registre national", 0.9),
    _id("rijksregisternummer, plain", "BE", r"\b\d{6}[ \-]?\d{3}[ \-.]?\d{2}\b", national.be_national,
        "rijksregister|rijksregisternummer|registre national|niss|insz|nn", 0.4),
    _id("Sozialversicherungsnummer", "AT", r"\b[1-9]\d{3} [0-3]\d(?:0[1-9]|1[0-5])\d{2}\b", national.at_svnr, "svnr|sozialversicherung", 0.55),
    _id("Sozialversicherungsnummer, plain", "AT", r"\b[1-9]\d{3}[0-3]\d(?:0[1-9]|1[0-5])\d{2}\b", national.at_svnr,
        "svnr|sozialversicherung|sozialversicherungsnummer|sv-nummer|versicherungsnummer", 0.2),
    _id("AHV number", "CH", r"\b756[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}\b", national.ch_ahv, "ahv|avs|oasi", 0.85),
    _id("AMKA", "GR", r"\b\d{11}\b", national.gr_amka, "amka", 0.2),
    _id("AFM", "GR", r"\b\d{9}\b", national.gr_afm, "afm", 0.2),
    _id("personnummer", "SE", r"\b(?:19|20)?\d{6}[\-+]\d{4}\b", national.se_personnummer, "personnummer|samordningsnummer|pnr", 0.6),
    _id("personnummer, plain", "SE", r"\b(?:19|20)?\d{10}\b", national.se_personnummer, "personnummer|samordningsnummer|pnr", 0.2),
    _id("henkilötunnus", "FI", r"(?i:\b\d{6}[\-+A-FU-Y]\d{3}[0-9A-Y]\b)", national.fi_hetu, "hetu|henkilotunnus", 0.8),
    _id("CPR number", "DK", r"\b\d{6}[ \-]?\d{4}\b", national.dk_cpr, "cpr|cpr-nummer|personnummer", 0.25),
    _id("fødselsnummer", "NO", r"\b\d{6}[ ]?\d{5}\b", national.no_fnr, "fodselsnummer|personnummer|fnr|f\xf8dselsnummer", 0.55),
    _id("kennitala", "IS", r"\b\d{6}-?\d{4}\b", national.is_kennitala, "kennitala|kt", 0.45),
    _id("isikukood or asmens kodas", "EE", r"\b[1-6]\d{10}\b", national.baltic, "isikukood|asmens kodas|personal code|a.k.", 0.4),
    _id("personas kods", "LV", r"\b\d{6}-\d{5}\b", national.lv_code, "personas kods", 0.5),
    _id("PESEL", "PL", r"\b\d{11}\b", national.pl_pesel, "pesel", 0.4),
    _id("NIP", "PL", r"\b\d{3}-\d{3}-\d{2}-\d{2}\b|\b\d{3}-\d{2}-\d{2}-\d{3}\b", national.pl_nip, "nip", 0.55),
    _id("NIP, plain", "PL", r"\b\d{10}\b", national.pl_nip, "nip", 0.2),
    _id("birth number", "CZ", r"\b\d{6}/\d{3,4}\b", national.cz_birth_number, "rodne cislo|r.c.|rc", 0.7),
    _id("birth number, plain", "CZ", r"\b\d{10}\b", national.cz_birth_number, "rodne cislo|rodne|birth number", 0.2),
    _id("adóazonosító", "HU", r"\b8\d{9}\b", national.hu_tax, "adoazonosito|adoszam", 0.2),
    _id("TAJ", "HU", r"\b\d{3}[ \-]?\d{3}[ \-]?\d{3}\b", national.hu_taj, "taj", 0.2),
    _id("CNP", "RO", r"\b[1-8]\d{12}\b", national.ro_cnp, "cnp|cod numeric personal", 0.4),
    _id("EGN", "BG", r"\b\d{10}\b", national.bg_egn, "egn", 0.2),
    _id("OIB", "HR", r"\b\d{11}\b", national.oib, "oib|osobni", 0.2),
    _id("JMBG", "RS", r"\b[0-3]\d[01]\d[09]\d{8}\b", national.jmbg, "jmbg|emso|embg|maticni", 0.4),
    _id("SNILS", "RU", r"\b\d{3}-\d{3}-\d{3}[ \-]\d{2}\b", national.ru_snils, "snils", 0.85),
    _id("INN", "RU", r"\b\d{12}\b", national.ru_inn, "inn", 0.4),
    _id("RNOKPP", "UA", r"\b\d{10}\b", national.ua_rnokpp, "rnokpp|ipn", 0.2),
    _id("TC kimlik", "TR", r"\b[1-9]\d{10}\b", national.tr_tckn, "tckn|kimlik|tc no|t.c.", 0.4),
    _id("teudat zehut", "IL", r"\b\d{8}-?\d\b", national.il_id, "teudat zehut|israeli id", 0.2),
    _id("South African id", "ZA", r"\b\d{6}[ ]?\d{4}[ ]?[012]\d\d\b", national.za_id, "sa id|south african", 0.5),
    _id("NIN or BVN", "NG", r"\b\d{11}\b", national.ng_nin, "nin|bvn|national identification|bank verification", 0.2),
    _id("Ghana card", "GH", r"\bGHA-\d{9}-\d\b", None, "ghana", 0.9),
    _id("Kenyan PIN", "KE", r"\bA\d{9}[A-Z]\b", None, "kra|pin", 0.45),
    _id("Aadhaar", "IN", r"\b[2-9]\d{3}[ \-]\d{4}[ \-]\d{4}\b", national.in_aadhaar, "aadhaar|aadhar|uidai|uid", 0.7),
    _id("Aadhaar, plain", "IN", r"\b[2-9]\d{11}\b", national.in_aadhaar, "aadhaar|aadhar|uidai|uid", 0.4),
    _id("PAN", "IN", r"\b[A-Z]{3}[ABCFGHLJPT][A-Z]\d{4}[A-Z]\b", None, "pan|income tax|permanent account", 0.65),
    _id("voter id", "IN", r"\b[A-Z]{3}\d{7}\b", None, "voter|epic", 0.2),
    _id("resident identity number", "CN", r"\b[1-9]\d{16}[\dXx]\b", national.cn_resident, "resident", 0.9),
    _id("HKID", "HK", r"\b[A-Z]{1,2}\d{6}\([0-9A]\)", national.hk_id, "hkid|hong kong", 0.8),
    _id("HKID, plain", "HK", r"\b[A-Z]{1,2}\d{6}[0-9A]\b", national.hk_id, "hkid|hong kong", 0.2),
    _id("national id", "TW", r"\b[A-Z][1289]\d{8}\b", national.tw_id, "taiwan", 0.55),
    _id("resident registration number", "KR", r"\b\d{6}-[1-8]\d{6}\b", national.kr_rrn, "rrn|resident registration", 0.7),
    _id("resident registration number, plain", "KR", r"\b\d{6}[1-8]\d{6}\b", national.kr_rrn, "rrn|resident registration", 0.2),
    _id("My Number", "JP", r"\b\d{4}[ \-]?\d{4}[ \-]?\d{4}\b", national.jp_my_number, "my number|mynumber|individual number", 0.3),
    _id("NRIC or FIN", "SG", r"(?i:\b[STFGM]\d{7}[A-Z]\b)", national.sg_nric, "nric|fin", 0.8),
    _id("MyKad", "MY", r"\b\d{6}-\d{2}-\d{4}\b", national.my_kad, "mykad|nric|kad pengenalan", 0.6),
    _id("Thai id", "TH", r"\b\d-\d{4}-\d{5}-\d{2}-\d\b", national.th_id, "thai", 0.8),
    _id("Thai id, plain", "TH", r"\b[1-8]\d{12}\b", national.th_id, "thai", 0.2),
    _id("NIK", "ID", r"\b\d{16}\b", national.id_nik, "nik|ktp|kependudukan", 0.2),
    _id("CNIC", "PK", r"\b[1-7]\d{4}-\d{7}-\d\b", None, "cnic|nadra", 0.75),
    _id("UMID or SSS", "PH", r"\b\d{2}-\d{7}-\d\b|\b\d{4}-\d{7}-\d\b", None, "sss|umid|philhealth", 0.3),
    _id("Emirates ID", "AE", r"\b784[ \-]?\d{4}[ \-]?\d{7}[ \-]?\d\b", national.ae_emirates, "emirates", 0.85),
    _id("Saudi id", "SA", r"\b[12]\d{9}\b", national.sa_id, "saudi|iqama", 0.2),
    _id("tax file number", "AU", r"\b\d{3}[ \-]?\d{3}[ \-]?\d{3}\b", national.au_tfn, "tfn|tax file", 0.25),
    _id("ABN", "AU", r"\b\d{2} \d{3} \d{3} \d{3}\b", national.au_abn, "abn|business number", 0.55),
    _id("ABN, plain", "AU", r"\b\d{11}\b", national.au_abn, "abn|business number", 0.3),
    _id("IRD number", "NZ", r"\b\d{2,3}[ \-]?\d{3}[ \-]?\d{3}\b", national.nz_ird, "ird|inland revenue", 0.25),
    _named(
        "national id named as such",
        Category.NATIONAL_ID,
        r"ssn|nss|social security|social insurance|national id|national identity|national insurance|nino|identity card|id card|personal id|"
        r"tax id|tax identification|taxpayer id|tin|itin|ein|fiscal code|codice fiscale|cpf|cnpj|curp|dni|nie|nif|aadhaar|aadhar|bsn|"
        r"burgerservicenummer|pesel|personnummer|steuer-?id|steuernummer|steuer-identifikationsnummer|rodne cislo|cnic|nric|hkid|nin|bvn|my ?number|"
        r"numero de securite sociale|securite sociale|emirates id|citizen id|government id|voter id|personalausweis|identity number|id number",
    ),
)  # fmt: skip


def names() -> tuple[str, ...]:
    """Every detector as `name (country)`, for the reference documentation."""
    return tuple(
        f"{detector.name} ({detector.country})" if detector.country else detector.name
        for detector in DETECTORS
    )
