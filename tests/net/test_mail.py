import asyncio
import ssl
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from ostiary.errors import InvalidParameters, TargetUnavailable
from ostiary.net.mail import Letter, MailServer, mail_server, send
from ostiary.secret import Secret
from tests.conftest import StillClock
from tests.net.test_http import certified

LETTER = Letter("ada@example.com", "Your code", "12345678 is your code.\n")


class Box:
    """Takes every mail and keeps it."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, list[str], str]] = []

    async def handle_DATA(self, _server, _session, envelope) -> str:
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.content.decode()))
        return "250 OK"


class Refusing(Box):
    async def handle_RCPT(self, *_anything) -> str:
        return "550 no such user"


def check_login(_server, _session, _envelope, _mechanism, data) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (b"gate", b"p@ss"))


@asynccontextmanager
async def post_office(box: Box, *, ssl_context: ssl.SSLContext | None = None, **options):
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(box, hostname="mail", loop=loop, **options), "127.0.0.1", 0, ssl=ssl_context
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.sleep(0.01)


def posted(
    url: str,
    letter: Letter = LETTER,
    *,
    box: Box | None = None,
    ca_pem: str = "",
    ssl_context=None,
    **options,
):
    """What arrived, or the error. `url` has PORT in place of the port."""
    box = box or Box()

    async def main():
        async with post_office(box, ssl_context=ssl_context, **options) as port:
            given = mail_server(Secret(url.replace("PORT", str(port))), "Ostiary <gate@example.com>")
            host = "127.0.0.1"
            server = MailServer(
                host, given.port, given.tls_from_start, given.user, given.password, given.sender, ca_pem
            )
            await send(server, letter, StillClock())
        return box.mails

    return asyncio.run(main())


def test_a_letter_arrives():
    [(sender, recipients, content)] = posted("smtp://127.0.0.1:PORT")
    assert (sender, recipients) == ("gate@example.com", ["ada@example.com"])
    assert "Subject: Your code\r\n" in content
    assert "From: Ostiary <gate@example.com>\r\n" in content
    assert "Date: Thu, 09 Oct 2025 08:53:20 -0000\r\n" in content
    assert content.endswith("\r\n\r\n12345678 is your code.\r\n")


def localhost(folder: Path) -> tuple[ssl.SSLContext, str]:
    return certified(folder, "127.0.0.1")


def test_starttls_is_used_where_it_is_offered_and_the_password_follows_it(tmp_path):
    context, pem = localhost(tmp_path)
    [mail] = posted(
        "smtp://gate:p%40ss@127.0.0.1:PORT",
        ca_pem=pem,
        tls_context=context,
        require_starttls=True,
        authenticator=check_login,
        auth_required=True,
    )
    assert mail[1] == ["ada@example.com"]


def test_tls_from_the_start_is_verified(tmp_path):
    context, pem = localhost(tmp_path)
    assert len(posted("smtps://127.0.0.1:PORT", ca_pem=pem, ssl_context=context)) == 1


def test_an_unknown_certificate_is_refused(tmp_path):
    context, _ = localhost(tmp_path)
    for url, options in (
        ("smtps://127.0.0.1:PORT", {"ssl_context": context}),
        ("smtp://127.0.0.1:PORT", {"tls_context": context, "require_starttls": True}),
    ):
        box = Box()
        with pytest.raises(TargetUnavailable):
            posted(url, box=box, **options)
        assert box.mails == []


def test_a_wrong_password_is_unavailable(tmp_path, monkeypatch):
    monkeypatch.setattr("ostiary.net.mail.TIMEOUT_S", 0.3)
    context, pem = localhost(tmp_path)
    with pytest.raises(TargetUnavailable):
        posted(
            "smtp://gate:wrong@127.0.0.1:PORT",
            ca_pem=pem,
            tls_context=context,
            require_starttls=True,
            authenticator=check_login,
            auth_required=True,
        )


def test_a_server_that_refuses_is_unavailable():
    with pytest.raises(TargetUnavailable):
        posted("smtp://127.0.0.1:PORT", box=Refusing())


def test_no_server_is_unavailable():
    with pytest.raises(TargetUnavailable):
        asyncio.run(send(mail_server(Secret("smtp://127.0.0.1:1"), "a@b.example"), LETTER, StillClock()))


@pytest.mark.parametrize(
    "to",
    [
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com, eve@example.com",
        "Ada <ada@example.com>",
        '"a b"@example.com',
        "ada",
        "@example.com",
        "ada@",
        "ada@" + "e" * 300,
        "ad\u00e4@example.com",
    ],
)
def test_what_is_not_one_plain_address_is_refused(to):
    box = Box()
    with pytest.raises(InvalidParameters):
        posted("smtp://127.0.0.1:PORT", Letter(to, "s", "t"), box=box)
    assert box.mails == []


def test_a_mail_servers_url_is_read():
    server = mail_server(Secret("smtps://us%40er:p%3Aw@mail.example.com"), "a@b.example")
    assert (server.host, server.port, server.tls_from_start, server.user) == (
        "mail.example.com",
        465,
        True,
        "us@er",
    )
    assert server.password.matches("p:w")
    assert mail_server(Secret("smtp://mail.example.com"), "a@b.example").port == 587
    with pytest.raises(ValueError, match="smtp://host"):
        mail_server(Secret("http://mail.example.com"), "a@b.example")
