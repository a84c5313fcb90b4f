"""Where somebody is: street addresses as eight languages write them, postcodes, coordinates. Below the model's score, which knows more than the form."""

import re

from ostiary.detection import validity
from ostiary.detection.detector import Detector

_W = r"(?:[A-Z\xe9][A-Za-z\xe9'.\-]{0,30})"
_NUMBER = r"\d{1,5}(?: ?[A-Za-z])?(?:[/\-]\d{1,4}[A-Za-z]?)?"
_UNIT = r"(?:,? (?i:apt|apartment|suite|ste|unit|flat|floor|fl|room|rm|app|wohnung|piso|scala|int|#)\.? ?[0-9A-Za-z\-]{1,6})?"
_EN = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace|Ter|Way|Parkway|Pkwy|Highway|Hwy|Circle|Cir|Close|Crescent|Cres|"
    r"Gardens|Grove|Mews|Row|Trail|Trl|Alley|Plaza|Ridge|Point|Walk|Hill|Park|Loop|Pike|Run|Path|Crossing|Quay|Wharf|Parade|STREET|AVENUE|ROAD|DRIVE|LANE|ST|AVE|RD|DR|BLVD|LN|CT)"
)
_DE = r"(?:stra\xe9e|strasse|str\.|weg|platz|allee|gasse|ring|damm|ufer|chaussee|steig|pfad|markt|berg|hof|graben|kai|promenade)"
_NL = r"(?:straat|laan|weg|plein|gracht|kade|singel|dijk|steeg|hof|dreef|plantsoen|pad|markt|boulevard)"
_ENGLISH = rf"\b{_NUMBER} (?:(?:N|S|E|W|NE|NW|SE|SW|North|South|East|West)\.? )?(?:{_W} |\d{{1,3}}(?:st|nd|rd|th) ){{1,4}}{_EN}\b\.?{_UNIT}"
_BOX = (
    r"\b(?i:p\.? ?o\.? ?box|postfach|apartado|casella postale|boite postale|postbus|caixa postal) ?\d{1,6}\b"
)
_GERMAN = rf"(?:\b[A-Z\xe9][a-z\xe9]{{1,25}}(?i:{_DE})|\b(?:{_W}[ \-]){{1,3}}(?i:{_DE}|str\b)) {_NUMBER}\b"
_DUTCH = rf"(?:\b[A-Z\xe9][a-z\xe9]{{1,25}}{_NL}|\b(?:{_W} (?:(?:van|de|der|den) )?){{1,3}}{_NL}) {_NUMBER}\b"
_LATIN_NAME = rf"(?:(?:de|du|des|la|le|les|l'|d'|del|della|dello|dei|delle|di|do|da|dos|das|los|las|el|y|e|en) ?){{0,3}}(?:{_W}|\d{{1,4}})"
_FRENCH = rf"\b\d{{1,4}}(?: ?(?:bis|ter|[A-D]))?,? (?i:rue|avenue|av\.|boulevard|bd|place|chemin|impasse|allee|quai|route|cours|passage|square|faubourg|villa)(?: {_LATIN_NAME}){{1,5}}"
_SOUTHERN = (
    r"\b(?i:calle|c/|avenida|avda\.?|plaza|paseo|carrer|ronda|camino|carretera|via|viale|piazza|corso|largo|vicolo|strada|rua|av\.|praca|travessa|alameda|estrada|rodovia)"
    rf"(?: {_LATIN_NAME}){{1,5}},? ?(?:(?i:n\.?|no\.?|num\.?|nr\.?|numero|n.o) ?)?\d{{1,5}}(?: ?[A-Za-z]\b)?(?:,? \d{{1,2}}\.?[oa])?"
)
_POLISH = rf"\b(?i:ul\.|ulica|al\.|aleja|aleje|pl\.|plac|os\.|osiedle)(?: {_W}|\d{{1,2}}){{1,4}} {_NUMBER}(?:/\d{{1,4}}| m\. ?\d{{1,4}})?\b"

_STATES = "AL|AK|AZ|AR|CA|CO|CT|DE|DC|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|NM|NY|NC|ND|OH|OK|OR|PA|PR|RI|SC|SD|TN|TX|UT|VT|VA|WA|WV|WI|WY"
_BREAK = r"(?:, ?| ?\r?\n ?)"
_TOWN = rf"{_W}(?:[ \-]{_W}){{0,2}}"
_AMERICAN_FULL = rf"(?:{_ENGLISH}|{_BOX}){_BREAK}(?:{_TOWN}),? (?:{_STATES}),? \d{{5}}(?:-\d{{4}})?\b"
_CONTINENTAL_FULL = rf"(?:{_GERMAN}|{_DUTCH}|{_FRENCH}|{_SOUTHERN}|{_POLISH}){_BREAK}(?:[A-Z]{{1,2}}-)?(?:\d{{5}}|\d{{4}}(?: ?[A-Z]{{2}}|-\d{{3}})?|\d{{2}}-\d{{3}}) {_TOWN}"
"""With town and postcode: nothing else is written so."""
_POST_WORDS = (
    "zip", "zip code", "zipcode", "postcode", "post code", "postal code", "postal", "plz", "postleitzahl", "code postal", "codigo postal", "cap", "cep", "postcode",
    "kod pocztowy", "address", "adresse", "direccion", "indirizzo", "adres", "endereco", "postal_code", "post_code", "zip_code", "pin code", "pincode",
)  # fmt: skip


