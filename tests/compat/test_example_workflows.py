"""StackStorm's own example workflows, through the API of a real server, with real actions.

Their definitions come with the recorded cases; here they become a pack, with stand-ins for the few
actions that are not in `core`. All of them run at once.
"""

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.workflows.reading import load
from tests.durability.server import Server, wait_until

RECORDED = Path(__file__).parents[3] / "shared" / "conformance" / "orquesta" / "examples"

# What is given, by workflow; the rest has defaults or needs nothing.
GIVEN: Mapping[str, Mapping[str, Any]] = {
    "orquesta-basic": {"cmd": "echo hi", "timeout": 5},
    "orquesta-data-flow": {"a1": "x"},
    "orquesta-delay": {"name": "Ada", "delay": 1},
    "orquesta-error-handling-continue": {"cmd": "echo hi", "timeout": 5},
    "orquesta-error-handling-fail-manually": {"cmd": "exit 1", "timeout": 5},
    "orquesta-error-handling-noop": {"cmd": "exit 1", "timeout": 5},
    "orquesta-st2kv": {"key_name": "system.nothing", "decrypt": False},
    "orquesta-st2kv-default": {"key_name": "system.nothing", "decrypt": False, "default": "none"},
    "orquesta-test-cancel": {"tempfile": "/nothing-here", "message": "m"},
    "orquesta-test-pause": {"tempfile": "/nothing-here"},
    "orquesta-test-rerun": {"tempfile": "/nothing-here"},
    "orquesta-test-rerun-with-items": {"tempfile": "/nothing-here"},
    "orquesta-test-with-items": {"tempfiles": ["/nothing-here"] * 2},
}
# Status and output; no output: not looked at.
WALRUS = ["Lakshmi", "Lindsay", "Tomaz"]
RESISTANCE = [f"{name}, resistance is futile!" for name in WALRUS]
VERSIONS = {"equal": True, "more_than": False, "bump_major": "1.0.0", "bump_minor": "0.11.0"}
REGEX = {"match": True, "replace": "wxyz", "search": True, "substring": "668 Infinite Dr"}
PATHS = {"basename": "file.txt", "dirname": "/path/to/some"}
# What the actions' own files say there.
DEFAULTS: Mapping[str, Any] = {"name": "Lakshmi", "members": WALRUS}
GREETING = {"greeting": "Lakshmi, All your base are belong to us!"}
EXPECTED: Mapping[str, tuple[str, Mapping[str, Any] | None]] = {
    "orquesta-ask-basic": ("succeeded", None),
    "orquesta-ask-consecutive": ("succeeded", None),
    "orquesta-ask-multiple-parameters": ("succeeded", None),
    "orquesta-ask-nested": ("succeeded", None),
    "orquesta-ask-parallel": ("succeeded", None),
    "orquesta-basic": ("succeeded", {"stdout": "hi"}),
    "orquesta-data-flow": ("succeeded", {"a5": "x", "b5": "x"}),
    "orquesta-delay": ("succeeded", {"greeting": "Ada, All your base are belong to us!"}),
    "orquesta-error-handling-continue": ("succeeded", None),
    "orquesta-error-handling-fail-manually": ("failed", None),
    "orquesta-error-handling-noop": ("succeeded", None),
    "orquesta-examples": ("succeeded", None),
    "orquesta-fail-input-rendering": ("failed", None),
    "orquesta-fail-inspection": ("failed", None),
    "orquesta-fail-manually": ("failed", None),
    "orquesta-fail-output-rendering": ("failed", None),
    "orquesta-fail-start-task": ("failed", None),
    "orquesta-fail-task-publish": ("failed", None),
    "orquesta-fail-task-transition": ("failed", None),
    "orquesta-fail-vars-rendering": ("failed", None),
    "orquesta-join": (
        "succeeded",
        {
            "messages": [
                "Fee fi fo fum",
                "I smell the blood of an English man",
                "Be alive, or be he dead",
                "I'll grind his bones to make my bread",
            ]
        },
    ),
    "orquesta-output-on-error": ("failed", {"progress": 25}),
    "orquesta-remediate-then-fail": ("failed", None),
    "orquesta-rollback-retry": ("succeeded", None),
    "orquesta-sequential": ("succeeded", GREETING),
    "orquesta-st2kv": ("failed", None),
    "orquesta-st2kv-default": ("succeeded", {"value_from_yaql": "none", "value_from_jinja": "none"}),
    "orquesta-streaming-demo": ("succeeded", None),
    "orquesta-subworkflow": ("succeeded", None),
    "orquesta-task-retry": ("succeeded", None),
    "orquesta-task-retry-exhausted": ("failed", None),
    "orquesta-test-action-less-tasks": (
        "succeeded",
        {"greeting": "LAKSHMI, ALL YOUR BASE ARE BELONG TO US!"},
    ),
    "orquesta-test-cancel": ("succeeded", None),
    "orquesta-test-jinja-data-functions": ("succeeded", {"data_json_obj_1": {"foo": {"bar": "foobar"}}}),
    "orquesta-test-jinja-path-functions": ("succeeded", PATHS),
    "orquesta-test-jinja-regex-functions": ("succeeded", REGEX),
    "orquesta-test-jinja-task-functions": ("succeeded", {"that_task_by_name": "task1"}),
    "orquesta-test-jinja-task-nonexistent": ("failed", None),
    "orquesta-test-jinja-time-functions": ("succeeded", {"time": "3h25m45s"}),
    "orquesta-test-jinja-version-functions": ("succeeded", VERSIONS),
    "orquesta-test-pause": ("succeeded", None),
    "orquesta-test-rerun": ("succeeded", None),
    "orquesta-test-rerun-with-items": ("succeeded", None),
    "orquesta-test-subworkflow-empty-with-items": ("succeeded", None),
    "orquesta-test-with-items": ("succeeded", None),
    "orquesta-test-with-items-failure": ("failed", None),
    "orquesta-test-yaql-data-functions": ("succeeded", {"data_json_obj_1": {"foo": {"bar": "foobar"}}}),
    "orquesta-test-yaql-path-functions": ("succeeded", PATHS),
    "orquesta-test-yaql-regex-functions": ("succeeded", REGEX),
    "orquesta-test-yaql-task-functions": ("succeeded", {"that_task_by_name": "task1"}),
    "orquesta-test-yaql-task-nonexistent": ("failed", None),
    "orquesta-test-yaql-time-functions": ("succeeded", {"time": "3h25m45s"}),
    "orquesta-test-yaql-version-functions": ("succeeded", VERSIONS),
    "orquesta-with-items": ("succeeded", {"items": RESISTANCE}),
    "orquesta-with-items-concurrency": ("succeeded", {"items": RESISTANCE}),
}
# Printing actions of the examples pack that a demonstration calls.
PRINTING = tuple(
    f"{kind}_print_to_stdout_and_stderr"
    for kind in (
        "local_command_runner",
        "local_script_runner",
        "python_runner",
        "remote_command_runner",
        "remote_script_runner",
    )
)


