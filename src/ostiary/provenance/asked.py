"""Whether the person's words ask for an act of the kind that a contract describes: a comparison of verbs, not of meaning.

Verbs that people use for one act are a family. A contract belongs to the families of the verb that its name, its title or its description begins with;
the words ask for it when one of their verbs is of one of these families and is not denied ("do not delete"). It is a coarse test and a second one:
it stops the act that nobody spoke of, and explains no value. Words in quotes are content, not a request.
"""

import re
from collections.abc import Iterable

from ostiary.actions import Action
from ostiary.provenance.forms import plain

WORDS_MAX = 4_000

_FAMILIES = {
    "send": "send email mail message dm write tell notify reply respond answer forward text ping inform contact remind say ask resend post"
    " senden schicken schreiben antworten informieren weiterleiten envoyer écrire répondre informer enviar escribir responder",
    "publish": "publish post upload put submit announce release push deploy share write veröffentlichen hochladen publier publicar subir",
    "create": "create add make new schedule book plan open register generate insert draft organize organise arrange build produce write prepare record log file"
    " erstellen anlegen planen eintragen créer ajouter planifier crear añadir agregar planificar",
    "book": "book reserve rent order hire buchen reservieren mieten réserver louer reservar alquilar",
    "update": "update change modify edit adjust set correct fix rename replace amend revise increase decrease raise lower switch extend reschedule move postpone"
    " shift mark assign complete resolve improve convert configure ändern anpassen aktualisieren verschieben modifier changer déplacer cambiar modificar actualizar mover",
    "append": "append add extend insert write include attach put complete ergänzen hinzufügen anhängen ajouter joindre añadir agregar adjuntar",
    "delete": "delete remove drop erase clear purge discard trash wipe kick uninvite unsubscribe cancel löschen entfernen supprimer effacer enlever borrar eliminar quitar",
    "cancel": "cancel abort revoke withdraw terminate stop end close void delete remove absagen stornieren kündigen beenden annuler arrêter résilier cancelar anular detener",
    "pay": "pay transfer refund reimburse remit wire settle return donate transact charge buy purchase order repay"
    " zahlen bezahlen überweisen erstatten kaufen payer virer rembourser acheter pagar transferir reembolsar comprar",
    "invite": "invite add onboard enroll enrol join include einladen inviter invitar",
    "share": "share grant give allow permit invite provide publish expose teilen freigeben partager dar compartir",
    "revoke": "revoke unshare withdraw deny remove disable block ban suspend lock entziehen sperren révoquer bloquer revocar bloquear",
    "enable": "enable activate start unlock restore resume turn unblock aktivieren starten activer démarrer activar iniciar",
    "run": "run execute trigger start launch invoke call test deploy ausführen exécuter lancer ejecutar",
    "move": "move copy transfer migrate rename archive sort verschieben kopieren déplacer copier mover copiar",
    "read": "read get fetch visit open view see look check show find search list browse download summarize summarise retrieve access go tell what how which who"
    " when where load scrape crawl query lookup inspect review examine analyze analyse compare describe explain translate extract"
    " lesen öffnen zeigen suchen finden besuchen zusammenfassen lire ouvrir voir montrer chercher résumer leer abrir ver mostrar buscar resumir visitar",
}  # fmt: skip
"""Verb families. A verb may be of several: people book a room, and book an hour in a calendar."""

_PHRASES = {
    "set up": "create", "call off": "cancel", "get rid": "delete", "send back": "pay", "give back": "pay", "make sure": "",
    "reach out": "send", "sign up": "create", "take out": "delete", "fill in": "update", "put off": "update", "go to": "read",
}  # fmt: skip
_IRREGULAR = {
    "sent": "send", "paid": "pay", "wrote": "write", "written": "write", "made": "make", "told": "tell", "said": "say", "bought": "buy",
    "gave": "give", "given": "give", "found": "find", "put": "put", "went": "go", "got": "get", "lent": "lend", "payment": "pay", "refunded": "refund",
    "reservation": "reserve", "booking": "book", "deletion": "delete", "removal": "remove", "invitation": "invite", "cancellation": "cancel",
    "transaction": "transact", "reply": "reply", "subscription": "register", "summary": "summarize", "purchase": "purchase", "update": "update", "appointment": "schedule",
}  # fmt: skip
_MONEY = frozenset(
    [
        "money",
        "payment",
        "payments",
        "transaction",
        "transactions",
        "transfer",
        "funds",
        "refund",
        "invoice",
        "bill",
        "iban",
        "wire",
        "payout",
    ]
)
"""What is sent here is paid."""
_DENIED = frozenset(
    ["don't", "dont", "jamais", "kein", "keine", "ne", "never", "nicht", "nie", "no", "not", "nunca", "pas", "without"]
)  # fmt: skip
_DENIED_BEFORE = 3
"""Words that may stand between a denial and its verb: "do not under any circumstances delete" is out of reach, "don't you ever delete" is not."""

