"""The port never answers before the event stream can: Hubot never comes back from anything but a 200."""

import threading
import time
from pathlib import Path

import requests

from tests.durability.server import serving

KNOCKS_S = 60.0


def first_answer(url: str, key: str, found: list[int]) -> None:
    """The status of the first answer that there is; refused connections do not count."""
    until = time.monotonic() + KNOCKS_S
    while time.monotonic() < until and not found:
        try:
            with requests.get(
                f"{url}/stream/v1/stream", params={"st2-api-key": key}, stream=True, timeout=KNOCKS_S
            ) as answer:
                found.append(answer.status_code)
        except requests.ConnectionError:
            time.sleep(0.01)


def test_the_first_answer_after_a_start_is_the_stream(tmp_path: Path) -> None:
    with serving(tmp_path, files={}) as server:
        key = server.key
        server.kill()
        found: list[int] = []
        knocking = threading.Thread(target=first_answer, args=(server.url, key, found))
        knocking.start()
        server.start()
        knocking.join(KNOCKS_S + 10)
    assert found == [200]
