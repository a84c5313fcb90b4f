"""What the name of a field says about its whole value: `ssn`, `dateOfBirth` or `client_secret` need no pattern and no check digit.

A rule holds when the name's last words are the rule's, so `phone_verified` and `password_changed_at` are left alone, and when the value has the form.
"""

import re
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Field:
    """`names` matches the end of the field's name, as lower-case words; `form` matches the whole value, folded. `spellings` are the names as written here."""

    category: str
    names: re.Pattern[str]
    form: re.Pattern[str]
    spellings: tuple[str, ...]


_NUMBER = r"(?: (?:number|no|nr|num|id|value|code|\d))?"


def _field(category: str, names: str, form: str) -> Field:
    """`names`: words joined by `|`; a space stands for whatever joins the words of a name."""
    pattern = re.compile(rf"(?:.* )?(?:{names}){_NUMBER}")
    return Field(category, pattern, re.compile(form, re.DOTALL), tuple(names.split("|")))


_TELLING = r"(?!\$\{|\{\{|<|\[)\S.{2,}\S"
_CODE = r"(?=(?:.*\d){4})[0-9A-Za-z .\-/+_]{4,32}"

FIELDS: tuple[Field, ...] = (
    _field(
        "password",
        "password|userpassword|pass word|passwd|pwd|passphrase|pass phrase|passcode|pass code|secret|client secret|secret key|access key|signing key|encryption key|"
        "webhook secret|mot de passe|contrasena|kennwort|passwort|wachtwoord|senha|credential|credentials|otp|totp|recovery code|security answer",
        _TELLING,
    ),
    _field(
        "api_key",
        "api key|apikey|access token|accesstoken|refreshtoken|authtoken|auth token|refresh token|bearer token|id token|session token|api token|authorization|private token|secret token|"
        "api secret",
        _TELLING,
    ),
    _field("api_key", "token|auth|bot token|user token|device token", r"(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9+/=_\-.~]{16,2000}"),
    _field("private_key", "private key|privatekey|priv key|seed phrase|mnemonic", _TELLING),
    _field(
        "date_of_birth",
        "dob|birthdate|dateofbirth|birth date|birthday|birth day|date of birth|birth dt|born|born on|geburtsdatum|fecha de nacimiento|fecha nacimiento|"
        "date de naissance|date naissance|data nascimento|data de nascimento|data di nascita|geboortedatum|birth year|year of birth",
        r"(?=.*\d\d).{4,40}",
    ),
    _field(
        "national_id",
        "ssn|social security|socialsecurity|socialsecuritynumber|nationalid|taxid|sin|nino|national insurance|national id|national number|national identity|nin|bvn|aadhaar|aadhar|pan card|cpf|cnpj|curp|"
        "dni|nie|nif|nir|codice fiscale|bsn|pesel|personnummer|personal id|personal number|personal code|tax id|tax number|tax identification|taxpayer|"
        "taxpayer id|tin|itin|tfn|identity card|identity number|id number|id card|nric|hkid|cnic|emirates id|oib|egn|cnp|jmbg|hetu|ppsn|steuer id|"
        "steuernummer|fiscal code|citizen id|government id|voter id|resident registration|ssn last four|ssn last",
        r"(?=(?:.*\d){4})[0-9A-Za-z .\-/+]{4,24}",
    ),
    _field("passport", "passport|passportnumber|passeport|pasaporte|reisepass|travel document", _CODE),
    _field(
        "driving_licence",
        "driving licence|driving license|drivers licence|drivers license|driver licence|driver license|driver s license|dl number|licence plate|"
        "license plate|fuhrerschein|permis de conduire",
        _CODE,
    ),
    _field("health_id", "mrn|medical record|nhs|medicare|medicaid|health insurance|health card|patient id|patient number|insurance policy", _CODE),
    _field(
        "phone",
        "phone|phones|phonenumber|mobilenumber|telephone|tel|mobile|cell|cellphone|cell phone|fax|msisdn|whatsapp|phone home|phone work|phone mobile|telefon|telefono|telefone|"
        "handy|mobil|celular|contact number|landline",
        r"(?=(?:.*\d){6})[0-9+() .\-/xeEtT#]{6,32}",
    ),
    _field("card_code", "cvv|cvc|cvv2|cvc2|security code|card pin", r"\d{3,6}"),
    _field("card", "card|card pan|cardnumber|creditcard|ccnumber|pan|credit card|debit card|cc|payment card", r"\d(?:[ \-.]?\d){11,18}"),
    _field(
        "bank_account",
        "bank account|bankaccount|accountnumber|account number|account no|acct number|acct no|sort code|routing|routing number|bic|swift|swift code|bsb|ifsc|kontonummer|clabe",
        r"(?=(?:.*\d){5})[0-9A-Z .\-]{5,34}|[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?",
    ),
    _field("iban", "iban", r"(?i:[a-z]{2}\d\d[0-9a-z .\-]{8,40})"),
)  # fmt: skip

_QUANTITIES = (
    "amount total count price cost revenue rate size bytes time date at on version duration seconds minutes ms us percent score balance limit fee usd "
    "eur gbp verified status type enabled required length attempts sum tax net gross quantity qty units rank age year month volume page offset"
)
QUANTITIES = frozenset(_QUANTITIES.split())
"""A name that ends so speaks of something else than the words before it: `mobile_revenue` is no phone number."""


PAGING = re.compile(r"(?:^| )(?:next|page|paging|pagination|continuation|cursor|sync|etag)(?: |$)")
"""Words of a name that make its value a place to go on from, which a program has to hand back: `next_page_token` is no secret."""


@lru_cache(maxsize=4096)
def field_of(words: str) -> Field | None:
    """The rule for a field of that name, given as lower-case words: `home phone`."""
    if PAGING.search(words):
        return None
    return next((rule for rule in FIELDS if rule.names.fullmatch(words)), None)
