"""What is said to a chat that is not our own arrives once, in order, and as its newest version."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.chat import Place, Reply, Text
from bot.formatting import as_text
from bot.port import Outgoing
from engine.records.outbox import OutgoingState
from engine.store import outbox as store
from tests.bot.elsewhere import Desk, Elsewhere


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path, Elsewhere())
    try:
        yield made
    finally:
        made.stop()


def message(
    text: str, *, key: str = "", channel: str = "C", thread: str | None = None, may_replace: bool = True
) -> Outgoing:
    return Outgoing(
        key=key or text,
        place=Place(channel=channel, thread=thread),
        reply=Reply(pieces=(Text(text=text),)),
        may_replace=may_replace,
    )


def say(desk: Desk, *messages: Outgoing) -> None:
    desk.engine.database.write(desk.adapter.posting_job(messages))


def texts(desk: Desk, count: int) -> list[tuple[str, str]]:
    return [(kind, as_text(one.reply)) for kind, one in desk.adapter.until(count)]


def states(desk: Desk, *keys: str) -> list[OutgoingState | None]:
    with desk.engine.database.read() as connection:
        found = [store.get(connection, desk.adapter.message_id(key)) for key in keys]
    return [one.state if one else None for one in found]


def wait_for(desk: Desk, key: str, state: OutgoingState) -> None:
    until = time.monotonic() + 60
    while states(desk, key) != [state]:
        assert time.monotonic() < until, states(desk, key)
        time.sleep(0.02)


def test_messages_of_a_channel_keep_their_order(desk: Desk) -> None:
    say(desk, *(message(str(number)) for number in range(20)))
    assert texts(desk, 20) == [("post", str(number)) for number in range(20)]


def test_the_same_key_is_the_same_message(desk: Desk) -> None:
    say(desk, message("one", key="k"))
    desk.adapter.until(1)
    wait_for(desk, "k", OutgoingState.SENT)
    say(desk, message("two", key="k"))
    assert texts(desk, 2) == [("post", "one"), ("edit", "two")]


def test_of_versions_that_wait_only_the_newest_is_sent(desk: Desk) -> None:
    desk.adapter.failures = 1_000
    for number in range(5):
        say(desk, message(str(number), key="k"))
    desk.adapter.failures = 0
    wait_for(desk, "k", OutgoingState.SENT)
    said = texts(desk, 1)
    assert said[-1][1] == "4"
    assert len(said) <= 2


def test_a_message_that_stays_is_not_replaced(desk: Desk) -> None:
    say(desk, message("one", key="k"))
    say(desk, message("two", key="k", may_replace=False), message("end"))
    assert texts(desk, 2) == [("post", "one"), ("post", "end")]


def test_after_an_unknown_outcome_the_chat_is_asked_before_it_is_sent_again(desk: Desk) -> None:
    desk.adapter.lost = 1
    say(desk, message("one"))
    wait_for(desk, "one", OutgoingState.SENT)
    assert [kind for kind, _ in desk.adapter.said].count("post") == 1
    assert desk.adapter.searches == 1


def test_what_was_queued_before_a_crash_is_looked_up_and_sent_once(desk: Desk) -> None:
    desk.adapter.lost = 1_000
    say(desk, message("arrived"))
    desk.adapter.until(1)
    desk.adapter.stop()
    say(desk, message("waits"))
    desk.adapter.lost = 0
    desk.restart()
    wait_for(desk, "waits", OutgoingState.SENT)
    wait_for(desk, "arrived", OutgoingState.SENT)
    posts = [as_text(one.reply) for kind, one in desk.adapter.said if kind == "post"]
    assert posts == ["arrived", "waits"]


def test_what_a_chat_never_takes_does_not_hold_up_the_rest(desk: Desk) -> None:
    desk.adapter.refuses = "poison"
    say(desk, message("poison"), message("after"))
    assert texts(desk, 1) == [("post", "after")]
    assert states(desk, "poison") == [OutgoingState.REFUSED]


def test_channels_do_not_wait_for_each_other(desk: Desk) -> None:
    desk.adapter.pause_s = 30.0
    say(desk, message("one"), message("two"), message("elsewhere", channel="D"))
    assert {text for _, text in texts(desk, 2)} == {"one", "elsewhere"}


def test_a_burst_goes_at_once_and_then_in_step(desk: Desk) -> None:
    desk.adapter.pause_s, desk.adapter.burst = 0.3, 3
    started = time.monotonic()
    say(desk, *(message(str(number)) for number in range(5)))
    desk.adapter.until(5)
    # Two of five had to wait for their turn.
    assert time.monotonic() - started >= 0.5


def test_a_thread_of_ours_is_named_by_the_id_of_the_chat(desk: Desk) -> None:
    say(desk, message("root"), message("answer", thread=desk.adapter.message_id("root")))
    _, answer = desk.adapter.until(2)[1]
    assert answer.place.thread == "1"


def test_a_passing_state_is_shown_only_where_the_message_stands(desk: Desk) -> None:
    desk.adapter.show(message("too early", key="k"))
    say(desk, message("one", key="k"))
    wait_for(desk, "k", OutgoingState.SENT)
    desk.adapter.show(message("passing", key="k"))
    said = texts(desk, 2)
    assert said[-1] == ("edit", "passing")
    assert ("post", "too early") not in said
