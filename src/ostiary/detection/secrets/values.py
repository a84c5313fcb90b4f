"""Whether what is assigned to a telling name is a secret: neither code, nor a variable, a type, a word, a path or a filler."""

import re
from urllib.parse import unquote

from ostiary.detection import validity
from ostiary.detection.secrets.checks import genuine

_FILLER = re.compile(
    r"(?i)^enc\(|your[_\-]?|x{4}|\*{3}|\.{3}|<[a-z/]|\$\{|\{\{|\$\(|%\(|changeme|change_me|redacted|placeholder|\bexample\b|insert_|replace_|\[[a-z_]+\]|todo|fixme"
)
_CODE = re.compile(
    r"[A-Za-z_$][\w.$>\-]*[(\[].*|[A-Za-z_][\w]*(?:\.[A-Za-z_]\w*)+\(?.*|(?:[A-Za-z_]\w*(?:::|->))+\w+.*|\$[A-Za-z_]\w*|%[A-Za-z_]\w*%|@\w+@|&?[A-Za-z_]\w*\)+;?|[({\[].*[)}\]]|\[\].*"
)
_IDENTIFIER = re.compile(
    r"[A-Za-z]+(?:[_\-.:/ ](?:[A-Za-z]+|\d{1,3}))+|[a-z]+(?:[A-Z][a-z]+)+|[A-Z][a-z]+(?:[A-Z][a-z]+)+|[A-Z]+(?:_[A-Z0-9]+)+"
)
_NAME = re.compile(
    r"(?:[A-Za-z]{1,20}\d{0,2}|\d{1,3}[a-z]?)(?:[_\-.:/ ](?:[A-Za-z]{1,20}\d{0,2}|\d{1,3}[a-z]?))+"
)
"""As an identifier, with numbers in it: `cache_write_5m`, `us-east-1`, `sha256-rsa`."""
_PATH = re.compile(
    r"\.{0,2}/(?:[\w.\-]+/)+[\w.\-]*|[A-Za-z]:\\.*|[\w\-]+(?:/[\w\-]+)*\.(?:pem|key|crt|json|ya?ml|txt|env|py|js|go|conf|cfg|xml|properties)"
)
_PLAIN = re.compile(r"\d{1,5}|v?\d+(?:\.\d+)+|(?:https?|file)://[^@]*")
_NAMED_ALGORITHM = re.compile(
    r"(?i)(?:sha-?\d{1,3}|md5|hmac|aes-?\d{3}|rsa|ecdsa|ed25519|x25519|bcrypt|scrypt|argon2(?:id)?|pbkdf2|utf-?\d{1,2}|base64|[hrep]s(?:256|384|512))(?:[_\-/.][a-z0-9]{1,10}){0,4}"
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d.*|\d\d:\d\d.*")
SENTENCE_WORDS_MIN = 3


def assigned(text: str) -> bool:
    """An unquoted or quoted value without spaces, as a person or a program would choose one."""
    value = text.replace("\0", "").strip().rstrip(":.!?)")
    return validity.password_value(value) and not _is_code(value) and not _FILLER.search(value)


def literal(text: str) -> bool:
    """What stands in quotes, spaces and all: a passphrase, but no sentence, message or format."""
    value = text.replace("\0", "").strip()
    if " " in value and len(value.split()) >= SENTENCE_WORDS_MIN and not re.search(r"\d", value):
        return False
    return (
        validity.password_value(value)
        and not _is_code(value)
        and not _FILLER.search(value)
        and "{" not in value
    )


def key_like(text: str) -> bool:
    """Behind a mere `key` or `token` the value has to look random: letters and digits mixed, no words, no path, no date."""
    value = text.rstrip("=")
    return (
        validity.random_looking(text)
        and genuine(text)
        and not (_PATH.fullmatch(value) or _NAME.fullmatch(value) or _DATE.fullmatch(value) or _dotted(value))
    )


def fallback(text: str) -> bool:
    """The value that a program uses where its setting is missing; a name of another setting is none."""
    return assigned(text) and (not text.isupper() or any(char.isdigit() for char in text))


def url_query(text: str) -> bool:
    plain = unquote(text)
    return assigned(plain) and (any(char.isdigit() for char in plain) or len(set(plain)) > 9)


def array(text: str) -> bool:
    """Twelve or more numbers of a byte, most of them different."""
    numbers = re.findall(r"0x[0-9a-fA-F]+|\d+", text)
    return len(set(numbers)) > len(numbers) // 2


def salt(text: str) -> bool:
    return (
        len(set(text)) >= 5
        and not _FILLER.search(text)
        and not _IDENTIFIER.fullmatch(text)
        and not _PLAIN.fullmatch(text)
    )


def _is_code(value: str) -> bool:
    return any(
        form.fullmatch(value) for form in (_CODE, _IDENTIFIER, _PATH, _PLAIN, _NAMED_ALGORITHM)
    ) and not _mixed(value)


def _mixed(value: str) -> bool:
    """Digits among letters, and a sign: what looks like a call may then be a password after all, such as `p4ss(w0rd`."""
    return bool(
        re.search(r"\d", value)
        and re.search(r"[a-z]", value)
        and re.search(r"[A-Z]", value)
        and re.search(r"[^\w.\-/:()\[\]]", value)
    )


def _dotted(value: str) -> bool:
    """`com.example.v2.Thing` and `module.attribute2` are names, not keys."""
    parts = value.split(".")
    return len(parts) > 1 and all(len(part) < 16 for part in parts)
