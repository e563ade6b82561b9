"""The rows of the audit: chained within their transaction, and changed by nobody."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from engine.acting import acting_as
from engine.audit import Audit
from engine.audit_chain import NotedHead, digest_of
from engine.audit_files import lines, verify
from engine.clock import utcnow
from engine.records.audit import GENESIS, Act, Actor, AuditEntry, AuditFilter, AuditRow
from engine.settings.watching import AuditSettings
from engine.store import audit, removal
from engine.store.database import Database, sqlite_url
from tests.engine.world import wait_until

ANN = Actor(user="ann", via="API key", key_id="k1", address="127.0.0.1", request_id="r1")


def act(number: int, **more: Any) -> Act:
    return Act(kind="key.set", object=f"name{number}", details={"scope": "system", "n": number}, **more)


def record(number: int, connection: Connection, **more: Any) -> None:
    audit.record(connection, act(number, **more))


def entries(database: Database) -> list[AuditEntry]:
    found = Audit(database)
    return list(found.entries(AuditFilter(), found.head()))


def test_each_act_follows_the_one_before_it(database: Database) -> None:
    for number in range(3):
        database.write(partial(record, number))
    first, second, third = entries(database)
    assert [one.number for one in (first, second, third)] == [1, 2, 3]
    assert (first.before, second.before, third.before) == (GENESIS, first.hash, second.hash)
    assert all(digest_of(one) == one.hash for one in (first, second, third))


def test_acts_of_one_transaction_are_chained_in_their_order(database: Database) -> None:
    database.write(lambda connection: [record(number, connection) for number in range(5)])
    assert [one.object for one in entries(database)] == [f"name{number}" for number in range(5)]
    assert Audit(database).verify().flaws == ()


def test_what_is_written_meanwhile_is_done_by_the_actor(database: Database) -> None:
    with acting_as(ANN):
        database.write(partial(record, 1))
    database.write(partial(record, 2))
    mine, nobodys = entries(database)
    assert (mine.user, mine.via, mine.key_id, mine.address) == ("ann", "API key", "k1", "127.0.0.1")
    assert (nobodys.user, nobodys.via) == ("", "")


def test_jobs_that_share_a_commit_keep_their_actors(database: Database) -> None:
    def one(number: int) -> None:
        with acting_as(Actor(user=f"user{number}")):
            database.write(partial(record, number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(40)))
    assert {(each.user, each.object) for each in entries(database)} == {
        (f"user{number}", f"name{number}") for number in range(40)
    }
    assert Audit(database).verify().flaws == ()


def test_a_job_that_fails_leaves_no_act_and_no_gap(database: Database) -> None:
    def spoiled(connection: Connection) -> None:
        record(1, connection)
        raise ValueError("no")

    database.write(partial(record, 0))
    with pytest.raises(ValueError, match="no"):
        database.write(spoiled)
    database.write(partial(record, 2))
    assert [one.object for one in entries(database)] == ["name0", "name2"]
    assert [one.number for one in entries(database)] == [1, 2]


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit SET reason = 'another'", "DELETE FROM audit", "DELETE FROM audit WHERE number = 2"],
)
def test_the_database_refuses_to_change_an_act(database: Database, statement: str) -> None:
    database.write(partial(record, 1))
    database.write(partial(record, 2))
    with pytest.raises(DBAPIError, match="audit is"):
        database.write(lambda connection: connection.execute(text(statement)))
    assert len(entries(database)) == 2


def without_guard(database: Database, statement: str) -> None:
    """What somebody does who owns the database."""
    drop = "DROP TRIGGER {}" if database.is_sqlite else "DROP TRIGGER {} ON audit"
    names = ("audit_no_change", "audit_no_removal") if database.is_sqlite else ("audit_kept",)

    def work(connection: Connection) -> None:
        for name in names:
            connection.execute(text(drop.format(name)))
        connection.execute(text(statement))

    database.write(work)


@pytest.mark.parametrize(
    ("statement", "number", "problem"),
    [
        ("UPDATE audit SET reason = 'another' WHERE number = 2", 2, "not what was written"),
        ("DELETE FROM audit WHERE number = 2", 3, "act 2 is missing"),
        ("DELETE FROM audit WHERE number = 1", 2, "act 1 is missing"),
        ("DELETE FROM audit WHERE number > 3", 5, "the newest acts are missing: after 3"),
        ("UPDATE audit_head SET number = 3", 5, "stands behind the head of the chain, which is act 3"),
        ("DELETE FROM audit_head", 5, "stands behind the head of the chain, which is act 0"),
    ],
)
def test_who_changes_it_all_the_same_is_found_out(
    database: Database, statement: str, number: int, problem: str
) -> None:
    for each in range(5):
        database.write(partial(record, each))
    without_guard(database, statement)
    flaws = Audit(database).verify().flaws
    assert [True for flaw in flaws if flaw.number == number and problem in flaw.problem], flaws


def test_two_acts_that_change_places_are_found_out(database: Database) -> None:
    for each in range(5):
        database.write(partial(record, each))
    # By way of numbers that are free.
    without_guard(database, "UPDATE audit SET number = -number WHERE number IN (2, 4)")
    turned = text("UPDATE audit SET number = 6 + number WHERE number < 0")
    database.write(lambda connection: connection.execute(turned))
    flaws = Audit(database).verify().flaws
    assert [flaw.number for flaw in flaws if "not what was written" in flaw.problem] == [2, 4]


@pytest.mark.parametrize(
    ("details", "check"),
    [
        ({"long": "x" * 20_000}, lambda text: b'"cut"' in text and len(text) < 9_000),
        ({10: "a", 9: "b", "c": {2: 1}}, lambda text: text == b'{"10":"a","9":"b","c":{"2":1}}'),
        ({"what": object}, lambda text: b"class" in text),
        ({"bad": "\ud800"}, lambda text: b"text" in text),
    ],
)
def test_details_of_any_kind_are_kept_in_bounds(
    database: Database, details: dict[Any, Any], check: Callable[[bytes], bool]
) -> None:
    made = Act(kind="key.set", object="a\0b\ud800" + "z" * 2_000, details=details)
    database.write(lambda connection: audit.record(connection, made))
    (entry,) = entries(database)
    assert check(entry.details)
    assert len(entry.object) == 1_000
    assert "\0" not in entry.object
    assert Audit(database).verify().flaws == ()


def test_acts_are_found_by_user_kind_object_and_time(database: Database) -> None:
    for number, kind in enumerate(("key.set", "key.removed", "login.ok")):
        made = Act(kind=kind, object=f"o{number}", user="ann" if number else "bob", trace_id="t1")
        database.write(partial(audit.record, act=made))
    read = Audit(database).page
    second = entries(database)[1]
    assert [one.kind for one in read(AuditFilter(kinds=("key.*",)))[0]] == ["key.removed", "key.set"]
    assert read(AuditFilter(kinds=("login.ok", "key.set")))[1] == 2
    assert [one.kind for one in read(AuditFilter(kinds=("key", "login.f*")))[0]] == ["key.removed", "key.set"]
    assert [one.object for one in read(AuditFilter(user="bob"))[0]] == ["o0"]
    assert [one.object for one in read(AuditFilter(object="o2"))[0]] == ["o2"]
    assert read(AuditFilter(trace_id="t1"), limit=1)[1] == 3
    assert [one.object for one in read(AuditFilter(until=second.at))[0]] == ["o0"]
    assert read(AuditFilter(since=second.at))[1] == 2


def test_a_chain_written_anew_does_not_have_the_head_that_was_noted(database: Database) -> None:
    for number in range(3):
        database.write(partial(record, number))
    first, _, third = entries(database)
    checked = Audit(database)
    for noted in (f"{third.hash.hex()}@3", third.hash.hex().upper(), f"{first.hash.hex()}@1"):
        assert checked.verify(NotedHead.parse(noted)).flaws == ()
    # With the guards taken away, act 2 and all that follows are forged so that their hashes fit.
    without_guard(database, "SELECT 1")
    before = first.hash
    for entry in entries(database)[1:]:
        forged = replace(entry, user="somebody else", before=before)
        before = digest_of(forged)
        values = {"n": entry.number, "user": forged.user, "before": forged.before, "hash": before}
        change = text('UPDATE audit SET "user" = :user, before = :before, hash = :hash WHERE number = :n')
        database.write(partial(Connection.execute, statement=change, parameters=values))
    moved = text("UPDATE audit_head SET hash = :hash")
    database.write(partial(Connection.execute, statement=moved, parameters={"hash": before}))
    assert checked.verify().flaws == ()
    (flaw,) = checked.verify(NotedHead(hash=third.hash.hex(), number=3)).flaws
    assert (flaw.number, "does not have the hash that was noted" in flaw.problem) == (3, True)
    assert checked.verify(NotedHead(hash=first.hash.hex(), number=1)).flaws == ()
    (flaw,) = checked.verify(NotedHead(hash=third.hash.hex())).flaws
    assert "no act here has the hash" in flaw.problem
    (flaw,) = checked.verify(NotedHead(hash=third.hash.hex(), number=9)).flaws
    assert (flaw.number, flaw.problem) == (9, "it was noted and is missing: the chain ends with act 3")


def test_a_noted_head_that_was_removed_cannot_be_compared_and_the_anchor_can(database: Database) -> None:
    for number in range(4):
        database.write(partial(record, number))
    first, second, *_ = entries(database)
    database.write(lambda connection: removal.remove_acts(connection, before=utcnow(), limit=2))
    (flaw,) = Audit(database).verify(NotedHead(hash=first.hash.hex(), number=1)).flaws
    assert "acts begin at 3 here" in flaw.problem
    assert Audit(database).verify(NotedHead(hash=second.hash.hex(), number=2)).flaws == ()


def test_the_log_tells_the_head_at_the_start(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    database.write(partial(record, 1))
    told = Audit(database, AuditSettings(head_every_h=24))
    caplog.set_level(logging.INFO, logger="engine.audit")
    told.start()
    (act,) = entries(database)
    wait_until(lambda: f"{act.hash.hex()}@1" in caplog.text)
    told.stop()


def test_a_file_is_told_before_and_after_it_is_written_and_also_when_it_was_not(database: Database) -> None:
    made = Audit(database)

    def full() -> None:
        # What is known of it at this moment would be all after a kill.
        assert [one.kind for one in entries(database)][-1] == "config.writing"
        raise OSError(28, "No space left on device: hunter2")

    assert made.around("config", "linux", lambda: 7) == 7
    with pytest.raises(OSError, match="No space"):
        made.around("config", "linux", full, what="all")
    told = [(one.kind.removeprefix("config."), one.details) for one in entries(database)]
    assert told == [
        ("writing", b"{}"),
        ("written", b"{}"),
        ("writing", b'{"what":"all"}'),
        ("not_written", b'{"error":"OSError","what":"all"}'),
    ]


@pytest.mark.parametrize(
    "change",
    ["details = '{broken'", "details = '[]'", "at = 'noon'", "hash = 'none'", "before = 7", "user = x'ff00'"],
)
def test_a_value_of_another_kind_that_sqlite_took_is_told_and_stops_no_reader(
    tmp_path: Path, change: str
) -> None:
    database = Database(sqlite_url(tmp_path))
    database.start()
    try:
        for each in range(3):
            database.write(partial(record, each))
        without_guard(database, f"UPDATE audit SET {change} WHERE number = 2")
        found = Audit(database)
        assert {flaw.number for flaw in found.verify().flaws} >= {2}
        assert len(found.page(AuditFilter())[0]) == 3
        text_of_it = list(
            lines(found.entries(AuditFilter(), found.head()), AuditFilter(), found.head(), "csv")
        )
        assert len(text_of_it) == 6
        assert verify(text_of_it).flaws
    finally:
        database.close()


def test_an_act_that_was_put_in_behind_the_head_is_told(database: Database) -> None:
    for each in range(3):
        database.write(partial(record, each))
    columns = ", ".join(f'"{column.name}"' for column in AuditRow.__table__.c if column.name != "number")  # type: ignore[attr-defined]
    copy = text(f"INSERT INTO audit (number, {columns}) SELECT 9, {columns} FROM audit WHERE number = 2")
    database.write(lambda connection: connection.execute(copy))
    (flaw,) = Audit(database).verify().flaws
    assert (flaw.number, flaw.problem) == (9, "an act stands behind the head of the chain, which is act 3")