_NOUNS_TOO = frozenset(
    [
        "attach", "book", "change", "contact", "copy", "document", "email", "file", "log", "mail", "mark", "message", "order", "page", "plan", "post",
        "purchase", "query", "record", "reply", "report", "search", "text", "transfer", "update", "view",
    ]
)  # fmt: skip
_BEFORE_NOUNS = frozenset(
    [
        "a", "all", "an", "any", "by", "each", "every", "following", "from", "her", "his", "in", "its", "last", "latest", "my", "new", "no", "of", "on",
        "our", "that", "the", "their", "this", "via", "with", "your",
    ]
)  # fmt: skip
"""After these, such a word is a thing: in "delete the file" nobody files anything."""
_LET_KNOW = re.compile(r"\blet \w+(?: \w+)? know\b")

_DELEGATES = re.compile(
    r"\b(?:do|follow|carry out|execute|perform|complete|handle|work through|act on) (?:(?:all|any|the|my|his|her|their|these|those|of) ){0,3}"
    r"(?:instructions?|actions?|tasks?|steps?|to-?dos?|requests?)\b"
)
_DELEGABLE = frozenset(["append", "create", "send", "update"])
"""What "follow the instructions in this file" asks for: the person left the acts to a text, so their kinds cannot be compared. It never covers what destroys,
pays, publishes, shares or runs; where things go is judged as ever."""

_QUOTED = re.compile(
    r"\"[^\"]{1,2000}\"|“[^”]{1,2000}”|«[^»]{1,2000}»|(?<!\w)'[^']{1,2000}'(?!\w)|`[^`]{1,2000}`"
)
_TOKEN = re.compile(r"[^\W\d_]+(?:'[a-z]+)?|[.!?;,]")
_NAME_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def asked(words: Iterable[str], action: Action) -> bool:
    """Whether one of the person's texts asks for what this action does. A contract without a verb that is known is never asked for."""
    wanted = families_of(action)
    return bool(wanted) and any(wanted & families_in(text) for text in words)


def families_of(action: Action) -> frozenset[str]:
    """The families that an action's own name, title and first sentence put it in."""
    name = [part.casefold() for part in _NAME_PARTS.findall(action.name)]
    title = [part for part in _TOKEN.findall(plain(action.title)) if part.isalpha()]
    first = [part for part in _TOKEN.findall(plain(action.description[:300])) if part.isalpha()][:1]
    found = frozenset().union(*(_of(_head(tokens)) for tokens in (name, title, first)))
    if found & {"send", "create"} and _MONEY & {*name, *title}:
        found |= {"pay"}
    return found


def _head(tokens: list[str]) -> str:
    """The verb of a name: the first that is nothing but a verb (file.delete deletes), else the first that can be one."""
    verbs = [one for one in tokens if _of(one)]
    return next((one for one in verbs if one not in _NOUNS_TOO), verbs[0] if verbs else "")


def families_in(text: str) -> frozenset[str]:
    """The families of the verbs of a text that are not denied, quotations left out."""
    bare = plain(_QUOTED.sub(" ", text))
    tokens = _TOKEN.findall(bare)[:WORDS_MAX]
    found: set[str] = set(_DELEGABLE) if _DELEGATES.search(bare) else set()
    if _LET_KNOW.search(bare):
        found.add("send")
    for index, token in enumerate(tokens):
        noun = token in _NOUNS_TOO and index > 0 and tokens[index - 1] in _BEFORE_NOUNS
        families = frozenset() if noun else _of(token)
        phrase = _PHRASES.get(f"{token} {tokens[index + 1]}") if index + 1 < len(tokens) else None
        if phrase is not None:
            families = frozenset({phrase} - {""})
        if families and not _is_denied(tokens, index):
            found |= families
    return frozenset(found)


def _is_denied(tokens: list[str], index: int) -> bool:
    """A denial before the verb, in the same clause."""
    for before in reversed(tokens[max(0, index - _DENIED_BEFORE - 1) : index]):
        if not before[0].isalpha():
            return False
        if before in _DENIED or before.endswith("n't"):
            return True
    return False


_BY_VERB: dict[str, frozenset[str]] = {}
for _family, _verbs in _FAMILIES.items():
    for _verb in _verbs.split():
        _BY_VERB[_verb] = _BY_VERB.get(_verb, frozenset()) | {_family}


def _of(token: str) -> frozenset[str]:
    """The families of one word in whatever form it stands."""
    for stem in _stems(token):
        if stem in _BY_VERB:
            return _BY_VERB[stem]
    return frozenset()


def _stems(token: str) -> Iterable[str]:
    """The word, and the verbs that it may be a form of: sends, replied, booking, planned."""
    yield token
    if token in _IRREGULAR:
        yield _IRREGULAR[token]
    for ending, instead in (
        ("ies", "y"),
        ("ied", "y"),
        ("es", ""),
        ("es", "e"),
        ("s", ""),
        ("ed", ""),
        ("ed", "e"),
        ("ing", ""),
        ("ing", "e"),
    ):
        if token.endswith(ending) and len(token) - len(ending) > 1:
            stem = token[: -len(ending)] + instead
            yield stem
            if len(stem) > 3 and stem[-1] == stem[-2]:
                yield stem[:-1]
