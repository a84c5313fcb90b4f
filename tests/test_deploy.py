"""What we give an operator to look at: every number that the dashboard and the alerts ask for is one that we show, with these labels, and every alert has its page."""

import json
import re
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml

from ostiary import metrics

ROOT = Path(__file__).resolve().parents[1]
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "ostiary.json").read_text())
ALERTS = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text())["groups"][0]["rules"]
RUNBOOK = (ROOT / "docs" / "howto" / "alerts.md").read_text()
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
OF_THE_COLLECTOR = {"instance", "job"}
"""Labels that Prometheus adds to all that it scrapes."""
OTHERS = {"up": set(), "process_start_time_seconds": set(), "process_cpu_seconds_total": set(), "process_resident_memory_bytes": set(),
          "process_open_fds": set(), "process_max_fds": set(), "python_gc_collections_total": {"generation"}}  # fmt: skip
"""What the collectors of prometheus-client show of the process, and `up`, which is Prometheus's own."""


def shown() -> dict[str, set[str]]:
    """Every series by the name it is exposed under, with its labels."""
    found: dict[str, set[str]] = {name: set(labels) for name, labels in OTHERS.items()}
    for each in vars(metrics).values():
        if isinstance(each, metrics.Durations):
            names, labels = [each.name + end for end in ("_bucket", "_sum", "_count")], set(each.labels)
        elif isinstance(each, metrics.Counter | metrics.Gauge | metrics.Histogram | metrics.Info):
            family = next(iter(each.describe()))
            ends = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"], "info": ["_info"]}
            names = [family.name + end for end in ends.get(family.type, [""])]
            labels = {"version", "python"} if each is metrics.BUILD else set(each._labelnames)
        else:
            continue
        found |= {name: labels | ({"le"} if name.endswith("_bucket") else set()) for name in names}
    found["ostiary_config_info"] = {"environment", "data_database", "keys_database", "blobs", "tls", "mail", "traces"}  # fmt: skip
    return found


def selectors(text: str) -> list[promql.VectorSelector]:
    """Every series that an expression asks for."""
    found: list[promql.VectorSelector] = []

    def enter(expression: Any) -> bool:
        if isinstance(expression, promql.VectorSelector):
            found.append(expression)
        if isinstance(expression, promql.MatrixSelector):
            found.append(expression.vector_selector)
        return True

    walk(promql.parse(text), enter)
    return found


def walk(expression: Any, enter: Any) -> None:
    enter(expression)
    for name in ("lhs", "rhs", "expr", "param"):
        child = getattr(expression, name, None)
        if isinstance(child, promql.Expr):
            walk(child, enter)
    for child in getattr(expression, "args", None) or ():
        walk(child, enter)


def grouped(text: str) -> set[str]:
    """The labels that an expression groups by."""
    return {
        label.strip()
        for names in re.findall(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)", text)
        for label in names.split(",")
        if label.strip()
    }


def plain(text: str) -> str:
    """A panel's expression without Grafana's variables."""
    return text.replace("$__rate_interval", "5m").replace("$instance", "x")


EXPRESSIONS = [(panel["title"], plain(target["expr"])) for panel in PANELS for target in panel["targets"]]
EXPRESSIONS += [(rule["alert"], rule["expr"]) for rule in ALERTS]


@pytest.mark.parametrize(("where", "text"), EXPRESSIONS)
def test_what_is_asked_for_is_shown_with_these_labels(where: str, text: str) -> None:
    known = shown()
    asked = selectors(text)
    assert asked, where
    labels: set[str] = {"le"}
    for each in asked:
        assert each.name in known, f"{where} asks for {each.name}"
        used = {matcher.name for matcher in each.matchers.matchers}
        assert used <= known[each.name] | OF_THE_COLLECTOR, f"{where}: {each.name} has no label {used}"
        labels |= known[each.name]
    assert grouped(text) <= labels | OF_THE_COLLECTOR, where


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: str(panel["title"]))
def test_legends_name_labels_that_are_left(panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        named = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
        kept = grouped(target["expr"]) | ({"instance"} if "by (" not in target["expr"] else set())
        assert named <= kept, target["expr"]


def test_a_metric_that_does_not_exist_would_be_found() -> None:
    assert [each.name for each in selectors("rate(ostiary_nothing_total[5m]) > 1")] == [
        "ostiary_nothing_total"
    ]
    assert "ostiary_nothing_total" not in shown()


def test_the_dashboard_is_one_that_grafana_reads() -> None:
    everything = DASHBOARD["panels"]
    assert len({panel["id"] for panel in everything}) == len(everything)
    assert [panel["title"] for panel in everything if panel["type"] == "row"] == [
        "Door", "Consent", "Log", "Keys", "Jobs", "Databases", "Processes",
    ]  # fmt: skip
    taken: set[tuple[int, int]] = set()
    for panel in everything:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
    for panel in PANELS:
        assert panel["description"], panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}"
    assert [variable["name"] for variable in DASHBOARD["templating"]["list"]] == ["datasource", "instance"]


def test_every_metric_of_ours_is_on_the_wall_or_in_an_alert() -> None:
    asked = {each.name for _, text in EXPRESSIONS for each in selectors(text)}
    ours = {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown() if name.startswith("ostiary_")}
    used = {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked}
    assert ours - used == set()


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: str(rule["alert"]))
def test_every_alert_says_how_bad_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert re.fullmatch(r"\d+[smh]", rule["for"])
    notes = rule["annotations"]
    assert notes["summary"]
    assert notes["description"].endswith(".")
    page, _, anchor = notes["runbook_url"].partition("#")
    assert page == "docs/howto/alerts.md"
    section = re.search(rf"^## {rule['alert']}$(.*?)(?=^## |\Z)", RUNBOOK, re.M | re.S)
    assert section, f"docs/howto/alerts.md says nothing of {rule['alert']}"
    assert anchor == rule["alert"].lower()
    assert "**Means.**" in section[1]
    assert "**Do.**" in section[1]


def test_the_runbook_has_no_section_of_an_alert_that_is_gone() -> None:
    assert re.findall(r"^## (Ostiary\w+)$", RUNBOOK, re.M) == [rule["alert"] for rule in ALERTS]


def test_names_follow_the_conventions() -> None:
    wrong = [
        name
        for name in shown()
        if name.startswith("ostiary_") and re.search(r"(_ms|_us|_minutes|_kb|_mb)(_|$)|[A-Z]", name)
    ]
    assert wrong == []
