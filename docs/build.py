"""Writes docs/reference/ from what the product itself says: the registry, the settings, the errors, the detectors, the commands, the metrics, the lock file.

Run by `make docs`. `pages()` makes every page in memory, and a test compares it with what is checked in, so that the reference cannot drift.
"""

import base64
import re
import secrets
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from itertools import groupby
from pathlib import Path
from typing import Any

import typer
from ledger import LEDGER, LICENCES
from prometheus_client.metrics import MetricWrapperBase

from ostiary import config, errors, metrics
from ostiary.access import matrix
from ostiary.actions import Action, Surface
from ostiary.app.gateway import Gateway
from ostiary.cli.main import app
from ostiary.clock import SystemClock
from ostiary.detection.categories import CATEGORIES, Family
from ostiary.detection.detector import THRESHOLD
from ostiary.detection.detectors import DETECTORS

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
SHOWN_PATTERN_CHARACTERS_MAX = 40


def pages() -> dict[str, str]:
    """Every page of the reference by its file name."""
    actions = built_in_actions()
    return {
        "actions.md": actions_page(actions),
        "permissions.md": matrix.markdown(actions),
        "settings.md": settings_page(),
        "errors.md": errors_page(),
        "detectors.md": detectors_page(),
        "commands.md": commands_page(),
        "metrics.md": metrics_page(),
        "dependencies.md": dependencies_page(),
    }


def built_in_actions() -> list[Action]:
    """The registry of a gateway that is built on a throw-away folder and never started."""
    with tempfile.TemporaryDirectory() as home:
        root_key = base64.b64encode(secrets.token_bytes(32)).decode()
        gateway = Gateway(config.load({"OSTIARY_HOME": home, "OSTIARY_ROOT_KEY": root_key}), SystemClock())
        try:
            return list(gateway.registry.all().values())
        finally:
            gateway.close()


# Actions.


def actions_page(actions: Iterable[Action]) -> str:
    known = sorted(actions, key=lambda one: one.name)
    lines = [
        "# Actions",
        "",
        f"The {len(known)} operations that are built in. Your [contracts](../contracts.md) come beside them, at `POST /v1/actions/{{name}}`.",
        "Who may call which is in the [permission matrix](permissions.md); how each refusal reads, in the [errors](errors.md).",
        "",
        "**Effect.** `none`: it changes nothing. `local`: it changes rows of the gateway, together with the record. `outside`: it changes something that",
        "cannot be rolled back, so the intent is recorded first. **Recorded.** `durable`: before the answer leaves. `batched`: a moment later. `counted`: a metric only.",
    ]
    for room, members in groupby(known, key=lambda one: one.name.split(".")[0]):
        lines += ["", f"## {room}"]
        for action in members:
            lines += ["", *_action(action)]
    return "\n".join(lines) + "\n"


def _action(action: Action) -> Iterator[str]:
    route = f"`{action.route.method} {action.route.path}`" if action.route else "no route"
    yield f"### {action.name}"
    yield ""
    yield f"{action.description}"
    yield ""
    asked = "anyone" if action.public else f"`{action.permission}`"
    facts = [
        route,
        f"permission {asked}",
        f"risk {action.risk}",
        f"effect {action.effect}",
        f"recorded {action.recorded}",
    ]
    if action.step_up:
        facts.append("asks for the second factor")
    if action.surfaces != {Surface.ADMIN}:
        facts.append(f"surfaces {', '.join(sorted(action.surfaces))}")
    yield " · ".join(facts)
    schema = action.params.schema()
    properties: Mapping[str, Any] = schema.get("properties", {})
    if not properties:
        return
    if schema.get("description"):
        yield ""
        yield " ".join(str(schema["description"]).split())
    yield ""
    yield from table(
        ("Parameter", "Value", "If left out", "Meaning"),
        (
            (f"`{name}`", _kind(each, schema), _absent(name, each, schema), each.get("description", ""))
            for name, each in properties.items()
        ),
    )


