"""kill -9 in the middle of a burst: the audit has no gap, and an act for everything that was accepted."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.durability.server import Server

THREADS = 6


class Burst:
    """People who ask without pause, and remember what was accepted."""

    def __init__(self, server: Server) -> None:
        self.accepted: list[str] = []
        self._server = server
        self._key = (server.data / "admin.key").read_text(encoding="utf-8").strip()
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(THREADS)]
        for thread in self._threads:
            thread.start()

    def _ask(self) -> None:
        while not self._is_over.is_set():
            try:
                answer = requests.post(
                    f"{self._server.url}/api/v1/executions",
                    json={"action": "core.noop"},
                    headers={"St2-Api-Key": self._key, "Prefer": "wait=0"},
                    timeout=20,
                )
                if answer.ok:
                    self.accepted.append(answer.json()["id"])
            except requests.RequestException:
                time.sleep(0.02)

    def wait_for(self, accepted: int) -> None:
        give_up_at = time.monotonic() + 60
        while len(self.accepted) < accepted:
            assert time.monotonic() < give_up_at, f"{len(self.accepted)} of {accepted} were accepted"
            time.sleep(0.002)

    def end(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join(30)


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest) -> dict[str, dict[str, Any]]:
    if request.param == "sqlite":
        return {}
    return {"store": {"url": request.getfixturevalue("postgresql_url")}}


def test_a_kill_in_a_burst_leaves_no_gap(tmp_path: Path, settings: dict[str, dict[str, Any]]) -> None:
    server = Server(tmp_path, files={}, settings=settings)
    try:
        server.start()
        burst = Burst(server)
        try:
            burst.wait_for(40)
            server.kill()
            server.start()
            burst.wait_for(80)
        finally:
            burst.end()
        key = (server.data / "admin.key").read_text(encoding="utf-8").strip()
        url, headers = f"{server.url}/api/v1", {"St2-Api-Key": key}
        found = requests.get(f"{url}/audit/verify", headers=headers, timeout=60).json()
        assert (found["is_sound"], found["flaws"]) == (True, [])
        query: dict[str, Any] = {"kind": "execution.requested", "limit": -1}
        acts = requests.get(f"{url}/audit", params=query, headers=headers, timeout=60).json()
        told = [act["execution_id"] for act in acts]
        assert set(burst.accepted) <= set(told)
        executions = requests.get(
            f"{url}/executions", params={"limit": -1}, headers=headers, timeout=60
        ).json()
        assert sorted(told) == sorted(one["id"] for one in executions)
    finally:
        server.close()
