"""Time-based one-time passwords (RFC 6238) with HMAC-SHA1, 30 seconds and 6 digits, which is what authenticator apps speak.

A time step is used once (section 5.2): who captures a code cannot use it again, not even within its half minute.
"""

import hmac
import io

import pyotp
import segno

from ostiary.clock import SECOND_US
from ostiary.secret import Secret

STEP_S = 30
DIGITS = 6
STEPS_OFF_MAX = 1
"""How far a phone's clock may be off, either way (section 5.2 advises one step)."""

FREE_TRIES = 5
WAIT_S = 30
WAIT_S_MAX = 3600


def fresh_secret() -> Secret:
    """160 random bits in base32 (RFC 4226 section 4 recommends that length)."""
    return Secret(pyotp.random_base32(32))


def used_step(secret: Secret, code: str, *, at_us: int, after_step: int) -> int | None:
    """The time step that the code is of, if it is one of those around now and later than `after_step`; else None. Every step is compared."""
    totp = pyotp.TOTP(secret.reveal(), digits=DIGITS, interval=STEP_S)
    now_step = at_us // SECOND_US // STEP_S
    found = None
    for step in range(now_step - STEPS_OFF_MAX, now_step + STEPS_OFF_MAX + 1):
        fits = hmac.compare_digest(totp.generate_otp(step).encode(), code.encode())
        if fits and step > after_step:
            found = step
    return found


def wait_s(failures: int) -> int:
    """How long to wait after so many failures in a row: nothing at first, then 30 s, doubling to an hour."""
    if failures < FREE_TRIES:
        return 0
    return min(WAIT_S << min(failures - FREE_TRIES, 10), WAIT_S_MAX)


def otpauth(secret: Secret, *, account: str, issuer: str) -> str:
    """The URI that an authenticator app reads."""
    totp = pyotp.TOTP(secret.reveal(), digits=DIGITS, interval=STEP_S)
    return totp.provisioning_uri(name=account, issuer_name=issuer)


def qr_svg(uri: str) -> str:
    """The URI as a QR code: one SVG element without styles or scripts."""
    out = io.BytesIO()
    segno.make(uri, error="m").save(
        out, kind="svg", xmldecl=False, light="#ffffff", scale=5, border=4, svgclass=None, lineclass=None
    )
    return out.getvalue().decode()
