"""Gates: what they let through, at which time, for which key; on both kinds of database."""

import threading
from datetime import datetime

import pytest
from sqlalchemy import Connection, func, select

from engine.records.rule_state import RuleStateRow
from engine.records.trigger import TriggerInstance
from engine.rules.freezing import frozen_until
from engine.rules.gate import compile_key, span
from engine.rules.gates import gates_after, gates_for
from engine.rules.waiting import Correlate
from engine.specs.gates import FreezeSpec
from engine.store import rule_state
from engine.store.database import Database
from tests.engine.rules.world import NOON, ask, at, event, gate, passed, rule


def test_once_within_lets_the_first_of_a_window_pass(database: Database) -> None:
    throttle = gate("throttle", {"once_within": "10m"})
    assert passed(database, throttle, 0, 1, 599, 600, 601) == [True, False, False, True, False]


def test_at_most_counts_in_a_sliding_window(database: Database) -> None:
    throttle = gate("throttle", {"at_most": 2, "within": "1m"})
    assert passed(database, throttle, 0, 50, 55, 60, 61, 110) == [True, True, False, True, False, True]


def test_what_is_held_says_until_when(database: Database) -> None:
    throttle = gate("throttle", {"once_within": "10m", "by": "trigger.host"})
    ask(database, throttle, 0, {"host": "db-1"})
    assert ask(database, throttle, 30, {"host": "db-1"}).reason == (
        'x-throttle once_within 10m for ["db-1"]: the next one may pass at 2026-06-01 12:10:00 UTC.'
    )


def test_keys_are_counted_apart(database: Database) -> None:
    throttle = gate("throttle", {"once_within": 60, "by": ["trigger.host", "trigger.disk"]})
    events = [("a", 1), ("a", 1), ("a", 2), ("b", 1), ("b", "1"), (None, None), (None, None)]
    answers = [ask(database, throttle, 0, {"host": host, "disk": disk}).admitted for host, disk in events]
    assert answers == [True, False, True, True, True, True, False]


def test_a_long_key_is_kept_as_its_hash() -> None:
    key_of = compile_key(["trigger.text"])
    one, other = key_of({"text": "x" * 5_000}), key_of({"text": "x" * 4_999 + "y"})
    assert one != other
    assert len(one) == 64


def test_a_payload_of_another_shape_has_a_key_too() -> None:
    key_of = compile_key(["trigger.list[0].name"])
    assert key_of({"list": {}}) == key_of([1]) == key_of(None) == "[null]"


def test_a_threshold_fires_at_the_nth_event_within_the_window(database: Database) -> None:
    threshold = gate("threshold", {"count": 3, "within": "1m"})
    assert passed(database, threshold, 0, 10, 20, 21, 22, 23) == [False, False, True, False, False, True]


def test_a_threshold_forgets_what_is_older_than_the_window(database: Database) -> None:
    threshold = gate("threshold", {"count": 3, "within": "1m"})
    assert passed(database, threshold, 0, 30, 60, 61) == [False, False, False, True]
    assert "event 1 of 3 within 1m" in ask(database, threshold, 62).reason


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("throttle", {"at_most": 7, "within": "1h"}, 7),
        ("threshold", {"count": 5, "within": "1h"}, 8),
        ("budget", {"at_most": 3, "within": "1h"}, 3),
    ],
)
def test_counting_is_exact_when_many_ask_at_once(
    database: Database, name: str, value: dict[str, object], expected: int
) -> None:
    asked = gate(name, value)
    admitted: list[bool] = []

    def work() -> None:
        admitted.extend(ask(database, asked, 0).admitted for _ in range(10))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(admitted), sum(admitted)) == (40, expected)


def test_what_was_counted_is_there_after_a_restart(database_url: str) -> None:
    throttle = gate("throttle", {"at_most": 2, "within": "1h"})
    answers = []
    for _ in range(3):
        database = Database(database_url)
        database.start()
        answers += passed(database, throttle, 0)
        database.close()
    assert answers == [True, True, False]


def test_a_transaction_that_fails_counts_nothing(database: Database) -> None:
    throttle = gate("throttle", {"once_within": "1h"})

    def work(connection: object) -> None:
        throttle.admit(connection, rule_ref="p.r", instance=event(), now=NOON)  # type: ignore[arg-type]
        raise ValueError("undone")

    with pytest.raises(ValueError, match="undone"):
        database.write(work)
    assert ask(database, throttle, 0).admitted


def test_memory_of_keys_that_are_over_goes_away(database: Database) -> None:
    throttle = gate("throttle", {"once_within": "1m", "by": "trigger.n"})
    for number in range(30):
        ask(database, throttle, number * 100, {"n": number})
    with database.read() as connection:
        left = connection.execute(select(func.count()).select_from(RuleStateRow)).scalar_one()
    assert left <= 2


@pytest.mark.parametrize(
    ("on_exceed", "tells", "commands"), [("drop", 0, 0), ("notify", 1, 0), ("ask", 1, 1)]
)
def test_a_budget_that_is_used_up_tells_as_it_should(
    database: Database, on_exceed: str, tells: int, commands: int
) -> None:
    budget = gate(
        "budget", {"at_most": 1, "within": "1h", "by": "trigger.h", "on_exceed": on_exceed, "channel": "sre"}
    )
    assert ask(database, budget, 0, {"h": "db"}).admitted
    held = ask(database, budget, 5, {"h": "db"})
    again = ask(database, budget, 6, {"h": "db"})
    assert not held.admitted
    assert 'x-budget for ["db"]: 1 times within 1h are used up' in held.reason
    notices = [one.notice for one in (held, again) if one.notice is not None]
    assert len(notices) == 2 * tells
    assert len({notice.key for notice in notices}) == tells
    for notice in notices:
        assert notice.channel == "sre"
        assert len(notice.commands) == commands
        assert all(command.startswith("anyway p.r ") for _, command in notice.commands)
    if notices:
        assert ("held back", "2") in notices[-1].fields


