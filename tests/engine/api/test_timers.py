"""/timers: the triggers of timer types, in StackStorm's shape."""

from collections.abc import Iterator

import pytest

from tests.engine.api.running import Running, running
from tests.engine.world import wait_until


@pytest.fixture(scope="module")
def timed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("timed")
    with running(folder) as made:
        for name, kind, parameters in (
            ("tick", "core.st2.IntervalTimer", {"unit": "hours", "delta": 5}),
            ("daily", "core.st2.CronTimer", {"hour": 9, "timezone": "Europe/Zurich"}),
        ):
            rule = {
                "name": name,
                "enabled": name == "tick",
                "trigger": {"type": kind, "parameters": parameters},
                "action": {"ref": "core.noop"},
            }
            made.engine.stored.put("rule", rule, user="ann")
        wait_until(lambda: bool(made.engine.timers.states()))
        yield made


def test_timers_are_triggers_with_their_parameters(timed: Running) -> None:
    daily, tick = sorted(timed.get("/timers").json(), key=lambda one: str(one["type"]))
    assert tick["type"] == "core.st2.IntervalTimer"
    assert tick["parameters"] == {"unit": "hours", "delta": 5}
    assert tick["ref"] == f"core.{tick['name']}"
    assert tick["uid"].startswith(f"trigger:core:{tick['name']}:")
    assert tick["misfire"] == "one"
    assert tick["next_fire_at"] is not None
    assert daily["parameters"] == {"hour": 9, "timezone": "Europe/Zurich"}
    assert daily["next_fire_at"] is None


def test_the_list_is_filtered_by_type(timed: Running) -> None:
    (found,) = timed.get("/timers?timer_type=core.st2.CronTimer").json()
    assert found["type"] == "core.st2.CronTimer"
    refused = timed.get("/timers?timer_type=core.st2.CronTimers")
    assert refused.status_code == 400
    assert "Did you mean core.st2.CronTimer?" in refused.json()["faultstring"]


def test_one_is_found_by_ref_and_by_id(timed: Running) -> None:
    one = timed.get("/timers").json()[0]
    assert timed.get(f"/timers/{one['ref']}").json() == one
    assert timed.get(f"/timers/{one['id']}").json() == one
    assert timed.get("/timers/core.nothing").status_code == 404
