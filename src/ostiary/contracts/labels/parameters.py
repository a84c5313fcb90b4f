"""Which label a parameter gets, and why. In doubt a text that is written is content, and what chooses something is a sink."""

from itertools import pairwise

from ostiary.contracts.labels import words as w
from ostiary.contracts.labels.fields import Field
from ostiary.contracts.labels.names import concept, words
from ostiary.contracts.labels.sense import Sense


def parameter_label(field: Field, sense: Sense, *, outward: bool) -> tuple[str, str]:
    """(label, reason), or two empty texts for what decides nothing: a flag, a date, one of a list, the size of a page."""
    if field.kind == "boolean" or field.closed or field.is_time:
        return "", ""
    meaning, reason = meaning_of(field, sense)
    if _pages(field):
        return "", ""
    if sense.reads:
        return _read_label(field, meaning, sense, outward=outward), reason
    return _write_label(field, meaning, sense), reason


_PAGE_TOKENS = frozenset({"page", "next", "continuation", "sync", "cursor", "pagination", "previous"})


def _pages(field: Field) -> bool:
    """page, per_page, page_token: which part of a list comes, not which list."""
    said = set(field.named)
    return bool(said & _PAGE_TOKENS) and (field.kind == "integer" or "token" in said)


def meaning_of(field: Field, sense: Sense) -> tuple[str, str]:
    """The concept of a parameter, and what told it. The format is exact, then comes what its description names, then its name, then the names above it."""
    if field.format in {"email", "idn-email"}:
        return "email", f"its format is {field.format}"
    if field.format in {"uri", "url", "iri", "uri-reference", "hostname", "ipv4", "ipv6"}:
        return "url", f"its format is {field.format}"
    name = " ".join(field.named)
    meaning = concept(field.named, sense.about)
    described = _described(field.description or field.title)
    if described == "account" and meaning in {"recipient", "person", "id", "name", "thing", "", "account"}:
        return "account", f"its description says {_SAID['account']}"
    if meaning == "email" and field.named[-1:] == ("mail",) and described == "text":
        return "text", "its description speaks of a text"
    if described and (meaning in {"", "name"} or set(field.named) <= w.VAGUE):
        return described, f"its description says {_SAID[described]}"
    if meaning in {"", "name", "id", "text", "postal"}:
        for above in reversed(field.within):
            told = concept(above)
            if told == "postal" and meaning in {"", "name"}:
                return told, f"it belongs to {' '.join(above)}"
            if told in {"recipient", "account", "person", "group"} and meaning != "text":
                return told, f"it belongs to {' '.join(above)}"
            if told == "text" and not meaning:
                return "text", f"it belongs to {' '.join(above)}"
    if field.format == "uuid" and meaning in {"", "name", "text"}:
        return "id", "its format is uuid"
    return meaning, f"its name says {name}" if meaning else "nothing says what it is"


_SAID = {
    "account": "account number",
    "email": "e-mail address",
    "url": "URL",
    "phone": "phone number",
    "id": "identifier",
    "path": "path",
    "recipient": "recipient",
    "text": "text",
    "query": "search",
    "amount": "amount",
}
_TELLING: tuple[tuple[str, frozenset[tuple[str, ...]]], ...] = (
    (
        "account",
        frozenset(
            {("iban",), ("account", "number"), ("bank", "account"), ("wallet", "address"), ("card", "number")}
        ),
    ),
    ("email", frozenset({("email", "address"), ("e", "mail"), ("email",)})),
    ("url", frozenset({("url",), ("uri",), ("web", "address"), ("hostname",), ("link",)})),
    ("phone", frozenset({("phone", "number"), ("telephone",), ("mobile", "number")})),
    ("path", frozenset({("path",), ("file", "name"), ("filename",)})),
    ("recipient", frozenset({("recipient",), ("addressee",), ("receiver",)})),
    ("query", frozenset({("search",), ("query",), ("keyword",)})),
    ("amount", frozenset({("amount",), ("price",)})),
    ("text", frozenset({("text",), ("content",), ("body",), ("message",)})),
    ("id", frozenset({("id",), ("identifier",), ("uuid",)})),
)
DESCRIPTION_WORDS = 12


