"""What a chat sees of policies: who waits where, and tries that become one answer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.formatting import as_text
from bot.wording import ordinal
from engine.service import Engine
from tests.bot.conftest import House, make_settings, text_of
from tests.bot.elsewhere import Desk, Elsewhere


def put(engine: Engine, kind: str, **parameters: Any) -> None:
    document = {"name": kind.replace(".", "_"), "resource_ref": "core.local", "policy_type": kind}
    engine.stored.put("policy", {**document, "parameters": parameters}, user="admin")


@pytest.fixture
def own(tmp_path: Path) -> Iterator[House]:
    """A house of its own: policies hold for all of its commands."""
    made = House(make_settings(tmp_path))
    yield made
    made.stop()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path, Elsewhere())
    yield made
    made.stop()


def failing(folder: Path, times: int) -> str:
    """A command that fails so often."""
    ledger = folder / "tries"
    return f"echo >> {ledger}; echo try $(wc -l < {ledger}); test $(wc -l < {ledger}) -gt {times}"


def test_a_retry_is_one_message_and_its_last_try_is_the_answer(own: House, tmp_path: Path) -> None:
    put(own.engine, "action.retry", retry_on="failure")
    message_id = own.say(f"echo {failing(tmp_path, 2)}")
    own.wait_for(lambda: [one["body"]["status"] for one in own.answers(message_id)] == ["succeeded"])
    (answer,) = own.answers(message_id)
    assert "try 3" in text_of(answer["body"])


def text_of_answer(message: dict[str, Any]) -> str:
    return text_of(message["body"])


def test_the_button_beside_it_cancels_the_next_try(own: House) -> None:
    put(own.engine, "action.retry", retry_on="failure", delay=100)
    message_id = own.say("echo false")
    own.wait_for(
        lambda: (
            "Failed, trying again in 100 s (1 of 2)." in "".join(map(text_of_answer, own.answers(message_id)))
        )
    )
    (answer,) = own.answers(message_id)
    (cancel,) = [one["command"] for one in answer["body"]["buttons"] if one["label"] == "Cancel"]
    own.say(cancel)
    own.wait_for(lambda: [one["body"]["status"] for one in own.answers(message_id)] == ["canceled"])


def test_a_retry_edits_the_message_of_a_chat_elsewhere(desk: Desk, tmp_path: Path) -> None:
    put(desk.engine, "action.retry", retry_on="failure")
    desk.say(f"echo {failing(tmp_path, 2)}")
    said = desk.adapter.until(1, status="succeeded")
    assert [kind for kind, _ in said].count("post") == 1
    assert {one.key for _, one in said} == {said[0][1].key}


def test_a_chat_elsewhere_hears_which_try_comes_next(desk: Desk) -> None:
    put(desk.engine, "action.retry", retry_on="failure", delay=100)
    desk.say("echo false")
    said = desk.adapter.until(1, status="requested")
    assert "(1 of 2)" in as_text(said[-1][1].reply)


def test_after_a_restart_the_retry_still_finds_its_message(desk: Desk, tmp_path: Path) -> None:
    put(desk.engine, "action.retry", retry_on="failure", delay=1.5)
    desk.say(f"echo {failing(tmp_path, 1)}")
    desk.adapter.until(1, status="requested")
    desk.restart()
    said = desk.adapter.until(1, status="succeeded")
    assert [kind for kind, _ in said].count("post") == 1
    assert said[-1][0] == "edit"


def test_who_waits_is_shown_where_it_stands(own: House, tmp_path: Path) -> None:
    put(own.engine, "action.concurrency", threshold=1)
    gate = tmp_path / "gate"
    command = f"echo while [ ! -e {gate} ]; do sleep 0.05; done"
    first = own.say(command)
    own.wait_for(lambda: own.engine.running == 1)
    second = own.say(command)
    own.wait_for(lambda: len(own.answers(second)) == 1)
    third = own.say(command)
    own.wait_for(lambda: len(own.answers(third)) == 1)
    newest = own.engine.execution("last")
    (answer,) = own.answers(third)
    assert answer["body"]["status"] == "delayed"
    assert "Waits for policy default.action_concurrency: 2nd of 2 in line, behind " in text_of(answer["body"])
    listed = text_of(own.ask("status"))
    assert "delayed, 1st of 2" in listed
    detail = text_of(own.ask(f"status {newest.id[-8:]}"))
    assert "at most 1 at once" in detail
    shown = own.http.get(f"{own.url}/chat/executions/{newest.id}", timeout=30).json()["policies"]
    assert [name for name, _ in shown] == ["policy", "line"]
    gate.touch()
    for message_id in (first, second, third):
        own.wait_for(
            lambda wanted=message_id: [one["body"]["status"] for one in own.answers(wanted)] == ["succeeded"]
        )


def test_what_a_policy_cancels_says_why(own: House, tmp_path: Path) -> None:
    put(own.engine, "action.concurrency", threshold=1, action="cancel")
    gate = tmp_path / "gate"
    own.say(f"echo while [ ! -e {gate} ]; do sleep 0.05; done")
    own.wait_for(lambda: own.engine.running == 1)
    answer = own.ask("true")
    gate.touch()
    assert answer["status"] == "canceled"
    assert "at most 1 at once" in text_of(answer)


def test_ordinals() -> None:
    assert [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 22, 111)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "111th",
    ]  # fmt: skip
