"""Secrets that nothing but what stands around them betrays: passwords in URLs and connection strings, headers, and values that are assigned to a telling name.

The value decides as much as the name: code (`get_password()`), variables (`${PASSWORD}`), types, plain words and fillers are none.
"""

from ostiary.detection import validity
from ostiary.detection.secrets.checks import jwt, user_and_password
from ostiary.detection.secrets.kind import JOINT, QUOTE, Kind
from ostiary.detection.secrets.values import array, assigned, fallback, key_like, literal, salt, url_query

_PASSWORD = "password"  # noqa: S105 (a family's name)
_WORD = (
    r"(?:(?i:passwo?r?ds?|passwort|passphrase|passcode|contrasena|mot de passe|wachtwoord|haslo|heslo|senha|secret|identified by|userpwd)|"
    r"(?:\b|_)(?i:pw|pwd|pass))"
)
_KEY = (
    r"(?i:(?:api|access|auth(?:entication)?|account|private|encryption|signing|secret|shared|master|service|license|activation|session|crypto|aes|hmac|jwt|cipher|app|application|client|consumer|"
    r"subscription|storage|connection|security|deploy|admin)[ _\-.]?key|"
    r"(?:client|app|shared|consumer|webhook|signing)[ _\-.]?secret|credentials?)"
)
_CLOSED = QUOTE
_TYPE = r"(?: ?: ?[A-Za-z_&][A-Za-z0-9_<>\[\]&' ]{0,24})?"
"""A type between name and value: `password: str = "..."`."""
_IS = rf"(?i:(?:{_CLOSED}|\]){{0,2}}{_TYPE}\s{{0,4}}(?::=|=>|!?={{1,3}}|:|>|%3[ad]| is:?| was:?)\s{{0,3}}[rbuf@$]{{0,2}}{_CLOSED}?|{_CLOSED}?,? ?[rbuf@$]{{0,2}}{_CLOSED})"
_VALUE = r"(?P<v>[^\s\"'`,;<>\\&]{4,}|[^\s\"'`,;<>\\]{4,})"
_CALLS = r"(?i:getenv|environ(?:\.get)?|env|process\.env|get_?property|getattr|get|fetch|lookup|setdefault|default|config|option)"

URLS = (
    Kind("password", "URL with password", r"\b[A-Za-z][A-Za-z0-9+.\-]{1,30}://[^\s:/@\"'<>]{0,100}:[^\s/\"'<>]{1,200}@[^\s\"'<>,;)]{1,200}", _PASSWORD, validity.url_password, 0.97),
    Kind("password", "password in a query", r"[?&](?i:password|passwd|pwd|secret|client_secret|api_?key|apikey|access_token|refresh_token|auth_token|token|sig|signature)=(?P<v>[^\s&\"'<>#;]{6,})", _PASSWORD, url_query, 0.8),
    Kind("password", "connection string password", r"(?i:\b(?:password|pwd|accountkey|sharedaccesskey|sharedaccesssignature|sharedsecret)) ?= ?(?P<v>[^;\s\"'&]{3,})", _PASSWORD, assigned, 0.9),
    Kind("password", "password of a netrc or pgpass line", r"(?i:\bmachine\s+\S{1,100}\s+login\s+\S{1,100}\s+password\s+)(?P<v>\S{4,})", _PASSWORD, validity.password_value, 0.95),
    Kind("password", "user and password of curl", r"\bcurl\b[^\n|;]{0,200}?\s(?:-u|--user|--proxy-user|-U)[ =]?[\"']?[^\s:\"']{1,80}:(?P<v>[^\s\"']{3,})", _PASSWORD, validity.password_value, 0.92),
    Kind("password", "password hash", r"\$(?:2[abxy]\$\d\d\$[./A-Za-z0-9]{53}|[156y]\$[./A-Za-z0-9$=,]{1,40}\$[./A-Za-z0-9]{22,}|argon2(?:id|i|d)\$[A-Za-z0-9+/$=,.]{40,})|\bpbkdf2_sha\d{3}\$\d+\$[^\s$\"']{8,}\$[A-Za-z0-9+/=]{20,}|\{S?SHA(?:256|512)?\}[A-Za-z0-9+/=]{20,}", _PASSWORD, None, 0.9),
)  # fmt: skip

