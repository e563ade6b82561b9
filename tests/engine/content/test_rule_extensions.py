"""The keys x-... of a rule: what they take, and where an error in them is shown."""

from pathlib import Path
from typing import Any

import pytest

from engine.content.shape import WrongShape
from engine.specs.gates import (
    BudgetSpec,
    CorrelateSpec,
    DateWindow,
    FreezeSpec,
    ThresholdSpec,
    ThrottleSpec,
    WeeklyWindow,
)
from tests.engine.content.site import Site, only_trouble
from tests.engine.rules.world import rule

EQ = {"type": "eq", "pattern": 1}


def test_a_throttle_has_one_of_four_kinds() -> None:
    (throttle,) = rule(throttle={"once_within": "10m", "by": "trigger.host"}).gates
    assert throttle == ThrottleSpec(kind="once_within", window_s=600, by=("trigger.host",))
    (throttle,) = rule(throttle={"once_quiet": "1m", "at_latest": "2h"}).gates
    assert throttle == ThrottleSpec(kind="once_quiet", window_s=60, latest_s=7_200)
    (throttle,) = rule(throttle={"at_most": 3, "within": 30, "by": ["trigger.a", "trigger['b c']"]}).gates
    assert throttle == ThrottleSpec(kind="at_most", window_s=30, limit=3, by=("trigger.a", "trigger['b c']"))


def test_threshold_and_budget() -> None:
    (threshold,) = rule(threshold={"count": 5, "within": "1.5h"}).gates
    assert threshold == ThresholdSpec(count=5, window_s=5_400)
    (budget,) = rule(budget={"at_most": 2, "within": "1d", "on_exceed": "ask", "channel": "sre"}).gates
    assert budget == BudgetSpec(limit=2, window_s=86_400, on_exceed="ask", channel="sre")


def test_a_correlation_names_other_events() -> None:
    (correlate,) = rule(
        correlate={
            "within": "5m",
            "by": "trigger.host",
            "with": {"deploy": {"trigger": {"type": "p.deploy"}, "criteria": {"trigger.a": EQ}}},
        }
    ).gates
    assert isinstance(correlate, CorrelateSpec)
    assert correlate.parts[0].by == ("trigger.host",)
    assert correlate.parts[0].criteria == {"trigger.a": EQ}


def test_a_freeze_has_windows_of_two_kinds() -> None:
    (freeze,) = rule(
        freeze={
            "timezone": "Europe/Zurich",
            "windows": [
                {"days": ["fri"], "from": 1320, "to": "06:00"},
                {"begins": "2026-12-24", "ends": "2026-12-27 08:00"},
            ],
        }
    ).gates
    assert isinstance(freeze, FreezeSpec)
    weekly, dates = freeze.windows
    assert isinstance(weekly, WeeklyWindow)
    assert (weekly.days, f"{weekly.begins:%H:%M}", f"{weekly.ends:%H:%M}") == ({4}, "22:00", "06:00")
    assert isinstance(dates, DateWindow)
    assert f"{dates.ends:%d %H:%M}" == "27 08:00"


