"""Who asks too often is told to wait, and nobody else is held up by it; headers have an end."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from engine.api.throttle import Throttle
from engine.errors import TooOften
from engine.settings.limits import LimitSettings
from tests.engine.api.running import Running, running

# No test lasts as long as one of these takes to come back: an hour.
SLOW = 1 / 3600
STRANGERS, REQUESTS, HOOKS = 4, 12, 3


@pytest.fixture
def tight(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server on which everything is soon too much."""
    limits = LimitSettings(
        requests_per_s=SLOW,
        requests_burst=REQUESTS,
        strangers_per_s=SLOW,
        strangers_burst=STRANGERS,
        webhook_per_s=SLOW,
        webhook_burst=HOOKS,
        streams=1,
    )
    folder = tmp_path_factory.mktemp("tight")
    (folder / "webhooks").mkdir()
    hook = "url: open\nverify: {type: none}\n"
    (folder / "webhooks" / "open.yaml").write_text(hook, encoding="utf-8")
    with running(folder, sections={"limits": limits}) as made:
        yield made


def test_who_asks_too_often_is_told_to_wait_and_others_are_not(tight: Running) -> None:
    ann, _ = tight.engine.access.create_key(user="ann", metadata={})
    bob, _ = tight.engine.access.create_key(user="bob", metadata={})
    assert {tight.get("/user", key=ann).status_code for _ in range(REQUESTS)} == {200}
    refused = tight.get("/user", key=ann)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
    assert refused.json()["faultstring"].startswith("Too many requests. Try again in ")
    assert tight.get("/user", key=bob).status_code == 200


def test_wrong_keys_are_counted_by_address_and_hold_up_no_right_one(tight: Running) -> None:
    told = [tight.get("/user", key="wrong").status_code for _ in range(STRANGERS + 1)]
    assert told == [401] * STRANGERS + [429]
    assert tight.get("/user", key="").status_code == 429
    assert tight.post("/tokens", {}, key="").status_code == 429
    assert tight.get("/user").status_code == 200


def test_one_stream_too_many_is_told_to_wait(tight: Running) -> None:
    first = tight.get("/stream", stream=True)
    assert first.status_code == 200
    assert tight.get("/stream").status_code == 429
    other, _ = tight.engine.access.create_key(user="bob", metadata={})
    second = tight.get("/stream", key=other, stream=True)
    assert second.status_code == 200
    first.close()
    second.close()


def test_a_webhook_takes_so_many_deliveries() -> None:
    throttle = Throttle(LimitSettings(webhook_per_s=SLOW, webhook_burst=HOOKS))
    for _ in range(HOOKS):
        throttle.admit_delivery("github")
    with pytest.raises(TooOften, match="github"):
        throttle.admit_delivery("github")
    throttle.admit_delivery("gitlab")


def test_addresses_of_one_network_are_one_stranger() -> None:
    throttle = Throttle(LimitSettings(strangers_per_s=SLOW, strangers_burst=1))
    throttle.admit_stranger("2001:db8::1")
    with pytest.raises(TooOften):
        throttle.admit_stranger("2001:db8::ffff:2")
    throttle.admit_stranger("2001:db8:0:1::1")
    throttle.admit_stranger("10.0.0.1")
    throttle.admit_stranger("10.0.0.2")


def raw(server: Running, request: bytes) -> bytes:
    """The beginning of the answer; empty when the connection was closed without one."""
    with socket.create_connection(("127.0.0.1", urlsplit(server.url).port or 0), timeout=20) as connection:
        try:
            connection.sendall(request)
            return connection.recv(200)
        except (BrokenPipeError, ConnectionResetError):
            return b""


HEAD = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        HEAD + b"X-Long: " + b"a" * 100_000 + b"\r\n\r\n",
        HEAD + b"X-Endless: " + b"a" * 500_000,
        HEAD + b"".join(b"X-%d: many\r\n" % number for number in range(10_000)) + b"\r\n",
        b"GET /healthz?" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    ],
    ids=["one long", "one without an end", "many", "address"],
)
def test_headers_that_are_too_large_are_refused(server: Running, request_: bytes) -> None:
    answer = raw(server, request_)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")


def test_headers_of_a_usual_size_pass(server: Running) -> None:
    more = b"".join(b"X-%d: %s\r\n" % (number, b"a" * 300) for number in range(50))
    assert raw(server, HEAD + more + b"\r\n").startswith(b"HTTP/1.1 200 ")
