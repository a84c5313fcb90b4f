"""`ostiary jobs`: long work of the running gateway. What was started goes on without this command."""

import json
import sys
import time
from typing import Annotated, Any

import typer

from ostiary.cli import output
from ostiary.cli.remote import ask, named

jobs = typer.Typer(no_args_is_help=True, help="Jobs: long work that goes on without you.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
JobId = Annotated[str, typer.Argument(help="The job's id, job_...")]
Wait = Annotated[
    bool, typer.Option("--wait", help="Wait for its end, with its progress. Exit code 1 if it fails.")
]
OVER = ("done", "failed", "cancelled")
LOOK_EVERY_S = 0.5
BAR = 24


@jobs.command("list")
def listed(
    state: Annotated[str, typer.Option(help="queued, running, done, failed, cancelled or any.")] = "any",
    kind: Annotated[str, typer.Option(help="Of this kind only.")] = "",
    limit: Annotated[int, typer.Option(help="At most so many, the newest first.", min=1, max=200)] = 50,
    as_json: AsJson = False,
) -> None:
    """The jobs that you may see."""
    with output.told(json_wanted=as_json):
        answer = ask("GET", named("jobs"), query={"state": state, "kind": kind, "limit": str(limit)})
    if as_json:
        output.as_json(answer)
    else:
        rows = [{**job, "progress": progress(job)} for job in answer["jobs"]]
        output.table(rows, ("id", "kind", "state", "progress", "code", "created_at"))


@jobs.command("kinds")
def kinds(as_json: AsJson = False) -> None:
    """The kinds of jobs that you may start."""
    with output.told(json_wanted=as_json):
        answer = ask("GET", named("job-kinds"))
    if as_json:
        output.as_json(answer)
    else:
        output.table(answer["kinds"], ("name", "title", "permission", "startable", "every_s"))


@jobs.command("start")
def start(
    kind: Annotated[str, typer.Argument(help="`ostiary jobs kinds` lists them.")],
    params: Annotated[str, typer.Option(help="Its parameters, as a JSON object.")] = "{}",
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Start a job."""
    try:
        given = json.loads(params)
    except ValueError:
        output.fail("--params is not JSON.", code=2)
    with output.told(json_wanted=as_json):
        job = ask("POST", named("jobs"), body={"kind": kind, "params": given})
    _follow(job, wait=wait, as_json=as_json)


@jobs.command("show")
def show(job_id: JobId, wait: Wait = False, as_json: AsJson = False) -> None:
    """How a job stands."""
    with output.told(json_wanted=as_json):
        job = ask("GET", named("jobs", job_id))
    _follow(job, wait=wait, as_json=as_json)


@jobs.command("cancel")
def cancel(job_id: JobId, as_json: AsJson = False) -> None:
    """Cancel a job: at once where it waits, else between two steps. What it has done stays done."""
    with output.told(json_wanted=as_json):
        job = ask("POST", named("jobs", job_id, "cancel"))
    _print(job, as_json=as_json)


@jobs.command("retry")
def retry(job_id: JobId, wait: Wait = False, as_json: AsJson = False) -> None:
    """Let a job that failed or was cancelled go on from where it was."""
    with output.told(json_wanted=as_json):
        job = ask("POST", named("jobs", job_id, "retry"))
    _follow(job, wait=wait, as_json=as_json)


def progress(job: dict[str, Any]) -> str:
    """`40 %`, `400 of 1000`, or how many where the total is not known."""
    if job["percent"] is not None:
        return f"{job['percent']} %"
    return str(job["count"]) if job["count"] else ""


def bar(job: dict[str, Any]) -> str:
    """One line of progress, for a terminal."""
    full = BAR * (job["percent"] or 0) // 100
    left = f", about {job['left_s']} s left" if job["left_s"] is not None else ""
    return f"{job['state']:9} [{'#' * full}{'.' * (BAR - full)}] {progress(job)}{left}"


def _follow(job: dict[str, Any], *, wait: bool, as_json: bool) -> None:
    """Print it, after its end with `wait`."""
    shown = wait and sys.stderr.isatty() and not as_json
    with output.told(json_wanted=as_json):
        while wait and job["state"] not in OVER:
            if shown:
                sys.stderr.write(f"\r{bar(job):70}")
                sys.stderr.flush()
            time.sleep(LOOK_EVERY_S)
            job = ask("GET", named("jobs", job["id"]))
    if shown:
        sys.stderr.write(f"\r{bar(job):70}\n")
    _print(job, as_json=as_json)
    if wait and job["state"] != "done":
        raise SystemExit(1)


def _print(job: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.as_json(job)
        return
    lines = [
        f"{job['id']}  {job['title']}: {job['state']}{' (being cancelled)' if job['cancelling'] else ''}"
    ]
    left = f", about {job['left_s']} s left" if job["left_s"] is not None else ""
    if told := progress(job):
        lines.append(f"  {told}{left}")
    lines += [f"  {job[name]}" for name in ("note", "code") if job[name]]
    sys.stdout.write("\n".join(lines) + "\n")
