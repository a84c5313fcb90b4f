"""How the story looks in a terminal: who says what, in the colour of who says it."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

COLOURS = {"agent": "cyan", "gateway": "magenta", "person": "green", "company": "yellow", "attacker": "red"}
NAME_WIDTH = 9
ORIGINS = {
    "said": "said by a person",
    "trusted": "from our own records",
    "untrusted": "written by somebody outside",
    "unexplained": "seen nowhere before",
}
"""Where a value came from, in words."""


class Stage:
    """A terminal. `pause_s`: how long a line stands before the next one comes."""

    def __init__(self, console: Console, *, pause_s: float) -> None:
        self._console = console
        self._pause_s = pause_s
        self._scene = 0

    def title(self, text: str, below: str) -> None:
        self._console.print()
        self._console.print(Text(text, "bold"))
        self._console.print(Text(below, "dim"))

    def scene(self, title: str) -> None:
        """The next step of the story."""
        self._scene += 1
        self._console.print()
        self._console.rule(Text(f"{self._scene}  {title}", "bold"), align="left", style="dim")
        self._wait()

    def says(self, who: str, text: str) -> None:
        line = Table.grid(padding=(0, 2))
        line.add_column(width=NAME_WIDTH, justify="right", style=f"bold {COLOURS[who]}")
        line.add_row(who, Text(text))
        self._console.print(line)
        self._wait()

    def shows(self, pairs: Mapping[str, Any]) -> None:
        """Names and values, below what was said."""
        table = Table.grid(padding=(0, 2))
        for name, value in pairs.items():
            table.add_row(" " * NAME_WIDTH, Text(name, "dim"), Text(str(value)))
        self._console.print(table)
        self._wait()

    def table(self, heads: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
        table = Table(box=None, pad_edge=False, padding=(0, 2), header_style="dim")
        table.add_column(" " * NAME_WIDTH)
        for head in heads:
            table.add_column(head)
        for row in rows:
            table.add_row("", *row)
        self._console.print(table)
        self._wait()

    def quotes(self, text: str, *, colour: str) -> None:
        """A text as it was read."""
        self._console.print(
            Panel(Text(text), border_style=colour, expand=False, width=min(110, self._console.width))
        )
        self._wait()

    def card(self, card: Mapping[str, Any]) -> None:
        """What a person is shown before they decide."""
        grid = Table.grid(padding=(0, 2))
        for parameter in card["parameters"]:
            grid.add_row(
                Text(parameter["name"], "dim"), Text(str(parameter["value"])), Text(_origin(parameter), "dim")
            )
        asker = card["asked_by"]
        grid.add_row(Text("asked by", "dim"), Text(f"{asker['name'] or asker['id']} ({asker['kind']})"), "")
        grid.add_row(Text("why", "dim"), Text(card["why"]), "")
        title = Text(f" {filled(card)} ", "bold")
        self._console.print(Panel(grid, title=title, title_align="left", border_style="green", expand=False))
        self._wait()

    def held(self, sentence: str) -> None:
        """A promise that was kept."""
        line = Table.grid(padding=(0, 2))
        line.add_column(width=NAME_WIDTH, justify="right", style="bold green")
        line.add_row("✓", Text(sentence, "green"))
        self._console.print(line)
        self._wait()

    def broke(self, sentence: str) -> None:
        self._console.print()
        self._console.print(Text("This step does not hold: ", "bold red") + Text(sentence))

    def plain(self, text: str = "", style: str = "") -> None:
        self._console.print(Text(text, style))

    def _wait(self) -> None:
        if self._pause_s:
            time.sleep(self._pause_s)


def filled(card: Mapping[str, Any]) -> str:
    """The card's sentence with its parameters in their places."""
    sentence = str(card["sentence"] or card["title"])
    for parameter in card["parameters"]:
        sentence = sentence.replace("{" + parameter["name"] + "}", str(parameter["value"]))
    return sentence


def _origin(parameter: Mapping[str, Any]) -> str:
    where = str(parameter["source"]).split(" (", 1)[0]
    return ORIGINS.get(str(parameter["origin"]), str(parameter["origin"])) + (f": {where}" if where else "")
