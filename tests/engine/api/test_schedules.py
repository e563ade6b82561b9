"""/schedules, and `stormcrow schedule`."""

from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from bot.cli.main import app
from engine.records.execution import ExecutionFilter
from tests.engine.api.running import Running, running


@pytest.fixture(scope="module")
def timed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("scheduled")) as made:
        yield made


def test_an_action_is_scheduled_with_its_parameters_as_data(timed: Running) -> None:
    body = {
        "when": "every day at 9 in Europe/Zurich",
        "action": "probe.say",
        "parameters": {"text": "{{ 6 * 7 }}"},
        "channel": "ops",
        "misfire": "skip",
    }
    answer = timed.post("/schedules", body)
    assert answer.status_code == 201
    made = answer.json()
    assert made["when"] == "every day at 09:00 Europe/Zurich"
    assert made["state"] == "active"
    assert made["channel"] == "ops"
    assert made["misfire"] == "skip"
    assert len(made["next_fire_at"]) == 3
    assert timed.get(f"/schedules/{made['number']}").json() == made
    rule = timed.get(f"/rules/{made['rule']}").json()
    assert rule["trigger"]["type"] == "core.st2.CronTimer"
    assert rule["action"] == {"ref": "probe.say", "parameters": {}}
    execution = timed.post(f"/schedules/{made['number']}/run").json()
    assert execution["parameters"]["text"] == "{{ 6 * 7 }}"
    assert execution["context"]["schedule"]["number"] == made["number"]


def test_it_is_paused_resumed_and_cancelled(timed: Running) -> None:
    made = timed.post("/schedules", {"when": "every 2 hours", "action": "core.noop"}).json()
    path = f"/schedules/{made['number']}"
    paused = timed.ask("PUT", path, json={"enabled": False}).json()
    assert (paused["state"], paused["next_fire_at"]) == ("paused", [])
    assert timed.ask("PUT", path, json={"enabled": True}).json()["state"] == "active"
    assert timed.ask("DELETE", path).status_code == 204
    assert made["number"] not in [one["number"] for one in timed.get("/schedules").json()]
    assert made["number"] in [one["number"] for one in timed.get("/schedules?all=true").json()]
    assert timed.ask("PUT", path, json={"enabled": True}).status_code == 409
    assert timed.ask("DELETE", path).status_code == 409


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"when": "at 25:00", "action": "core.noop"}, "There is no time of day"),
        ({"when": "at 22:00"}, "What is to be run then?"),
        ({"when": "at 22:00", "action": "core.nop"}, "cannot be found"),
        ({"when": "at 22:00", "action": "probe.say"}, "text"),
        ({"when": "at 22:00 uptime", "action": "core.noop"}, "are two things"),
        ({"when": "at 22:00 nonsense", "command": "uptime"}, 'I do not understand "nonsense"'),
        ({"when": "at 22:00", "command": "no such command"}, "command"),
        (
            {"when": "at 22:00", "action": "core.noop", "timezone": "Europe/Zurch"},
            "Did you mean Europe/Zurich?",
        ),
        ({"when": "at 22:00", "action": "core.noop", "misfire": "never"}, "'misfire' must be one of"),
        ({"when": "at 22:00", "action": "core.noop", "wen": 1}, "Did you mean when?"),
        ({"when": 5, "action": "core.noop"}, "'when' must be a string"),
        (
            {"when": "at 22:00", "action": "probe.say", "parameters": {"text": "a", "password": "hunter2"}},
            "A schedule keeps no secrets",
        ),
    ],
)
def test_what_cannot_be_run_is_refused(timed: Running, body: dict[str, object], said: str) -> None:
    before = len(timed.get("/schedules?all=true").json())
    answer = timed.post("/schedules", body)
    assert answer.status_code == 400
    assert said in answer.json()["faultstring"]
    assert len(timed.get("/schedules?all=true").json()) == before


def test_nobody_schedules_for_another(timed: Running) -> None:
    body = {"when": "at 22:00", "action": "core.noop", "user": "root"}
    assert timed.post("/schedules", body).status_code == 403


def test_a_number_that_is_none_is_not_found(timed: Running) -> None:
    assert timed.get("/schedules/999999").status_code == 404
    assert timed.get("/schedules/last").status_code == 400


def test_the_command_line_does_the_same(timed: Running) -> None:
    def shell(*words: str) -> str:
        result = CliRunner().invoke(
            app, ("schedule", *words), env={"STORMCROW_URL": timed.url, "STORMCROW_API_KEY": timed.key}
        )
        assert result.exit_code == 0, result.output
        return result.output

    made = shell(
        "add", "every weekday at 9", "--action", "probe.say", "text=hi", "--timezone", "Asia/Kolkata"
    )
    assert "every weekday at 09:00 Asia/Kolkata: probe.say" in made
    number = made.split()[1].rstrip(":")
    assert "every weekday" in shell("list")
    assert "probe.say" in shell("show", number)
    assert "paused" in shell("pause", number)
    assert "active" in shell("resume", number)
    before = timed.engine.executions(ExecutionFilter())[1]
    assert "hi" in shell("run", number)
    assert timed.engine.executions(ExecutionFilter())[1] == before + 1
    assert "cancelled" in shell("cancel", number)
    assert "cancelled" in shell("list", "--all")