_BREAKS = frozenset(
    {"of", "for", "to", "in", "on", "that", "which", "from", "where", "with", "by", "when", "if"}
)


def _described(description: str) -> str:
    """The concept that the beginning of a description names: of its first phrase that names one (`IBAN of the recipient` is an IBAN), the one that
    decides most."""
    phrase: list[str] = []
    for word in (*words(description)[:DESCRIPTION_WORDS], "of"):
        if word not in _BREAKS:
            phrase.append(word)
            continue
        pairs = {(one,) for one in phrase} | set(pairwise(phrase))
        if found := next((meaning for meaning, told in _TELLING if pairs & told), ""):
            return found
        phrase = []
    return ""


def _read_label(field: Field, meaning: str, sense: Sense, *, outward: bool) -> str:
    if meaning == "url":
        return "url"
    if meaning in {"paging", "flag", "currency"}:
        return ""
    free = field.kind in {"string", "object", ""}
    asks = outward or sense.family == "process" or sense.verb in {"ask", "check", "evaluate"}
    if free and asks and meaning in _FREE and not _is_narrow(field):
        return "content" if outward or meaning not in {"query", ""} else "selector"
    if meaning == "date" or (meaning == "person" and not free):
        return ""
    return "selector" if meaning or free else ""


_FREE = frozenset({"text", "query", "code", "secret", ""})


def _is_narrow(field: Field) -> bool:
    """A pattern without wildcards leaves no room for a message."""
    return bool(field.pattern) and ".*" not in field.pattern and ".+" not in field.pattern


def _write_label(field: Field, meaning: str, sense: Sense) -> str:
    number = field.kind in {"number", "integer"}
    if meaning in {"email", "phone", "recipient"}:
        return (
            "account" if sense.money and "address" in field.named and meaning == "recipient" else "recipient"
        )
    if meaning in {"person", "group"}:
        return _somebody(field, meaning, sense)
    if meaning == "account" and field.named[-1:] == ("card",) and not sense.money:
        return "id"
    if (
        meaning == "id"
        and sense.family == "make"
        and "id" not in field.named
        and set(field.named) <= sense.about
    ):
        return "content"
    if meaning in _FIXED:
        return _FIXED[meaning]
    if meaning == "amount" or (meaning in {"", "text"} and number and sense.money and not field.is_time):
        return "amount"
    if meaning == "place":
        return _placed(field, sense)
    if meaning in {"path", "thing"} and field.kind in {"object", ""}:
        return "content"
    if meaning == "path":
        return "id"
    if meaning in {"thing", "name"}:
        return "" if number and not _asks_for_id(field) else _named_thing(field, meaning, sense)
    if meaning in {"date", "flag", "paging"}:
        return ""
    return "" if number else "content"


_FIXED = {"url": "url", "account": "account", "postal": "address", "currency": "currency", "id": "id"}


def _somebody(field: Field, meaning: str, sense: Sense) -> str:
    """Who is told, shared with or paid is a recipient; who is only named is an id, and the name of a new one is content."""
    if sense.tells or (sense.money and meaning == "person"):
        return "recipient"
    if meaning == "group" and sense.family == "make":
        names_it = not _asks_for_id(field) and set(field.named) <= sense.about | {"name"}
        return "content" if names_it else "recipient"
    return "id"


def _placed(field: Field, sense: Sense) -> str:
    """source, destination, target: an account for money, a person for messages, else a thing. Whom it comes from is chosen like a thing."""
    if sense.money:
        return "account"
    return "recipient" if sense.tells and not set(field.named) & {"from", "source", "origin"} else "id"


def _asks_for_id(field: Field) -> bool:
    return bool(set(field.named) & w.IDS)


def _named_thing(field: Field, meaning: str, sense: Sense) -> str:
    """A thing that exists is chosen by its name; a new thing gets one."""
    creates = sense.family == "make" and sense.verb not in {
        "book",
        "reserve",
        "fork",
        "clone",
        "schedule",
        "copy",
        "duplicate",
    }
    own = set(field.named) - {"name", "new"} <= sense.about
    if creates and own:
        return "content"
    if meaning == "name":
        return "content" if sense.family in {"make", "change"} or "new" in field.named else "id"
    return "id"