def _inside(text: str, latitude_max: float = 90, longitude_max: float = 180) -> bool:
    latitude, longitude = (float(part) for part in text.replace(",", " ").replace(";", " ").split())
    return abs(latitude) <= latitude_max and abs(longitude) <= longitude_max


_NO_STREETS = frozenset(["spring", "string", "bring", "offspring"])
_VERBS = ("ering", "oring", "uring", "aring", "iring")
HOUSE_MAX = 1500
"""House numbers of the Continent stay below; what is higher is a year: `Heidelberg 1993`."""


def german_street(text: str) -> bool:
    """No year behind a name, and no English word in -ing (`During 1971`)."""
    name = text.split(" ", 1)[0].lower()
    numbers = re.findall(r"\d+", text)
    return int(numbers[0]) <= HOUSE_MAX and name not in _NO_STREETS and not name.endswith(_VERBS)


def coordinates(text: str) -> bool:
    """Latitude and longitude in degrees, in this order, and not two amounts: at least one with a sign or four decimals each."""
    return _inside(text.replace("+", ""))


DETECTORS: tuple[Detector, ...] = (
    Detector("American address with its town", "address", "", _AMERICAN_FULL, None, (), 0.97, languages=("en",)),
    Detector("Continental address with its town", "address", "", _CONTINENTAL_FULL, None, (), 0.97),
    Detector("street address, English", "address", "", _ENGLISH, None, (), 0.6, languages=("en",)),
    Detector("street address, German", "address", "", _GERMAN, german_street, (), 0.6, languages=("de",)),
    Detector("street address, Dutch", "address", "", _DUTCH, german_street, (), 0.6, languages=("nl",)),
    Detector("street address, French", "address", "", _FRENCH, None, (), 0.6, languages=("fr",)),
    Detector("street address, Spanish, Italian or Portuguese", "address", "", _SOUTHERN, None, (), 0.6, languages=("es", "it", "pt")),
    Detector("street address, Polish", "address", "", _POLISH, None, (), 0.6, languages=("pl",)),
    Detector("post office box", "address", "", _BOX, None, (), 0.6),
    Detector("UK postcode", "gb_postcode", "GB", r"\b(?:GIR 0AA|[A-PR-UWYZ](?:\d{1,2}|[A-HK-Y]\d|[A-HK-Y]\d\d|\d[A-HJKSTUW]|[A-HK-Y]\d[ABEHMNPRVWXY]) \d[ABD-HJLNP-UW-Z]{2})\b", None, _POST_WORDS, 0.55),
    Detector("UK postcode, joined", "gb_postcode", "GB", r"\b(?:GIR0AA|[A-PR-UWYZ](?:\d{1,2}|[A-HK-Y]\d{1,2}|\d[A-HJKSTUW]|[A-HK-Y]\d[ABEHMNPRVWXY])\d[ABD-HJLNP-UW-Z]{2})\b", None, _POST_WORDS, 0.2, numeric=True, reach=(30, 0)),
    Detector("Canadian postal code", "ca_postcode", "CA", r"\b[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z][ \-]\d[ABCEGHJ-NPRSTV-Z]\d\b", None, _POST_WORDS, 0.55),
    Detector("ZIP code after its state", "us_postcode", "US", rf"\b(?:{_STATES}),? (?P<v>\d{{5}}(?:-\d{{4}})?)\b", None, _POST_WORDS, 0.6, numeric=True),
    Detector("Dutch postcode", "nl_postcode", "NL", r"\b[1-9]\d{3} ?[A-Z]{2}\b", None, ("postcode", "adres", "address"), 0.2),
    Detector("postcode beside its name", "postcode", "", r"\b(?:\d{5}(?:-\d{3,4})?|\d{4}|\d{2}-\d{3}|\d{4}-\d{3}|\d{6})\b", validity.some_number, _POST_WORDS[:-13] + _POST_WORDS[-5:], 0.2,
             numeric=True, reach=(20, 0)),
    Detector("coordinates", "coordinates", "", r"[+\-]?\b\d{1,2}\.\d{4,15}(?: ?[,;] ?| )[+\-]?\d{1,3}\.\d{4,15}\b", coordinates, (), 0.6),
    Detector("coordinates in degrees", "coordinates", "",
             r"\b\d{1,3}\xa4 ?\d{1,2}(?:\.\d+)?['\xa4] ?(?:\d{1,2}(?:\.\d+)?(?:[\"\xa4]|'') ?)?[NSEWO]\b(?:,? ?\d{1,3}\xa4 ?\d{1,2}(?:\.\d+)?['\xa4] ?(?:\d{1,2}(?:\.\d+)?(?:[\"\xa4]|'') ?)?[NSEWO]\b)?",
             None, (), 0.7),
    Detector("coordinate named as such", "coordinates", "", r"(?i:\b(?:lat(?:itude)?|lon(?:gitude)?|lng)\b[\"']?) ?[:=]? ?[\"']?(?P<v>[+\-]?\d{1,3}\.\d{3,15})\b", None, (), 0.7),
)  # fmt: skip
