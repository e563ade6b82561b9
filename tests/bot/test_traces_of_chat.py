"""A command of the chat and its answer, as a collector sees them."""

from dataclasses import replace
from pathlib import Path

from bot.chat import Place, Reply, Text
from bot.port import Outgoing
from engine.clock import utcnow
from engine.records.outbox import SAID, OutgoingState
from engine.settings.watching import TracingSettings
from engine.store import outbox
from tests.bot.conftest import House, make_settings
from tests.bot.elsewhere import Desk, Elsewhere
from tests.engine.tracing.collector import collecting
from tests.engine.world import wait_until


def test_a_command_its_action_and_its_answer_are_one_trace(tmp_path: Path) -> None:
    with collecting() as collector:
        wanted = TracingSettings(endpoint=collector.url, delay_s=0.05)
        house = House(replace(make_settings(tmp_path), tracing=wanted))
        try:
            house.ask("echo echo canary-words")
            wait_until(lambda: bool(collector.named("chat answer")), timeout_s=60)
            wait_until(lambda: bool(collector.named("chat command")), timeout_s=60)
        finally:
            house.stop()
    (answer,), (command,) = collector.named("chat answer"), collector.named("chat command")
    (execution,) = collector.named("core.local")
    assert execution.parent == command.id
    assert answer.parent == execution.id
    assert command.trace == execution.trace == answer.trace
    assert command.attributes["stormcrow.chat"] == "web"
    assert b"canary-words" not in collector.raw


def test_an_answer_ends_when_the_chat_has_it(tmp_path: Path) -> None:
    chat = Elsewhere()
    chat.failures = 1_000_000
    with collecting() as collector:
        desk = Desk(tmp_path, chat, tracing=TracingSettings(endpoint=collector.url, delay_s=0.05))
        try:
            desk.say("echo echo words")
            wait_until(lambda: _answer_waits(desk), timeout_s=60)
            before_ns = int(utcnow().timestamp()) * 1_000_000_000
            chat.failures = 0
            wait_until(lambda: bool(collector.named("chat answer")), timeout_s=60)
        finally:
            desk.stop()
    (answer,), (execution,) = collector.named("chat answer"), collector.named("core.local")
    assert answer.parent == execution.id
    assert answer.end_ns >= before_ns
    assert answer.attributes["stormcrow.chat"] == "elsewhere"


def test_an_answer_that_is_edited_later_was_given_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Elsewhere())
    told: list[str] = []
    detach = desk.engine.attach(lambda entries: told.extend(e.subject for e in entries if e.kind == SAID))
    try:
        said = Outgoing(key="k", place=Place(channel="C"), reply=reply_of("working"))
        for one in (
            said,
            replace(said, reply=reply_of("done"), answers="a" * 24),
            replace(said, reply=reply_of("edited")),
        ):
            desk.engine.database.write(desk.adapter.posting_job([one]))
            wait_until(lambda: _state(desk, "k") is OutgoingState.SENT, timeout_s=60)
    finally:
        detach()
        desk.stop()
    assert told == ["a" * 24]


def reply_of(text: str) -> Reply:
    return Reply(pieces=(Text(text=text),))


def _state(desk: Desk, key: str) -> OutgoingState | None:
    with desk.engine.database.read() as connection:
        found = outbox.get(connection, desk.adapter.message_id(key))
    return None if found is None else found.state


def _answer_waits(desk: Desk) -> bool:
    with desk.engine.database.read() as connection:
        return any(one.answers for one in outbox.waiting(connection, "elsewhere"))
