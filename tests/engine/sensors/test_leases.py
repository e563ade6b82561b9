"""Two servers on one PostgreSQL: a sensor runs on one of them, and the other takes over."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.records.sensor import SensorState
from engine.sensors.leases import Leases
from engine.service import Engine
from engine.settings import Settings
from engine.store.database import Database
from tests.engine.sensors.world import said, settings, until_said, until_state, wait_until, write_sensor


def server(folder: Path, virtualenvs: Path, url: str) -> Engine:
    made: Settings = settings(folder, virtualenvs)
    made = replace(made, store=replace(made.store, url=url))
    return Engine(made, environment={"PATH": "/usr/bin:/bin"})


def test_a_sensor_runs_on_one_server_and_moves_when_that_one_stops(
    tmp_path: Path, virtualenvs: Path, postgresql_url: str
) -> None:
    body = """
        def run(self):
            self.say(number=os.getpid())
            self.rest()
    """
    write_sensor(tmp_path / "one", body)
    write_sensor(tmp_path / "two", body)
    first = server(tmp_path / "one", virtualenvs, postgresql_url)
    second: Engine | None = None
    try:
        first.start()
        first.sensors.start()
        until_state(first, SensorState.RUNNING)
        # Servers on one database share the key that opens its secrets.
        theirs = tmp_path / "two" / "data"
        theirs.mkdir(mode=0o700)
        shutil.copy(tmp_path / "one" / "data" / "secret.key", theirs)
        second = server(tmp_path / "two", virtualenvs, postgresql_url)
        second.start()
        second.sensors.start()
        until_state(second, SensorState.ELSEWHERE)
        assert len(said(first)) == 1
        first.stop()
        until_state(second, SensorState.RUNNING)
        assert len(until_said(second, 2)) == 2
    finally:
        first.stop()
        if second is not None:
            second.stop()


@pytest.fixture
def shared(postgresql_url: str) -> Iterator[Database]:
    database = Database(postgresql_url)
    database.start()
    yield database
    database.close()


def test_a_lease_keeps_the_others_out_until_it_is_released(shared: Database) -> None:
    mine = Leases(shared, server="one", lease_s=600.0)
    theirs = Leases(shared, server="two", lease_s=600.0)
    assert mine.renew(["a.B", "a.C"])
    assert not theirs.renew(["a.B"])
    assert (mine.holds("a.B"), theirs.holds("a.B")) == (True, False)
    mine.release()
    assert theirs.renew(["a.B"])
    assert (mine.holds("a.B"), theirs.holds("a.B")) == (False, True)


def test_a_lease_that_ran_out_may_be_taken_and_its_holder_knows(shared: Database) -> None:
    mine = Leases(shared, server="one", lease_s=0.2)
    theirs = Leases(shared, server="two", lease_s=600.0)
    mine.renew(["a.B"])
    wait_until(lambda: theirs.renew(["a.B"]))
    # By its own clock, before anybody told it.
    assert (mine.holds("a.B"), theirs.holds("a.B")) == (False, True)


def test_one_server_on_sqlite_needs_no_leases(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'x.db'}")
    leases = Leases(database, server="one", lease_s=1.0)
    assert leases.holds("a.B")
    assert leases.pause_s is None
    database.close()
