"""What leads to somebody on the web: addresses of pages, names of accounts."""

from ostiary.detection.detector import Detector

_ENDINGS = (
    "com|org|net|edu|gov|mil|int|info|biz|io|ai|app|dev|co|me|tv|xyz|online|site|shop|store|cloud|tech|blog|news|eu|de|fr|es|it|nl|pt|pl|at|ch|be|ie|uk|us|ca|au|nz|in|br|ng|"
    "za|jp|cn|kr|ru|ua|se|no|dk|fi|cz|sk|hu|ro|bg|gr|hr|si|lt|lv|ee|lu|mt|cy|mx|ar|cl|tr|il|ae|sg|hk|tw|example"
)
_LAST = r"[^\s<>\"'`{}|\\^\[\].,;:!?)*_~]"
_SCHEME = rf"(?i:\b(?:https?|hxxps?|ftps?|sftp|wss?|ssh|git|s3|gs|ldaps?|rtsp)://)[^\s<>\"'`{{}}|\\^\[\]]{{2,}}{_LAST}"
_BARE = rf"(?i:\b(?:www\.)?(?:[a-z0-9](?:[a-z0-9\-]{{0,61}}[a-z0-9])?\.){{1,5}}(?:{_ENDINGS})\b(?::\d{{2,5}})?(?:[/?#][^\s<>\"'`{{}}|\\^\[\]]{{0,}}{_LAST}|/)?)"

_CODE = frozenset(
    [
        "self",
        "this",
        "os",
        "sys",
        "np",
        "pd",
        "re",
        "logger",
        "console",
        "window",
        "document",
        "request",
        "response",
        "config",
        "user",
        "app",
        "data",
        "obj",
        "math",
        "random",
        "json",
    ]
)
_PLAIN = frozenset(
    [
        "name",
        "id",
        "and",
        "or",
        "is",
        "the",
        "your",
        "my",
        "a",
        "an",
        "required",
        "invalid",
        "password",
        "email",
        "not",
        "must",
        "field",
        "none",
        "null",
        "true",
        "false",
        "unknown",
        "admin",
        "root",
        "string",
        "pass",
        "input",
        "user",
    ]
)


def bare_address(text: str) -> bool:
    """A host name of a known ending, not an attribute in code (`self.id`, `this.me`), an abbreviation or a number."""
    host = text.lower().split("/", 1)[0].split("?", 1)[0]
    names = host.removeprefix("www.").split(".")
    if len(names) < 2 or names[0] in _CODE or any(not name for name in names) or len(names[0]) < 2:
        return False
    return any(char.isalpha() for char in names[-2]) and text[text.rfind(".") :] not in (
        ".Co",
        ".In",
        ".It",
        ".Me",
        ".No",
        ".At",
        ".Is",
    )


def user_name(text: str) -> bool:
    """No word of a form or of code: `self.username`."""
    plain = text.lower().strip("@")
    return plain not in _PLAIN and any(char.isalnum() for char in text) and plain.split(".")[0] not in _CODE


def user_name_said(text: str) -> bool:
    """In a sentence (`the user is reading`) only what is no plain word."""
    return user_name(text) and not text.isalpha()


_ACCOUNT = (
    r"(?i:\b(?:user ?name|user[ _]?id|user|login(?: name| id)?|screen[ _]name|nick(?:name)?|handle|account name|gamertag|benutzername|nutzername|nom d'utilisateur|identifiant|"
    r"nombre de usuario|usuario|nome utente|utente|gebruikersnaam|nome de usuario|nazwa uzytkownika|uzytkownik|twitter|instagram|tiktok|telegram|github|skype|discord)\b[\"']?"
)

DETECTORS: tuple[Detector, ...] = (
    Detector("web address", "url", "", _SCHEME, None, (), 0.62, follows=True),
    Detector("web address without a scheme", "url", "", _BARE, bare_address, (), 0.52, follows=True),
    Detector("user name named as such", "username", "", _ACCOUNT + r" ?(?:[:=]|=>) ?)[\"']?(?P<v>@?[A-Za-z0-9_][A-Za-z0-9_.\-]{1,38}[A-Za-z0-9_])", user_name, (), 0.55),
    Detector("user name said to be one", "username", "", _ACCOUNT + r" (?:is|ist|est|es):? )[\"']?(?P<v>@?[A-Za-z0-9_][A-Za-z0-9_.\-]{1,38}[A-Za-z0-9_])", user_name_said, (), 0.55),
)  # fmt: skip
