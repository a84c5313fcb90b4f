"""The tools of AgentDojo as a small HTTP service, and its judge. Runs under the interpreter that has `agentdojo` (see bench/agentdojo.py), with nothing of
Ostiary's. One episode at a time: `/episode` sets up an environment, `/tools/...` act on it, `/verdict` asks the benchmark's own oracles.

It is what a company's own services would be: it knows nothing of sessions, policies or who asks.
"""

import copy
import json
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from agentdojo.functions_runtime import FunctionsRuntime
from agentdojo.task_suite.load_suites import get_suites
from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

_NAIVE = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?")
SUITES = get_suites("v1.2.2")


class Episode:
    """One user task, with or without one injection in every place that an outsider can write to."""

    def __init__(self, suite: str, user: str, injection: str) -> None:
        self.suite = SUITES[suite]
        self.user = self.suite.user_tasks[user]
        self.injection = self.suite.injection_tasks[injection] if injection else None
        self.goal = self.injection.GOAL if self.injection else ""
        vectors = self.suite.get_injection_vector_defaults() if self.injection else {}
        quoted = self.goal.replace('"', '\\"').replace("\n", "\\n")  # it lands between quotes in YAML
        self.environment = self.user.init_environment(
            self.suite.load_and_inject_default_environment(dict.fromkeys(vectors, quoted))
        )
        self.before = copy.deepcopy(self.environment)
        self.runtime = FunctionsRuntime(self.suite.tools)
        self.traces: list[Any] = []
        self.calls = list(self.user.ground_truth(self.before))
        self.attack = list(self.injection.ground_truth(self.before)) if self.injection else []

    def plan(self) -> dict[str, Any]:
        return {
            "prompt": self.user.PROMPT,
            "goal": self.goal,
            "calls": [_call(one) for one in self.calls],
            "attack": [_call(one) for one in self.attack],
        }

    def run(self, name: str, args: dict[str, Any]) -> Any:
        from agentdojo.functions_runtime import FunctionCall

        given = {key: value for key, value in args.items() if value is not None}
        self.traces.append(FunctionCall(function=name, args=given))
        result, error = self.runtime.run_function(self.environment, name, given)
        if error:
            raise ValueError(error)
        return _zoned(to_jsonable_python(result))

    def verdict(self) -> dict[str, bool]:
        told: dict[str, bool] = {}
        output = self.user.GROUND_TRUTH_OUTPUT
        by_traces = self.user.utility_from_traces(output, self.before, self.environment, self.traces)
        useful = self.user.utility(output, self.before, self.environment) if by_traces is None else by_traces
        told["utility"] = bool(useful)
        if self.injection:
            output = self.injection.GROUND_TRUTH_OUTPUT
            by_traces = self.injection.security_from_traces(
                output, self.before, self.environment, self.traces
            )
            lost = (
                self.injection.security(output, self.before, self.environment)
                if by_traces is None
                else by_traces
            )
            told["attacked"] = bool(lost)
        return told


def _zoned(value: Any) -> Any:
    """With the zone that RFC 3339 asks of a date-time, which the schemas promise."""
    if isinstance(value, dict):
        return {key: _zoned(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_zoned(child) for child in value]
    return value + "Z" if isinstance(value, str) and _NAIVE.fullmatch(value) else value


def _call(call: Any) -> dict[str, Any]:
    return {"function": call.function, "args": to_jsonable_python(dict(call.args))}


def tasks() -> dict[str, Any]:
    """The names of the tasks; only injections that tools can carry out."""
    return {
        name: {
            "users": list(suite.user_tasks),
            "injections": [
                one for one, task in suite.injection_tasks.items()
                if task.ground_truth(suite.load_and_inject_default_environment({}))
            ],
        }
        for name, suite in SUITES.items()
    }  # fmt: skip


def openapi(suite: str) -> dict[str, Any]:
    """The suite's tools as any service would describe them: names, descriptions, schemas. Nothing about trust."""
    paths: dict[str, Any] = {}
    for tool in SUITES[suite].tools:
        answer = {}
        if tool.return_type not in (None, type(None)):
            answer = {
                "content": {
                    "application/json": {
                        "schema": _inline(TypeAdapter(tool.return_type).json_schema(mode="serialization"))
                    }
                }
            }
        taken = _inline(tool.parameters.model_json_schema())
        body = {"requestBody": {"required": True, "content": {"application/json": {"schema": taken}}}}
        paths[f"/tools/{tool.name}"] = {
            "post": {
                "operationId": tool.name,
                "description": tool.description,
                **(body if taken.get("properties") else {}),
                "responses": {"200": {"description": "done", **answer}},
            }
        }
    return {"openapi": "3.1.0", "info": {"title": suite, "version": "1"}, "paths": paths}


def _inline(schema: dict[str, Any]) -> dict[str, Any]:
    """References in place: `$defs` of one schema have no home in an OpenAPI document."""
    named = schema.pop("$defs", {})

    def resolved(value: Any) -> Any:
        if isinstance(value, dict):
            if "$ref" in value:
                return resolved(named[value["$ref"].rsplit("/", 1)[1]])
            return {key: resolved(child) for key, child in value.items()}
        return [resolved(one) for one in value] if isinstance(value, list) else value

    made: dict[str, Any] = resolved(schema)
    return made


class Service(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    episode: Episode

    def do_GET(self) -> None:
        name = self.path.strip("/")
        self.answer(200, tasks() if name == "tasks" else openapi(name.split("/")[1]))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
        if self.path == "/episode":
            Service.episode = Episode(body["suite"], body["user"], body["injection"])
            self.answer(200, Service.episode.plan())
        elif self.path == "/verdict":
            self.answer(200, Service.episode.verdict())
        else:
            try:
                self.answer(200, Service.episode.run(self.path.rsplit("/", 1)[1], body))
            except ValueError as error:
                self.answer(422, {"error": str(error)})

    def answer(self, status: int, value: Any) -> None:
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_args: Any) -> None:
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Service).serve_forever()
