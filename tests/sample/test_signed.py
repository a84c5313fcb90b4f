"""A check written from the documentation agrees with the one that signs."""

import pytest

from ostiary.net.signature import sign
from ostiary.sample.signed import BadSignature, received
from ostiary.secret import Secret


def _seen() -> "set[str]":
    return set()


def _receive(
    header: str,
    *,
    seen: set[str] | None = None,
    body: bytes = b"{}",
    target: str = "/refunds?x=1",
    now_s: int = 1000,
) -> None:
    kept = _seen() if seen is None else seen

    def first_time(nonce: str) -> bool:
        new = nonce not in kept
        kept.add(nonce)
        return new

    received(
        header, secrets=[b"s1"], method="POST", target=target, body=body, now_s=now_s, first_time=first_time
    )


@pytest.fixture
def header() -> str:
    return sign(
        [Secret("s2"), Secret("s1")],
        method="POST",
        path="/refunds?x=1",
        body=b"{}",
        now_s=1000,
        nonce="abcdefghijklmnop",
    )


def test_our_signature_passes_a_check_written_from_the_documentation(header: str) -> None:
    _receive(header)


@pytest.mark.parametrize(
    "how", [{"body": b"[]"}, {"target": "/refunds?x=2"}, {"now_s": 1301}, {"now_s": 699}]
)
def test_any_other_request_does_not(header: str, how: dict[str, object]) -> None:
    with pytest.raises(BadSignature):
        _receive(header, **how)  # type: ignore[arg-type]


def test_it_passes_once(header: str) -> None:
    seen = _seen()
    _receive(header, seen=seen)
    with pytest.raises(BadSignature):
        _receive(header, seen=seen)


@pytest.mark.parametrize(
    "header", ["", "t=1000", "t=1000,n=abc,v1=", "t=x,n=abcdefghijklmnop,v1=é", ",,,", "v1=" + "0" * 64]
)
def test_a_header_of_another_form_is_refused(header: str) -> None:
    with pytest.raises(BadSignature):
        _receive(header)