HEADERS = (
    Kind("basic_credentials", "Basic credentials", rf"(?i:\bbasic{QUOTE}?,? +{QUOTE}?)(?P<v>[A-Za-z0-9+/_\-]{{6,}}={{0,2}})", _PASSWORD, user_and_password, 0.9),
    Kind("ntlm_token", "NTLM or Negotiate token", r"(?i:\b(?:ntlm|negotiate|kerberos) +)(?P<v>(?:TlRM|YII|YI)[A-Za-z0-9+/]{16,}={0,2})"),
    Kind("ntlm_token", "NTLM message", r"\bTlRMTVNTUAA[A-Za-z0-9+/]{24,}={0,2}", valid=None),
    Kind("bearer_token", "bearer token", rf"(?i:\b(?:bearer|token|apikey|digest|hawk){QUOTE}? +)(?P<v>[A-Za-z0-9_\-.~+/]{{16,}}={{0,2}})", valid=validity.random_looking, score=0.85),
    Kind("json_web_token", "JSON Web Token", r"\beyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{4,}(?:\.[A-Za-z0-9_\-]*){0,3}", valid=jwt, score=0.98),
    Kind("session_cookie", "session cookie", r"(?i:\b(?:session_?id|sessid|phpsessid|jsessionid|asp\.net_sessionid|connect\.sid|sessionToken|auth_?cookie|remember_token|csrftoken|xsrf-token)=)(?P<v>[A-Za-z0-9%._\-+/]{16,}={0,2})", valid=validity.random_looking, score=0.8),
)  # fmt: skip

