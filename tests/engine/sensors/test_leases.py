"""Two servers on one PostgreSQL: a sensor runs on one of them, and the other takes over."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from engine.records.sensor import SensorState
from engine.sensors.leases import Leases
from engine.service import Engine
from engine.settings import Settings
from engine.store import sensor_leases
from engine.store.database import Database
from tests.engine.sensors.world import said, settings, until_said, until_state, wait_until, write_sensor


@pytest.fixture
def url(postgresql: str, request: pytest.FixtureRequest) -> str:
    """An empty PostgreSQL."""
    from sqlalchemy import create_engine, text

    engine = create_engine(postgresql, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return postgresql


def server(folder: Path, virtualenvs: Path, url: str) -> Engine:
    made: Settings = settings(folder, virtualenvs)
    made = replace(made, store=replace(made.store, url=url), actions=replace(made.actions, lease_s=2.0))
    return Engine(made, environment={"PATH": "/usr/bin:/bin"})


def test_a_sensor_runs_on_one_server_and_moves_when_that_one_stops(
    tmp_path: Path, virtualenvs: Path, url: str
) -> None:
    body = """
        def run(self):
            self.say(number=os.getpid())
            self.rest()
    """
    write_sensor(tmp_path / "one", body)
    write_sensor(tmp_path / "two", body)
    first = server(tmp_path / "one", virtualenvs, url)
    (tmp_path / "two" / "data").mkdir(mode=0o700)
    (tmp_path / "two" / "data" / "secret.key").write_bytes((tmp_path / "one/data/secret.key").read_bytes())
    (tmp_path / "two" / "data" / "secret.key").chmod(0o600)
    second = server(tmp_path / "two", virtualenvs, url)
    try:
        first.start()
        first.sensors.start()
        until_state(first, SensorState.RUNNING)
        second.start()
        second.sensors.start()
        until_state(second, SensorState.ELSEWHERE)
        time.sleep(2.5)
        until_state(first, SensorState.RUNNING)
        until_state(second, SensorState.ELSEWHERE)
        assert len(said(first)) == 1
        first.stop()
        until_state(second, SensorState.RUNNING)
        assert len(until_said(second, 2)) == 2
    finally:
        first.stop()
        second.stop()


def test_a_lease_that_ran_out_may_be_taken(postgresql: str, url: str) -> None:
    database = Database(url)
    database.start()
    try:
        mine = Leases(database, server="one", lease_s=1.0)
        theirs = Leases(database, server="two", lease_s=1.0)
        assert mine.renew(["a.B", "a.C"])
        assert not theirs.renew(["a.B"])
        assert (mine.holds("a.B"), theirs.holds("a.B")) == (True, False)
        wait_until(lambda: theirs.renew(["a.B"]))
        # Who lost it knows by its own clock, before anybody told it.
        assert (mine.holds("a.B"), theirs.holds("a.B")) == (False, True)
        database.write(lambda connection: sensor_leases.release(connection, "two"))
        mine.renew(["a.B"])
        assert mine.holds("a.B")
    finally:
        database.close()


def test_one_server_on_sqlite_needs_no_leases(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'x.db'}")
    leases = Leases(database, server="one", lease_s=1.0)
    assert leases.holds("a.B")
    assert leases.pause_s is None
    database.close()
