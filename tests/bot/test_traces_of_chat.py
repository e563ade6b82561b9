"""A command of the chat and its answer, as a collector sees them."""

from dataclasses import replace
from pathlib import Path

from engine.settings.watching import TracingSettings
from tests.bot.conftest import House, make_settings
from tests.engine.tracing.collector import collecting
from tests.engine.world import wait_until


def test_a_command_its_action_and_its_answer_are_one_trace(tmp_path: Path) -> None:
    with collecting() as collector:
        wanted = TracingSettings(endpoint=collector.url, delay_s=0.05)
        house = House(replace(make_settings(tmp_path), tracing=wanted))
        try:
            house.ask("echo echo canary-words")
            wait_until(lambda: bool(collector.named("chat answer")), timeout_s=30)
            wait_until(lambda: bool(collector.named("chat command")), timeout_s=30)
        finally:
            house.stop()
    (answer,), (command,) = collector.named("chat answer"), collector.named("chat command")
    (execution,) = collector.named("core.local")
    assert execution.parent == command.id
    assert answer.parent == execution.id
    assert command.trace == execution.trace == answer.trace
    assert command.attributes["stormcrow.chat"] == "web"
    assert b"canary-words" not in collector.raw
