"""`schedule` in the chat: understood, checked, run as the person, answered in the same place."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from engine.clock import utcnow
from engine.records.execution import ExecutionFilter
from tests.bot.conftest import House, make_settings, text_of


class Clock:
    """The real time, and how far a test has gone ahead of it."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return utcnow() + self.ahead


@pytest.fixture(scope="module")
def timed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("timed")
    settings = make_settings(folder, timezone="Europe/Zurich")
    (folder / "aliases" / "meeting.yaml").write_text(
        "{name: meeting, action_ref: core.noop, formats: ['schedule in blue a meeting']}",
        encoding="utf-8",
    )
    actions = folder / "packs" / "quiet"
    (actions / "actions").mkdir(parents=True)
    (actions / "pack.yaml").write_text(
        "{name: quiet, ref: quiet, description: Secrets, version: 1.0.0, author: Tests}", encoding="utf-8"
    )
    (actions / "actions" / "login.yaml").write_text(
        "{name: login, runner_type: noop, parameters: {word: {type: string, secret: true}}}", encoding="utf-8"
    )
    (folder / "aliases" / "secretly.yaml").write_text(
        "{name: secretly, action_ref: quiet.login, formats: ['secretly {{word}}']}", encoding="utf-8"
    )
    made = House(settings)
    made.engine.timers.clock = Clock()
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def house(timed: House) -> Iterator[House]:
    """Nothing is scheduled before or after."""
    yield timed
    for view in timed.engine.schedules.list():
        timed.engine.schedules.cancel(view.schedule.number, user="admin")


def pass_time(house: House, span: timedelta) -> None:
    clock = house.engine.timers.clock
    assert isinstance(clock, Clock)
    clock.ahead += span
    house.engine.timers.wake()


def number_in(body: dict[str, Any]) -> int:
    found = re.search(r"Schedule (\d+)", text_of(body))
    assert found, text_of(body)
    return int(found[1])


def results(house: House, number: int, channel: str = "ops") -> list[dict[str, Any]]:
    """What stands in the channel of the runs of a schedule."""
    word = re.compile(rf"schedule {number}\b")
    return [
        one for one in house.messages(channel) if one["is_bot"] and word.match(one["body"].get("pretext", ""))
    ]


def test_it_says_what_it_understood_and_when_it_runs_next(house: House) -> None:
    body = house.ask("schedule every weekday at 9 in US/Pacific echo good morning")
    text = text_of(body)
    assert "I read: every weekday at 09:00 US/Pacific." in text
    assert re.search(r"I will say “echo good morning”, next \S+.* 09:00 \(-0[78]:00, in ", text)
    number = number_in(body)
    assert [button["command"] for button in body["buttons"]] == [
        f"schedule run {number}",
        f"schedule pause {number}",
        f"schedule cancel {number}",
    ]


def test_a_command_runs_once_as_the_person_and_is_answered_in_the_channel(house: House) -> None:
    number = number_in(house.ask("schedule in 10 minutes echo it is time", name="Ann"))
    rule = house.engine.registry.rules[f"default.schedule-{number}"]
    assert rule.trigger["type"] == "core.st2.DateTimer"
    assert rule.action == {"ref": "core.local", "parameters": {}}
    pass_time(house, timedelta(minutes=10, seconds=2))
    house.wait_for(lambda: len(results(house, number)) == 1)
    (message,) = results(house, number)
    assert message["body"]["pretext"].splitlines()[0] == f"schedule {number}"
    assert message["thread"] is None
    execution = house.engine.execution(message["body"]["execution_id"])
    assert execution.user == "admin"
    assert execution.context["api_user"] == "Ann"
    assert execution.context["schedule"]["number"] == number
    assert execution.context["rule"]["name"] == f"schedule-{number}"
    # Nothing that is enabled is left behind.
    assert f"default.schedule-{number}" not in house.engine.registry.rules
    assert house.engine.schedules.get(number).state == "done"