ASSIGNED = (
    Kind("licence_key", "licence key", rf"(?i:(?:activation|licen[sc]e|product|serial)[ _\-]?(?:key|code|number|no)){JOINT}(?P<v>(?:[A-Z0-9]{{4,8}}-){{2,7}}[A-Z0-9]{{4,8}})\b", score=0.85),
    Kind("api_key", "assigned key", _KEY + r"[a-z0-9_]{0,12}" + _IS + _VALUE, valid=assigned, score=0.82),
    Kind("api_key", "assigned key of any name", r"(?i:[a-z0-9][_\-.]?key|\bkey)" + _IS + r"(?P<v>[A-Za-z0-9+/_\-.~]{12,}={0,2})", valid=key_like, score=0.7),
    Kind("password", "assigned password", _WORD + r"(?:_?\d{1,2})?" + _IS + _VALUE, _PASSWORD, assigned, 0.8),
    Kind("password", "assigned password in quotes", rf"(?:{_WORD}|{_KEY})[A-Za-z0-9_]{{0,28}}(?:{_CLOSED}|\])?{_TYPE}\s{{0,3}}(?::=|=>|==?|:|=)\s{{0,3}}[rbuf@$]{{0,2}}\"(?P<v>[^\"\n]{{4,200}})\"", _PASSWORD, literal, 0.81),
    Kind("password", "assigned password in single quotes", rf"(?:{_WORD}|{_KEY})[A-Za-z0-9_]{{0,28}}(?:{_CLOSED}|\])?{_TYPE}\s{{0,3}}(?::=|=>|==?|:|=)\s{{0,3}}[rbuf@$]{{0,2}}'(?P<v>[^'\n]{{4,200}})'", _PASSWORD, literal, 0.81),
    Kind("password", "default of a secret setting", rf"\b{_CALLS} ?\(\s?\\{{0,3}}[\"'][A-Za-z0-9_.\-]{{0,40}}(?i:passw|pass|pwd|pw|secret|token|key|cred)[A-Za-z0-9_.\-]{{0,20}}\\{{0,3}}[\"'],? ?\)?(?: ?(?:\|\||or|\?\?|\?:) ?| ?)[b]?\\{{0,3}}[\"'](?P<v>[^\"'\\\s]{{4,200}})", _PASSWORD, fallback, 0.8),
    Kind("password", "default of a secret variable", rf"(?:{_WORD}|(?i:token|_key))[A-Za-z0-9_]{{0,12}} ?(?::=|=|:) ?[^\n\"']{{0,16}}{_CALLS} ?\(\s?\\{{0,3}}[\"'][^\"'\n]{{1,60}}[\"'],? ?\)?(?: ?(?:\|\||or|\?\?|\?:) ?| ?)[b]?\\{{0,3}}[\"'](?P<v>[^\"'\\\s]{{4,200}})", _PASSWORD, fallback, 0.8),
    Kind("api_key", "assigned token", rf"(?i:(?:token|authorization|authentication|auth|oauth_signature|credential|xoauth2_bearer|nonce)[a-z0-9_\-]{{0,16}}{QUOTE}?\]?{_TYPE}\s{{0,3}}(?::=|=>|=|:|,|>|%3[ad])\s{{0,3}}[rbuf]?{QUOTE}?)" + r"(?P<v>[A-Za-z0-9+/_\-.~%]{14,}={0,2})", valid=key_like, score=0.75),
    Kind("password", "secret as a list of bytes", rf"(?i:(?:{_WORD}|{_KEY}|token|salt|\biv|nonce)[a-z0-9_]{{0,12}}{QUOTE}?\s{{0,3}}(?::=|=|:)\s{{0,3}}(?:new )?[a-z0-9_<>.:]{{0,16}}(?:\[\d{{0,4}}\])?[a-z0-9]{{0,8}}\(?\s{{0,3}}[\[{{(]\s{{0,3}})(?P<v>(?:0x[0-9a-fA-F]{{1,2}}|\d{{1,3}})(?:\s{{0,10}},\s{{0,10}}(?:0x[0-9a-fA-F]{{1,2}}|\d{{1,3}})){{11,}})", _PASSWORD, array, 0.8),
    Kind("salt", "salt", rf"(?i:salt[a-z0-9_]{{0,12}}{QUOTE}?\]?\s{{0,3}}(?::=|=>|=|:|,)\s{{0,3}}[rbuf]{{0,2}})" + rf"{QUOTE}{{1,3}}(?P<v>[^\"'`\n]{{8,200}}?)\\{{0,3}}[\"'`]", _PASSWORD, salt, 0.7),
    Kind("password", "secret on a command line", r"(?i:(?:^|\s)--?[a-z0-9\-_]{0,24}(?:password|passwd|pass|pw|secret|token|api-?key|access-?key|auth-?key|client-?secret)[ =][\"']?)(?P<v>[^\s\"'`,;<>]{4,})", _PASSWORD, assigned, 0.8),
    Kind("password", "value beside the name of a secret", rf"(?:{_WORD}|{_KEY}|(?i:token))[A-Za-z0-9_\-.]{{0,16}}{QUOTE}?\s{{0,4}}[,;]?\s{{1,16}}{QUOTE}?(?i:value|default|val){QUOTE}?\s{{0,4}}[:=]\s{{0,4}}{QUOTE}?(?P<v>[^\s\"'`,;<>\\&]{{4,}})", _PASSWORD, assigned, 0.8),
    Kind("password", "password after its user", r"(?i:\b(?:user(?:name)?|login|id|uid)\s?(?:/|and|&|,)\s?(?:pass(?:word)?|pwd?|pw)\s?(?:is|are|[:=])?\s{1,2})(?P<v>[^\s/,]{2,40}[/, ]{1,2}[^\s\"'<>]{4,60})", _PASSWORD, validity.password_value, 0.7),
)  # fmt: skip

KINDS = (*URLS, *HEADERS, *ASSIGNED)
