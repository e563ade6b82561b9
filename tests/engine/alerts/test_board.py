"""The board: one episode per fingerprint, one message per episode, also over restarts and storms."""

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from engine.alerts.durations import duration_of
from engine.alerts.normalise import normalise
from engine.alerts.routing import Routing
from engine.errors import BadInput, NotFound
from engine.notices import NOTICE, Notice, of_data
from engine.records.alert import AlertStatus, Episode
from engine.records.execution import ExecutionFilter
from engine.records.trigger import Emitted, Event
from engine.service import Engine
from engine.store import journal
from tests.engine.alerts import samples
from tests.engine.world import wait_until


def send(engine: Engine, body: Any, *, preset: str = "alertmanager", channel: str = "") -> list[Emitted]:
    return [
        engine.emit(Event(trigger="alerts.alert", payload=alert.payload(), source="webhook:test"))
        for alert in normalise(preset, body, {}, channel=channel)
    ]


def notices(engine: Engine) -> list[Notice]:
    with engine.database.read() as connection:
        entries = journal.entries_after(connection, 0, kinds=(NOTICE,), limit=10_000)
    return [of_data(entry.data) for entry in entries]


def only(engine: Engine) -> Episode:
    (episode,), _ = engine.alerts.page(open_only=False)
    return episode


@pytest.fixture
def quick(engine: Engine) -> Engine:
    """A storm begins with the fourth alert."""
    engine.alerts.routing = replace(engine.alerts.routing, storm_limit=3)
    return engine


def test_an_alert_is_one_message_however_often_it_fires(engine_of_each_kind: Engine) -> None:
    engine = engine_of_each_kind
    for _ in range(3):
        send(engine, samples.alertmanager())
    episode = only(engine)
    assert (episode.count, episode.status) == (3, AlertStatus.FIRING)
    told = notices(engine)
    assert len({(notice.key, notice.generation) for notice in told}) == 1
    assert told[-1].title == "🔴 DiskFull"
    assert ("instance", "db1:9100") in told[-1].fields
    assert any(name == "seen" and value.startswith("×3, first") for name, value in told[-1].fields)


def test_resolving_edits_the_message_and_takes_its_buttons(engine: Engine) -> None:
    send(engine, samples.alertmanager())
    send(engine, samples.alertmanager("resolved"))
    assert only(engine).status is AlertStatus.RESOLVED
    first, last = notices(engine)
    assert (first.key, first.generation) == (last.key, last.generation)
    assert [label for label, _ in first.commands] == ["Ack", "Silence 1h", "Details"]
    assert (last.title, last.tone, last.commands) == ("✅ DiskFull", "good", ())
    assert "resolved after" in last.text


def test_a_resolved_alert_that_nobody_saw_fire_is_not_shown(engine: Engine) -> None:
    send(engine, samples.alertmanager("resolved"))
    assert notices(engine) == []


def test_what_fires_again_soon_goes_on_in_its_message(engine: Engine) -> None:
    for status in ("firing", "resolved", "firing"):
        send(engine, samples.alertmanager(status))
    assert (only(engine).status, only(engine).count) == (AlertStatus.FIRING, 2)


def test_what_fires_again_much_later_is_a_new_message(engine_of_each_kind: Engine) -> None:
    engine = engine_of_each_kind
    send(engine, samples.alertmanager())
    send(engine, samples.alertmanager("resolved"))
    hour = 3_600_000_000
    engine.database.write(lambda c: c.execute(text(f"UPDATE alert SET resolved_at = resolved_at - {hour}")))
    send(engine, samples.alertmanager())
    told = notices(engine)
    assert told[0].key == told[-1].key
    assert told[0].generation != told[-1].generation
    assert engine.alerts.page(open_only=False)[1] == 2


def test_an_acknowledged_alert_stays_in_hand_when_it_fires_again(engine: Engine) -> None:
    send(engine, samples.alertmanager())
    engine.alerts.acknowledge(only(engine).id, by="ann")
    send(engine, samples.alertmanager())
    episode = only(engine)
    assert (episode.status, episode.acked_by, episode.count) == (AlertStatus.ACKED, "ann", 2)
    assert "acknowledged by ann" in notices(engine)[-1].text
    assert [label for label, _ in notices(engine)[-1].commands] == ["Silence 1h", "Details"]


def test_a_silenced_alert_says_nothing_until_it_is_resolved(engine: Engine) -> None:
    send(engine, samples.alertmanager())
    engine.alerts.silence(only(engine).id, by="ann", lasting=timedelta(hours=1))
    before = len(notices(engine))
    send(engine, samples.alertmanager())
    assert (len(notices(engine)), only(engine).count) == (before, 2)
    send(engine, samples.alertmanager("resolved"))
    assert notices(engine)[-1].tone == "good"


def test_the_end_of_a_silence_is_told_in_the_thread(engine: Engine) -> None:
    send(engine, samples.alertmanager())
    card = notices(engine)[0]
    engine.alerts.silence(only(engine).id, by="ann", lasting=timedelta(milliseconds=300))
    wait_until(lambda: "silence is over" in notices(engine)[-1].text)
    assert notices(engine)[-1].thread_key == card.key
    assert only(engine).silenced_until is None


