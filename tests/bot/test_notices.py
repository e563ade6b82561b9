"""What the engine itself has to say stands in the chat: once, edited, in its thread, and inert."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.terminal import as_lines
from bot.announcer import Announcer
from bot.formatting import as_text
from bot.port import Capabilities
from engine.notices import NOTICE, Notice, tell
from engine.records.execution import ExecutionRequest
from engine.store import chat as store
from engine.store import journal
from tests.bot.conftest import House, make_settings, text_of
from tests.bot.elsewhere import Desk, Elsewhere


def said(house: House, channel: str, words: str) -> list[dict[str, Any]]:
    return [one for one in house.messages(channel) if words in text_of(one["body"])]


def await_one(house: House, channel: str, words: str) -> dict[str, Any]:
    house.wait_for(lambda: bool(said(house, channel, words)))
    (found,) = said(house, channel, words)
    return found


def notice(key: str, text: str, **more: Any) -> Notice:
    return Notice(**{"key": key, "channel": "", "text": text, **more})


def run(house: House, command: str, **chat: Any) -> str:
    """Starts an action whose result is to be told at `chat`."""
    wanted = ExecutionRequest(
        action="core.local", parameters={"cmd": command}, user="ann", context={"chat": chat}
    )
    return house.engine.request(wanted).id


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path, Elsewhere())
    try:
        yield made
    finally:
        made.stop()


def test_a_notice_without_a_channel_stands_in_the_first_one(house: House) -> None:
    house.engine.tell(notice("plain", "disk is full", title="db1", tone="bad"))
    body = await_one(house, "ops", "disk is full")["body"]
    assert (body["title"], body["tone"]) == ("db1", "bad")


def test_the_same_key_edits_the_same_message(house: House) -> None:
    house.engine.tell(notice("edited", "edited: firing", tone="bad"))
    first = await_one(house, "ops", "edited: firing")
    house.engine.tell(notice("edited", "edited: resolved", tone="good"))
    second = await_one(house, "ops", "edited: resolved")
    assert second["id"] == first["id"]
    assert second["edited_at"] is not None
    assert not said(house, "ops", "edited: firing")


def test_a_channel_that_is_not_there_is_made(house: House) -> None:
    house.engine.tell(notice("made", "new channel", channel="#Web Alerts"))
    await_one(house, "web-alerts", "new channel")
    names = [
        one["name"] for one in house.http.get(f"{house.url}/chat/channels", timeout=30).json()["channels"]
    ]
    assert "web-alerts" in names


def test_a_thread_key_puts_it_into_the_thread_of_that_message(house: House) -> None:
    house.engine.tell(notice("root", "the alert", channel="threads"))
    house.engine.tell(notice("leaf", "more about it", thread_key="root"))
    house.engine.tell(notice("twig", "and more", thread_key="leaf"))
    root = await_one(house, "threads", "the alert")
    assert await_one(house, "threads", "more about it")["thread"] == root["id"]
    assert await_one(house, "threads", "and more")["thread"] == root["id"]


def test_a_root_and_its_thread_may_come_in_one_transaction(house: House) -> None:
    def work(connection: Any) -> None:
        tell(connection, notice("both", "both: one", channel="both"))
        tell(connection, notice("both-leaf", "both: leaf", thread_key="both"))
        tell(connection, notice("both", "both: two", channel="both"))

    house.engine.database.write(work)
    leaf = await_one(house, "both", "both: leaf")
    assert leaf["thread"] == await_one(house, "both", "both: two")["id"]


def test_a_thread_of_a_message_that_never_was_is_the_channel_itself(house: House) -> None:
    house.engine.tell(notice("orphan", "no root", channel="orphans", thread_key="nowhere"))
    assert await_one(house, "orphans", "no root")["thread"] is None


def test_many_changes_at_once_are_one_message(house: House) -> None:
    def work(connection: Any) -> None:
        for number in range(300):
            one = notice("storm", f"storm: {number} alerts", channel="storm")
            journal.append(connection, NOTICE, one.key, asdict(one))

    house.engine.database.write(work)
    await_one(house, "storm", "storm: 299 alerts")
    assert len(house.messages("storm")) == 1


def test_commands_are_buttons_and_links_are_links(house: House) -> None:
    house.engine.tell(
        notice(
            "buttons",
            "with buttons",
            commands=(("Silence", "silence db1"),),
            links=(("runbook", "https://wiki.example.org/db1"), ("evil", "javascript:alert(1)")),
            fields=(("host", "db1"),),
        )
    )
    body = await_one(house, "ops", "with buttons")["body"]
    assert [(one["label"], one["command"]) for one in body["buttons"]] == [("Silence", "silence db1")]
    assert body["links"] == [{"label": "runbook", "url": "https://wiki.example.org/db1"}]
    assert ["host", "db1"] in body["pieces"][-1]["rows"]
    assert ["evil", "javascript:alert(1)"] in body["pieces"][-1]["rows"]


def test_the_terminal_shows_links_and_commands_as_words(house: House) -> None:
    house.engine.tell(
        notice(
            "words",
            "in words",
            commands=(("Silence", "silence db2"),),
            links=(("runbook", "https://wiki.example.org/db2"),),
        )
    )
    lines = as_lines(await_one(house, "ops", "in words")["body"], colour=False)
    assert "Silence: silence db2" in lines
    assert "runbook: https://wiki.example.org/db2" in lines


def test_control_characters_and_templates_stay_text(house: House) -> None:
    house.engine.tell(notice("hostile", "hostile \x1b[31mred {{ 7 * 7 }}", title="\u202eevil"))
    body = await_one(house, "ops", "hostile")["body"]
    assert "\x1b" not in text_of(body)
    assert "\u202e" not in text_of(body)
    assert "{{ 7 * 7 }}" in text_of(body)


def test_what_is_for_a_chat_that_does_not_run_is_said_in_the_first(house: House) -> None:
    house.engine.tell(notice("lost", "for slack", adapter="slack", channel="C042"))
    body = await_one(house, "ops", "for slack")["body"]
    assert ["meant for", "slack C042"] in body["pieces"][-1]["rows"]


def test_a_very_long_notice_is_cut_and_says_so(house: House) -> None:
    house.engine.tell(notice("long", "long\n" + "line\n" * 20_000))
    body = await_one(house, "ops", "more lines are left out here")["body"]
    assert len(text_of(body)) < 2 * house.engine.settings.chat.answer_limit


def test_an_execution_answers_in_the_thread_of_its_notice(house: House) -> None:
    house.engine.tell(notice("alert-1", "db1 is slow", channel="db"))
    run(house, "echo the diagnosis", adapter="web", channel="ops", thread_key="alert-1")
    answer = await_one(house, "db", "the diagnosis")
    assert answer["thread"] == await_one(house, "db", "db1 is slow")["id"]
    assert answer["body"]["status"] == "succeeded"


def test_an_execution_that_names_no_chat_answers_in_the_first(house: House) -> None:
    run(house, "echo nobody asked", channel="#Reports")
    assert await_one(house, "reports", "nobody asked")["thread"] is None


def test_an_execution_of_a_chat_that_does_not_run_is_not_told_here(house: House) -> None:
    house.engine.wait(run(house, "echo private words", adapter="slack", channel="C1"), timeout_s=60)
    run(house, "echo told after it", channel="order")
    await_one(house, "order", "told after it")
    assert not said(house, "ops", "private words")


def test_elsewhere_the_same_key_is_edited(desk: Desk) -> None:
    desk.engine.tell(notice("k", "one", channel="C1"))
    desk.adapter.until(1)
    desk.engine.tell(notice("k", "two", channel="C1"))
    assert [kind for kind, _ in desk.adapter.until(2)] == ["post", "edit"]


def test_elsewhere_a_thread_is_found_again_after_a_restart(desk: Desk) -> None:
    desk.engine.tell(notice("root", "root", channel="C1"))
    desk.adapter.until(1)
    House.wait_for(lambda: _is_kept(desk, "root"))
    desk.announcer.stop()
    desk.engine.tell(notice("leaf", "leaf", thread_key="root"))
    again = Announcer(desk.engine, desk.adapter)
    again.start()
    try:
        leaf = desk.adapter.until(2)[-1][1]
        assert (leaf.place.channel, leaf.place.thread) == ("C1", "1")
    finally:
        again.stop()


def _is_kept(desk: Desk, key: str) -> bool:
    with desk.engine.database.read() as connection:
        return key in store.notices(connection, desk.adapter.name, [key])


def test_elsewhere_what_was_sent_is_not_sent_again_when_the_next_fails(desk: Desk) -> None:
    desk.announcer.stop()
    for key in "ab":
        desk.engine.tell(notice(key, key, channel="C1"))
    desk.adapter.fail_after = 1
    again = Announcer(desk.engine, desk.adapter)
    again.start()
    try:
        assert [as_text(one.reply) for _, one in desk.adapter.until(2)] == ["a", "b"]
    finally:
        again.stop()


def test_a_chat_without_edits_and_buttons_gets_words(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Elsewhere(edits=False))
    desk.adapter.capabilities = Capabilities(edits=False, buttons=False)
    try:
        desk.engine.tell(notice("k", "one", channel="C1", commands=(("Silence", "silence k"),)))
        desk.adapter.until(1)
        desk.engine.tell(notice("k", "two", channel="C1"))
        (_, first), (kind, second) = desk.adapter.until(2)
        assert "!silence k" in as_text(first.reply)
        assert (kind, second.place.thread) == ("post", "1")
    finally:
        desk.stop()


def test_settings_choose_the_channel(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    house = House(replace(settings, events=replace(settings.events, channel="operations")))
    try:
        house.engine.tell(notice("chosen", "in operations"))
        await_one(house, "operations", "in operations")
    finally:
        house.stop()


def notified(house: House, command: str, **section: Any) -> None:
    body = {
        "action": "core.local",
        "parameters": {"cmd": command},
        "notify": {"on-complete": section},
    }
    answer = house.http.post(f"{house.url}/api/v1/executions", json=body, timeout=20)
    assert answer.status_code == 201, answer.text


def test_a_notification_shows_the_end_as_an_answer_does(house: House) -> None:
    notified(
        house, "echo all green", message="Nightly build", routes=["chat"], channels=["builds"], data={"n": 7}
    )
    body = await_one(house, "builds", "all green")["body"]
    assert (body["pretext"], body["status"], body["tone"]) == ("Nightly build", "succeeded", "good")
    assert body["pieces"][-1]["rows"] == [["n", "7"]]


def test_a_failure_brings_what_to_do_next(house: House) -> None:
    notified(house, "echo all red; exit 3", routes=["web"], channels=["builds"])
    body = await_one(house, "builds", "all red")["body"]
    assert {one["label"] for one in body["buttons"]} == {"Output", "Run again"}


def test_texts_of_callers_stay_texts_in_a_notification(house: House) -> None:
    notified(house, "true", message="{{ 7 * 7 }} \x1b[31m", routes=["chat"], channels=["texts"])
    body = await_one(house, "texts", "{{ 7 * 7 }}")["body"]
    assert "\x1b" not in body["pretext"]


def test_a_channel_may_name_its_chat(desk: Desk) -> None:
    desk.engine.tell(notice("there", "for them", channel="elsewhere#ops"))
    desk.engine.tell(notice("gone", "for nobody here", channel="irc#ops"))
    first, second = (one for _, one in desk.adapter.until(2))
    assert (first.place.channel, as_text(first.reply)) == ("ops", "for them")
    assert "irc ops" in as_text(second.reply)
