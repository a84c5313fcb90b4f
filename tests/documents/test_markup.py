"""HTML and XML: one sentence over many elements, and nothing left in what no browser shows."""

import pytest

from ostiary.documents.redacting import redact
from ostiary.errors import DocumentMalformed
from tests.documents.given import CARD, MAIL, NAME, SETTINGS

PAGE = "<!DOCTYPE html><html><head><title>T</title>{head}</head><body><p class='a'>Hello</p>{body}<p>END</p></body></html>"
HEAD = [
    f'<meta name="author" content="{NAME}">',
    f"<script>var a = '{NAME}'</script>",
    f"<style>/* {NAME} */</style>",
    f'<script type="application/ld+json">{{"name": "{NAME}"}}</script>',
    f'<link rel="author" href="mailto:{MAIL}">',
]
BODY = [
    f"<!-- {NAME} -->",
    f"<!--[if mso]><p>{NAME}</p><![endif]-->",
    f'<img alt="{NAME}" src="data:text/plain;base64,WmViZWRldXggUXVpbGxmZWF0aGVy">',
    f'<p data-who="{NAME}" title="{CARD}" onclick="go(\'{NAME}\')">x</p>',
    f'<p style="display:none">{NAME} alone</p>',
    f"<p hidden>{NAME}</p>",
    f'<input type="hidden" value="{CARD}"><input value="{NAME}">',
    f"<svg><text>{NAME}</text><desc>{CARD}</desc></svg>",
    f'<a href="mailto:{MAIL}">write</a>',
    f'<iframe srcdoc="<p>{NAME}</p>"></iframe>',
    f"<template><p>{NAME}</p></template><noscript>{CARD}</noscript>",
    "<p>Zebe<b>deux</b> <i>Quill</i>feather</p>",
    "<p>&#90;ebedeux&nbsp;Quill&shy;feather</p>",
    "<table><tr><td>4111 1111</td><td>1111 1111</td></tr></table><p>4111 1111 1111 1111</p>",
    "<p>zeb&commat;quillfeather&period;example</p>",
    f'<p class="{NAME}" style="background:url(data:{NAME})">x</p>',
]


def left(content: bytes) -> list[str]:
    text = content.decode().lower()
    return [each for each in ("zebe", "quill", "feather", "4111", "wmviz") if each in text]


@pytest.mark.parametrize("head", HEAD)
def test_a_carrier_in_the_head(head: str) -> None:
    done = redact(PAGE.format(head=head, body="").encode(), "a.html", SETTINGS)
    assert left(done.content) == []
    assert b"<title>T</title>" in done.content


@pytest.mark.parametrize("body", BODY)
def test_a_carrier_in_the_body(body: str) -> None:
    done = redact(PAGE.format(head="", body=body).encode(), "a.html", SETTINGS)
    assert left(done.content) == []
    assert b'<p class="a">Hello</p>' in done.content
    assert b"<p>END</p>" in done.content


def test_a_name_over_elements_keeps_them() -> None:
    done = redact(
        PAGE.format(head="", body="<p>to Zebe<b>deux</b> <i>Quill</i>feather!</p>").encode(),
        "a.html",
        SETTINGS,
    )
    assert b"<p>to [person]<b></b><i></i>!</p>" in done.content


def test_letters_beyond_ascii_stay() -> None:
    done = redact(
        PAGE.format(head="", body="<p>gr\xf6\xdfer als 5 \u20ac \u2013 \u2265</p>").encode(),
        "a.html",
        SETTINGS,
    )
    assert "gr\xf6\xdfer als 5 \u20ac \u2013 \u2265" in done.content.decode()


def test_xml() -> None:
    content = f'<?xml version="1.0"?><!-- {NAME} --><a who="{NAME}"><password>hunter2horse</password><b>to Zebe<c>deux</c> Quillfeather</b><d/></a>'
    done = redact(content.encode(), "a.xml", SETTINGS)
    assert done.content.endswith(
        b'<a who="[person]"><password>[password]</password><b>to [person]<c></c></b><d/></a>'
    )


def test_xml_with_a_document_type_is_refused() -> None:
    with pytest.raises(DocumentMalformed):
        redact(b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "a.xml", SETTINGS)


def test_letters_that_no_xml_has_stop_nothing() -> None:
    given = (
        b"<!doctype html><html><body><p a\x01b=1>One\x02 &#3; write to zora@leakmail.org</p></body></html>"
    )
    made = redact(given, "a.html", SETTINGS).content
    assert b"write to [email]" in made.replace(b"&#3;", b"")
