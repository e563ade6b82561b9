"""What lets somebody in is found neither in a log nor in an answer, whatever goes wrong."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from engine.api.scrubbing import HIDDEN, scrubbed_path
from tests.engine.api.running import Running

CANARY = "canary-5e0f91"
# Where credentials stand.
PLACES: dict[str, dict[str, Any]] = {
    "token": {"headers": {"X-Auth-Token": CANARY}},
    "key": {"headers": {"St2-Api-Key": CANARY}},
    "bearer": {"headers": {"Authorization": f"Bearer {CANARY}"}},
    "signed": {"headers": {"Authorization": f"Bearer {CANARY}.{CANARY}.{CANARY}"}},
    "basic": {"auth": ("ann", CANARY)},
    "cookie": {"headers": {"Cookie": f"auth-token={CANARY}; stormcrow_session={CANARY}"}},
    "query": {"params": {"st2-api-key": CANARY, "x-auth-token": CANARY}},
}
# What goes wrong in each way: unknown, refused, no such path or method, not JSON, a fault of ours.
ASKED = (
    ("GET", "/user", {}),
    ("POST", "/auth/v1/tokens", {"json": {}}),
    ("GET", f"/apikeys/{CANARY}", {}),
    ("GET", "/nothing/at/all", {}),
    ("PATCH", "/executions", {}),
    ("POST", "/executions", {"data": b"{", "headers": {"Content-Type": "application/json"}}),
    ("POST", "/webhooks/nothing", {"json": {}}),
    ("GET", "/stream", {}),
    ("GET", "/healthz", {}),
)


@pytest.fixture(autouse=True)
def quiet_logs(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """All that our own code logs, at its most talkative, is looked through at the end."""
    with caplog.at_level(logging.DEBUG):
        yield
        # This process is the client, too.
        ours = [one for one in caplog.records if not one.name.startswith(("urllib3", "requests"))]
        assert CANARY not in "\n".join(f"{one.getMessage()} {vars(one)}" for one in ours)


@pytest.mark.parametrize("place", PLACES)
def test_credentials_are_in_no_log_and_no_answer(server: Running, place: str) -> None:
    for method, path, more in ASKED:
        given = {
            **more,
            **PLACES[place],
            "headers": {**more.get("headers", {}), **PLACES[place].get("headers", {})},
        }
        answer = server.ask(method, path, key="", **given)
        told = answer.text + str(answer.headers)
        assert CANARY not in told, path
        answer.close()


def test_nor_when_we_fail_ourselves(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(server.engine.access.keys, "all", broken)
    answer = server.get(f"/apikeys?canary={CANARY[:6]}", params={"x-auth-token": "", "token": CANARY})
    assert answer.status_code == 500
    assert CANARY not in answer.text


def test_a_denial_is_noted_without_the_key_of_its_path(server: Running) -> None:
    limited = server.post("/apikeys", {"actions": ["core.noop"]}).json()["key"]
    assert server.get(f"/apikeys/{CANARY}", key=limited).status_code == 403
    server.engine.database.write(lambda _connection: None)
    found, _ = server.engine.denials.page()
    assert any(HIDDEN in denial.what for denial in found)
    assert CANARY not in str(found)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/apikeys/5f00000000000000000000aa", "/apikeys/5f00000000000000000000aa"),
        ("/apikeys/5f00000000000000000000aa/rotate", "/apikeys/5f00000000000000000000aa/rotate"),
        ("/apikeys/crow_12345678_abc/rotate", f"/apikeys/{HIDDEN}"),
        ("/executions/last", "/executions/last"),
    ],
)
def test_a_key_in_a_path_is_hidden(path: str, shown: str) -> None:
    assert scrubbed_path(path) == shown