@pytest.mark.parametrize(
    ("extensions", "path", "message"),
    [
        ({"throttle": {}}, "x-throttle", "exactly one of"),
        ({"throttle": {"once_within": 5, "once_after": 5}}, "x-throttle", "exactly one of"),
        ({"throttle": {"once_within": "soon"}}, "x-throttle.once_within", "'soon' is not a time span"),
        ({"throttle": {"once_within": 0}}, "x-throttle.once_within", "not between 1s and 366d"),
        ({"throttle": {"once_within": True}}, "x-throttle.once_within", "not a time span"),
        ({"throttle": {"at_most": 3}}, "x-throttle", "'within' is a required property"),
        ({"throttle": {"at_most": 0, "within": 5}}, "x-throttle.at_most", "0 is not between"),
        ({"throttle": {"once_within": 5, "within": 5}}, "x-throttle.within", "goes with at_most only"),
        ({"throttle": {"once_quiet": 9, "at_latest": 5}}, "x-throttle.at_latest", "shorter"),
        ({"throttle": {"once_within": 5, "by": "host"}}, "x-throttle.by.0", "not a path"),
        ({"throttle": {"once_within": 5, "by": "trigger.a b"}}, "x-throttle.by.0", "not a path"),
        ({"throttle": {"once_within": 5, "by": "trigger.where"}}, "x-throttle.by.0", "not a path"),
        ({"throttle": {"once_within": 5, "ever": 1}}, "x-throttle.ever", "'ever' was unexpected"),
        ({"threshold": {"count": 1, "within": 5}}, "x-threshold.count", "1 is not between 2"),
        ({"threshold": {"count": 2.5, "within": 5}}, "x-threshold.count", "not of type 'integer'"),
        ({"budget": {"at_most": 1, "within": 5, "on_exceed": "cry"}}, "x-budget.on_exceed", "none of ask"),
        ({"freeze": {"windows": []}}, "x-freeze.windows", "empty"),
        ({"freeze": {"windows": [{"days": "funday"}]}}, "x-freeze.windows.0.days.0", "none of mon"),
        ({"freeze": {"windows": [{"from": "25:00"}]}}, "x-freeze.windows.0.from", "not a time of day"),
        ({"freeze": {"windows": [{"begins": "2026-01-01"}]}}, "x-freeze.windows.0", "begins and ends"),
        (
            {"freeze": {"windows": [{"begins": "2026-01-02", "ends": "2026-01-01"}]}},
            "x-freeze.windows.0.ends",
            "ends before",
        ),
        (
            {"freeze": {"windows": [{"begins": "2026-01-01T00:00Z", "ends": "2026-01-02"}]}},
            "x-freeze.windows.0.begins",
            "zone",
        ),
        ({"freeze": {"windows": [{"days": "mon"}], "timezone": "Mars"}}, "x-freeze.timezone", "not known"),
        ({"correlate": {"within": 5, "with": {}}}, "x-correlate.with", "no other event"),
        (
            {
                "correlate": {
                    "within": 5,
                    "by": "trigger.a",
                    "with": {"b": {"trigger": {"type": "p.b"}, "by": []}},
                }
            },
            "x-correlate.with.b.by",
            "0 paths",
        ),
        (
            {
                "correlate": {
                    "within": 5,
                    "with": {"b": {"trigger": {"type": "p.b"}, "criteria": {"trigger.a": {}}}},
                }
            },
            "x-correlate.with.b.criteria.trigger.a",
            "Operator not specified",
        ),
        ({"match": {}}, "x-match", "without criteria"),
        ({"match": {"any": []}}, "x-match.any", "empty"),
        (
            {"match": {"any": [{"trigger.a": {"type": "is", "pattern": 1}}]}},
            "x-match.any.0.trigger.a.type",
            "is",
        ),
        ({"match": {"not": [{"trigger.a": EQ}]}}, "x-match.not", "not of type 'object'"),
        ({"actions": {"ref": "a.b"}}, "x-actions", "not of type 'array'"),
        ({"actions": [{"parameters": {}}]}, "x-actions.0", "'ref' is a required property"),
        ({"throtle": {"once_within": 5}}, "x-throtle", "not known"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(extensions: dict[str, Any], path: str, message: str) -> None:
    with pytest.raises(WrongShape) as caught:
        rule(**extensions)
    assert ".".join(str(step) for step in caught.value.path) == path
    assert message in caught.value.message


def test_keys_of_others_are_left_alone() -> None:
    made = rule(**{"team-notes": {"owner": "db"}})
    assert made.extensions == {"x-team-notes": {"owner": "db"}}
    assert made.gates == ()


def test_null_is_left_out() -> None:
    assert rule(throttle=None, actions=None).extensions == {}


def test_the_error_of_a_file_has_its_line(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.pack()
    site.write(
        "packs/demo/rules/r.yaml",
        "name: r\ntrigger: {type: demo.t}\naction: {ref: core.noop}\n"
        "x-throttle:\n  at_most: 2\n  within: soon\n",
    )
    trouble = only_trouble(site.load())
    assert trouble.where.endswith("rules/r.yaml:6")
    assert trouble.reason == "within: 'soon' is not a time span"
    assert trouble.hint == "Write 90s, 10m, 2h or 7d."
