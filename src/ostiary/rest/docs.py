"""The reference as a page, from the same document as `/openapi.json`: no script, no third party, readable without either."""

from html import escape
from typing import Any

import orjson

from ostiary.asgi.wire import Header

STYLE = b"""
:root { color-scheme: light dark; --ink: #1c2024; --soft: #60646c; --line: #d9d9e0; --paper: #fff; --tint: #f4f5f7; --accent: #0b62c4 }
@media (prefers-color-scheme: dark) { :root { --ink: #edeef0; --soft: #b0b4ba; --line: #363a3f; --paper: #111113; --tint: #1b1c1f; --accent: #70b8ff } }
body { margin: 0 auto; max-width: 72rem; padding: 2rem 1rem 4rem; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
a { color: var(--accent) } nav ul { columns: 3 14rem; padding-left: 1rem } h2 { margin-top: 3rem; border-bottom: 1px solid var(--line) }
details { border: 1px solid var(--line); border-radius: 8px; margin: 8px 0; padding: 8px 16px } summary { cursor: pointer }
code, pre { font: 14px/1.5 ui-monospace, monospace } pre { background: var(--tint); padding: 16px; overflow: auto; border-radius: 8px }
.method { display: inline-block; min-width: 4rem; font-weight: 600; color: var(--accent) } .soft { color: var(--soft) }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
"""
_HEADERS: tuple[Header, ...] = (
    (b"content-type", b"text/html; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
)


def page(document: dict[str, Any]) -> tuple[bytes, tuple[Header, ...]]:
    """The page and its headers."""
    tags: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            tags.setdefault(operation["tags"][0], []).append(_operation(method, path, operation))
    names = sorted(tags)
    contents = "".join(f'<li><a href="#{escape(name)}">{escape(name)}</a></li>' for name in names)
    sections = "".join(f'<h2 id="{escape(name)}">{escape(name)}</h2>{"".join(tags[name])}' for name in names)
    info = document["info"]
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Ostiary API</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="/docs/style.css"></head>'
        f'<body><main><h1>Ostiary API <span class="soft">{escape(info["version"])}</span></h1><p>{escape(info["description"])}</p>'
        '<p>The same as a document: <a href="/openapi.json">openapi.json</a>. Send <code>Authorization: Bearer</code> with an API key; '
        "with one, your own contracts are listed here too.</p>"
        f'<nav aria-label="Contents"><ul>{contents}</ul></nav>{sections}</main></body></html>'
    )
    return html.encode(), _HEADERS


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    parameters = "".join(
        f"<li><code>{escape(each['name'])}</code> in {escape(each['in'])}{', required' if each['required'] else ''}</li>"
        for each in operation["parameters"]
    )
    facts = operation["x-ostiary"]
    return (
        f'<details><summary><span class="method">{escape(method.upper())}</span> <code>{escape(path)}</code> '
        f'<span class="soft">{escape(operation["summary"])}</span></summary><p>{escape(operation["description"])}</p>'
        f'<p class="soft">Permission {escape(facts["permission"])}, risk {escape(facts["risk"])}, effect {escape(facts["effect"])}</p>'
        + (f"<p>Parameters</p><ul>{parameters}</ul>" if parameters else "")
        + (
            f"<p>Body</p><pre>{escape(orjson.dumps(body, option=orjson.OPT_INDENT_2).decode())}</pre>"
            if body
            else ""
        )
        + "</details>"
    )
