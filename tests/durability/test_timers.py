"""kill -9 of the server in a stream of timers: no time is lost, and none fires twice."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from tests.durability.ledger import assert_sound, settle
from tests.durability.server import Server, wait_until

SECOND = timedelta(seconds=1)


def files(folder: Path) -> dict[str, str]:
    """A pack whose action writes down the time that its event was due, and three timers a second apart."""
    base = "packs/ticks"
    rules = {
        f"{base}/rules/{name}.yaml": f"""
            name: {name}
            enabled: true
            x-misfire: all
            trigger:
              type: core.st2.{kind}
              parameters: {parameters}
            action:
              ref: ticks.note
              parameters: {{line: "{name} {{{{ trigger.due_at }}}}"}}
        """
        for name, kind, parameters in (
            ("interval", "IntervalTimer", "{unit: seconds, delta: 1}"),
            ("cron", "CronTimer", "{second: '*', timezone: Europe/Zurich}"),
            ("slower", "IntervalTimer", "{unit: seconds, delta: 2}"),
        )
    }
    return {
        f"{base}/pack.yaml": "{name: ticks, ref: ticks, description: Ticks, version: 1.0.0, author: Tests}",
        f"{base}/actions/note.yaml": """
            name: note
            runner_type: local-shell-script
            entry_point: note.sh
            parameters:
              line: {type: string, position: 0}
        """,
        f"{base}/actions/note.sh": f"""
            #!/bin/sh
            echo "$1" >> {folder / "ticks"}
        """,
        **rules,
    }


def noted(folder: Path) -> Counter[str]:
    path = folder / "ticks"
    return Counter(path.read_text().splitlines()) if path.exists() else Counter()


def times(found: Counter[str], name: str) -> list[datetime]:
    stamps = (line.split(" ", 1)[1] for line in found if line.startswith(f"{name} "))
    return sorted(datetime.fromisoformat(stamp) for stamp in stamps)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path, files=files(tmp_path), settings={"content": {"packs": ["packs"]}})
    try:
        yield made
    finally:
        made.close()


@pytest.mark.slow
def test_every_tick_is_noted_once_over_kills(server: Server) -> None:
    chance = random.Random()
    server.start()
    wait_until(lambda: bool(noted(server.folder)), timeout_s=60)
    for _ in range(2):
        time.sleep(chance.uniform(0.3, 1.5))
        server.kill()
        server.start()
    before = len(noted(server.folder))
    wait_until(lambda: len(noted(server.folder)) > before + 3, timeout_s=60)
    server.terminate()
    # What was under way is finished by the next one, which also fires what it missed.
    server.start()
    for name in ("interval", "cron", "slower"):
        rule = server.get(f"/rules/ticks.{name}")
        assert server.ask("PUT", f"/rules/ticks.{name}", json={**rule, "enabled": False}).ok
    settle(server)
    found = noted(server.folder)
    assert {line: count for line, count in found.items() if count != 1} == {}
    for name, span in (("interval", SECOND), ("cron", SECOND), ("slower", 2 * SECOND)):
        moments = times(found, name)
        assert {after - before for before, after in pairwise(moments)} == {span}, name
    assert "Traceback" not in server.log_text
    server.terminate()
    assert_sound(server.folder)


def test_a_schedule_whose_time_comes_while_the_server_is_dead_runs_once(server: Server) -> None:
    server.start()
    body = {"when": "in 2 seconds", "action": "ticks.note", "parameters": {"line": "scheduled"}}
    made = server.ask("POST", "/schedules", json=body)
    assert made.status_code == 201
    server.kill()
    time.sleep(2.5)
    server.start()
    wait_until(lambda: noted(server.folder)["scheduled"] > 0, timeout_s=60)
    server.kill()
    server.start()
    number = made.json()["number"]
    assert server.get(f"/schedules/{number}")["state"] == "done"
    assert server.ask("GET", f"/rules/default.schedule-{number}").status_code == 404
    settle(server)
    assert noted(server.folder)["scheduled"] == 1
