"""What the name of a field says about its whole value: `ssn`, `dateOfBirth` or `client_secret` need no pattern and no check digit.

A rule holds when the name's last words are the rule's, so `phone_verified` and `password_changed_at` are left alone, and when the value has the form.
"""

import re
from collections.abc import Iterable, Sequence
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


_PEOPLE = (
    "customer|client|contact|patient|employee|person|people|user|holder|account holder|card holder|cardholder|owner|recipient|sender|author|applicant|beneficiary|guardian|"
    "spouse|manager|supervisor|doctor|physician|nurse|student|pupil|teacher|guest|passenger|attendee|participant|candidate|witness|signatory|kunde|"
    "kunden|mitarbeiter|cliente|paciente|empleado|patiente|dipendente|paziente|medewerker|klant|funcionario|klient|pracownik"
)
_NAME_FORM = r"(?=.*[^\W\d_])[^\d@/<>{}_=]{2,60}"


def _named(category: str, names: str, form: str) -> Field:
    return Field(category, re.compile(rf"(?:.* )?(?:{names})"), re.compile(form, re.DOTALL), tuple(names.split("|")))  # fmt: skip


NAMED: tuple[Field, ...] = (
    _named(
        "person",
        rf"(?:first|last|full|middle|given|family|maiden|second|sur|fore|birth|legal|preferred|{_PEOPLE}) ?names?|name of (?:the )?(?:{_PEOPLE})|surname|forename|fullname|firstname|lastname|fname|lname|"
        "vorname|nachname|familienname|vor und nachname|ansprechpartner|nom de famille|nom complet|prenom|nom et prenom|apellidos?|nombre completo|nombres?(?: y| del?)? ?(?:apellidos?|cliente|paciente|empleado)|primer nombre|"
        "cognome|nome completo|nome e cognome|achternaam|voornaam|volledige naam|sobrenome|apelido|nome do (?:cliente|paciente|funcionario)|nazwisko|imie|imie i nazwisko",
        _NAME_FORM,
    ),
    _named(
        "address",
        "street|street address|postal address|home address|billing address|shipping address|mailing address|delivery address|address|addr|address line|address ?[12]|address line [12]|strasse|anschrift|adresse|direccion|domicilio|"
        "indirizzo|adres|morada|endereco|ulica",
        r"(?=.*[^\W\d_]).{4,120}",
    ),
    _named("location", "city|town|place of birth|birth ?place|birth city|ort|stadt|wohnort|geburtsort|ciudad|localidad|ville|lieu de naissance|citta|comune|plaats|woonplaats|cidade|miasto|miejscowosc", _NAME_FORM),
    _named("postcode", "zip|zip ?code|post ?code|postal code|plz|postleitzahl|code postal|codigo postal|cap|kod pocztowy", r"(?=.*\d).{3,12}"),
    _named("username", "user ?name|login|login name|screen name|handle|nick ?name|benutzername", r"(?=.*[^\W\d_])[^\s]{2,40}"),
    _named("job_title", "job title|occupation|profession|beruf|ocupacion|profesion|professione|beroep|profissao|zawod", _NAME_FORM),
    _named("nationality", "nationality|citizenship|ethnicity|religion|race|staatsangehorigkeit|nationalitat|nationalite|nacionalidad|nazionalita|nationaliteit|nacionalidade|narodowosc", _NAME_FORM),
    _named("medical", "diagnosis|diagnoses|medication|allerg(?:y|ies)|disease|blood (?:type|group)|icd ?10|treatment|diagnose|diagnostico|diagnosi|diagnoza", r".{1,200}"),
)  # fmt: skip
"""What a field's name says of values that have no form: there the name decides, and the value need only look like it."""

_JUST_NAMES = frozenset({"name", "names", "nom", "nome", "nombre", "naam", "nazwa", "imiona"})
_OF_PEOPLE = frozenset(
    {"person", "address", "nationality", "date_of_birth", "national_id", "phone", "passport", "health_id", "driving_licence", "medical", "job_title"}
)  # fmt: skip
_MAIL = re.compile(
    r"(?:.* )?e ?mails?(?: address| adresse)?|(?:.* )?(?:age|gender|sex|birthday|alter|geschlecht)"
)
_NO_STREET = re.compile(
    r"(?:.* )?(?:e ?mail|mail|ip|ipv4|ipv6|mac|web|url|wallet|bitcoin|btc|eth|crypto|memory|remote|local|host|server|client|source|src|destination|dest|dst|peer|bind|listen|network|node|proxy|"
    r"gateway|socket|base|start|end|return|bus|pci|register|contract|adresse e|adresse de messagerie|correo)(?: address(?: ?\d)?| addr| adresse| ?mail)"
)
"""Addresses at which nobody lives."""
OF_A_PERSON = "person name"


@lru_cache(maxsize=4096)
def named_of(words: str) -> Field | None:
    """The rule of `NAMED` for a field of that name, given as lower-case words."""
    if _NO_STREET.fullmatch(words):
        return None
    return next((rule for rule in NAMED if rule.names.fullmatch(words)), None)


def is_just_name(words: str) -> bool:
    """Whether a field's name, as lower-case words, says `name` and not of what."""
    return words in _JUST_NAMES


def columns(names: Sequence[str]) -> list[str]:
    """The names of a table's columns, as lower-case words: one that is just `name` becomes `person name` where another speaks of a person (a birthday, an address, mail)."""
    alone = [number for number, words in enumerate(names) if is_just_name(words)]
    if not alone or not speak_of_people(words for words in names if not is_just_name(words)):
        return list(names)
    return [OF_A_PERSON if number in alone else words for number, words in enumerate(names)]


def speak_of_people(names: Iterable[str]) -> bool:
    """Whether the names of fields, as lower-case words, are those of a list of people."""
    for words in names:
        rule = field_of(words) or named_of(words)
        if (rule is not None and rule.category in _OF_PEOPLE) or _MAIL.fullmatch(words):
            return True
    return False
