"""The database: what is written together, what is lost, what is refused."""

import pkgutil
import sqlite3
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

import engine.records
from engine.errors import StoreFailure
from engine.records.journal import JournalEntry
from engine.store import journal, migrate
from engine.store.database import Database, sqlite_url


def count(database: Database) -> int:
    with database.read() as connection:
        return int(connection.execute(text("SELECT count(*) FROM journal")).scalar_one())


def test_what_write_returns_from_is_committed(database: Database) -> None:
    database.write(lambda connection: journal.append(connection, "a", "x", {}))
    assert count(database) == 1


def test_jobs_that_wait_together_share_a_commit(database: Database) -> None:
    gate = threading.Event()
    under_way = threading.Event()
    database.submit(lambda _: (under_way.set(), gate.wait(60)))
    assert under_way.wait(60)
    waiting = [
        database.submit(lambda connection: journal.append(connection, "a", "x", {})) for _ in range(50)
    ]
    before = database.commits
    gate.set()
    for future in waiting:
        future.result(60)
    assert database.commits - before == 2
    assert count(database) == 50


def test_a_job_that_fails_takes_nobody_with_it(database: Database) -> None:
    gate = threading.Event()
    database.submit(lambda _: gate.wait(60))

    def spoil(connection: Connection) -> None:
        journal.append(connection, "spoiled", "x", {})
        raise ValueError("mine alone")

    good = [database.submit(lambda connection: journal.append(connection, "a", "x", {})) for _ in range(5)]
    bad = database.submit(spoil)
    more = database.submit(lambda connection: journal.append(connection, "a", "x", {}))
    gate.set()
    with pytest.raises(ValueError, match="mine alone"):
        bad.result(60)
    for future in [*good, more]:
        future.result(60)
    assert count(database) == 6


def test_jobs_keep_the_order_in_which_they_came(database: Database) -> None:
    futures = [database.submit(lambda c, n=n: journal.append(c, "a", str(n), {})) for n in range(40)]
    ids = [future.result(60) for future in futures]
    assert ids == sorted(ids)


def test_many_threads_write_at_once(database: Database) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: database.write(lambda c: journal.append(c, "a", str(n), {})), range(200)))
    assert count(database) == 200


def test_listeners_hear_of_a_commit_and_not_of_a_rollback(database: Database) -> None:
    heard: list[JournalEntry] = []
    detach = database.attach(heard.extend)

    def spoil(connection: Connection) -> None:
        journal.append(connection, "never", "x", {})
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - raised by the job above, without words
        database.write(spoil)
    database.write(lambda connection: journal.append(connection, "once", "x", {"n": 1}))
    detach()
    database.write(lambda connection: journal.append(connection, "later", "x", {}))
    assert [(entry.kind, entry.data) for entry in heard] == [("once", {"n": 1})]


def test_a_listener_that_fails_does_not_end_the_writer(database: Database) -> None:
    def fail(_entries: list[JournalEntry]) -> None:
        raise RuntimeError("a reader's fault")

    database.attach(fail)
    database.write(lambda connection: journal.append(connection, "a", "x", {}))
    database.write(lambda connection: journal.append(connection, "a", "x", {}))
    assert count(database) == 2


def test_a_closed_database_says_so(database: Database) -> None:
    database.close()
    with pytest.raises(StoreFailure, match="stopping"):
        database.write(lambda _: None)


def test_sqlite_runs_with_full_durability_and_wal(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path))
    database.start()

    def pragmas(connection: Connection) -> tuple[object, ...]:
        names = ("journal_mode", "synchronous", "foreign_keys")
        return tuple(connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names)

    assert database.write(pragmas) == ("wal", 2, 1)
    database.close()


def test_normal_durability_is_a_setting(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path), durability="normal")
    database.start()
    assert database.write(lambda c: c.exec_driver_sql("PRAGMA synchronous").scalar()) == 1
    database.close()


def test_every_table_of_the_records_is_in_the_migrations(database: Database) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext
    from sqlmodel import SQLModel

    for module in pkgutil.iter_modules(engine.records.__path__):
        import_module(f"engine.records.{module.name}")

    def compare(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        return [change for change in compare_metadata(context, SQLModel.metadata) if _matters(change)]

    assert database.write(compare) == []


def _matters(change: object) -> bool:
    # SQLite reports a UNIQUE column as a constraint without a name, in another form than the model.
    kind = change[0] if isinstance(change, tuple) else ""
    return kind not in ("add_constraint", "remove_constraint", "add_index", "remove_index")


def test_a_migration_that_is_killed_leaves_nothing_half_done(tmp_path: Path) -> None:
    script = f"""
        import os
        from alembic import op
        from pathlib import Path
        from engine.store.database import Database, sqlite_url
        real = op.create_index
        def die(*args, **kwargs):
            os.kill(os.getpid(), 9)
        op.create_index = die
        Database(sqlite_url(Path({str(tmp_path)!r}))).start()
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert killed.returncode == -9
    with sqlite3.connect(tmp_path / "stormcrow.db") as raw:
        tables = raw.execute("SELECT name FROM sqlite_master WHERE name = 'execution'").fetchall()
    raw.close()
    assert tables == []
    database = Database(sqlite_url(tmp_path))
    database.start()
    assert count(database) == 0
    database.close()


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path))
    database.start()
    database.write(lambda c: c.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    again = Database(sqlite_url(tmp_path))
    with pytest.raises(StoreFailure, match="9999"):
        again.start()
    again.close()


def test_a_start_at_the_newest_revision_does_not_import_alembic(tmp_path: Path) -> None:
    start = (
        "import sys; from pathlib import Path; from engine.store.database import Database, sqlite_url;"
        f"d = Database(sqlite_url(Path({str(tmp_path)!r}))); d.start(); d.close();"
        "print('alembic' in sys.modules)"
    )
    outputs = [
        subprocess.run([sys.executable, "-c", start], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert [line.strip() for line in outputs] == ["True", "False"]


def test_revisions_are_numbered_without_a_gap() -> None:
    assert migrate.known_revisions() == [f"{n:04}" for n in range(1, len(migrate.known_revisions()) + 1)]


def test_a_database_that_cannot_be_opened_says_what_to_check(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path / "not here"))
    with pytest.raises(StoreFailure, match=r"store\.url"):
        database.start()
    database.close()
