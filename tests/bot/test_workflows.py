"""A workflow in the chat: one message with a live tree, steered and explained by words."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.formatting import as_text
from tests.bot.conftest import House, make_settings, text_of
from tests.bot.elsewhere import Desk, Elsewhere
from tests.bot.flows import branches, write_flows

MARKUP = """
    version: 1.0
    tasks:
      first:
        action: core.local
        input: {cmd: "printf '%s' '<b onclick=x>&' >&2; printf '\\\\033[31m'; false"}
    output:
      - said: "<script>document.title = 1</script>"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("flows")


@pytest.fixture(scope="module")
def house(folder: Path) -> Iterator[House]:
    write_flows(folder, {"markup": MARKUP})
    made = House(make_settings(folder))
    try:
        yield made
    finally:
        made.stop()


def answer(house: House, message_id: str) -> dict[str, Any]:
    found = house.answers(message_id)
    return dict(found[0]["body"]) if found else {}


def until(house: House, message_id: str, status: str) -> dict[str, Any]:
    house.wait_for(lambda: answer(house, message_id).get("status") == status, timeout_s=60)
    return answer(house, message_id)


def labels(body: dict[str, Any]) -> list[str]:
    return [button["label"] for button in body.get("buttons", [])]


def test_a_workflow_is_one_message_with_the_tree_of_its_tasks(house: House) -> None:
    message_id = house.say("flow chain")
    body = until(house, message_id, "succeeded")
    assert len(house.answers(message_id)) == 1
    assert [(one["name"], one["status"]) for one in branches(body)] == [
        ("first", "succeeded"),
        ("second", "succeeded"),
    ]
    assert "two" in text_of(body)
    tree = next(piece for piece in body["pieces"] if piece["kind"] == "tree")
    assert tree["is_folded"] is True
    assert tree["title"] == "2 tasks: 2 succeeded"


def test_the_way_to_the_output_of_a_task_is_its_id(house: House) -> None:
    body = until(house, house.say("flow chain"), "succeeded")
    second = branches(body)[1]["execution_id"]
    assert "two" in text_of(house.ask(f"output {second[-6:]}"))


def test_the_tasks_of_a_sub_workflow_stand_in_the_same_tree(house: House) -> None:
    body = until(house, house.say("flow outer"), "succeeded")
    assert [(one["depth"], one["name"]) for one in branches(body)] == [
        (0, "before"),
        (0, "inside"),
        (1, "first"),
        (1, "second"),
    ]


def test_items_are_counted(house: House) -> None:
    body = until(house, house.say("flow items"), "succeeded")
    (each,) = branches(body)
    assert each["note"] == "6/6 items"


def test_a_failure_says_where_and_goes_on_from_there(house: House, folder: Path) -> None:
    (folder / "mark").unlink(missing_ok=True)
    body = until(house, house.say("flow broken"), "failed")
    assert "second failed:" in text_of(body)
    assert "no mark" in text_of(body)
    assert labels(body) == ["Retry from second", "Output", "Run again"]
    tree = next(piece for piece in body["pieces"] if piece["kind"] == "tree")
    assert tree.get("is_folded", False) is False
    (folder / "mark").write_text("here", encoding="utf-8")
    message_id = house.say(body["buttons"][0]["command"])
    again = until(house, message_id, "succeeded")
    assert [one["name"] for one in branches(again)].count("first") == 1
    assert again["execution_id"] != body["execution_id"]


def test_retry_from_a_task_that_is_named(house: House, folder: Path) -> None:
    (folder / "mark").write_text("here", encoding="utf-8")
    done = until(house, house.say("flow broken"), "succeeded")
    again = until(house, house.say(f"retry {done['execution_id'][-6:]} from first"), "succeeded")
    assert [one["name"] for one in branches(again)].count("first") == 2


def test_what_was_undone_is_said_and_cannot_be_retried(house: House) -> None:
    body = until(house, house.say("flow undoing"), "failed")
    notes = [(one["name"], one["status"], one["note"]) for one in branches(body)]
    assert notes == [
        ("first", "succeeded", "undone"),
        ("second", "succeeded", "⚠ its undo failed"),
        ("third", "failed", ""),
    ]
    assert labels(body) == ["Output", "Run again"]
    word = body["execution_id"][-6:]
    for text in (f"retry {word}", f"retry {word} from second"):
        assert "was undone, so it cannot go on" in text_of(house.ask(text))
    assert f"rerun {word}" in text_of(house.ask(f"why {word}"))


def test_there_is_nothing_to_retry_in_what_went_well(house: House) -> None:
    done = until(house, house.say("flow chain"), "succeeded")
    said = text_of(house.ask(f"retry {done['execution_id'][-6:]}"))
    assert "No task of flow.chain has failed." in said


@pytest.mark.parametrize("verb", ["pause", "resume", "retry"])
def test_only_workflows_are_paused_and_retried(house: House, verb: str) -> None:
    done = house.ask("true")
    assert house.ask(f"{verb} {done['execution_id'][-6:]}")["tone"] == "warning"


