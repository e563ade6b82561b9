"""The journal and its readers: in order, at least once, woken and not polled."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection

from engine.records.journal import JournalEntry
from engine.store import journal, reader
from engine.store.database import Database
from engine.store.reader import JournalReader


def append(database: Database, subject: str, kind: str = "kind") -> int:
    return database.write(lambda connection: journal.append(connection, kind, subject, {"of": subject}))


class Collected:
    """A handler that keeps what it was given."""

    def __init__(self) -> None:
        self.subjects: list[str] = []
        self.changed = threading.Condition()

    def __call__(self, entries: list[JournalEntry]) -> Callable[[Connection], object] | None:
        with self.changed:
            self.subjects.extend(entry.subject for entry in entries)
            self.changed.notify_all()
        return None

    def wait_for(self, subjects: list[str]) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.subjects == subjects, 5), self.subjects


def test_entries_come_back_as_they_were_written(database: Database) -> None:
    entry_id = append(database, "x")
    with database.read() as connection:
        (entry,) = journal.entries_after(connection, entry_id - 1)
    assert (entry.id, entry.kind, entry.subject, entry.data) == (entry_id, "kind", "x", {"of": "x"})


def test_a_new_reader_starts_at_the_end(database: Database) -> None:
    append(database, "before")
    seen = Collected()
    made = JournalReader(database, "new", seen, kinds=["kind"])
    append(database, "after")
    seen.wait_for(["after"])
    made.stop()


def test_a_reader_goes_on_where_it_stopped(database: Database) -> None:
    first = Collected()
    made = JournalReader(database, "mine", first, kinds=["kind"])
    append(database, "one")
    first.wait_for(["one"])
    made.stop()
    append(database, "two")
    append(database, "three")
    second = Collected()
    again = JournalReader(database, "mine", second, kinds=["kind"])
    second.wait_for(["two", "three"])
    again.stop()


def test_a_reader_sees_only_its_kinds(database: Database) -> None:
    seen = Collected()
    made = JournalReader(database, "some", seen, kinds=["mine"])
    append(database, "theirs", kind="theirs")
    append(database, "mine", kind="mine")
    seen.wait_for(["mine"])
    made.stop()


def test_what_a_handler_returns_is_committed_with_the_cursor(database: Database) -> None:
    done = threading.Event()

    def handle(entries: list[JournalEntry]) -> Callable[[Connection], object]:
        def job(connection: Connection) -> None:
            journal.append(connection, "answer", entries[0].subject, {})
            done.set()

        return job

    made = JournalReader(database, "answers", handle, kinds=["question"])
    asked = append(database, "q", kind="question")
    assert done.wait(60)
    made.stop()
    with database.read() as connection:
        assert journal.position(connection, "answers") == asked
        assert [e.kind for e in journal.entries_after(connection, asked)] == ["answer"]


def test_a_handler_that_fails_is_tried_again(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "FIRST_PAUSE_S", 0.01)
    tries: list[str] = []
    seen = Collected()

    def handle(entries: list[JournalEntry]) -> None:
        tries.append(entries[0].subject)
        if len(tries) < 3:
            raise OSError("the chat is away")
        seen(entries)

    made = JournalReader(database, "retry", handle, kinds=["kind"])
    append(database, "x")
    seen.wait_for(["x"])
    assert tries == ["x", "x", "x"]
    made.stop()


def test_an_entry_that_always_fails_is_left_out_and_the_rest_goes_on(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "FIRST_PAUSE_S", 0.001)
    seen = Collected()

    def handle(entries: list[JournalEntry]) -> None:
        if any(entry.subject == "poison" for entry in entries):
            raise ValueError("cannot be read")
        seen(entries)

    made = JournalReader(database, "poisoned", handle, kinds=["kind"])
    append(database, "poison")
    append(database, "fine")
    seen.wait_for(["fine"])
    made.stop()


def test_a_reader_is_woken_at_once(database: Database) -> None:
    seen = Collected()
    made = JournalReader(database, "quick", seen, kinds=["kind"])
    started = time.monotonic()
    append(database, "x")
    seen.wait_for(["x"])
    # Generous for a busy machine, and far below any polling interval one would choose.
    assert time.monotonic() - started < 10
    made.stop()


def test_what_another_server_has_handled_is_not_handled_again(database_url: str) -> None:
    ours, other = Database(database_url), Database(database_url)
    ours.start()
    other.start()
    done: list[str] = []
    changed = threading.Event()

    def handle(entries: list[JournalEntry]) -> Callable[[Connection], object]:
        subjects = [entry.subject for entry in entries]

        def work(_connection: Connection) -> None:
            done.extend(subjects)
            changed.set()

        return work

    made = JournalReader(ours, "shared", handle, kinds=["kind"], shares=True)
    # The other server appends and handles in one commit: ours may still be catching up from its start.
    other.write(
        lambda connection: journal.move(
            connection, "shared", journal.append(connection, "kind", "theirs", {})
        )
    )
    append(ours, "ours")
    assert changed.wait(60)
    made.stop()
    assert done == ["ours"]
    ours.close()
    other.close()


def test_a_commit_that_a_reader_does_not_want_does_not_wake_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    caught_up = threading.Event()
    read = journal.entries_after

    def reading(*place: Any, **wanted: Any) -> list[JournalEntry]:
        found = read(*place, **wanted)
        if not found:
            caught_up.set()
        return found

    monkeypatch.setattr(journal, "entries_after", reading)
    seen = Collected()
    made = JournalReader(database, "picky", seen, kinds=["kind"], wants=lambda one: one.subject == "wanted")
    assert caught_up.wait(60)
    append(database, "other")
    append(database, "wanted")
    # On PostgreSQL the journal is read again, with everything in it.
    seen.wait_for(["wanted"] if database.is_sqlite else ["other", "wanted"])
    made.stop()


def test_the_cursor_of_a_picky_reader_moves_all_the_same(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "UNWRITTEN_LIMIT", 5)
    made = JournalReader(
        database, "picky", lambda _entries: reader.nothing, kinds=["kind"], wants=lambda _one: False
    )
    for number in range(7):
        append(database, str(number))

    def has_moved() -> bool:
        with database.read() as connection:
            return (journal.position(connection, "picky") or 0) >= 5

    give_up_at = time.monotonic() + 60
    while not has_moved():
        assert time.monotonic() < give_up_at
        time.sleep(0.02)
    made.stop()
