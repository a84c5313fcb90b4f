"""Private keys, in every wrapping that they travel in: PEM (RFC 7468), OpenSSH, PGP, PuTTY, age, JWK, base64 of any of them."""

from ostiary.detection import validity
from ostiary.detection.secrets.checks import age_key, pem_body, private_key_in_base64
from ostiary.detection.secrets.kind import JOINT, Kind

_FAMILY = "private_key"
_LABEL = r"[A-Za-z0-9 ]{0,40}"
_BODY = (
    r"(?:[\s\\\"'`,;+]{0,24}(?:[A-Z][A-Za-z\-]{2,20}: [^\n\\]{0,120}|[A-Za-z0-9+/=]{16,}))*"
    r"(?:[\s\\\"'`,;+]{0,8}[A-Za-z0-9+/]{1,15}={1,2})?"
)
"""What stands in a key whose last line is missing: header lines and runs of base64, with quotes and escapes of the code around them; no prose."""


def _pem(label: str, dashes: str = "-----") -> str:
    return rf"{dashes}BEGIN {label}{dashes}(?:(?s:.*?){dashes}END {label}{dashes}|{_BODY})"


_WORDS = r"(?:[a-z]{3,8}[ ,]{1,2}){11,23}[a-z]{3,8}"

KINDS = (
    Kind("wallet_seed_phrase", "seed phrase", rf"(?i:mnemonic|(?:seed|recovery|secret|backup)[ _\-](?:phrase|words))[\"']?\]?\s{{0,3}}(?:is\b|[:=,])?\s{{0,3}}[\"'\[]?(?P<v>{_WORDS})\b", family="private_key", valid=None, score=0.9),
    Kind("private_key", "private key block", _pem(rf"{_LABEL}(?i:PRIVATE KEY)(?: BLOCK)?"), _FAMILY, pem_body, 1.0, long=True),
    Kind("private_key", "SSH2 private key", _pem(rf"SSH2 {_LABEL}PRIVATE KEY", "---- ?"), _FAMILY, pem_body, 1.0, long=True),
    Kind("private_key", "OpenVPN static key", _pem("OpenVPN (?:Static key V1|tls-crypt-v2 (?:client|server) key)"), _FAMILY, pem_body, 1.0, long=True),
    Kind("private_key", "PuTTY key", r"PuTTY-User-Key-File-[23]:(?:(?s:.*?)Private-MAC: [0-9a-f]{40,64}|[^\n]*)", _FAMILY, None, 1.0, long=True),
    Kind("private_key", "age identity", r"\bAGE-(?:SECRET-KEY|PLUGIN-[A-Z0-9]+)-1[0-9A-Z]{50,}\b", _FAMILY, age_key, 1.0),
    Kind("private_key", "private key in base64", r"\bLS0tL[A-Za-z0-9+/=\s\\]{40,}|(?:UFJJVkFURSBLRV|BSSVZBVEUgS0VZ|QUklWQVRFIEtFW)[A-Za-z0-9+/=]{40,}", _FAMILY, private_key_in_base64, 0.97, long=True),
    Kind("private_key", "private key of a JSON Web Key", r"\\{0,3}\"(?:d|k)\\{0,3}\"\s{0,4}:\s{0,4}\\{0,3}\"(?P<v>[A-Za-z0-9_\-]{42,})\\{0,3}\"", _FAMILY, validity.random_looking, 0.6),
    Kind("wireguard_private_key", "WireGuard private key", rf"\b(?i:private_?key|preshared_?key){JOINT}(?P<v>[A-Za-z0-9+/]{{42}}[AEIMQUYcgkosw048]=)(?:$|[^A-Za-z0-9+/=])", _FAMILY, validity.random_looking),
    Kind("minisign_secret_key", "minisign or signify secret key", r"\bRWRTY0Iy[A-Za-z0-9+/]{120,}={0,2}", _FAMILY),
    Kind("java_keystore", "keystore in base64", r"/u3\+7QAAAA[A-Za-z0-9+/=\s]{100,}|\bMII[A-Za-z0-9+/]{4}(?:IBAzCC|gEDMII)[A-Za-z0-9+/=\s]{200,}", _FAMILY, score=0.9, long=True),
)  # fmt: skip