def test_the_answer_comes_to_the_thread_in_which_it_was_scheduled(house: House) -> None:
    first = house.say("true")
    number = number_in(house.ask("schedule in 5 minutes echo hello", thread=first))
    pass_time(house, timedelta(minutes=5, seconds=2))
    house.wait_for(lambda: len(results(house, number)) == 1)
    assert results(house, number)[0]["thread"] == first


def test_a_late_run_says_how_late_it_is(house: House) -> None:
    number = number_in(house.ask("schedule in 10 minutes echo it is time"))
    pass_time(house, timedelta(minutes=30))
    house.wait_for(lambda: len(results(house, number)) == 1)
    assert results(house, number)[0]["body"]["pretext"].splitlines()[0] == f"schedule {number} (20 min late)"


def test_what_is_said_is_data_and_no_template(house: House) -> None:
    number = number_in(house.ask("schedule in 10 minutes echo {{ 6 * 7 }} $(id)"))
    pass_time(house, timedelta(minutes=10, seconds=2))
    house.wait_for(lambda: len(results(house, number)) == 1)
    execution = house.engine.execution(results(house, number)[0]["body"]["execution_id"])
    assert execution.parameters["cmd"] == "{{ 6 * 7 }} $(id)"


def test_it_is_listed_paused_resumed_and_cancelled(house: House) -> None:
    number = number_in(house.ask("schedule every 15 minutes true"))
    listed = text_of(house.ask("schedule list"))
    assert "every 15 minutes" in listed
    assert "1 scheduled" in listed
    assert "paused; what passes meanwhile is not made up" in text_of(house.ask(f"schedule pause {number}"))
    assert "paused" in text_of(house.ask("schedule"))
    before = house.engine.executions(ExecutionFilter())[1]
    pass_time(house, timedelta(minutes=20))
    assert "goes on, next " in text_of(house.ask(f"schedule resume {number}"))
    assert house.engine.executions(ExecutionFilter())[1] == before
    pass_time(house, timedelta(minutes=15))
    house.wait_for(lambda: house.engine.executions(ExecutionFilter())[1] == before + 1)
    assert "every 15 minutes" in text_of(house.ask(f"schedule show #{number}"))
    assert "cancelled" in text_of(house.ask(f"schedule cancel {number}"))
    assert "Nothing is scheduled" in text_of(house.ask("schedule list"))
    assert "cancelled by admin" in text_of(house.ask("schedule list all"))
    assert f"Schedule {number} is cancelled." in text_of(house.ask(f"schedule resume {number}"))


def test_it_is_run_now_by_whoever_asks_and_answered_there(house: House) -> None:
    number = number_in(house.ask("schedule every day at 9 true"))
    body = house.ask(f"schedule run {number}")
    assert body["status"] == "succeeded"
    assert body["pretext"] == f"schedule {number}"
    assert house.engine.schedules.get(number).state == "active"


def test_somebody_else_runs_it_as_themselves(house: House) -> None:
    number = number_in(house.ask("schedule every day at 9 echo good morning"))
    with requests.Session() as eve:
        eve.post(f"{house.url}/chat/session", json={"name": "eve"}, timeout=30)
        body = {
            "channel": "ops",
            "text": f"schedule run {number}",
            "direct": True,
            "delivery_key": "eve-runs",
        }
        assert eve.post(f"{house.url}/chat/messages", json=body, timeout=30).status_code == 201
    house.wait_for(lambda: house.engine.executions(ExecutionFilter(user="~eve"))[1] == 1)


def test_a_command_that_cannot_be_run_is_refused_when_it_is_scheduled(house: House) -> None:
    assert "echo" in text_of(house.ask("schedule at 22:00 ecoh hello"))
    assert "What is to be run then?" in text_of(house.ask("schedule at 22:00 "))
    assert 'There is no time of day "25:00"' in text_of(house.ask("schedule at 25:00 true"))
    assert "more often than a schedule runs" in text_of(house.ask("schedule every 2 seconds true"))
    assert house.engine.schedules.list() == []


