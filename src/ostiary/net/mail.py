"""Sending a short mail, such as a one-time code, through the operator's mail server.

The server is the operator's setting, not a tenant's, so its address is not vetted. TLS is verified: from the start (`smtps://`), or by STARTTLS
(`smtp://`), which is required except on this machine. The password goes over nothing else.
"""

import asyncio
import ipaddress
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from urllib.parse import unquote, urlsplit

from ostiary import metrics
from ostiary.clock import SECOND_US, Clock
from ostiary.errors import Fault, InvalidParameters, TargetUnavailable
from ostiary.net.http import tls_context
from ostiary.secret import Secret

TIMEOUT_S = 15
ADDRESS_CHARACTERS_MAX = 254
_PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mails go out. `sender` is a From header: `Ostiary <gate@example.com>`."""

    host: str
    port: int
    tls_from_start: bool
    user: str
    password: Secret
    sender: str
    ca_pem: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail in plain text."""

    to: str
    subject: str
    text: str


def mail_server(url: Secret, sender: str) -> MailServer:
    """From `smtp://user:password@host:port` (STARTTLS) or `smtps://...`. Raises ValueError."""
    parts = urlsplit(url.reveal())
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("the mail server is written smtp://host or smtps://host")
    return MailServer(
        host=parts.hostname,
        port=parts.port or _PORTS[parts.scheme],
        tls_from_start=parts.scheme == "smtps",
        user=unquote(parts.username or ""),
        password=Secret(unquote(parts.password or "")),
        sender=sender,
    )


async def send(server: MailServer, letter: Letter, clock: Clock) -> None:
    """The mail server has taken the letter when this returns. Raises TargetUnavailable, InvalidParameters (not an address)."""
    message = _message(server, letter, clock)
    try:
        await asyncio.to_thread(_deliver, server, message)
    except (smtplib.SMTPException, OSError) as error:  # ssl.SSLError and timeouts are OSError
        metrics.MAILS.labels("failed").inc()
        raise TargetUnavailable("The mail server did not take the message.") from error
    metrics.MAILS.labels("sent").inc()


def _message(server: MailServer, letter: Letter, clock: Clock) -> EmailMessage:
    if not is_address(letter.to):
        raise InvalidParameters(faults=(Fault("/email", "is not an e-mail address"),))
    message = EmailMessage()
    message["From"] = server.sender
    message["To"] = letter.to
    message["Subject"] = letter.subject
    message["Date"] = formatdate(clock.now_us() // SECOND_US)
    message["Message-ID"] = make_msgid(domain=parseaddr(server.sender)[1].rpartition("@")[2] or "localhost")
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notices back
    message.set_content(letter.text)
    return message


def is_address(text: str) -> bool:
    """Whether this is one plain address (RFC 5321, without comments and quoted parts), and so cannot add a header or a recipient."""
    local, at, domain = text.rpartition("@")
    plain = all("!" <= letter <= "~" and letter not in '",;:<>()[]\\@' for letter in local + domain)
    return bool(local and at and domain and plain and len(text) <= ADDRESS_CHARACTERS_MAX)


def _deliver(server: MailServer, message: EmailMessage) -> None:
    context = tls_context(server.ca_pem)
    with _connected(server, context) as connection:
        connection.ehlo()
        if not server.tls_from_start and (
            connection.has_extn("starttls") or not _is_this_machine(server.host)
        ):
            connection.starttls(context=context)  # raises if it is not offered
            connection.ehlo()
        if server.user:
            connection.login(server.user, server.password.reveal())
        connection.send_message(message)


def _connected(server: MailServer, context: ssl.SSLContext) -> smtplib.SMTP:
    if server.tls_from_start:
        return smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_S, context=context)
    return smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
