"""Two servers on one PostgreSQL: what one commits, the streams and waits of the other hear at once."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest
from sqlalchemy import create_engine, text

from engine.api import stream as api_stream
from engine.records.journal import JournalEntry
from engine.records.outside import OutsidePerson
from engine.settings import StoreSettings
from engine.store import journal
from engine.store.database import Database
from engine.store.reader import JournalReader
from engine.store.wakes import Wakes
from tests.databases import postgresql_database
from tests.engine.api.running import Running, running
from tests.engine.api.streaming import listening
from tests.engine.world import wait_until

LISTENERS = text("SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN stormcrow%'")
WAIT_S = 30


@pytest.fixture(scope="module")
def url(postgresql: str) -> Iterator[str]:
    with postgresql_database(postgresql) as made:
        yield made


@pytest.fixture(scope="module")
def pair(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Running]]:
    folders = [tmp_path_factory.mktemp(name) for name in ("first", "second")]
    with ExitStack() as stack:
        made: list[Running] = []
        for folder in folders:
            data = folder / "data"
            if made:
                # They read the same sealed rows.
                data.mkdir(mode=0o700)
                for name in ("secret.key", "admin.key"):
                    shutil.copy(made[0].folder / "data" / name, data / name)
            store = StoreSettings(data=data, url=url)
            made.append(stack.enter_context(running(folder, sections={"store": store}, answer_wait_ms=0)))
        yield made[0], made[1]


def test_a_key_that_the_other_server_revokes_ends_a_stream_here(
    pair: tuple[Running, Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_stream, "HEARTBEAT_S", 3600.0)
    first, second = pair
    made = first.post("/apikeys", {}).json()
    with listening(second, headers={"St2-Api-Key": made["key"]}) as stream:
        first.ask("DELETE", f"/apikeys/{made['id']}")
        wait_until(lambda: stream.is_over, timeout_s=WAIT_S)


def test_groups_that_a_login_named_count_on_the_other_server_too(pair: tuple[Running, Running]) -> None:
    first, second = pair
    for server in pair:
        server.engine.outside.groups.sources |= {"ldap"}
    person = OutsidePerson(user="una", source="ldap", groups=("ops",))
    first.engine.outside.groups.note(person)
    wait_until(lambda: "una" in second.engine.outside.groups.members("ops"), timeout_s=WAIT_S)
    second.engine.outside.groups.note(replace(person, groups=()))
    wait_until(lambda: "una" not in first.engine.outside.groups.members("ops"), timeout_s=WAIT_S)


def test_a_stream_hears_what_the_other_server_does(pair: tuple[Running, Running]) -> None:
    first, second = pair
    with listening(second, "events=st2.execution*") as stream:
        made = first.start("probe.say", text="over there")
        ended = stream.wait(
            lambda event: event.name == "st2.execution__update" and event.data["status"] == "succeeded",
            timeout_s=WAIT_S,
        )
        assert ended.data["id"] == made["id"]
        output = stream.wait(lambda event: event.name == "st2.execution.output__create", timeout_s=WAIT_S)
        assert output.data["data"] == "over there\n"


def test_a_wait_for_an_end_hears_of_it_from_the_other_server(pair: tuple[Running, Running]) -> None:
    first, second = pair
    made = first.start("probe.slow", seconds=1)
    answer = second.get(f"/executions/{made['id']}?wait=60")
    assert answer.status_code == 200
    assert answer.json()["status"] == "succeeded"


def test_live_output_comes_from_the_other_server(pair: tuple[Running, Running]) -> None:
    first, second = pair
    made = first.start("probe.slow", seconds=1)
    answer = second.get(f"/executions/{made['id']}/output?follow=1")
    assert answer.text == "first\nlast\n"


def test_no_server_is_told_of_its_own_commits(url: str, pair: tuple[Running, Running]) -> None:
    first, _second = pair
    heard: list[JournalEntry] = []
    database = first.engine.database
    leave = database.attach_remote(heard.extend)
    try:
        mine = Database(url)
        mine.start()
        wakes = Wakes(mine)
        wakes.start()
        mine.write(lambda connection: journal.append(connection, "probe", "other", {}))
        database.write(lambda connection: journal.append(connection, "probe", "own", {}))
        mine.write(lambda connection: journal.append(connection, "probe", "last", {}))
        wait_until(lambda: any(entry.subject == "last" for entry in heard), timeout_s=WAIT_S)
        assert [entry.subject for entry in heard if entry.kind == "probe"] == ["other", "last"]
    finally:
        leave()
        wakes.stop()
        mine.close()


def test_what_was_committed_while_the_connection_was_lost_is_told(
    url: str, pair: tuple[Running, Running]
) -> None:
    first, second = pair
    heard: list[str] = []
    leave = second.engine.database.attach_remote(
        lambda entries: heard.extend(entry.subject for entry in entries)
    )
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            pids = connection.execute(LISTENERS).scalars().all()
            assert len(pids) >= 2
            for pid in pids:
                connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        first.engine.database.write(lambda connection: journal.append(connection, "probe", "meanwhile", {}))
        wait_until(lambda: "meanwhile" in heard, timeout_s=WAIT_S)
    finally:
        leave()
        engine.dispose()


def test_a_reader_of_the_journal_wakes_on_the_commits_of_the_other(
    pair: tuple[Running, Running],
) -> None:
    first, second = pair
    seen = threading.Event()

    def handle(entries: list[JournalEntry]) -> None:
        if any(entry.subject == "for the reader" for entry in entries):
            seen.set()

    reader = JournalReader(second.engine.database, "probe", handle, kinds=["probe"])
    try:
        first.engine.database.write(
            lambda connection: journal.append(connection, "probe", "for the reader", {})
        )
        assert seen.wait(WAIT_S)
    finally:
        reader.stop()


def test_a_link_that_the_other_server_makes_or_ends_counts_here(pair: tuple[Running, Running]) -> None:
    first, second = pair
    account = {"account": "slack.T1.U7", "user": "ann"}
    assert first.post("/accounts", account).status_code == 201
    wait_until(lambda: second.engine.people.person("slack.T1.U7") == "ann", timeout_s=WAIT_S)
    assert first.ask("DELETE", "/accounts/slack.T1.U7").status_code == 204
    wait_until(lambda: second.engine.people.person("slack.T1.U7") == "slack.T1.U7", timeout_s=WAIT_S)


def test_an_account_is_linked_by_one_server_only(pair: tuple[Running, Running]) -> None:
    first, second = pair
    answers = [
        site.post("/accounts", {"account": "slack.T1.U8", "user": user}).status_code
        for site, user in ((first, "ann"), (second, "bob"))
    ]
    assert answers == [201, 409]
    assert [one["user"] for one in second.get("/accounts").json() if one["account"] == "slack.T1.U8"] == [
        "ann"
    ]
