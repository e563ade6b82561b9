"""What a chat delivers is stored before it is acknowledged, and worked on once."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.inbox import Inbox
from engine.records.deliveries import Delivery
from engine.service import Engine
from tests.bot.conftest import make_settings


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = Engine(make_settings(tmp_path))
    made.start()
    try:
        yield made
    finally:
        made.stop()


class Worker:
    """Works on deliveries, and remembers them."""

    def __init__(self) -> None:
        self.seen: list[Delivery] = []
        self.failures = 0
        self.changed = threading.Condition()
        self.may_go = threading.Event()
        self.may_go.set()

    def handle(self, delivery: Delivery) -> None:
        assert self.may_go.wait(60)
        with self.changed:
            if self.failures:
                self.failures -= 1
                raise RuntimeError("not today")
            self.seen.append(delivery)
            self.changed.notify_all()

    def until(self, count: int) -> list[str]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.seen) >= count, timeout=60), self.seen
            return [one.key for one in self.seen]


def delivery(key: str, *, lane: str = "C", **body: object) -> Delivery:
    return Delivery(key=key, lane=lane, kind="message", body=body)


def test_a_delivery_is_worked_on_with_its_body(engine: Engine) -> None:
    worker = Worker()
    inbox = Inbox(engine, "slack", worker.handle)
    inbox.start()
    assert inbox.take(delivery("one", text="deploy")).result(60)
    worker.until(1)
    assert worker.seen[0].body == {"text": "deploy"}
    inbox.stop()


def test_the_same_delivery_is_worked_on_once(engine: Engine) -> None:
    worker = Worker()
    inbox = Inbox(engine, "slack", worker.handle)
    inbox.start()
    assert [inbox.take(delivery("one")).result(60) for _ in range(3)] == [True, False, False]
    inbox.take(delivery("two")).result(60)
    assert worker.until(2) == ["one", "two"]
    inbox.stop()


def test_a_lane_keeps_its_order_and_holds_up_no_other(engine: Engine) -> None:
    worker, other = Worker(), Worker()
    worker.may_go.clear()
    inbox = Inbox(engine, "slack", lambda one: (other if one.lane == "D" else worker).handle(one))
    inbox.start()
    for key in ("a", "b", "c"):
        inbox.take(delivery(key))
    inbox.take(delivery("d", lane="D")).result(60)
    other.until(1)
    worker.may_go.set()
    assert worker.until(3) == ["a", "b", "c"]
    inbox.stop()


def test_what_was_not_finished_is_done_by_the_next_server(engine: Engine) -> None:
    first, second = Worker(), Worker()
    inbox = Inbox(engine, "slack", first.handle)
    # Never started: as if it had been killed right after the acknowledgement.
    inbox.take(delivery("one", text="deploy")).result(60)
    again = Inbox(engine, "slack", second.handle)
    again.start()
    assert second.until(1) == ["one"]
    assert second.seen[0].body == {"text": "deploy"}
    assert not again.take(delivery("one")).result(60)
    assert first.seen == []
    again.stop()


def test_a_failure_is_tried_again(engine: Engine) -> None:
    worker = Worker()
    worker.failures = 2
    inbox = Inbox(engine, "slack", worker.handle)
    inbox.start()
    inbox.take(delivery("one")).result(60)
    assert worker.until(1) == ["one"]
    inbox.stop()


def test_what_people_said_stands_nowhere_in_clear_and_is_gone_when_it_is_handled(engine: Engine) -> None:
    worker = Worker()
    worker.may_go.clear()
    inbox = Inbox(engine, "slack", worker.handle)
    inbox.start()
    inbox.take(delivery("one", text="password=hunter2hunter2")).result(60)
    inbox.take(delivery("two")).result(60)
    folder = engine.settings.data_folder
    assert not any(b"hunter2hunter2" in path.read_bytes() for path in folder.glob("stormcrow.db*"))
    worker.may_go.set()
    worker.until(2)
    inbox.stop()
    engine.database.write(lambda _connection: None)
    with engine.database.read() as connection:
        bodies = connection.exec_driver_sql("SELECT body FROM chat_delivery WHERE is_handled").scalars().all()
    assert bodies
    assert set(bodies) == {None}
