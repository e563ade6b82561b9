"""Slack, played by the emulator: how soon a message is acknowledged and answered, bursts, failing sockets."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.serving import Server, percentile, report, server
from bot.slack_emulator.deliveries import Delivery
from bot.slack_emulator.emulator import Emulator
from bot.slack_emulator.seen import Seen

PERSON = "ann"
# Those of the burst: one person alone would be told to wait (limits.chat_user_burst).
CROWD = tuple(f"person-{number}" for number in range(10))
CHANNELS = tuple(f"ops-{number:02}" for number in range(50))
# In one channel Slack takes one message a second: each channel is used again after a longer time.
LINES = 200
PAUSE_S = 0.05
RUNNING = 100
BURST = 500
LIMIT_S = 60.0


def main() -> None:
    with (
        TemporaryDirectory() as temporary,
        slack() as emulator,
        connected(emulator, Path(temporary)) as running,
    ):
        answers(emulator)
        acknowledgements(emulator, running)
        burst(emulator)
        reconnects(emulator)


@contextmanager
def slack() -> Iterator[Emulator]:
    with Emulator() as emulator:
        for person in (PERSON, *CROWD):
            emulator.add_user(person)
        for channel in CHANNELS:
            emulator.add_channel(channel, members=[PERSON, *CROWD])
        yield emulator


@contextmanager
def connected(emulator: Emulator, folder: Path) -> Iterator[Server]:
    """A server of its own process that has its sockets open."""
    given = {
        "STORMCROW_SLACK__BASE_URL": emulator.url,
        "STORMCROW_SLACK__BOT_TOKEN": emulator.bot_token,
        "STORMCROW_SLACK__APP_TOKEN": emulator.app_token,
    }
    with server(folder, variables=given) as running:
        emulator.wait_for(lambda: emulator.socket_count >= 2, timeout_s=LIMIT_S)
        yield running


def answers(emulator: Emulator) -> None:
    """From the moment Slack has a message to the moment it has the answer, one command at a time."""
    took = []
    for number in range(LINES):
        started = time.perf_counter()
        asked = emulator.say(PERSON, CHANNELS[number % len(CHANNELS)], "!quick")
        emulator.wait_for(lambda asked=asked: answered(emulator, asked), timeout_s=LIMIT_S)
        took.append((time.perf_counter() - started) * 1000)
        time.sleep(PAUSE_S)
    report("Slack message to posted answer, /bin/true, p50", percentile(took, 50), "ms", "< 40")
    report("Slack message to posted answer, /bin/true, p99", percentile(took, 99), "ms", "")


def acknowledgements(emulator: Emulator, running: Server) -> None:
    """While so many executions run."""
    connection = running.connect()
    started = [
        running.ask(
            connection,
            "POST",
            "/v1/executions",
            {"action": "core.local", "parameters": {"cmd": "sleep 300", "timeout": 300}},
        )["id"]
        for _ in range(RUNNING)
    ]
    before = len(emulator.deliveries("message"))
    for number in range(LINES):
        emulator.say(PERSON, CHANNELS[number % len(CHANNELS)], "!quick")
        time.sleep(PAUSE_S)
    sent = acknowledged(emulator, before, LINES)
    took = [(each.acked_after_s or LIMIT_S) * 1000 for each in sent]
    report(
        "Slack message to committed and acknowledged, 100 executions running, p50",
        percentile(took, 50),
        "ms",
        "",
    )
    report("the same, p99", percentile(took, 99), "ms", "< 200")
    for execution_id in started:
        running.ask(connection, "DELETE", f"/v1/executions/{execution_id}")


def burst(emulator: Emulator) -> None:
    """All at once, over all channels."""
    before = len(emulator.deliveries("message"))
    asked = [
        emulator.say(CROWD[number % len(CROWD)], CHANNELS[number % len(CHANNELS)], "!quick")
        for number in range(BURST)
    ]
    sent = acknowledged(emulator, before, BURST)
    report(
        "burst of 500 messages over 50 channels: the last acknowledgement after",
        max(each.acked_after_s or LIMIT_S for each in sent),
        "s",
        "< 3",
    )
    started = time.perf_counter()
    emulator.wait_for(lambda: not unanswered(emulator, asked), timeout_s=LIMIT_S)
    report("... the last answer after", time.perf_counter() - started, "s", "")
    by_thread = Counter(each.thread_ts for channel in CHANNELS for each in emulator.messages(channel))
    report("... answered more than once", sum(by_thread[each.ts] > 1 for each in asked), "", "< 1")


def reconnects(emulator: Emulator) -> None:
    """How long the next message takes to its acknowledgement when one socket has failed, or all of them."""
    for name, goal, fault in (
        ("a refresh", "< 0.1", lambda: emulator.trouble.refresh_sockets(1)),
        ("a close of one socket", "< 0.1", lambda: emulator.trouble.close_sockets(1)),
        ("a reset of one socket", "< 0.1", lambda: emulator.trouble.reset_sockets(1)),
        ("a close of all sockets", "", emulator.trouble.close_sockets),
        ("a reset of all sockets", "< 10", emulator.trouble.reset_sockets),
    ):
        emulator.wait_for(lambda: emulator.socket_count >= 2, timeout_s=LIMIT_S)
        fault()
        before = len(emulator.deliveries("message"))
        started = time.perf_counter()
        emulator.say(PERSON, CHANNELS[0], "!quick")
        acknowledged(emulator, before, 1)
        report(f"Slack message after {name}: acknowledged after", time.perf_counter() - started, "s", goal)


def acknowledged(emulator: Emulator, before: int, count: int) -> list[Delivery]:
    """The messages of people after the first `before` deliveries, as soon as all have been acknowledged."""

    def all_of_them() -> list[Delivery]:
        sent = [each for each in emulator.deliveries("message")[before:] if by_person(each)]
        return sent if len(sent) >= count and all(each.is_acknowledged for each in sent) else []

    return emulator.wait_for(all_of_them, timeout_s=LIMIT_S)


def by_person(delivery: Delivery) -> bool:
    return "bot_id" not in delivery.payload["event"]


def answered(emulator: Emulator, asked: Seen) -> bool:
    return len(emulator.thread(asked)) > 1


def unanswered(emulator: Emulator, asked: list[Seen]) -> list[Seen]:
    return [each for each in asked if not answered(emulator, each)]


if __name__ == "__main__":
    main()
