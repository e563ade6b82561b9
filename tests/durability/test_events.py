"""kill -9 in a stream of webhooks, timers and sensor events: nothing is lost, nothing fires twice."""

import random
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import requests

from tests.durability.ledger import assert_nothing_left, assert_sound, ledger_files, ledger_of, settle
from tests.durability.server import Server, serving, wait_until

WEBHOOKS = 200
SENDERS = 8
KILLS = 4
TIMER, SENSOR = 900_000, 1_000_000

FILES = {
    "packs/ledger/rules/hook.yaml": """
        name: hook
        enabled: true
        trigger: {type: core.st2.webhook, parameters: {url: numbers}}
        action: {ref: ledger.append, parameters: {number: "{{ trigger.body.number }}", seconds: 0}}
    """,
    "packs/ledger/rules/tick.yaml": f"""
        name: tick
        enabled: true
        trigger: {{type: core.st2.IntervalTimer, parameters: {{unit: seconds, delta: 1}}}}
        action: {{ref: ledger.append, parameters: {{number: {TIMER}, seconds: 0}}}}
    """,
    "packs/ledger/rules/count.yaml": """
        name: count
        enabled: true
        trigger: {type: ledger.counted}
        action: {ref: ledger.append, parameters: {number: "{{ trigger.number }}", seconds: 0}}
    """,
    "packs/ledger/sensors/counter.yaml": """
        class_name: Counter
        entry_point: counter.py
        trigger_types:
          - name: counted
            payload_schema:
              type: object
              properties:
                number: {type: integer, required: true}
    """,
    "packs/ledger/sensors/counter.py": f"""
        import itertools
        import time

        from st2reactor.sensor.base import Sensor


        class Counter(Sensor):
            def setup(self):
                pass

            def run(self):
                start = {SENSOR} + int(time.time() * 1000) % 100000000
                for number in itertools.count(start):
                    self.sensor_service.dispatch(trigger="ledger.counted", payload={{"number": number}})
                    time.sleep(0.1)

            def cleanup(self):
                pass

            def add_trigger(self, trigger):
                pass

            def update_trigger(self, trigger):
                pass

            def remove_trigger(self, trigger):
                pass
    """,
}


class Senders:
    """Send every number once, and again until it is accepted."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._numbers = iter(range(WEBHOOKS))
        self._lock = threading.Lock()
        self.accepted: list[int] = []
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(SENDERS)]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        while True:
            with self._lock:
                number = next(self._numbers, None)
            if number is None:
                return
            while not self._send(number):
                time.sleep(0.05)
            with self._lock:
                self.accepted.append(number)
            time.sleep(0.1)

    def _send(self, number: int) -> bool:
        try:
            headers = {"Idempotency-Key": f"delivery-{number}"}
            answer = self._server.ask("POST", "/webhooks/numbers", json={"number": number}, headers=headers)
        except (requests.RequestException, FileNotFoundError):
            return False
        assert answer.status_code in (202, 429, 503), answer.text
        return answer.status_code == 202

    def join(self) -> None:
        for thread in self._threads:
            thread.join(120)
            assert not thread.is_alive()


def instances(server: Server, trigger_type: str) -> list[Any]:
    found = server.get(f"/triggerinstances?limit=-1&trigger_type={trigger_type}")
    return [server.get(f"/triggerinstances/{one['id']}") for one in found]


def test_a_stream_of_events_survives_kills(tmp_path: Path) -> None:
    chance = random.Random(7)
    with serving(tmp_path, files={**ledger_files(tmp_path), **FILES}) as server:
        server.make_environment("ledger")
        server.ask("POST", "/packs/register", json={})
        senders = Senders(server)
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.7, 1.6))
            server.kill()
            server.start()
        senders.join()
        # Nothing new comes from here on: what was accepted can be counted.
        for name in ("tick", "count"):
            whole = server.get(f"/rules/ledger.{name}")
            assert server.ask("PUT", f"/rules/{whole['id']}", json={**whole, "enabled": False}).ok
        settle(server)

        hooks = Counter(one["payload"]["body"]["number"] for one in instances(server, "core.st2.webhook"))
        assert hooks == Counter(range(WEBHOOKS))
        effects = ledger_of(tmp_path)
        assert Counter({number: effects[number] for number in range(WEBHOOKS)}) == hooks

        enforced = server.get("/ruleenforcements?limit=-1")
        assert {one["status"] for one in enforced} == {"succeeded"}
        by_rule = Counter(one["rule"]["ref"] for one in enforced)
        assert effects[TIMER] == by_rule["ledger.tick"] > KILLS
        of_sensor = {number: times for number, times in effects.items() if number >= SENSOR}
        assert set(of_sensor.values()) == {1}
        assert len(of_sensor) == by_rule["ledger.count"] > KILLS
        wait_until(lambda: server.terminate() == 0)
    assert_sound(tmp_path)
    assert_nothing_left(tmp_path)
