"""The datastore: scopes, secrets, time to live, compare-and-set, and what the journal tells of it."""

import threading
from typing import Any

import pytest
from sqlalchemy import text

from engine.errors import BadInput, Conflict, StoreFailure
from engine.records.datastore import Expected, KeyFilter
from engine.store import journal
from engine.store.database import Database
from engine.store.datastore import Datastore
from engine.store.expiry import Expiry
from engine.store.vault import Vault
from tests.engine.world import wait_until


@pytest.fixture
def datastore(database: Database) -> Datastore:
    return Datastore(database, Vault(b"k" * 32))


def test_a_key_is_read_back(datastore: Datastore) -> None:
    datastore.put("system", "color", "blue")
    assert datastore.get("system", "color") == "blue"
    assert datastore.get("st2kv.system", "color") == "blue"
    assert datastore.get("system", "other") is None


def test_a_user_sees_only_the_own_keys(datastore: Datastore) -> None:
    datastore.put("user", "color", "red", user="alice")
    assert datastore.get("user", "color", user="alice") == "red"
    assert datastore.get("user", "color", user="bob") is None
    assert datastore.get("system", "color") is None


def test_a_key_keeps_its_id_when_its_value_changes(datastore: Datastore) -> None:
    first = datastore.put("system", "color", "blue")
    assert datastore.put("system", "color", "green").id == first.id
    assert datastore.get("system", "color") == "green"


def test_a_secret_is_sealed_in_the_row_and_for_templates(datastore: Datastore, database: Database) -> None:
    datastore.put("system", "password", "correct horse", secret=True)
    with database.read() as connection:
        raw = connection.execute(text("SELECT value FROM datastore")).scalar()
    assert b"horse" not in bytes(raw)
    shown = datastore.get("system", "password")
    assert shown is not None
    assert "horse" not in shown
    assert datastore.decrypt(shown) == "correct horse"
    found = datastore.read("system", "password", decrypt=True)
    assert found is not None
    assert (found.value, found.secret, found.encrypted) == ("correct horse", True, False)


def test_only_sealed_text_is_decrypted(datastore: Datastore) -> None:
    with pytest.raises(StoreFailure, match="not a sealed"):
        datastore.decrypt("plain")


def test_keys_are_listed_by_prefix_in_order(datastore: Datastore) -> None:
    for name in ("b", "a_2", "a%1", "a_1"):
        datastore.put("system", name, "x")
    assert [key.name for key in datastore.keys("system", prefix="a_")] == ["a_1", "a_2"]


def test_a_removed_key_is_gone(datastore: Datastore) -> None:
    datastore.put("system", "color", "blue")
    assert datastore.remove("system", "color")
    assert not datastore.remove("system", "color")
    assert datastore.get("system", "color") is None


def test_an_unknown_scope_is_refused(datastore: Datastore) -> None:
    with pytest.raises(BadInput, match='Scope "galaxy" is unsupported'):
        datastore.get("galaxy", "x")


# time to live


def test_an_expired_key_is_never_read(datastore: Datastore) -> None:
    datastore.put("system", "short", "x", ttl_s=-0.001)
    assert datastore.get("system", "short") is None
    assert datastore.keys("system") == []
    assert not datastore.remove("system", "short")


def test_a_key_in_the_place_of_an_expired_one_is_a_new_one(datastore: Datastore) -> None:
    first = datastore.put("system", "lock", "a", ttl_s=-0.001, secret=True, description="old")
    second = datastore.put("system", "lock", "b", expected=Expected(value=None))
    assert second.id != first.id
    assert (second.secret, second.description, second.expires_at) == (False, "", None)


def test_a_write_without_a_time_to_live_ends_it(datastore: Datastore) -> None:
    datastore.put("system", "k", "x", ttl_s=60)
    assert datastore.put("system", "k", "y").expires_at is None


def rows(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.execute(text("SELECT name FROM datastore ORDER BY name")).scalars())


def test_the_row_goes_away_when_its_time_is_up(datastore: Datastore, database: Database) -> None:
    datastore.put("system", "early", "x", ttl_s=-5)
    datastore.put("system", "late", "x", ttl_s=3600)
    expiry = Expiry(database, datastore)
    expiry.start()
    try:
        wait_until(lambda: rows(database) == ["late"])
        # Sooner than what it sleeps for: a write wakes it.
        datastore.put("system", "soon", "x", ttl_s=0.05)
        wait_until(lambda: rows(database) == ["late"])
        datastore.put("system", "late", "x", ttl_s=0.05)
        wait_until(lambda: rows(database) == [])
    finally:
        expiry.stop()
    expiry.stop()


