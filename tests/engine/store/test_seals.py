"""Changing the secret key: everything is sealed anew, and a database is not opened without its key."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from engine.errors import StoreFailure
from engine.store.database import Database
from engine.store.datastore import Datastore
from engine.store.key_ring import KeyRing
from engine.store.seals import Seals


@dataclass
class World:
    """A database with its key file, opened again as often as a test likes."""

    database: Database
    path: Path

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        self.ring = KeyRing(self.path)
        self.seals = Seals(self.database, self.ring)
        self.seals.open()
        self.datastore = Datastore(self.database, self.ring.vault)

    def fill(self, count: int) -> None:
        for number in range(count):
            self.datastore.put("system", f"key{number}", f"secret {number}", secret=True)
        self.datastore.put("system", "plain", "seen by all")
        self.datastore.put("user", "own", "alice's", user="alice", secret=True)

    def key_ids(self) -> set[bytes]:
        """What the sealed rows begin with."""
        query = text("SELECT value FROM datastore WHERE secret")
        with self.database.read() as connection:
            return {bytes(value)[:4] for value in connection.execute(query).scalars()}

    def assert_all_open(self, count: int) -> None:
        for number in range(count):
            found = self.datastore.read("system", f"key{number}", decrypt=True)
            assert found is not None
            assert found.value == f"secret {number}"
        own = self.datastore.read("user", "own", user="alice", decrypt=True)
        assert own is not None
        assert own.value == "alice's"
        assert self.datastore.get("system", "plain") == "seen by all"


@pytest.fixture
def world(database: Database, tmp_path: Path) -> Iterator[World]:
    return World(database, tmp_path / "secret.key")


def test_everything_is_sealed_anew(world: World) -> None:
    world.fill(250)
    outcome = world.seals.rotate()
    assert (outcome.resealed, outcome.failed) == (251, 0)
    assert world.key_ids() == {world.ring.ids[0]} == {bytes.fromhex(outcome.key_id)}
    world.assert_all_open(250)
    world.open()
    world.assert_all_open(250)


def test_a_sealed_text_that_was_read_before_still_opens(world: World) -> None:
    world.fill(1)
    sealed = world.datastore.get("system", "key0")
    assert sealed is not None
    world.seals.rotate()
    assert world.datastore.decrypt(sealed) == "secret 0"


def test_a_start_goes_on_with_what_a_killed_rotation_left(world: World) -> None:
    world.fill(3)
    # Killed right after the key file was written.
    world.ring.add(is_leaked=False)
    world.open()
    assert world.key_ids() == {world.ring.ids[0]}
    world.assert_all_open(3)


def test_a_key_that_leaked_leaves_the_file_with_the_next_start(world: World) -> None:
    world.fill(3)
    world.seals.rotate(is_leaked=True)
    world.open()
    assert len(world.ring.ids) == 1
    world.assert_all_open(3)


def test_writers_go_on_while_the_key_changes(world: World) -> None:
    world.fill(120)
    errors: list[Exception] = []
    over = threading.Event()

    def write(writer: int) -> None:
        number = 0
        while not over.is_set():
            try:
                world.datastore.put("system", f"w{writer}", str(number), secret=True)
                found = world.datastore.read("system", f"w{writer}", decrypt=True)
                assert found is not None
                assert found.value == str(number)
            except (StoreFailure, AssertionError) as error:
                errors.append(error)
                return
            number += 1

    writers = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(3):
            world.seals.rotate()
    finally:
        over.set()
        for writer in writers:
            writer.join()
    assert errors == []
    assert world.key_ids() == {world.ring.ids[0]}
    world.assert_all_open(120)


def test_a_value_that_does_not_open_is_left_and_its_key_kept(world: World) -> None:
    world.fill(2)
    broken = world.ring.ids[0] + b"x" * 40

    def damage(connection: Connection) -> None:
        update = text("UPDATE datastore SET value = :value WHERE name = 'key1'")
        connection.execute(update, {"value": broken})

    world.database.write(damage)
    outcome = world.seals.rotate(is_leaked=True)
    assert (outcome.resealed, outcome.failed) == (2, 1)
    world.open()
    assert len(world.ring.ids) == 2
    assert world.datastore.read("system", "key0", decrypt=True) is not None


def test_without_its_key_a_database_with_secrets_is_not_opened(world: World) -> None:
    world.fill(2)
    world.path.unlink()
    with pytest.raises(StoreFailure, match=r"secret.key is missing.*secrets \(3\).*backup"):
        world.open()
    # Nothing was made that could be taken for the key.
    assert not world.path.exists()


def test_with_another_key_a_database_with_secrets_is_not_opened(world: World, tmp_path: Path) -> None:
    world.fill(1)
    KeyRing(tmp_path / "other.key").keep()
    (tmp_path / "other.key").replace(world.path)
    with pytest.raises(StoreFailure, match="another key file"):
        world.open()


def test_without_secrets_a_lost_key_is_made_anew(world: World) -> None:
    world.datastore.put("system", "plain", "x")
    world.path.unlink()
    world.open()
    assert world.path.exists()
    world.fill(1)
    world.open()
    world.assert_all_open(1)