def test_a_workflow_is_paused_and_goes_on(house: House) -> None:
    message_id = house.say("flow slow")
    house.wait_for(lambda: "Pause" in labels(answer(house, message_id)))
    word = answer(house, message_id)["execution_id"][-6:]
    assert "pauses" in text_of(house.ask(f"pause {word}"))
    house.wait_for(lambda: house.engine.execution(word).status == "paused", timeout_s=60)
    assert "It was paused by admin" in text_of(house.ask(f"why {word}"))
    assert "goes on" in text_of(house.ask(f"resume {word}"))
    assert len(branches(until(house, message_id, "succeeded"))) == 3


def test_a_workflow_is_cancelled(house: House) -> None:
    message_id = house.say("flow slow")
    house.wait_for(lambda: bool(answer(house, message_id)))
    word = answer(house, message_id)["execution_id"][-6:]
    house.say(f"cancel {word}")
    body = until(house, message_id, "canceled")
    assert "Run again" in labels(body)
    assert "cancelled by admin" in text_of(house.ask(f"why {word}"))


def test_a_workflow_that_waits_for_people_says_so_everywhere(house: House) -> None:
    message_id = house.say("flow gate")
    house.wait_for(lambda: any(one["status"] == "pending" for one in branches(answer(house, message_id))))
    body = answer(house, message_id)
    ask = branches(body)[1]
    assert "admin, ann or ~ann, until" in ask["note"]
    assert f"approve {ask['execution_id'][-6:]}" in text_of(body)
    assert "Resume" not in labels(body)
    word = body["execution_id"][-6:]
    why = text_of(house.ask(f"why {word}"))
    assert "It waits for admin, ann or ~ann" in why
    assert f"Say: approve {ask['execution_id'][-6:]}" in why
    assert "for your answer" in text_of(house.ask("status"))
    assert "waits for an answer" in text_of(house.ask(f"status {word}"))
    assert "To answer:" in text_of(house.ask(f"status {ask['execution_id'][-6:]}"))
    house.say(f"approve {ask['execution_id'][-6:]}")
    assert [one["name"] for one in branches(until(house, message_id, "succeeded"))][-1] == "after"


def test_a_workflow_that_rests_is_shown_so_to_whoever_comes_later(house: House) -> None:
    message_id = house.say("flow gate")
    house.wait_for(lambda: any(one["status"] == "pending" for one in branches(answer(house, message_id))))
    stored = answer(house, message_id)
    assert "Waits for an answer: !approve" in text_of(stored)
    house.say(f"approve {branches(stored)[1]['execution_id'][-6:]}")
    until(house, message_id, "succeeded")


def test_the_question_of_a_task_stands_in_the_thread_of_the_workflow(house: House) -> None:
    message_id = house.say("flow gate")
    asked: list[dict[str, Any]] = []

    def is_asked() -> bool:
        asked[:] = [
            one for one in house.messages() if one["thread"] == message_id and one["body"].get("prompt")
        ]
        return bool(asked)

    house.wait_for(is_asked)
    assert "flow.gate" in text_of(asked[0]["body"])
    assert "echo deployed" in text_of(asked[0]["body"])
    house.say(f"reject {asked[0]['body']['prompt']['id'][-6:]}")
    body = until(house, message_id, "failed")
    assert "Rejected by admin" in text_of(house.ask(f"why {body['execution_id'][-6:]}"))
    assert "Rejected" in text_of(body)


def test_output_and_status_show_the_tasks(house: House) -> None:
    done = until(house, house.say("flow chain"), "succeeded")
    word = done["execution_id"][-6:]
    for verb in ("output", "status"):
        assert [one["name"] for one in branches(house.ask(f"{verb} {word}"))] == ["first", "second"]


def test_what_tasks_say_stays_text(house: House) -> None:
    body = until(house, house.say("flow markup"), "failed")
    assert "<b onclick=x>" in text_of(body)
    assert "\x1b" not in str(body)


@pytest.mark.parametrize("verb", ["pause", "resume", "retry", "why"])
def test_an_unknown_id_is_refused(house: House, verb: str) -> None:
    assert house.ask(f"{verb} ffffffffffff")["tone"] == "warning"


def test_the_details_have_the_tree_too(house: House) -> None:
    done = until(house, house.say("flow chain"), "succeeded")
    found = house.http.get(f"{house.url}/chat/executions/{done['execution_id']}", timeout=30).json()
    assert [one["name"] for one in found["about"][0]["branches"]] == ["first", "second"]


def test_elsewhere_a_workflow_is_edited_only_when_it_has_changed(tmp_path: Path) -> None:
    write_flows(tmp_path)
    desk = Desk(tmp_path, Elsewhere())
    try:
        desk.say("flow slow")
        said = desk.adapter.until(1, status="succeeded")
        assert len([kind for kind, _ in said if kind == "post"]) == 1
        texts = [as_text(one.reply) for _, one in said]
        # Three tasks one after the other: each change is shown once at most.
        assert 2 <= len(texts) <= 8
        assert "second" in texts[-1]
        assert len(set(texts)) == len(texts)
    finally:
        desk.stop()