def _frozen(local: str, **spec: object) -> str:
    (asked,) = rule(freeze=spec).gates
    assert isinstance(asked, FreezeSpec)
    until = frozen_until(asked, datetime.fromisoformat(local))
    return "" if until is None else f"{until:%a %H:%M}"


@pytest.mark.parametrize(
    ("local", "until"),
    [
        ("2026-06-01 21:59", ""),
        ("2026-06-01 22:00", "Tue 06:00"),
        ("2026-06-02 05:59", "Tue 06:00"),
        ("2026-06-02 06:00", ""),
        ("2026-06-06 03:00", "Sat 06:00"),
        ("2026-06-06 23:00", ""),
        ("2026-06-07 03:00", ""),
    ],
)
def test_a_weekly_window_may_go_over_midnight(local: str, until: str) -> None:
    windows = [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "22:00", "to": "06:00"}]
    assert _frozen(local, windows=windows) == until


def test_days_without_hours_are_whole_days() -> None:
    windows = [{"days": ["sat", "sun"]}]
    assert _frozen("2026-06-06 00:00", windows=windows) == "Sun 00:00"
    assert _frozen("2026-06-08 00:00", windows=windows) == ""


def test_a_window_between_dates() -> None:
    windows = [{"begins": "2026-12-24 18:00", "ends": "2026-12-27"}]
    assert _frozen("2026-12-24 17:59", windows=windows) == ""
    assert _frozen("2026-12-26 12:00", windows=windows) == "Sun 00:00"
    assert _frozen("2026-12-27 00:00", windows=windows) == ""


def test_a_freeze_reads_the_clock_of_its_zone(database: Database) -> None:
    # Noon in UTC is two in the afternoon in Zurich, and eight in the morning in New York.
    windows = [{"from": "13:00", "to": "15:00"}]
    for zone, admitted in (("Europe/Zurich", False), ("UTC", True), ("America/New_York", True)):
        assert ask(database, gate("freeze", {"windows": windows, "timezone": zone}), 0).admitted is admitted


def test_a_freeze_says_until_when_and_tells_only_if_asked(database: Database) -> None:
    windows = [{"from": "11:00", "to": "13:00"}]
    held = ask(database, gate("freeze", {"windows": windows}), 0)
    assert held.reason == "x-freeze: nothing starts until 2026-06-01 13:00 UTC."
    assert held.notice is None
    told = ask(database, gate("freeze", {"windows": windows, "on_freeze": "notify"}), 0).notice
    assert told is not None
    assert told.commands[0][1].startswith("anyway p.r ")


def test_once_after_keeps_the_end_of_its_window_and_the_last_event(database: Database) -> None:
    throttle = gate("throttle", {"once_after": "5m"})
    assert passed(database, throttle, 0, 100, 200) == [False, False, False]
    with database.read() as connection:
        (due,) = rule_state.all_due(connection)
    assert (due.count, due.due_at, due.first_at) == (3, at(300), at(0))
    assert "event 4; the last one fires at 2026-06-01 12:05:00 UTC" in ask(database, throttle, 299).reason


def test_once_quiet_waits_for_quiet_but_not_for_ever(database: Database) -> None:
    throttle = gate("throttle", {"once_quiet": "1m", "at_latest": "3m"})
    ends = []
    for seconds in (0, 50, 100, 150):
        ask(database, throttle, seconds)
        with database.read() as connection:
            ends.append(rule_state.all_due(connection)[0].due_at)
    assert ends == [at(60), at(110), at(160), at(180)]


def test_two_correlations_at_once_are_both_due(
    database: Database,
) -> None:
    asked = gate("correlate", {"within": "1h", "with": {"deploy": {"trigger": {"type": "p.deploy"}}}})
    assert isinstance(asked, Correlate)
    (part,) = asked.parts
    own = []
    for _ in range(2):
        instance = event()
        own.append(instance.id)

        def work(connection: Connection, instance: TriggerInstance = instance) -> None:
            asked.admit(connection, rule_ref="p.r", instance=instance, now=NOON)
            part.record(connection, rule_ref="p.r", instance=event(), now=NOON)

        database.write(work)
    with database.read() as connection:
        assert sorted(due.instance_id for due in rule_state.all_due(connection)) == sorted(own)


def test_gates_are_asked_in_a_stated_order() -> None:
    made = rule(
        budget={"at_most": 1, "within": 60},
        throttle={"once_within": 60},
        freeze={"windows": [{"days": "sun"}]},
        threshold={"count": 2, "within": 60},
        correlate={"within": 60, "with": {"deploy": {"trigger": {"type": "p.deploy"}}}},
    )
    gates = gates_for(made)
    names = ["x-correlate", "x-threshold", "x-freeze", "x-throttle", "x-budget"]
    assert [one.name for one in gates] == names
    assert [one.name for one in gates_after(gates, "x-throttle")] == ["x-freeze", "x-budget"]
    assert [one.name for one in gates_after(gates, "x-correlate")] == names[1:]


@pytest.mark.parametrize(
    ("seconds", "text"), [(90, "90s"), (600, "10m"), (7_200, "2h"), (86_400, "1d"), (1.5, "1.5s")]
)
def test_a_time_span_is_shown_as_it_is_written(seconds: float, text: str) -> None:
    assert span(seconds) == text
