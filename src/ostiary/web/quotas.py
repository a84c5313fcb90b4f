"""What a tenant may use at most, and what it uses: its owner sees its own, the operator of the installation sets them for each."""

from decimal import Decimal, InvalidOperation
from typing import Any

from starlette.responses import Response

from ostiary.errors import InvalidParameters
from ostiary.web import backups
from ostiary.web.desk import Desk

OPERATOR = "install.manage"
COUNTS = (
    ("calls_at_once", "Calls at once", "in each process"),
    ("calls_per_s", "Calls a second", "of all keys and people, over all processes"),
    ("jobs_at_once", "Jobs at once", "in each worker"),
)
KINDS = {
    "files": "Files",
    "data": "Calls, their parameters and answers",
    "log": "The log, which stops nobody",
}
MB_BYTES = 1_000_000
MB_CHARACTERS_MAX = 20


async def page(desk: Desk) -> Response:
    return await _page(desk, desk.query("tenant"))


async def save(desk: Desk) -> Response:
    form, tenant = desk.form, desk.form.get("tenant", "").strip()
    asked = {name: whole(form.get(name, "")) for name, _, _ in COUNTS}
    try:
        await desk.ask("quota.set", {"tenant": tenant, **asked, "storage_bytes": in_bytes(form.get("storage_mb", ""))})  # fmt: skip
    except InvalidParameters as error:
        return await _page(desk, tenant, values=form, error=error)
    return desk.go("/quotas", "quota-set", tenant=tenant)


def whole(text: str) -> int:
    """A number from a form; nothing is no limit, and what is no number is one that the action refuses."""
    text = text.strip()
    return int(text or 0) if (text or "0").isascii() and (text or "0").isdigit() and len(text) < 12 else -1


def in_bytes(text: str) -> int:
    """Megabytes (10^6) from a form, in bytes; -1 for what is none."""
    text = text.strip() or "0"
    if len(text) > MB_CHARACTERS_MAX or not set(text) <= set("0123456789."):
        return -1
    try:
        return int(Decimal(text) * MB_BYTES)
    except InvalidOperation:
        return -1


def in_megabytes(count: int) -> str:
    """The reverse, without loss."""
    return f"{Decimal(count) / MB_BYTES:f}"


def in_words(quota: dict[str, Any]) -> list[tuple[str, str]]:
    """What the tenant may use; 0 is no limit."""
    stored = f"{backups.size(quota['used_bytes'])} of {backups.size(quota['storage_bytes'])}"
    rows = (
        ("Calls at once", quota["calls_at_once"], f"{quota['calls_at_once']:,} in each process"),
        ("Calls a second", quota["calls_per_s"], f"{quota['calls_per_s']:,}"),
        ("Jobs at once", quota["jobs_at_once"], f"{quota['jobs_at_once']:,} in each process"),
        ("Stored", quota["storage_bytes"], stored),
    )
    unlimited = {"Stored": backups.size(quota["used_bytes"]) + ", no limit"}
    return [(title, text if limit else unlimited.get(title, "no limit")) for title, limit, text in rows]


async def _page(
    desk: Desk, tenant: str, *, values: Any = None, error: InvalidParameters | None = None
) -> Response:
    operates, faults = desk.may(OPERATOR), error.faults if error else ()
    quota = None
    if operates and tenant:
        try:
            quota = await desk.ask("quota.show", {"tenant": tenant})
        except InvalidParameters as wrong:
            error, faults = wrong, faults or wrong.faults
    elif desk.may("tenant.manage"):
        quota = await desk.ask("quota.own")
    return await desk.page(
        "settings/quotas.html",
        status=422 if error else 200,
        quota=quota,
        lines=in_words(quota) if quota else (),
        uses=[{**use, "title": KINDS.get(use["kind"], use["kind"]), "size": backups.size(use["bytes"])} for use in quota["uses"]] if quota else (),
        percent=_percent(quota) if quota else None,
        operates=operates,
        tenant=tenant or (quota["tenant"] if quota else ""),
        known=(await desk.ask_or({}, "tenant.list")).get("tenants", []) if operates else (),
        counts=COUNTS,
        values=values if values is not None else _values(quota),
        faults=faults,
    )  # fmt: skip


def _values(quota: dict[str, Any] | None) -> dict[str, str]:
    if quota is None:
        return {}
    counts = {name: str(quota[name]) for name, _, _ in COUNTS}
    return {**counts, "storage_mb": in_megabytes(quota["storage_bytes"])}


def _percent(quota: dict[str, Any]) -> int | None:
    """How full the tenant's storage is; None without a limit."""
    return min(100, quota["used_bytes"] * 100 // quota["storage_bytes"]) if quota["storage_bytes"] else None
