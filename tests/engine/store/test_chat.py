"""Messages, channels and postings, over both kinds of database."""

from collections.abc import Iterator
from functools import partial

import pytest

from engine.records.chat import NewChatMessage, Posting
from engine.records.journal import JournalEntry
from engine.store import chat, journal
from engine.store.database import Database


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    made.start()
    try:
        yield made
    finally:
        made.close()


def message(name: str, *, thread: str | None = None, text: str = "x") -> NewChatMessage:
    return NewChatMessage(
        id=name,
        adapter="web",
        channel="ops",
        thread_id=thread,
        author="ann",
        is_bot=False,
        body={"text": text},
        delivery_key=f"key {name}",
    )


def entries(database: Database) -> list[JournalEntry]:
    with database.read() as connection:
        return journal.entries_after(connection, 0, kinds=(chat.MESSAGE_KIND,))


def test_the_same_delivery_is_stored_once(database: Database) -> None:
    add = partial(chat.add, message=message("m1"), is_shown=True)
    assert database.write(add) is True
    assert database.write(add) is False
    assert [entry.subject for entry in entries(database)] == ["m1"]


def test_a_message_of_another_chat_is_not_told(database: Database) -> None:
    database.write(partial(chat.add, message=message("m1"), is_shown=False))
    assert entries(database) == []


def test_a_second_version_takes_the_place_of_the_first(database: Database) -> None:
    database.write(partial(chat.put, message=message("m1", text="old")))
    database.write(partial(chat.put, message=message("m1", text="new")))
    with database.read() as connection:
        (stored,) = chat.messages(connection, ["m1"])
    assert stored.body == {"text": "new"}
    assert stored.edited_at is not None
    assert len(entries(database)) == 2


def test_an_older_version_does_not_overwrite(database: Database) -> None:
    database.write(partial(chat.put, message=message("m1", text="result")))
    database.write(partial(chat.add, message=message("m1", text="acknowledgement"), is_shown=True))
    with database.read() as connection:
        (stored,) = chat.messages(connection, ["m1"])
    assert stored.body == {"text": "result"}


def test_history_is_the_newest_threads_whole_and_oldest_first(database: Database) -> None:
    for name in ("m1", "m2", "m3"):
        database.write(partial(chat.add, message=message(name), is_shown=True))
    database.write(partial(chat.add, message=message("a2", thread="m2"), is_shown=True))
    with database.read() as connection:
        found, more = chat.history(connection, "web", "ops", before=None, limit=2)
        assert ([one.id for one in found], more) == (["m2", "m3", "a2"], True)
        older, more = chat.history(connection, "web", "ops", before=found[0].seq, limit=2)
        assert ([one.id for one in older], more) == (["m1"], False)


def test_channels_know_their_newest_message(database: Database) -> None:
    for name in ("ops", "empty", "ops"):
        database.write(partial(chat.ensure_channel, adapter="web", name=name, made_by="ann"))
    database.write(partial(chat.add, message=message("m1"), is_shown=True))
    with database.read() as connection:
        found = {one.name: one.newest_seq for one in chat.channels(connection, "web")}
    assert found["empty"] == 0
    assert found["ops"] > 0
    assert len(found) == 2


def test_postings_are_open_until_their_execution_has_ended(database: Database) -> None:
    made = Posting(
        adapter="slack", execution_id="e1", channel="C", thread_id="t", message_id="1.2", status="running"
    )
    database.write(partial(chat.keep_posting, posting=made))
    with database.read() as connection:
        assert chat.open_postings(connection, "slack") == [made]
        assert chat.open_postings(connection, "irc") == []
    database.write(partial(chat.close_posting, adapter="slack", execution_id="e1", status="succeeded"))
    with database.read() as connection:
        assert chat.open_postings(connection, "slack") == []
        found = chat.posting(connection, "slack", "e1")
    assert found is not None
    assert found.status == "succeeded"