def _absent(name: str, each: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    if name in schema.get("required", ()):
        return "a mistake"
    default = each.get("default")
    return (
        ""
        if default in (None, "", [])
        else f"`{str(default).lower() if isinstance(default, bool) else default}`"
    )


def _kind(each: Mapping[str, Any], whole: Mapping[str, Any]) -> str:
    """A schema in a few words."""
    if "$ref" in each:
        return _kind(whole["$defs"][each["$ref"].rsplit("/", 1)[1]], whole)
    if "enum" in each:
        return "one of " + ", ".join(f"`{choice}`" for choice in each["enum"])
    if "const" in each:
        return f"`{each['const']}`"
    for several in ("anyOf", "oneOf"):
        if several in each:
            return " or ".join(
                dict.fromkeys(_kind(one, whole) for one in each[several] if one.get("type") != "null")
            )
    return _of_type(each, whole)


def _of_type(each: Mapping[str, Any], whole: Mapping[str, Any]) -> str:
    kind = each.get("type", "any value")
    if kind == "array":
        return f"list of at most {each['maxItems']}: {_kind(each.get('items', {}), whole)}"
    if kind == "integer":
        return f"whole number, {each.get('minimum', '')} to {each.get('maximum', '')}"
    if kind == "boolean":
        return "`true` or `false`"
    if kind == "object":
        inner = each.get("properties", {})
        if "kind" in inner and "const" in inner["kind"]:
            return f"settings of kind `{inner['kind']['const']}`"
        return "object"
    if kind == "string":
        return _of_text(each)
    return str(kind)


def _of_text(each: Mapping[str, Any]) -> str:
    pattern = each.get("pattern", "")
    text = "secret text" if each.get("writeOnly") else "text"
    if "maxLength" in each:
        text += f", at most {each['maxLength']} characters"
    if pattern and len(pattern) <= SHOWN_PATTERN_CHARACTERS_MAX:
        text += f", `{pattern}`"
    return text


# Settings, errors, detectors.


def settings_page() -> str:
    lines = [
        "# Settings",
        "",
        "Read from the environment at start, all checked together: `ostiary serve` names each mistake and does not start with one. For each name,",
        "`<NAME>_FILE` may point to a mounted file that holds the value; name one of the two. An unknown variable that starts with `OSTIARY_` is a mistake, so that",
        "a typing error cannot turn a protection off.",
        "",
    ]
    rows = (
        (f"`{row.name}`", _default(row), row.meaning + (" Secret." if row.secret else ""))
        for row in config.SETTINGS
    )
    lines += table(("Setting", "Default", "Meaning"), rows)
    lines += [
        "",
        "The command line reads three of its own: `OSTIARY_URL` (the gateway's address, default `http://localhost:8080`) and `OSTIARY_API_KEY`, or",
        "`OSTIARY_API_KEY_FILE`, the key that it shows. None of them is an option, so that no key ends in the history of a shell or in the list of processes.",
    ]
    return "\n".join(lines) + "\n"


def _default(row: config.Setting) -> str:
    return f"`{row.default}`" if row.default else ""


def errors_page() -> str:
    lines = [
        "# Errors",
        "",
        "Every refusal is a problem document (RFC 9457, `application/problem+json`) with a `code` that stays the same from release to release. `detail`, where it is given,",
        "says what to do; `errors` names each mistake by JSON Pointer. No problem holds data, a path, SQL or a secret. Over MCP the same document is the structured",
        "content of a result with `isError`.",
        "",
    ]
    rows = ((f"`{each.code}`", str(each.status), each.title()) for each in errors.all_errors())
    lines += table(("Code", "Status", "Text"), rows)
    return "\n".join(lines) + "\n"


def detectors_page() -> str:
    lines = [
        "# Categories and detectors",
        "",
        f"{len(CATEGORIES)} categories in {len(Family)} families, and the {len(DETECTORS)} detectors of the pattern tier. A masking policy names families or categories",
        "([how-to](../howto/masking.md)).",
        "`always` means that a match which passes its check counts; `with context` that a word nearby, or the field's name, has to say what it is; `form` that only rules with a lower threshold ask for it. `checked` means that",
        "a check digit, a length or a structure is verified, not only the form.",
        "",
        "## Categories",
        "",
    ]
    known = (
        (f"`{one.name}`", f"`{one.family}`", one.country, one.title)
        for one in sorted(CATEGORIES.values(), key=lambda one: (list(Family).index(one.family), one.name))
    )
    lines += table(("Category", "Family", "Country", "Meaning"), known)
    lines += ["", "## Detectors", ""]
    rows = (
        (
            f"`{each.name}`",
            f"`{each.category}`",
            each.country,
            "always"
            if each.score >= THRESHOLD
            else "with context"
            if each.context or each.general
            else "form",
            "checked" if each.valid else "",
        )
        for each in DETECTORS
    )
    lines += table(("Detector", "Category", "Country", "Counts", "Check"), rows)
    return "\n".join(lines) + "\n"


# Commands and metrics.


def commands_page() -> str:
    lines = [
        "# Commands",
        "",
        "Commands that ask a running gateway find it at `OSTIARY_URL` and show `OSTIARY_API_KEY` ([settings](settings.md)). Exit code 0: it worked; 1: refused, or something",
        "does not hold; 2: the command was not understood or a file cannot be read. `--json` prints what a program may read.",
    ]
    for name, command in commands():
        arguments = [each for each in command.params if each.param_type_name == "argument"]
        options = [
            each for each in command.params if each.param_type_name == "option" and each.name != "help"
        ]
        shown = " ".join(
            [
                name,
                *(
                    f"{each.name.upper()}" if each.required else f"[{each.name.upper()}]"
                    for each in arguments
                ),
            ]
        )
        lines += ["", f"## {name}", "", f"`{shown}`", "", " ".join((command.help or "").split())]
        rows = [
            (f"`{_spelled(each)}`", " ".join((each.help or "").split())) for each in (*arguments, *options)
        ]
        if rows:
            lines += ["", *table(("Option", "Meaning"), rows)]
    return "\n".join(lines) + "\n"


def commands() -> list[tuple[str, Any]]:
    """Every command with its whole name, such as `ostiary audit verify`."""

    def below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
        inner = getattr(command, "commands", None)
        if inner is None:
            yield name, command
            return
        for word, each in inner.items():
            yield from below(f"{name} {word}", each)

    return list(below("ostiary", typer.main.get_command(app)))


def _spelled(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return str(parameter.name.upper())
    return ", ".join((*parameter.opts, *parameter.secondary_opts))


def metrics_page() -> str:
    lines = [
        "# Metrics",
        "",
        "`GET /metrics` of each process answers in the text format of Prometheus, to callers on its own machine that do not come through a proxy and to those whom `OSTIARY_METRICS_ALLOW`",
        "or `OSTIARY_METRICS_TOKEN` admits ([how to](../howto/monitor.md)); to anybody else there is nothing there. Labels are closed vocabularies: never a person, a tenant, an address or a value.",
        "Beside these: `process_...` (CPU, memory, open files, start) and `python_gc_...`, by prometheus-client.",
        "",
    ]
    lines += table(("Metric", "Kind", "Labels", "Meaning"), metric_rows())
    return "\n".join(lines) + "\n"


def metric_rows() -> list[tuple[str, str, str, str]]:
    """Name as it is exposed, kind, labels and meaning of each metric."""
    rows = []
    for each in vars(metrics).values():
        if isinstance(each, metrics.Durations):
            labels = ", ".join(f"`{label}`" for label in each.labels)
            rows.append((f"`{each.name}`", "histogram", labels, each.documentation))
        elif isinstance(each, MetricWrapperBase):
            family = next(iter(each.describe()))
            name = family.name + {"counter": "_total", "info": "_info"}.get(family.type, "")
            labels = ", ".join(f"`{label}`" for label in each._labelnames)
            rows.append((f"`{name}`", family.type, labels, family.documentation))
    return rows


# Dependencies.


def dependencies_page() -> str:
    locked = dict(
        re.findall(r"^([a-z0-9._-]+)==([^\s;\\]+)", (ROOT / "requirements" / "base.lock").read_text(), re.M)
    )
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    direct = sorted(re.split(r"[\[><=!; ]", each, maxsplit=1)[0] for each in declared)
    lines = [
        "# Dependencies",
        "",
        "What `pip install ostiary` brings, each with its reason and what we would write instead. A dependency is code that we own at night: it has to be maintained,",
        "to have few children, wheels and a licence that fits. No GPL or AGPL; LGPL only unmodified.",
        "",
        f"{len(direct)} direct dependencies; with theirs and what builds the package, {len(locked)} packages and {_size(locked)} installed on Linux.",
        "Every one is locked by hash in `requirements/base.lock`.",
        "",
    ]
    rows = (
        (name, locked[name], _licence(name), _size([name, *_parts(name, locked)]), *LEDGER[name])
        for name in direct
    )
    lines += table(("Package", "Version", "Licence", "Installed", "Why", "What we would write instead"), rows)
    return "\n".join(lines) + "\n"


def _parts(name: str, locked: Mapping[str, str]) -> list[str]:
    """The compiled half, where a package comes in two."""
    return [each for each in (f"{name}-binary", f"{name}-core") if each in locked]


def _size(names: Iterable[str]) -> str:
    total = 0
    for name in names:
        try:
            total += sum(file.size or 0 for file in metadata.files(name) or ())
        except metadata.PackageNotFoundError:  # for another platform only
            continue
    return f"{total / 1_000_000:.1f} MB"


def _licence(name: str) -> str:
    if name in LICENCES:
        return LICENCES[name]
    about = metadata.metadata(name)
    return str(about.get("License-Expression") or about.get("License") or "")


def table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Rows as Markdown. A bar in a cell is escaped."""
    lines = [_row(columns), _row(("---",) * len(columns))]
    return lines + [
        _row(tuple(str(cell).replace("|", "\\|").replace("\n", " ") for cell in row)) for row in rows
    ]


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Write every page; the names of those that changed go to standard output."""
    REFERENCE.mkdir(exist_ok=True)
    for name, text in pages().items():
        path = REFERENCE / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"docs/reference/{name}\n")


if __name__ == "__main__":
    main()