def inputs_of(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Names and defaults."""
    found: dict[str, Any] = {}
    for one in definition.get("input") or ():
        found.update(one if isinstance(one, dict) else {one: None})
    return found


def files() -> dict[str, str]:
    made = {
        "packs/examples/pack.yaml": (
            "{ref: examples, name: examples, description: From the records, version: 1.0.0, author: Tests}"
        )
    }
    for path in sorted(RECORDED.glob("*.json")):
        text = json.loads(path.read_text(encoding="utf-8"))["definition"]
        try:
            declared = inputs_of(load(text))
        except Exception:  # noqa: BLE001 - examples of faulty definitions are among them
            continue
        # Defaults with expressions are the workflow's own: as a parameter they would be data.
        plain = {
            name: {"default": DEFAULTS.get(name, value)}
            for name, value in declared.items()
            if "<%" not in str(value)
        }
        action = {
            "name": path.stem,
            "runner_type": "orquesta",
            "entry_point": f"workflows/{path.stem}.yaml",
            "parameters": plain,
        }
        made[f"packs/examples/actions/{path.stem}.yaml"] = json.dumps(action)
        made[f"packs/examples/actions/workflows/{path.stem}.yaml"] = text
    for name in PRINTING:
        given = {key: {"default": 1} for key in ("count", "sleep_delay", "hosts", "private_key", "username")}
        action = {"name": name, "runner_type": "noop", "parameters": given}
        made[f"packs/examples/actions/{name}.yaml"] = json.dumps(action)
    return made


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if not RECORDED.is_dir():
        pytest.skip(f"{RECORDED} is not there: the recorded cases come with the design, not with the code")
    made = Server(
        tmp_path_factory.mktemp("examples"), files=files(), settings={"server": {"answer_wait_ms": 0}}
    )
    try:
        made.start()
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def ended(server: Server) -> Mapping[str, dict[str, Any]]:
    """All of them, started together, after their end."""
    made = {name: server.request(f"examples.{name}", **GIVEN.get(name, {})) for name in EXPECTED}
    open_ones = dict(made)
    outcomes: dict[str, dict[str, Any]] = {}

    def is_done() -> bool:
        answer_questions(server)
        for name, execution_id in list(open_ones.items()):
            found = server.get(f"/executions/{execution_id}")
            if found["status"] in ("succeeded", "failed", "timeout", "canceled", "abandoned"):
                outcomes[name] = found
                del open_ones[name]
        time.sleep(0.2)
        return not open_ones

    wait_until(is_done, timeout_s=60)
    return outcomes


def answer_questions(server: Server) -> None:
    words = {"boolean": True, "string": "here", "integer": 1, "number": 1, "object": {}, "array": []}
    for inquiry in server.get("/inquiries?limit=-1"):
        properties = inquiry["schema"]["properties"]
        response = {name: words[schema["type"]] for name, schema in properties.items()}
        body = {"id": inquiry["id"], "response": response}
        assert server.ask("PUT", f"/inquiries/{inquiry['id']}", json=body).ok


@pytest.mark.parametrize("name", EXPECTED)
def test_an_example_ends_as_in_stackstorm(ended: Mapping[str, dict[str, Any]], name: str) -> None:
    status, output = EXPECTED[name]
    found = ended[name]
    assert found["status"] == status, found["result"]
    if output is not None:
        assert {key: found["result"]["output"].get(key) for key in output} == output
    if status == "failed":
        assert found["result"]["errors"]
