"""The web chat over HTTP: messages, the stream, sessions, the detail view."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from engine.records.access import KeyLimits, Scope
from tests.bot.conftest import House, make_settings, text_of


def events(house: House, *, after: int | str, until: int, timeout_s: float = 60.0) -> list[dict[str, Any]]:
    """The first `until` events with an id after a cursor, as a page sees them."""
    found: list[dict[str, Any]] = []
    with requests.get(
        f"{house.url}/chat/events",
        headers={"St2-Api-Key": house.key, "Last-Event-ID": str(after)},
        stream=True,
        timeout=timeout_s,
    ) as response:
        assert response.status_code == 200
        event: dict[str, Any] = {}
        for raw in response.iter_lines(chunk_size=64):
            line = raw.decode()
            if line.startswith("data: "):
                event["data"] = json.loads(line[6:])
            elif ": " in line and not line.startswith(":"):
                name, value = line.split(": ", 1)
                event[name] = value
            elif not line and "data" in event:
                if "id" in event:
                    found.append(event)
                    if len(found) == until:
                        return found
                event = {}
    return found


def cursor(house: House) -> int:
    return int(house.http.get(f"{house.url}/chat/channels/ops/messages", timeout=30).json()["cursor"])


def test_a_page_that_comes_back_misses_nothing(house: House) -> None:
    start = cursor(house)
    first = house.say("echo echo one")
    house.wait_for(lambda: any(one["body"]["status"] == "succeeded" for one in house.answers(first)))
    second = house.say("talk", direct=False)
    seen = events(house, after=start, until=3)
    assert [event["data"]["id"] for event in seen if not event["data"]["is_bot"]] == [first, second]
    again = events(house, after=seen[0]["id"], until=2)
    assert [event["id"] for event in again] == [event["id"] for event in seen[1:]]


def test_an_edited_message_is_sent_once_in_its_last_state(house: House) -> None:
    start = cursor(house)
    message_id = house.say("echo sleep 0.5")
    house.wait_for(lambda: any(one["body"]["status"] == "succeeded" for one in house.answers(message_id)))
    seen = events(house, after=start, until=2)
    assert [event["data"]["body"].get("status") for event in seen] == [None, "succeeded"]


def test_a_page_that_was_away_too_long_is_told_to_start_anew(tmp_path: Path, house: House) -> None:
    from bot.adapters.web import hub

    start = cursor(house)
    for number in range(hub.REPEAT_LIMIT + 1):
        house.say(f"talk {number}", direct=False, channel="busy")
    (event,) = events(house, after=start, until=1)
    assert event["event"] == "reset"


def test_history_comes_in_pages_with_whole_threads(house: House) -> None:
    ids = [house.say(f"page {number}", channel="paged", direct=False) for number in range(5)]
    house.say("in a thread", channel="paged", thread=ids[4], direct=False)
    url = f"{house.url}/chat/channels/paged/messages"
    page = house.http.get(url, params={"limit": 2}, timeout=30).json()
    assert [one["id"] for one in page["messages"] if one["thread"] is None] == ids[3:]
    assert [one["thread"] for one in page["messages"] if one["thread"]] == [ids[4]]
    assert page["more"] is True
    before = page["messages"][0]["seq"]
    older = house.http.get(url, params={"limit": 10, "before": before}, timeout=30).json()
    assert [one["id"] for one in older["messages"]] == ids[:3]
    assert older["more"] is False


def test_writing_in_a_new_channel_makes_it(house: House) -> None:
    house.say("first", channel="#Deploys", direct=False)
    names = [
        one["name"] for one in house.http.get(f"{house.url}/chat/channels", timeout=30).json()["channels"]
    ]
    assert "deploys" in names
    assert "ops" in names


def test_an_answer_in_a_thread_stays_in_it(house: House) -> None:
    root = house.say("talk first", direct=False)
    inner = house.say("true", thread=root)
    house.wait_for(lambda: bool(house.answers(inner)))
    assert house.answers(inner)[0]["thread"] == root


def test_a_thread_of_another_channel_is_refused(house: House) -> None:
    root = house.say("here", direct=False)
    body = {"channel": "other", "text": "x", "thread": root, "delivery_key": "thread-key-1"}
    answer = house.http.post(f"{house.url}/chat/messages", json=body, timeout=30)
    assert answer.status_code == 400


def test_commands_come_with_their_parameters_and_without_secrets(house: House) -> None:
    found = house.http.get(f"{house.url}/chat/commands", timeout=30).json()
    echo = next(one for one in found if one["display"] == "echo <text>")
    assert echo["parameters"][0]["name"] == "cmd"
    assert echo["parameters"][0]["required"] is True
    assert echo["parameters"][0]["description"]


def test_the_detail_view_follows_an_execution_to_its_end(house: House) -> None:
    message_id = house.say("echo echo a; sleep 0.5; echo b")
    house.wait_for(lambda: bool(house.answers(message_id)))
    execution_id = house.answers(message_id)[0]["body"]["execution_id"]
    url = f"{house.url}/chat/executions/{execution_id}/events"
    text = house.http.get(url, timeout=30).text
    assert text.rstrip().splitlines()[-2] == "event: end"
    printed = "".join(
        chunk["data"]
        for line in text.splitlines()
        if line.startswith("data: [")
        for chunk in json.loads(line[6:])
    )
    assert printed == "a\nb\n"
    about = house.http.get(f"{house.url}/chat/executions/{execution_id}", timeout=30).json()
    assert about["status"] == "succeeded"
    assert about["command"] == "echo echo a; sleep 0.5; echo b"


def test_output_is_a_file_to_keep(house: House) -> None:
    body = house.ask("echo echo '<b>x</b>' && true")
    url = f"{house.url}/chat/executions/{body['execution_id']}/output"
    answer = house.http.get(url, timeout=30)
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text == "<b>x</b>\n"


def test_every_answer_is_posted_exactly_once_under_load(house: House) -> None:
    ids = [house.say("true", channel="load") for _ in range(40)]
    house.wait_for(lambda: len([one for one in house.messages("load") if one["is_bot"]]) >= 40)
    answered = [one["body"]["reply_to"] for one in house.messages("load") if one["is_bot"]]
    assert sorted(answered) == sorted(ids)


def test_on_loopback_a_person_picks_a_name_and_is_unverified(house: House) -> None:
    with requests.Session() as person:
        first = person.get(f"{house.url}/chat/session", timeout=30).json()
        assert first["signed_in"]
        named = person.post(f"{house.url}/chat/session", json={"name": "Ann B."}, timeout=30).json()
        assert (named["user"], named["verified"]) == ("~Ann B.", False)
        body = {"channel": "ops", "text": "!true", "delivery_key": "picked-name-1"}
        message_id = person.post(f"{house.url}/chat/messages", json=body, timeout=30).json()["id"]
    house.wait_for(lambda: bool(house.answers(message_id)))
    execution = house.engine.execution(house.answers(message_id)[0]["body"]["execution_id"])
    assert execution.user == "~Ann B."
    assert execution.context["chat"]["verified"] is False


def test_a_direct_channel_is_seen_by_its_owner_only(house: House) -> None:
    with requests.Session() as ann, requests.Session() as bob:
        ann.post(f"{house.url}/chat/session", json={"name": "ann"}, timeout=30)
        bob.post(f"{house.url}/chat/session", json={"name": "bob"}, timeout=30)
        body = {"channel": "@~ann", "text": "true", "delivery_key": "direct-key-1"}
        assert ann.post(f"{house.url}/chat/messages", json=body, timeout=30).status_code == 201
        assert bob.post(f"{house.url}/chat/messages", json=body, timeout=30).status_code == 403
        assert bob.get(f"{house.url}/chat/channels/@~ann/messages", timeout=30).status_code == 403
        names = [one["name"] for one in bob.get(f"{house.url}/chat/channels", timeout=30).json()["channels"]]
        assert "@~ann" not in names


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(make_settings(tmp_path_factory.mktemp("locked"), login="always"))
    try:
        yield made
    finally:
        made.stop()


def test_behind_a_login_nothing_is_told_without_a_key(locked: House) -> None:
    for path in ("channels", "channels/ops/messages", "events", "commands", "executions/last"):
        assert requests.get(f"{locked.url}/chat/{path}", timeout=30).status_code == 401
    answer = requests.post(f"{locked.url}/chat/session", json={"name": "eve"}, timeout=30)
    assert answer.status_code == 403


def test_a_key_is_given_once_for_a_session(locked: House) -> None:
    with requests.Session() as person:
        answer = person.post(f"{locked.url}/chat/session", json={"key": locked.key}, timeout=30)
        assert answer.json()["verified"] is True
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert locked.key not in cookie
        assert person.get(f"{locked.url}/chat/channels", timeout=30).status_code == 200
        person.delete(f"{locked.url}/chat/session", timeout=30)
        assert person.get(f"{locked.url}/chat/channels", timeout=30).status_code == 401


def test_a_wrong_key_and_a_forged_session_are_refused(locked: House) -> None:
    wrong = requests.post(f"{locked.url}/chat/session", json={"key": "wrong"}, timeout=30)
    assert wrong.status_code == 401
    with requests.Session() as person:
        person.post(f"{locked.url}/chat/session", json={"key": locked.key}, timeout=30)
        cookie = str(person.cookies.get("stormcrow_session")).strip('"')
    payload, _, signature = cookie.rpartition(".")
    for forged in (f"{payload[:-4]}AAAA.{signature}", f"{payload}.{signature[::-1]}", "x", payload):
        headers = {"cookie": f"stormcrow_session={forged}"}
        assert requests.get(f"{locked.url}/chat/channels", headers=headers, timeout=30).status_code == 401


def test_a_session_ends_with_the_key_that_it_began_with(locked: House) -> None:
    access = locked.engine.access
    clear, key = access.create_key(user="ann", metadata={})
    with requests.Session() as person:
        assert person.post(f"{locked.url}/chat/session", json={"key": clear}, timeout=30).status_code == 200
        assert person.get(f"{locked.url}/chat/channels", timeout=30).status_code == 200
        access.keys.revoke(key.id)
        assert person.get(f"{locked.url}/chat/channels", timeout=30).status_code == 401


def test_a_limited_key_opens_no_chat(locked: House) -> None:
    limits = KeyLimits(scope=Scope(rights=("read",)))
    clear, _ = locked.engine.access.create_key(user="ann", metadata={}, limits=limits)
    answer = requests.post(f"{locked.url}/chat/session", json={"key": clear}, timeout=30)
    assert answer.status_code == 401
    headers = {"St2-Api-Key": clear}
    assert requests.get(f"{locked.url}/chat/channels", headers=headers, timeout=30).status_code == 401


def test_a_name_that_was_picked_before_the_login_was_asked_for_does_not_open_it(locked: House) -> None:
    from bot.adapters.web import guard as guards

    guard = guards.Guard(locked.engine)
    from starlette.responses import Response

    response = Response()
    guard.give(response, guards.Session(user="~eve", name="eve", is_verified=False, expires=2**33))
    cookie = response.headers["set-cookie"].split(";")[0]
    answer = requests.get(f"{locked.url}/chat/channels", headers={"cookie": cookie}, timeout=30)
    assert answer.status_code == 401


def test_data_of_an_answer_is_what_the_action_printed(house: House) -> None:
    body = house.ask("echo echo '<img src=x onerror=alert(1)> @here <!channel>' && true")
    assert "<img src=x onerror=alert(1)> @here <!channel>" in text_of(body)
