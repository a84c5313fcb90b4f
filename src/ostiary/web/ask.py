"""Asking a database: what there is at the side, a statement, what would be run for it, and its answer as a table and charts. With a script rows come as the database gives them; without one a page holds them."""

import re
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ostiary.actions import Face
from ostiary.asgi.streamed import streamed
from ostiary.asgi.wire import Header, answer_json, answer_problem
from ostiary.door.outcome import Done, Outcome
from ostiary.errors import Conflict, InvalidParameters, OstiaryError
from ostiary.web import words
from ostiary.web.desk import Desk

PAGE_ROWS = 200
"""That a page holds which was made without a script."""
ROWS_MAX = 5_000
STREAM_ROWS_MAX = 1_000_000
"""More than that no browser is given."""
ENDINGS = {"csv": "csv", "ndjson": "ndjson", "arrow": "arrows"}
NAME = re.compile(r"[a-z][a-z0-9_-]*")


async def page(desk: Desk) -> Response:
    """`saved`: a question that somebody saved, to be run at once."""
    if which := desk.query("saved"):
        saved = await desk.ask("saved.show", {"saved": which})
        form = {name: saved[name] for name in ("source", "statement", "question", "purpose")}
        return await _page(desk, form, saved=saved)
    return await _page(desk, {"source": desk.query("source")})


async def work(desk: Desk) -> Response:
    """Without a script: weigh, run, or agree, as the button says."""
    form, wanted = dict(desk.form), desk.form.get("do", "run")
    asked = _asked(form)
    try:
        if wanted == "words":
            return await _worded(desk, form)
        if wanted == "verify":
            return await _verified(desk, form, asked)
        if wanted in ("save", "save-new", "forget"):
            return await _saved(desk, form, asked, wanted)
        if wanted in ("confirm", "request"):
            return await _agreed(desk, form, asked, wanted)
        weighed = await desk.ask("source.weigh", asked)
        answer = None
        if wanted == "run" and (weighed["consent"] == "run" or weighed["agreed"]):
            answer = await desk.ask("source.query", {**asked, "rows": PAGE_ROWS})
    except InvalidParameters as error:
        return await _page(desk, form, wrong=[fault.detail for fault in error.faults] or [error.title()])
    except OstiaryError as error:
        return await _page(desk, form, wrong=[error.detail or error.title()])
    return await _page(desk, form, weighed=weighed, answer=answer)


async def in_words(desk: Desk) -> Response:
    """What a question in words comes to: JSON for the script. `before`: the questions it goes on from; `provider` no: without a model provider."""
    return _Waiting(desk, "source.ask", {**_question(desk.form), "before": desk.lists.get("before", [])[-5:]})  # fmt: skip


async def weigh(desk: Desk) -> Response:
    """What would be run: JSON for the script."""
    return _Waiting(desk, "source.weigh", _asked(desk.form))


async def rows(desk: Desk) -> Response:
    """The answer, for the script; the statement ends when the tab does not wait any more."""
    return _Waiting(desk, "source.query", {**_asked(desk.form), "rows": ROWS_MAX})


async def stream(desk: Desk) -> Response:
    """The answer as it comes, or as a file of one of the forms."""
    form = desk.form.get("format", "ndjson")
    asked: dict[str, Any] = {**_asked(desk.form), "format": form}
    if "save" not in desk.form:
        asked["rows"] = STREAM_ROWS_MAX
    return _Waiting(desk, "source.stream", asked)


async def agree(desk: Desk) -> Response:
    """A yes to the statement, or a request for somebody else's."""
    name = "source.request" if desk.form.get("do") == "request" else "source.confirm"
    return _Waiting(desk, name, _asked(desk.form))


class _Waiting(Response):
    """What is answered while its call runs, and ends when nobody waits. Refused: a problem."""

    def __init__(self, desk: Desk, name: str, params: Any) -> None:
        super().__init__()
        self._desk, self._name, self._params = desk, name, params
        self._saved = (
            "save" in desk.form and params.get("format") in ENDINGS and NAME.fullmatch(params["source"])
        )

    def _file(self) -> tuple[Header, ...]:
        name = f"{self._params['source']}.{ENDINGS[self._params['format']]}" if self._saved else ""
        return ((b"content-disposition", f'attachment; filename="{name}"'.encode()),) if name else ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        desk = self._desk

        async def called() -> Outcome:
            return await desk.fittings.door.call(desk.entrance, self._name, self._params, face=Face.CONSOLE)

        try:
            outcome = await streamed(called, receive, send, self._file())
        except OstiaryError as error:
            if not self._saved:
                await answer_problem(send, error)
                return
            page = await _page(desk, dict(desk.form), wrong=[error.detail or error.title()])
            await page(scope, receive, send)
            return
        if isinstance(outcome, Done):
            await answer_json(send, 200, outcome.result)
        elif outcome is not None:
            await answer_json(send, 202, {"call": outcome.call})


