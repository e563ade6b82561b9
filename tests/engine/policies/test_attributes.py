"""At most so many at once of those with equal parameters."""

from sqlalchemy import text

from engine.status import Status
from tests.engine.policies.place import END, Place, is_, job, status
from tests.engine.world import wait_until


def test_only_those_with_equal_attributes_are_counted_together(place_of_each_kind: Place) -> None:
    place = place_of_each_kind
    place.policy("action.concurrency.attr", threshold=1, attributes=["host"])
    engine = place.start()
    first = job(engine, "a", host="web1")
    second = job(engine, "b", host="web2")
    third = job(engine, "c", host="web1")
    wait_until(is_(engine, second, Status.RUNNING))
    wait_until(is_(engine, third, Status.DELAYED))
    assert status(engine, first) is Status.RUNNING
    place.let_go("b")
    engine.wait(second.id, timeout_s=60)
    assert status(engine, third) is Status.DELAYED
    place.let_go("a")
    wait_until(is_(engine, third, Status.RUNNING))


def test_a_default_counts_as_left_out(place: Place) -> None:
    place.policy("action.concurrency.attr", threshold=1, attributes=["host"])
    engine = place.start()
    first, explicit, same = job(engine, "a"), job(engine, "b", host="here"), job(engine, "c")
    wait_until(is_(engine, explicit, Status.RUNNING))
    wait_until(is_(engine, same, Status.DELAYED))
    assert status(engine, first) is Status.RUNNING


def test_a_dot_leads_into_an_object(place: Place) -> None:
    place.policy("action.concurrency.attr", threshold=1, attributes=["target.host"])
    engine = place.start()
    job(engine, "a", target={"host": "web1", "port": 1})
    other = job(engine, "b", target={"host": "web2", "port": 1})
    same = job(engine, "c", target={"host": "web1", "port": 2})
    wait_until(is_(engine, other, Status.RUNNING))
    wait_until(is_(engine, same, Status.DELAYED))


def test_secret_attributes_are_compared_and_stand_nowhere_in_clear(place: Place) -> None:
    place.policy("action.concurrency.attr", threshold=1, attributes=["password"])
    engine = place.start()
    job(engine, "a", password="correct-horse")
    other = job(engine, "b", password="battery-staple")
    same = job(engine, "c", password="correct-horse")
    wait_until(is_(engine, other, Status.RUNNING))
    wait_until(is_(engine, same, Status.DELAYED))
    with engine.database.read() as connection:
        rows = [
            connection.execute(text(f"SELECT * FROM {table}")).all()
            for table in ("policy_entry", "journal", "execution")
        ]
    assert "correct-horse" not in str(rows)
    assert "battery-staple" not in str(rows)


def test_a_change_of_the_secret_key_changes_nobodys_place(place: Place) -> None:
    place.policy("action.concurrency.attr", threshold=1, attributes=["password"])
    engine = place.start()
    job(engine, "a", password="one")
    second = job(engine, "b", password="one")
    wait_until(is_(engine, second, Status.DELAYED))
    engine.seals.rotate()
    third = job(engine, "c", password="one")
    wait_until(is_(engine, third, Status.DELAYED))
    place.let_go("all")
    for one in (second, third):
        assert engine.wait(one.id, timeout_s=60).status is END
    assert place.started == ["a", "b", "c"]
