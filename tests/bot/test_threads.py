"""Commands that name no execution: in its thread, and elsewhere."""

import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from engine.records.execution import ExecutionFilter
from tests.bot.conftest import House, make_settings, text_of
from tests.bot.elsewhere import Desk, Elsewhere

SECRETS = {
    "pack.yaml": "{name: quiet, ref: quiet, description: Secrets, version: 1.0.0, author: Tests}",
    "actions/login.yaml": "{name: login, runner_type: noop, parameters: "
    "{host: {type: string}, word: {type: string, secret: true}}}",
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("threads")
    settings = make_settings(folder)
    for name, text in SECRETS.items():
        path = folder / "packs" / "quiet" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "aliases" / "login.yaml").write_text(
        "{name: login, action_ref: quiet.login, formats: ['login {{host}} {{word}}']}", encoding="utf-8"
    )
    (folder / "aliases" / "fixed.yaml").write_text(
        "{name: fixed, action_ref: core.local, formats: ['fixed {{timeout}}'],"
        " immutable_parameters: {cmd: 'echo fixed'}}",
        encoding="utf-8",
    )
    made = House(settings)
    try:
        yield made
    finally:
        made.stop()


def ended(house: House, text: str, **more: object) -> str:
    """The id of the message, when its answer is final."""
    key = secrets.token_hex(8)
    house.ask(text, key=key, **more)
    return house.say(text, key=key, **more)


def test_in_its_thread_an_execution_needs_no_id(house: House) -> None:
    thread = ended(house, "echo printf '%s\\n' one two three")
    ended(house, "echo echo elsewhere")
    assert "three" in text_of(house.ask("logs", thread=thread))
    assert text_of(house.ask("logs 1", thread=thread)).splitlines()[-1] == "three"
    assert "core.local" in text_of(house.ask("status", thread=thread))
    assert "It went well" in text_of(house.ask("why", thread=thread))
    assert "one" in text_of(house.ask("rerun", thread=thread))


def test_with_runs_it_again_with_other_parameters(house: House) -> None:
    thread = ended(house, "echo echo first")
    body = house.ask("with cmd='echo second'", thread=thread)
    assert body["status"] == "succeeded"
    assert "second" in text_of(body)
    # The newest in the thread is meant from now on.
    assert "second" in text_of(house.ask("output", thread=thread))
    assert "third" in text_of(house.ask("rerun with cmd='echo third'", thread=thread))


def test_outside_of_a_thread_the_last_of_the_person_is_meant_and_said(house: House) -> None:
    ended(house, "echo echo nearby", channel="side")
    text = text_of(house.ask("logs", channel="side"))
    assert re.search(r"You named none, so this is your last here: core\.local [0-9a-f]{6}\.", text)
    assert "nearby" in text


def test_a_rerun_outside_of_a_thread_says_what_it_starts_again(house: House) -> None:
    ended(house, "echo echo again", channel="repeats")
    message_id = house.say("rerun", channel="repeats")
    house.wait_for(lambda: len(house.answers(message_id, "repeats")) == 2)
    texts = "\n".join(text_of(one["body"]) for one in house.answers(message_id, "repeats"))
    assert "I start your last here again: core.local" in texts


def test_where_nothing_was_started_it_says_so(house: House) -> None:
    body = house.ask("why", channel="empty")
    assert "You have started nothing here yet" in text_of(body)
    assert "why ID" in text_of(body)


def test_the_last_of_somebody_else_is_not_meant(house: House) -> None:
    ended(house, "echo echo hers", channel="shared")
    with requests.Session() as eve:
        eve.post(f"{house.url}/chat/session", json={"name": "eve"}, timeout=30)
        body = {"channel": "shared", "text": "logs", "direct": True, "delivery_key": "eve-looks"}
        sent = eve.post(f"{house.url}/chat/messages", json=body, timeout=30)
        assert sent.status_code == 201
    house.wait_for(lambda: bool(house.answers(sent.json()["id"], "shared")))
    (answer,) = house.answers(sent.json()["id"], "shared")
    assert "You have started nothing here yet" in text_of(answer["body"])


def test_cancel_in_the_thread_stops_what_runs(house: House) -> None:
    thread = house.say("echo sleep 60")
    house.wait_for(lambda: bool(house.answers(thread)))
    house.ask("cancel", thread=thread)
    house.wait_for(lambda: house.answers(thread)[0]["body"]["status"] == "canceled")


def test_what_chat_may_not_give_is_refused(house: House) -> None:
    thread = ended(house, "fixed 30")
    before = house.engine.executions(ExecutionFilter())[1]
    assert "fixes cmd" in text_of(house.ask("with cmd='rm -rf /'", thread=thread))
    assert "cannot be given in chat" in text_of(house.ask("with sudo=true", thread=thread))
    assert "has no parameter" in text_of(house.ask("with nonsense=1", thread=thread))
    assert "something else stands between them" in text_of(house.ask("with timeout=9 please", thread=thread))
    assert house.engine.executions(ExecutionFilter())[1] == before
    assert house.ask("with timeout=31", thread=thread)["status"] == "succeeded"


def test_a_secret_that_is_changed_is_not_kept(house: House) -> None:
    thread = ended(house, "login db1 s3cr3t-one")
    house.ask("with word=s3cr3t-two", thread=thread)
    assert "s3cr3t" not in str(house.messages())
    newest = house.engine.execution("last")
    assert newest.parameters == {"host": "db1", "word": "********"}


def test_what_is_given_is_data_and_no_template(house: House) -> None:
    thread = ended(house, "login db1 word")
    house.ask("with host='{{ 6 * 7 }}'", thread=thread)
    assert house.engine.execution("last").parameters["host"] == "{{ 6 * 7 }}"


def test_in_the_thread_of_another_chat_the_execution_is_found(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Elsewhere())
    try:
        desk.say("echo echo far away")
        desk.adapter.until(1, status="succeeded")
        desk.say("logs", thread="m1")
        said = desk.adapter.until(2)
        assert "far away" in str(said[-1][1].reply)
    finally:
        desk.stop()
