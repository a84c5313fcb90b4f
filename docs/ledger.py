"""The part of docs/reference/dependencies.md that no machine can know: why each dependency is there, and what we would write instead."""

LICENCES = {
    "google-re2": "BSD-3-Clause",
    "jinja2": "BSD-3-Clause",
    "obstore": "MIT",
    "segno": "BSD-3-Clause",
    "uvloop": "MIT OR Apache-2.0",
}
"""Where a package states its licence in a form that is not an SPDX expression."""

LEDGER: dict[str, tuple[str, str]] = {
    "alembic": ("migrations of both databases", "a table of versions and a folder of SQL files"),
    "certifi": ("the public certificate authorities, where the system has none", "the system's own store"),
    "cryptography": (
        "AES-GCM, HKDF, Ed25519, chunked files; the only cryptography we use",
        "nothing: nobody writes this twice",
    ),
    "dbos": (
        "runs of jobs survive their process: a killed one goes on where it stopped, on another worker too",
        "a table of runs with leases; the job's own row holds everything else already",
    ),
    "google-re2": (
        "pattern detection in linear time",
        "Python's `re`, which attackers can make wait",
    ),
    "httptools": (
        "HTTP parsing in C (llhttp): of the server's requests, and of the answers of connected systems",
        "uvicorn and our client on h11, at half the speed and less",
    ),
    "httpx2": (
        "the sample company's agent and person; `mcp` brings it in any case",
        "a small client of our own",
    ),
    "idna": ("host names in other alphabets, by the rule that browsers use", "ASCII names only"),
    "jinja2": ("the console's pages, escaped by default", "string templates with an escaping type"),
    "joserfc": (
        "access tokens as signed JWTs, of our own and of other issuers, with the algorithms that we name",
        "two hundred lines over cryptography, for three algorithms",
    ),
    "jsonschema-rs": (
        "JSON Schema 2020-12 for contracts, with linear patterns",
        "a validator for the subset that contracts use",
    ),
    "mcp": ("the Model Context Protocol, both eras", "the JSON-RPC methods that we offer, by hand"),
    "numpy": (
        "the arithmetic of the model that finds names, places and dates",
        "loops in Python, some hundred times slower",
    ),
    "obstore": ("files in a folder, S3, GCS or Azure, through one interface", "local files only"),
    "orjson": ("canonical JSON where bytes are many", "json, five to ten times slower"),
    "prometheus-client": ("the text of /metrics", "two hundred lines of counters"),
    "psycopg": ("PostgreSQL, for our own data and for contracts", "nothing: it is the driver"),
    "pydantic": (
        "parameters of built-in actions, checked and described",
        "dataclasses with JSON Schemas written by hand",
    ),
    "pyotp": ("codes of an authenticator app (RFC 6238)", "forty lines over hmac"),
    "python-multipart": (
        "the console's form with a file, read as it comes",
        "a hundred lines over RFC 7578; `mcp` brings it in any case",
    ),
    "pyyaml": ("contract files, read event by event under our own rules", "JSON only"),
    "rich": ("tables and colours in the terminal", "plain columns"),
    "segno": ("the QR code that an authenticator app scans", "showing the key as text only"),
    "sqlalchemy": ("one way to write SQL for SQLite and PostgreSQL (Core, no ORM)", "two sets of statements"),
    "starlette": ("routes of the console, plain ASGI elsewhere", "our own router"),
    "structlog": ("logs as JSON, with a filter for secrets", "logging with a formatter"),
    "typer": ("the command line", "argparse"),
    "uuid-utils": ("ids that sort by time, quickly", "our own UUIDv7 on os.urandom"),
    "uvicorn": ("the HTTP server", "nothing: another server"),
    "uvloop": ("a faster event loop", "asyncio's own"),
}
