"""Who is told of the ends of a chain's tasks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.notifications import NOTIFY_TRIGGER
from engine.service import Engine, ExecutionRequest
from tests.engine.listening import fired, listening
from tests.engine.workflow_runs.test_chains import write_chain

CHAIN = """
    chain:
      - name: first
        ref: core.echo
        parameters: {message: hello}
        notify: {on-complete: {message: "said {{ action_results.stdout }}", routes: [own]}}
        on-success: second
      - {name: second, ref: core.noop, on-success: third}
      - {name: third, ref: probe.loud}
"""
SECTION = "notify: {on-complete: {message: 'at {{ st2kv.system.site }}', routes: [chain]}}"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with listening(tmp_path) as made:
        made.datastore.put("system", "site", "zurich")
        yield made


def told(
    engine: Engine, count: int, *, more: str = "", notify: Any = None, parameters: str = "{}"
) -> list[Any]:
    """(action, route, message) of so many notifications of a run."""
    chain = write_chain(engine, "told", CHAIN, parameters=f"{parameters}\n{more}")
    context = {"notify": notify} if notify else {}
    made = engine.request(ExecutionRequest(action=chain, user="alice", context=context))
    engine.wait(made.id, timeout_s=60)
    payloads = [one.payload for one in fired(engine, NOTIFY_TRIGGER, count)]
    return sorted((one["action_ref"], one["route"], one["message"]) for one in payloads)


LOUD = [
    ("probe.loud", "both", "web1 hello zurich"),
    ("probe.loud", "complete", "web1 hello zurich"),
    ("probe.loud", "success", "Action probe.loud succeeded."),
]


def test_a_task_tells_whom_it_names_in_texts_of_its_file(engine: Engine) -> None:
    assert told(engine, 4) == [("core.echo", "own", "said hello"), *LOUD]


def test_tasks_that_say_nothing_tell_whom_their_chain_tells_unless_their_action_does(engine: Engine) -> None:
    assert told(engine, 6, more=SECTION) == [
        ("core.echo", "own", "said hello"),
        ("core.noop", "chain", "at zurich"),
        ("flow.told", "chain", "at zurich"),
        *LOUD,
    ]


def test_skipped_tasks_tell_nobody_not_even_whom_their_action_names(engine: Engine) -> None:
    skipped = "{skip_notify: {default: [first, third]}}"
    assert told(engine, 2, more=SECTION, parameters=skipped) == [
        ("core.noop", "chain", "at zurich"),
        ("flow.told", "chain", "at zurich"),
    ]


def test_what_a_request_says_is_data_in_the_tasks_too(engine: Engine) -> None:
    notify = {"on-complete": {"message": "{{ st2kv.system.site }}", "routes": ["asked"]}}
    assert told(engine, 4, notify=notify) == [
        ("core.echo", "own", "said hello"),
        ("core.noop", "asked", "{{ st2kv.system.site }}"),
        ("flow.told", "asked", "{{ st2kv.system.site }}"),
        ("probe.loud", "asked", "{{ st2kv.system.site }}"),
    ]
