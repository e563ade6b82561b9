"""What a rule would have done with recorded events, its gates included."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from engine.records.trigger import EnforcementFilter, Event
from engine.rules.backtest import Backtest, Backtester
from engine.rules.table import compile_rule
from engine.service import Engine
from engine.stored_content import read_document
from tests.engine.rules.world import NOON, at

WEBHOOK = "core.st2.webhook"
RULE = {
    "name": "tried",
    "trigger": {"type": WEBHOOK, "parameters": {"url": "alert"}},
    "criteria": {"trigger.n": {"type": "gt", "pattern": 0}},
    "action": {"ref": "probe.nothing"},
}


def record(engine: Engine, *events: tuple[float, int], url: str = "alert") -> None:
    """Events so many seconds after noon; a rule elsewhere makes the URL known."""
    listening = {
        "name": f"ear-{url}",
        "enabled": True,
        "trigger": {"type": WEBHOOK, "parameters": {"url": url}},
    }
    criteria = {"trigger.never": {"type": "exists", "pattern": True}}
    engine.stored.put("rule", {**listening, "criteria": criteria, "action": RULE["action"]}, user="alice")
    for seconds, n in events:
        engine.emit(
            Event(
                trigger=WEBHOOK,
                parameters={"url": url},
                payload={"n": n, "host": "db"},
                occurred_at=at(seconds),
            )
        )


def tried(engine: Engine, *, until: datetime = NOON + timedelta(days=1), **changed: Any) -> Backtest:
    rule = compile_rule(read_document("rule", {**RULE, **changed}, user="alice"))
    tester = Backtester(
        engine.history,
        lambda rule, payload, criteria: engine.rules.verdict(rule, payload, criteria=criteria),
        revealed=engine.rules.revealed,
    )
    return tester.run(rule, engine.rules.table, since=NOON - timedelta(seconds=1), until=until)


def fired(report: Backtest) -> list[float]:
    return [(fire.at - NOON).total_seconds() for fire in report.fired]


def test_it_tells_the_events_that_would_have_fired_and_changes_nothing(engine: Engine) -> None:
    record(engine, (0, 1), (1, 0), (2, 5))
    report = tried(engine)
    assert (report.events, report.matched, report.fires) == (3, 2, 2)
    assert fired(report) == [0, 2]
    assert engine.history.enforcements(EnforcementFilter())[1] == 0
    assert report.caveats == ()


def test_only_the_time_that_was_asked_for_counts(engine: Engine) -> None:
    record(engine, (0, 1), (100, 1))
    assert tried(engine, until=at(50)).fires == 1


def test_criteria_that_cannot_be_answered_are_counted(engine: Engine) -> None:
    record(engine, (0, 1), (1, 1))
    report = tried(engine, criteria={"trigger.n": {"type": "startswith", "pattern": "x"}})
    assert report.fires == 0
    assert list(report.errors.values()) == [2]


@pytest.mark.parametrize(
    ("gate", "times"),
    [
        ({"x-throttle": {"once_within": "1m"}}, [0, 60]),
        ({"x-throttle": {"once_after": "1m"}}, [60, 120]),
        ({"x-throttle": {"once_quiet": "30s"}}, [90, 130]),
        ({"x-threshold": {"count": 3, "within": "1m"}}, [50]),
        ({"x-budget": {"at_most": 2, "within": "1h"}}, [0, 25]),
        ({"x-freeze": {"windows": [{"from": "12:01", "to": "13:00"}]}}, [0, 25, 50]),
    ],
)
def test_gates_are_asked_as_if_it_were_then(engine: Engine, gate: dict[str, Any], times: list[float]) -> None:
    record(engine, (0, 1), (25, 1), (50, 1), (60, 0), (60, 1), (100, 1))
    report = tried(engine, **gate)
    assert fired(report) == times
    assert sum(report.held.values()) > 0


def test_a_correlation_is_replayed_over_all_its_triggers(engine: Engine) -> None:
    record(engine, (0, 1), (500, 1))
    record(engine, (5, 1), url="deploy")
    part = {"trigger": {"type": WEBHOOK, "parameters": {"url": "deploy"}}, "by": "trigger.host"}
    report = tried(
        engine, **{"x-correlate": {"within": "1m", "by": "trigger.host", "with": {"deploy": part}}}
    )
    assert (report.events, fired(report)) == (2, [5])
    assert report.fired[0].is_late


def test_what_cannot_be_replayed_is_said(engine: Engine) -> None:
    report = tried(
        engine,
        type={"ref": "backstop"},
        criteria={
            "system.mode": {"type": "eq", "pattern": "x"},
            "trigger.t": {"type": "td_lt", "pattern": 5},
        },
        **{"x-freeze": {"windows": [{"days": "mon"}], "override": "lift"}},
    )
    said = " ".join(report.caveats)
    for word in ("datastore", "td_lt", "override", "another rule", "had counted"):
        assert word in said
