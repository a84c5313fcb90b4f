"""DBOS, and nothing else of ours: runs of jobs that survive their process.

A run is a DBOS workflow: its id is the job's and the number of the run, so that it begins once however often it is asked for. It calls `work` again and
again, each call a DBOS step of a few seconds, until there is nothing to go on with. What DBOS keeps is ids and the words "more" and "over", as JSON: never a
parameter, a cursor or a pickle. On SQLite its tables are a file of their own, on PostgreSQL a schema of their own that the owner makes.

Importing this costs 1.5 seconds: only a worker does, beside its start. DBOS is one a process. It listens nowhere and calls nobody: no Conductor, no
telemetry, no administration server; what its environment variables would switch on is taken from the environment first.
"""

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event

from ostiary import log
from ostiary.db.database import Database
from ostiary.db.secure import extra_schemas, jobs_schema_of
from ostiary.ids import INSTALL, digits_of

for _name in [name for name in os.environ if name.startswith("DBOS_")]:
    del os.environ[_name]

from dbos import DBOS, DBOSConfig, Serializer, SetWorkflowID  # noqa: E402 - it reads its environment when it is imported

_LOG = log.get("jobs")

MORE, OVER = "more", "over"
VERSION = "1"
"""Of the workflow below. Runs of another version are left to workers that know it."""

APPLICATION = "ostiary"
CONNECTIONS = 10
POLL_S = 0.5
FORGET_ROWS_MAX = 500
_ENDED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]

Work = Callable[[str, str, int], str]
"""`work(tenant, job, run)`: go on for a few seconds; MORE or OVER. Called in a thread of DBOS's."""

_work: Work | None = None


class Json(Serializer):
    """Ids and words as JSON; an exception by the name of its class. Anything else is a mistake of ours."""

    def serialize(self, data: Any) -> str:
        if isinstance(data, BaseException):
            return json.dumps({"error": type(data).__name__})
        return json.dumps(data, allow_nan=False)

    def deserialize(self, serialized_data: str) -> Any:
        data = json.loads(serialized_data)
        if isinstance(data, dict) and "error" in data:
            return RuntimeError(data["error"])
        if isinstance(data, dict) and "args" in data:
            return {"args": tuple(data["args"]), "kwargs": data["kwargs"]}
        return data

    def name(self) -> str:
        return "ostiary_json"


@DBOS.workflow(name="job", max_recovery_attempts=1_000_000)
def _run(tenant: str, job: str, run: int) -> str:
    """One run of a job. How often it may be recovered is counted in the job's row."""
    while DBOS.run_step({"name": "work"}, _go_on, tenant, job, run) == MORE:
        pass
    return OVER


def _go_on(tenant: str, job: str, run: int) -> str:
    assert _work is not None, "the worker has stopped"
    return _work(tenant, job, run)


class Workflows:
    """DBOS for this process. `begin` and the others block: call them in a thread."""

    def __init__(self, engine: Engine, *, process: str, schema: str, threads: int, work: Work) -> None:
        self._engine = engine
        self._queue = f"of-{process}"
        self._config: DBOSConfig = {
            "name": APPLICATION,
            "system_database_engine": engine,
            "dbos_system_schema": schema,
            "application_version": VERSION,
            "executor_id": process,
            "serializer": Json(),
            "run_migrations": engine.dialect.name == "sqlite",
            "max_executor_threads": threads + 4,  # its own recovery and the loop's needs
            "enable_otlp": False,
            "log_level": "WARNING",
            "scheduler_polling_interval_sec": 3600.0,
        }
        self._threads = threads
        self._to = work

    def launch(self) -> None:
        """Open its tables and begin to listen for what this process takes over. Raises DBOS's own errors where the schema is not there."""
        global _work
        if _work is not None:
            raise RuntimeError("DBOS runs in this process already")
        _work = self._to
        _log_into_ours()
        try:
            DBOS(config=self._config)
            DBOS.listen_queues([self._queue])
            DBOS.launch()
            DBOS.register_queue(self._queue, polling_interval_sec=POLL_S, worker_concurrency=self._threads)
        except BaseException:
            self._end()
            raise

    def begin(self, tenant: str, job: str, run: int) -> bool:
        """Begin a run here, once: a run that has begun anywhere is resumed here instead, where it stopped. False: it has ended, there is none to begin."""
        name = f"{job}.{run}"
        known = DBOS.get_workflow_status(name)
        if known is None:
            with SetWorkflowID(name):
                DBOS.start_workflow(_run, tenant, job, run)
            return True
        if known.status in _ENDED:
            return False
        DBOS.resume_workflow(name, queue_name=self._queue)
        return True

    def tidy(self, before: str) -> int:
        """Forget runs that ended before that instant (RFC 3339); their jobs' rows say what became of them. How many."""
        ended = DBOS.list_workflows(
            status=_ENDED, completed_before=before, limit=FORGET_ROWS_MAX, load_input=False, load_output=False
        )
        if ended:
            DBOS.delete_workflows([run.workflow_id for run in ended])
        return len(ended)

    def stop(self) -> None:
        """What still runs is left as it is: it is resumed by whoever takes its job."""
        DBOS.delete_queue(self._queue)
        self._end()

    def _end(self) -> None:
        global _work
        DBOS.destroy()
        _work = None
        self._engine.dispose()


def engine_at(database: URL, home: Path) -> Engine:
    """Where DBOS keeps its tables: beside the data on PostgreSQL; in `jobs.db` on SQLite, which holds nothing that a backup would need."""
    if database.get_backend_name() == "postgresql":
        return create_engine(
            database, pool_size=CONNECTIONS, max_overflow=0, pool_pre_ping=True, hide_parameters=True
        )
    engine = create_engine(
        f"sqlite:///{home / 'jobs.db'}", pool_size=CONNECTIONS, max_overflow=0, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def prepare(raw: Any, _record: Any) -> None:
        raw.isolation_level = "IMMEDIATE"  # as DBOS's own engine has it
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=30000", "foreign_keys=ON", "secure_delete=ON"):  # fmt: skip
            raw.execute(f"PRAGMA {pragma}")

    return engine


def schema_of(database: Database) -> str:
    """The schema beside the data's that DBOS's tables are in; a cell has one of its own."""
    if database.sqlite:
        return APPLICATION
    with database.engine().connect() as connection:
        schema = connection.exec_driver_sql("SELECT current_schema()").scalar_one()
    return (
        extra_schemas(schema)[0]
        if database.install == INSTALL
        else jobs_schema_of(schema, digits_of(database.install))
    )


def migrate(url: URL, schema: str, role: str) -> None:
    """Make or alter DBOS's tables on PostgreSQL as the owner that `url` logs in as, and let the product's role use them."""
    _log_into_ours()
    address = url.render_as_string(hide_password=False)
    DBOS.migrate(system_database_url=address, schema=schema, application_role=role)


class _Ours(logging.Handler):
    """DBOS's warnings in our log: where, and the kind of the error. Its sentences may hold what was asked of the database."""

    def emit(self, record: logging.LogRecord) -> None:
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        _LOG.warning("dbos", level=record.levelname, where=f"{record.module}:{record.lineno}", error=kind)


def _log_into_ours() -> None:
    theirs = logging.getLogger("dbos")
    theirs.propagate = False
    if not any(isinstance(handler, _Ours) for handler in theirs.handlers):
        theirs.handlers = [_Ours(logging.WARNING)]
