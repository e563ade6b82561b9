"""Records of the log say which execution, event or timer they are about, in whatever thread they are made."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from engine.log_facts import known
from engine.service import Engine
from engine.status import Status
from tests.engine.timers.conftest import Held, held
from tests.engine.workflow_runs.flows import run_flow, write_flow
from tests.engine.world import wait_until

__all__ = ["held"]


class Ear(logging.Handler):
    """Keeps what was known when a record was made."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[str, dict[str, str]]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append((record.getMessage(), dict(known())))

    def of(self, words: str) -> dict[str, str]:
        return next(facts for message, facts in self.heard if words in message)


@contextmanager
def listening() -> Iterator[Ear]:
    ear = Ear()
    logging.getLogger("engine").addHandler(ear)
    try:
        yield ear
    finally:
        logging.getLogger("engine").removeHandler(ear)


def broken(*_given: object, **_named: object) -> None:
    raise RuntimeError("a fault of ours")


def test_a_fault_of_the_conductor_names_the_workflow_s_execution(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = write_flow(engine, "short", "version: 1.0\ntasks:\n  only:\n    action: core.noop\n")
    monkeypatch.setattr(engine.workflows._stepper._steps, "_outcome", broken)
    with listening() as ear:
        done = run_flow(engine, flow)
        assert done.status is Status.FAILED
        wait_until(lambda: any("a step of workflow" in message for message, _ in ear.heard))
    facts = ear.of("a step of workflow")
    wanted = {"execution_id": done.id, "action": "flow.short", "user": "alice", "trace_id": done.id}
    assert {name: facts.get(name) for name in wanted} == wanted


def test_a_thread_of_the_conductor_forgets_what_it_was_about(engine: Engine) -> None:
    flow = write_flow(engine, "short", "version: 1.0\ntasks:\n  only:\n    action: core.noop\n")
    run_flow(engine, flow)
    seen: list[dict[str, str]] = []
    for _ in range(4):
        engine.workflows._boxes.soon(lambda: seen.append(dict(known())))
    wait_until(lambda: len(seen) == 4)
    assert seen == [{}] * 4


def test_what_is_said_of_a_timer_names_it(held: Held) -> None:
    held.rule("hourly", "IntervalTimer", unit="hours", delta=1)
    with listening() as ear:
        held.pass_time(timedelta(hours=3, minutes=30))
    assert ear.of("times were missed")["trigger"].startswith("core.")


def test_a_fault_of_a_rule_names_its_event(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    held.rule("hourly", "IntervalTimer", unit="hours", delta=1)
    monkeypatch.setattr(held.engine.rules, "evaluate", broken)
    with listening() as ear:
        held.pass_time(timedelta(hours=1))
    facts = ear.of("could not be evaluated")
    (event,) = held.fired()
    assert (facts["trigger_instance_id"], facts["trace_id"]) == (event.id, event.trace_id)
