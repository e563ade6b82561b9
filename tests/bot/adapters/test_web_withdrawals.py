"""The open page of the web chat hears nothing more once its session, or the key behind it, is over."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest
import requests

from bot.adapters.web import app
from tests.bot.conftest import House


@pytest.fixture(autouse=True)
def no_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "HEARTBEAT_S", 3600.0)


@dataclass
class Following:
    heard: bytes = b""
    ended: threading.Event = field(default_factory=threading.Event)
    """Set when the server has ended the stream."""


@contextmanager
def following(house: House, person: requests.Session, path: str) -> Iterator[Following]:
    """The stream is open when the block begins; its end must come in it."""
    made = Following()
    with person.get(f"{house.url}{path}", stream=True, timeout=30) as answer:
        assert answer.status_code == 200, answer.text
        begun = threading.Event()

        def read() -> None:
            for piece in answer.iter_content(chunk_size=None):
                made.heard += piece
                begun.set()
            made.ended.set()

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        assert begun.wait(60)
        yield made
    thread.join(15)


def key_of(house: House, *, ttl: int | None = None) -> tuple[str, str]:
    """A key and its id."""
    body = {} if ttl is None else {"ttl": ttl}
    made = house.http.post(f"{house.url}/api/v1/apikeys", json=body, timeout=30).json()
    return made["key"], made["id"]


def revoke(house: House, key_id: str) -> None:
    assert house.http.delete(f"{house.url}/api/v1/apikeys/{key_id}", timeout=30).status_code == 204


def test_a_key_that_is_revoked_ends_the_events(house: House) -> None:
    key, key_id = key_of(house)
    with requests.Session() as person:
        person.headers["St2-Api-Key"] = key
        with following(house, person, "/chat/events") as stream:
            revoke(house, key_id)
            assert stream.ended.wait(60)


def test_a_session_ends_with_the_key_that_began_it(house: House) -> None:
    key, key_id = key_of(house)
    with requests.Session() as person:
        signed_in = person.post(f"{house.url}/chat/session", json={"key": key}, timeout=30)
        assert signed_in.json()["verified"]
        with following(house, person, "/chat/events") as stream:
            revoke(house, key_id)
            assert stream.ended.wait(60)


def test_a_session_ends_when_its_key_expires(house: House) -> None:
    key, _ = key_of(house, ttl=2)
    with requests.Session() as person:
        person.post(f"{house.url}/chat/session", json={"key": key}, timeout=30)
        with following(house, person, "/chat/events") as stream:
            assert stream.ended.wait(60)


def test_the_page_of_somebody_else_stays_open(house: House) -> None:
    key, key_id = key_of(house)
    _, other_id = key_of(house)
    with requests.Session() as person:
        person.headers["St2-Api-Key"] = key
        with following(house, person, "/chat/events") as stream:
            revoke(house, other_id)
            house.say("echo echo afterwards")
            house.wait_for(lambda: b"afterwards" in stream.heard)
            revoke(house, key_id)
            assert stream.ended.wait(60)


def test_who_follows_a_run_hears_no_more_of_it(house: House) -> None:
    key, key_id = key_of(house)
    with requests.Session() as person:
        person.headers["St2-Api-Key"] = key
        message_id = house.say("echo echo a; sleep 60")
        house.wait_for(lambda: bool(house.answers(message_id)))
        execution_id = house.answers(message_id)[0]["body"]["execution_id"]
        with following(house, person, f"/chat/executions/{execution_id}/events") as stream:
            revoke(house, key_id)
            assert stream.ended.wait(60)
    house.http.delete(f"{house.url}/api/v1/executions/{execution_id}", timeout=30)


def test_sessions_end_with_all_logins_of_their_user(house: House) -> None:
    key, _ = key_of(house)
    with requests.Session() as person:
        person.post(f"{house.url}/chat/session", json={"key": key}, timeout=30)
        with following(house, person, "/chat/events") as stream:
            ended = house.http.post(f"{house.url}/api/v1/tokens/end_all", json={"user": "admin"}, timeout=30)
            assert ended.status_code == 200
            assert stream.ended.wait(15)
        # The key still opens a new one.
        person.post(f"{house.url}/chat/session", json={"key": key}, timeout=30)
        assert person.get(f"{house.url}/chat/session", timeout=30).json()["verified"]


def test_a_session_is_good_only_from_where_its_key_is(house: House) -> None:
    body = {"addresses": ["127.0.0.1"]}
    made = house.http.post(f"{house.url}/api/v1/apikeys", json=body, timeout=30).json()
    keys = house.engine.access.keys
    with requests.Session() as person:
        person.post(f"{house.url}/chat/session", json={"key": made["key"]}, timeout=30)
        assert person.get(f"{house.url}/chat/channels", timeout=30).status_code == 200
    assert keys.is_good(made["id"], address="127.0.0.1")
    assert not keys.is_good(made["id"], address="192.0.2.7")


def test_one_person_opens_no_more_pages_than_others_can_bear(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, key_id = key_of(house)
    limits = replace(house.engine.settings.limits, streams=1)
    monkeypatch.setattr(house.engine, "settings", replace(house.engine.settings, limits=limits))
    with requests.Session() as person:
        person.headers["St2-Api-Key"] = key
        with following(house, person, "/chat/events") as stream:
            refused = person.get(f"{house.url}/chat/events", timeout=30)
            assert (refused.status_code, "open pages" in refused.text) == (429, True)
            revoke(house, key_id)
            assert stream.ended.wait(15)