def test_a_secret_is_refused_and_not_kept(house: House) -> None:
    body = house.ask("schedule in 10 minutes secretly s3cr3t-word")
    assert "A schedule keeps no secrets" in text_of(body)
    assert "s3cr3t-word" not in str(house.messages())


def test_a_command_that_has_become_impossible_is_told_in_the_channel(house: House, tmp_path: Path) -> None:
    path = house.engine.settings.root / "aliases" / "fleeting.yaml"
    path.write_text("{name: fleeting, action_ref: core.noop, formats: [fleeting]}", encoding="utf-8")
    house.app.reload()
    number = number_in(house.ask("schedule in 10 minutes fleeting"))
    path.unlink()
    house.app.reload()
    pass_time(house, timedelta(minutes=10, seconds=2))
    house.wait_for(lambda: any("could not be run" in text_of(one["body"]) for one in house.messages()))
    view = house.engine.schedules.get(number)
    assert view.state == "done"
    assert view.schedule.last_failure


def test_other_texts_that_begin_with_schedule_belong_to_aliases(house: House) -> None:
    assert house.ask("schedule in blue a meeting")["status"] == "succeeded"
    assert house.engine.schedules.list() == []


def test_the_same_delivery_is_one_schedule(house: House) -> None:
    for _ in range(3):
        house.say("schedule every day at 9 true", key="one-schedule")
    house.wait_for(lambda: len(house.engine.schedules.list()) >= 1)
    assert len(house.engine.schedules.list()) == 1


def test_a_rule_that_somebody_else_has_changed_does_not_speak_for_the_person(house: House) -> None:
    number = number_in(house.ask("schedule in 10 minutes true"))
    ref = f"default.schedule-{number}"
    stored = house.engine.stored.document("rule", ref)
    assert stored is not None
    house.engine.stored.put("rule", stored.document, user="mallory")
    before = house.engine.executions(ExecutionFilter())[1]
    pass_time(house, timedelta(minutes=10, seconds=2))
    house.wait_for(lambda: house.engine.schedules.get(number).state == "done")
    assert house.engine.executions(ExecutionFilter())[1] == before
    assert "was changed by mallory" in house.engine.schedules.get(number).schedule.last_failure


def test_a_schedule_whose_rule_was_deleted_is_over(house: House) -> None:
    number = number_in(house.ask("schedule every day at 9 true"))
    answer = house.http.delete(f"{house.url}/api/v1/rules/default.schedule-{number}", timeout=30)
    assert answer.status_code == 204
    assert house.engine.schedules.get(number).state == "removed"
    assert "Nothing is scheduled" in text_of(house.ask("schedule list"))


def test_disabling_the_rule_pauses_it(house: House) -> None:
    number = number_in(house.ask("schedule every day at 9 true"))
    url = f"{house.url}/api/v1/rules/default.schedule-{number}"
    rule = house.http.get(url, timeout=30).json()
    assert house.http.put(url, json={**rule, "enabled": False}, timeout=30).ok
    assert house.engine.schedules.get(number).state == "paused"


def test_at_is_said_in_the_time_zone_of_the_person(house: House) -> None:
    body = house.ask("at 22:00 echo good night", zone="Asia/Tokyo")
    assert "I read: " in text_of(body)
    assert "22:00 (+09:00, in " in text_of(body)
    number = number_in(body)
    assert house.engine.schedules.get(number).schedule.zone == "Asia/Tokyo"
    assert "good night" in text_of(house.ask("at list"))
    assert "cancelled" in text_of(house.ask(f"at cancel {number}"))


def test_a_zone_that_is_none_is_left_alone(house: House) -> None:
    number = number_in(house.ask("at 22:00 true", zone="Mars/Olympus"))
    assert house.engine.schedules.get(number).schedule.zone == "Europe/Zurich"
    number = number_in(house.ask("at 22:00 in UTC true", zone="Asia/Tokyo"))
    assert house.engine.schedules.get(number).schedule.zone == "UTC"


def test_at_something_that_is_no_time_belongs_to_aliases(house: House) -> None:
    assert "I read" not in text_of(house.ask("at home I am"))