def _asked(form: Any) -> dict[str, str]:
    return {name: form.get(name, "").strip() for name in ("source", "statement", "purpose")}


def _question(form: Any) -> dict[str, Any]:
    asked = {name: form.get(name, "").strip() for name in ("source", "question", "purpose")}
    return {**asked, "run": False, "provider": form.get("provider") != "no"}


async def _worded(desk: Desk, form: dict[str, str]) -> Response:
    found = await desk.ask("source.ask", _question(form))
    if not found["statement"]:
        return await _page(desk, form, wrong=[found["asked_back"]], choices=found["choices"])
    form["statement"] = found["statement"]
    may = " A model provider understood it so, and may be wrong: look at the statement." if found["by"] == "provider" else ""  # fmt: skip
    return await _page(desk, form, said=f"Understood as: {found['understood']}.{may}")


async def _verified(desk: Desk, form: dict[str, str], asked: dict[str, str]) -> Response:
    """The question is answered with this statement from now on, for everybody."""
    model = await desk.ask("source.model.show", {"source": asked["source"]})
    kept = {"source": asked["source"], "question": form.get("question", "").strip(), "statement": asked["statement"]}  # fmt: skip
    await desk.ask("source.model.verify", {**kept, "version": model["version"]})
    return await _page(desk, form, said="Kept: whoever asks this in words gets this statement, as they may see the data.")  # fmt: skip


async def _saved(desk: Desk, form: dict[str, str], asked: dict[str, str], wanted: str) -> Response:
    """Kept under a title with its chart, or not any more."""
    which = {"saved": form.get("saved", "")}
    if wanted == "forget":
        await desk.ask("saved.remove", which)
        return desk.go("/ask", "question-removed", source=asked["source"])
    chart = {name: form.get(f"chart_{name}", "") for name in ("kind", "by", "of", "split")}
    kept = {**asked, "title": form.get("title", "").strip(), "question": form.get("question", "").strip(), "chart": chart, "shared": "shared" in form}  # fmt: skip
    version = form.get("saved_version", "")
    if wanted == "save" and version.isdecimal() and len(version) < 9:
        made = await desk.ask("saved.change", {**kept, **which, "version": int(version)})
    else:
        made = await desk.ask("saved.save", kept)
    return desk.go("/ask", "question-saved", saved=made["id"])


async def _agreed(desk: Desk, form: dict[str, str], asked: dict[str, str], wanted: str) -> Response:
    try:
        await desk.ask(f"source.{wanted}", asked)
    except Conflict as error:  # it waits for somebody else: that is what was asked for
        if wanted == "confirm":
            raise
        return await _page(desk, form, said=error.detail)
    return await _page(desk, form, said="You said yes to this statement: run it.")


async def _page(desk: Desk, form: dict[str, str], **more: Any) -> Response:
    sources = (await desk.ask("sources.list"))["sources"]
    source = next((each for each in sources if each["name"] == form.get("source")), None)
    if source is None and len(sources) == 1 and not form.get("source"):
        (source,) = sources
    kept = (await desk.ask_or({"questions": []}, "saved.list"))["questions"]
    there: dict[str, Any] = {"tables": [], "metrics": [], "questions": []}
    if source:
        asked = {"source": source["name"], "purpose": form.get("purpose", "")}
        there = await desk.ask_or(there, "schema.describe", asked)
    shown: dict[str, Any] = {
        "wrong": [],
        "weighed": None,
        "answer": None,
        "said": "",
        "choices": [],
        "saved": None,
        **more,
    }
    return await desk.page(
        "ask/page.html", status=422 if shown["wrong"] else 200, sources=sources, source=source, tables=there["tables"], metrics=there["metrics"], questions=there["questions"], kept=kept,
        form={"statement": "", "purpose": "", "question": "", "title": "", **form}, streams=bool(source and source["streams"] and desk.may("source.stream")), masks=words.MASKS, **shown,
    )  # fmt: skip
