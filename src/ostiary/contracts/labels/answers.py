"""Which fields of an answer are the system's own, and who may read them. What people write is neither trusted nor, unless somebody says so, everybody's."""

from collections.abc import Mapping

from ostiary.contracts.labels import words as w
from ostiary.contracts.labels.fields import Field, fields
from ostiary.contracts.labels.names import concept, words
from ostiary.contracts.labels.sense import Described, Sense

TRUSTED_MAX = 50


def trusted_fields(tool: Described, sense: Sense) -> tuple[tuple[str, ...], str]:
    """Fields of the answer that hold what the system itself made. What people write, and addresses that a stranger can bring along, are not."""
    if tool.returns is None:
        return _trusted_keys(tool, sense)
    directory = _is_directory(sense)
    found = [field.path for field in fields(tool.returns) if _is_own(field, directory=directory)]
    if len(found) > TRUSTED_MAX:
        found = found[:TRUSTED_MAX]
    return tuple(
        path for path in found if path
    ), "numbers, times, identifiers and values of a list are the system's own" + (
        "; addresses come from a directory" if directory else ""
    )


def _is_directory(sense: Sense) -> bool:
    return sense.reads and bool(sense.about & w.DIRECTORY) and not sense.outward


def _is_own(field: Field, *, directory: bool) -> bool:
    if (
        field.closed
        or field.is_time
        or field.format == "uuid"
        or field.kind in {"number", "integer", "boolean"}
    ):
        return True
    if field.kind != "string":
        return False
    meaning = concept(field.named)
    if meaning == "id" or (set(field.named) & w.IDS and meaning in {"person", "group", "account"}):
        return True
    if meaning == "date" or field.named[-1:] in {("status",), ("state",), ("currency",)}:
        return True
    return directory and (field.format in {"email", "idn-email"} or meaning in {"email", "phone", "account"})


def _is_raw(tool: Described, sense: Sense) -> bool:
    """Whether it gives out one document as somebody wrote it: then keys in it are that somebody's."""
    said = set(sense.words)
    one = sense.verb in w.TAKES_OUT and bool(said & w.DOCUMENTS) and not tool.name.lower().endswith("s")
    return one or bool(said & w.SENTENCES)


_KEYS_ALWAYS = (
    "id",
    "id_",
    "uuid",
    "created_at",
    "updated_at",
    "timestamp",
    "date",
    "start_time",
    "end_time",
    "all_day",
    "status",
)
_KEYS_DIRECTORY = ("email", "phone", "phone_number", "iban", "account_number", "user_id", "username")
_KEYS_MONEY = ("amount", "currency", "balance", "recurring")
_KEYS_CHAT = ("sender", "recipient", "author", "user")
_KEYS_PLACE = ("name", "address", "city", "country", "price", "rating", "phone")
_LISTED = ("/*", "/result/*")
"""The items of an answer that is a list, and of one that is wrapped because an answer has to be an object."""


def _trusted_keys(tool: Described, sense: Sense) -> tuple[tuple[str, ...], str]:
    """Without a schema of the answer: all of it where no sentence is expected in it, else keys that identifiers and times have everywhere."""
    if not sense.reads or sense.family == "process" or sense.outward or _is_raw(tool, sense):
        return (), ""
    asked = asked_for(sense)
    if asked & w.FACTS and asked <= w.FACTS | w.PLACES:
        return ("*",), "it is asked for facts of the system's own, where nobody writes sentences"
    if is_own_record(tool, sense):
        return ("*",), "it takes nothing and gives the account holder's own record"
    keys = [*_KEYS_ALWAYS, *_named_ids(sense)]
    keys += _KEYS_DIRECTORY if _is_directory(sense) else ()
    keys += _KEYS_MONEY if sense.money else ()
    keys += _KEYS_CHAT if sense.about & w.CHATS and "message" in sense.about else ()
    keys += _KEYS_PLACE if asked and asked <= w.PLACES else ()
    keys += _LISTED if asked and asked <= w.PEOPLE | w.PLACES else ()
    told = "its answer has no schema: these are the names that identifiers, times and directory entries usually have"
    return tuple(dict.fromkeys(keys)), told


def _named_ids(sense: Sense) -> list[str]:
    chosen = {"thing", "path", "person", "group", "account", "email"}
    return sorted(f"{word}_id" for word in sense.about if word.isalpha() and concept((word,)) in chosen)


def asked_for(sense: Sense) -> frozenset[str]:
    """The words of what a read gives: without its verb, and without where it looks (`price` of get_price_for_restaurants)."""
    found = []
    for word in sense.words[1:] if sense.words[:1] == (sense.verb,) else sense.words:
        if word in w.ENDS:
            break
        found.append(word)
    return frozenset(found) - w.LITTLE - {"all", "current", "available", "my", sense.verb}


def is_own_record(tool: Described, sense: Sense) -> bool:
    """Of a read without parameters that gives a user's details, the user can only be the one whose account it is."""
    asked = asked_for(sense)
    takes = (tool.parameters or {}).get("properties") if isinstance(tool.parameters, dict) else None
    told = bool(asked & w.OWN and asked & w.MATTERS) or bool(asked & w.SELF) or sense.verb in w.SELF
    return not takes and told and asked <= w.OWN | w.MATTERS


def readers_of(tool: Described, sense: Sense) -> tuple[Mapping[str, tuple[str, ...]], str]:
    """Who may read a record: whom its own fields list; everybody, where it is public."""
    if not sense.reads:
        return {}, ""
    listed = _listing(fields(tool.returns) if tool.returns else [])
    if listed:
        return listed, "fields of the answer list who has the record"
    if sense.about & w.PRIVATE or is_own_record(tool, sense):
        return {"*": ("owner",)}, "it is for its owner's eyes"
    if sense.about & w.PUBLIC:
        return {"*": ("*",)}, "what it reads is public"
    return {}, ""


def _listing(leaves: list[Field]) -> dict[str, tuple[str, ...]]:
    """Text beside a field that lists readers, in the same object -> that field."""
    lists: dict[tuple[str, ...], list[str]] = {}
    for field in leaves:
        if _lists_somebody(field):
            lists.setdefault(_record(field), []).append(field.path)
    found: dict[str, tuple[str, ...]] = {}
    for field in leaves:
        beside = lists.get(field.steps[:-1])
        if (
            beside
            and field.kind == "string"
            and not field.closed
            and field.path not in beside
            and concept(field.named) in {"text", "name", "path", ""}
        ):
            found[field.path] = tuple(beside)
    return found


def _lists_somebody(field: Field) -> bool:
    said = [field.named, *field.within]
    if field.kind != "string" or not any(set(one) & w.LISTING for one in said):
        return False
    return field.many or concept(field.named) not in {"text", "paging", "flag", "date"}


def _record(field: Field) -> tuple[str, ...]:
    """Where the record stands that a listing field belongs to: the object around it, or around the list of objects that it is in."""
    steps = field.steps
    while "*" in steps and not set(words(steps[-1])) & w.LISTING and len(steps) > 1:
        steps = steps[:-1]
    return steps[:-1]