def test_a_silence_that_ended_while_the_server_was_down_is_told_at_the_start(engine: Engine) -> None:
    send(engine, samples.alertmanager())
    engine.alerts.silence(only(engine).id, by="ann", lasting=timedelta(hours=1))
    engine.database.write(lambda c: c.execute(text("UPDATE alert SET silenced_until = 1")))
    engine.stop()
    again = Engine(engine.settings)
    again.start()
    wait_until(lambda: "silence is over" in notices(again)[-1].text)
    again.stop()


def test_what_is_over_is_not_acknowledged(engine: Engine) -> None:
    send(engine, samples.alertmanager())
    engine.alerts.resolve(only(engine).id, by="ann")
    with pytest.raises(BadInput, match="is over"):
        engine.alerts.acknowledge(only(engine).id, by="bob")
    with pytest.raises(NotFound):
        engine.alerts.acknowledge("ffffff", by="bob")


def test_two_who_acknowledge_at_once_do_no_harm(engine: Engine) -> None:
    send(engine, samples.alertmanager())
    wanted = only(engine).id
    threads = [
        threading.Thread(target=engine.alerts.acknowledge, args=(wanted,), kwargs={"by": f"p{number}"})
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert only(engine).status is AlertStatus.ACKED


def test_an_alert_is_found_by_the_end_of_its_id(engine: Engine) -> None:
    send(engine, samples.alertmanager())
    assert engine.alerts.episode(only(engine).id[-6:]) == only(engine)


def test_a_storm_is_one_message(quick: Engine) -> None:
    for number in range(12):
        send(quick, samples.alertmanager(name="Down", instance=f"web{number}"))
    wait_until(lambda: "9 alerts in a storm" in notices(quick)[-1].title)
    cards = {notice.generation for notice in notices(quick) if notice.key.startswith("alert:")}
    storms = {notice.generation for notice in notices(quick) if notice.key.startswith("alert-storm:")}
    assert (len(cards), len(storms)) == (3, 1)
    assert "Down ×9" in notices(quick)[-1].text


def test_a_storm_tells_how_much_of_it_is_left(quick: Engine) -> None:
    bodies = [samples.alertmanager(name="Down", instance=f"web{number}") for number in range(6)]
    for body in bodies:
        send(quick, body)
    for number in range(6):
        send(quick, samples.alertmanager("resolved", name="Down", instance=f"web{number}"))
    wait_until(lambda: notices(quick)[-1].title == "✅ 3 alerts in a storm, 0 still firing")


def test_the_routes_decide_before_the_hook_does(engine: Engine) -> None:
    engine.alerts.routing = Routing.of(
        {
            "routes": [{"match": {"severity": "crit*", "instance": "db*"}, "channel": "#dba"}],
            "channel": "rest",
        }
    )
    send(engine, samples.alertmanager(), channel="web")
    send(engine, samples.alertmanager(instance="web1"), channel="web")
    send(engine, samples.alertmanager(instance="web2"))
    assert [notice.channel for notice in notices(engine)] == ["dba", "web", "rest"]


def test_what_an_alert_starts_is_told_in_its_thread(engine: Engine) -> None:
    document = {
        "name": "look",
        "enabled": True,
        "trigger": {"type": "alerts.alert"},
        "criteria": {"trigger.status": {"type": "equals", "pattern": "firing"}},
        "action": {"ref": "core.noop"},
    }
    engine.stored.put("rule", document, user="alice")
    send(engine, samples.alertmanager())
    (execution,), _ = engine.executions(ExecutionFilter())
    card = notices(engine)[0]
    assert execution.context["chat"] == {"adapter": "", "channel": card.channel, "thread_key": card.key}


def test_an_event_that_fails_leaves_nothing_on_the_board(engine: Engine) -> None:
    (alert,) = normalise("alertmanager", samples.alertmanager(), {})
    prepared = engine.triggers.prepare(Event(trigger="alerts.alert", payload=alert.payload()))

    def fails(connection: Any) -> None:
        prepared.insert(connection)
        raise BadInput("no")

    with pytest.raises(BadInput):
        engine.database.write(fails)
    assert engine.alerts.page(open_only=False) == ([], 0)
    assert notices(engine) == []


def test_markup_in_a_link_is_no_link(engine: Engine) -> None:
    send(engine, samples.alertmanager(generatorURL="javascript:alert(1)"))
    assert [label for label, _ in notices(engine)[0].links] == ["Runbook"]


@pytest.mark.parametrize(
    ("words", "seconds"), [("30m", 1800), ("1h", 3600), ("1h30m", 5400), ("2d", 172_800)]
)
def test_durations_are_read(words: str, seconds: int) -> None:
    assert duration_of(words) == timedelta(seconds=seconds)


@pytest.mark.parametrize("words", ["", "soon", "1", "1 year", "h1", "-1h"])
def test_what_is_no_duration_is_refused(words: str) -> None:
    with pytest.raises(BadInput):
        duration_of(words)