def test_the_end_of_a_key_is_told(datastore: Datastore, database: Database) -> None:
    datastore.put("system", "short", "x", ttl_s=-1)
    assert datastore.expire() == 1
    assert datastore.expire() == 0
    last = told(database)[-1]
    assert (last["old"]["value"], last["new"], last["expired"]) == ("x", None, True)


# compare-and-set


def test_a_key_is_set_only_when_it_holds_what_is_expected(datastore: Datastore) -> None:
    datastore.put("system", "state", "blue", secret=True)
    with pytest.raises(Conflict, match="expected value"):
        datastore.put("system", "state", "green", expected=Expected(value="red"))
    datastore.put("system", "state", "green", expected=Expected(value="blue"))
    with pytest.raises(Conflict, match="is there already"):
        datastore.put("system", "state", "x", expected=Expected(value=None))
    with pytest.raises(Conflict):
        datastore.put("system", "none", "x", expected=Expected(value="y"))
    with pytest.raises(Conflict):
        datastore.remove("system", "state", expected=Expected(value="blue"))
    assert datastore.remove("system", "state", expected=Expected(value="green"))


def test_a_lock_has_one_winner_and_a_counter_loses_nothing(datastore: Datastore) -> None:
    datastore.put("system", "counter", "0")
    winners: list[int] = []

    def work(worker: int) -> None:
        try:
            datastore.put("system", "lock", str(worker), expected=Expected(value=None), ttl_s=60)
            winners.append(worker)
        except Conflict:
            pass
        for _ in range(15):
            while True:
                now = datastore.get("system", "counter")
                assert now is not None
                try:
                    datastore.put("system", "counter", str(int(now) + 1), expected=Expected(value=now))
                    break
                except Conflict:
                    continue

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(winners) == 1
    assert datastore.get("system", "counter") == "90"


# what stays


def test_a_secret_stays_one_and_a_description_stays(datastore: Datastore) -> None:
    datastore.put("system", "token", "one", secret=True, description="of the weather")
    kept = datastore.put("system", "token", "two")
    assert (kept.secret, kept.description) == (True, "of the weather")
    opened = datastore.put("system", "token", "three", secret=False, description="")
    assert (opened.secret, opened.value, opened.description) == (False, "three", "")


def test_a_list_is_sorted_filtered_and_cut(datastore: Datastore) -> None:
    ids = {name: datastore.put("system", name, "x", secret=name == "b").id for name in "abc"}

    def names(**more: Any) -> list[str]:
        return [key.name for key in datastore.keys("system", wanted=KeyFilter(**more))]

    assert names(sort=("-name",)) == ["c", "b", "a"]
    assert names(sort=("-secret", "-name")) == ["b", "c", "a"]
    assert names(sort=("nonsense",)) == ["a", "b", "c"]
    assert names(ids=(ids["c"], ids["a"])) == ["a", "c"]
    assert names(name="b") == ["b"]
    assert names(offset=1, limit=1) == ["b"]
    assert names(offset=2) == ["c"]


# the journal


def told(database: Database) -> list[dict[str, Any]]:
    with database.read() as connection:
        entries = journal.entries_after(connection, 0)
    return [{**entry.data, "kind": entry.kind, "subject": entry.subject} for entry in entries]


def test_the_journal_tells_the_old_and_the_new_key(datastore: Datastore, database: Database) -> None:
    made = datastore.put("user", "color", "blue", user="alice", ttl_s=60)
    datastore.put("user", "color", "green", user="alice")
    datastore.put("user", "color", "green", user="alice")
    datastore.remove("user", "color", user="alice")
    created, updated, touched, removed = told(database)
    assert (created["kind"], created["subject"]) == ("datastore.changed", "color")
    assert (created["scope"], created["user"], created["old"]) == ("user", "alice", None)
    assert created["new"] == {
        "id": made.id,
        "uid": "key_value_pair:st2kv.user:alice:color",
        "name": "color",
        "value": "blue",
        "secret": False,
        "encrypted": False,
        "scope": "st2kv.user",
        "user": "alice",
        "expire_timestamp": created["new"]["expire_timestamp"],
    }
    assert (updated["old"]["value"], updated["new"]["value"]) == ("blue", "green")
    assert [one["value_changed"] for one in (created, updated, touched)] == [True, True, False]
    assert (removed["kind"], removed["old"]["value"], removed["new"]) == ("datastore.removed", "green", None)


def test_the_journal_never_holds_a_secret(datastore: Datastore, database: Database) -> None:
    datastore.put("system", "token", "canary-one", secret=True)
    datastore.put("system", "token", "canary-two")
    datastore.remove("system", "token")
    entries = told(database)
    assert "canary" not in str(entries)
    assert entries[1]["value_changed"] is True
    assert entries[1]["old"]["value"] == entries[1]["new"]["value"] == "********"
