"""The datastore: scopes, secrets, time to live."""

import time

import pytest
from sqlalchemy import text

from engine.errors import BadInput, StoreFailure
from engine.store.database import Database
from engine.store.datastore import Datastore
from engine.store.vault import Vault


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


def test_a_key_is_gone_after_its_time_to_live(datastore: Datastore) -> None:
    datastore.put("system", "short", "x", ttl_s=0.02)
    time.sleep(0.03)
    assert datastore.get("system", "short") is None
    assert datastore.keys("system") == []


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
