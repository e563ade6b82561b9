"""At most so many starts within an interval."""

from datetime import timedelta

from engine.status import Status
from tests.engine.policies.place import END, Place, is_, job
from tests.engine.world import request, wait_until


def test_so_many_start_within_an_interval_and_the_others_wait_for_it(place_of_each_kind: Place) -> None:
    place = place_of_each_kind
    place.policy("action.rate_limit", action="probe.nothing", threshold=2, interval=1.0)
    engine = place.start()
    made = [request(engine, "probe.nothing") for _ in range(5)]
    done = [engine.wait(one.id, timeout_s=60) for one in made]
    assert {one.status for one in done} == {END}
    starts = [one.started_at for one in done]
    assert starts == sorted(starts)  # type: ignore[type-var]  # all have started
    for early, late in zip(starts, starts[2:], strict=False):
        assert early is not None
        assert late is not None
        assert late - early >= timedelta(seconds=1)


def test_a_rate_is_counted_by_key(place: Place) -> None:
    place.policy("action.rate_limit", threshold=1, interval=3600, attributes=["host"])
    engine = place.start()
    place.let_go("all")
    first, other = job(engine, "a", host="web1"), job(engine, "b", host="web2")
    for one in (first, other):
        assert engine.wait(one.id, timeout_s=60).status is END
    same = job(engine, "c", host="web1")
    wait_until(is_(engine, same, Status.DELAYED))
    found = engine.place_in_line(same.id)
    assert found is not None
    begun = engine.execution(first.id).started_at
    assert begun is not None
    assert found.until == begun + timedelta(hours=1)


def test_a_rate_holds_over_a_restart(place: Place) -> None:
    place.policy("action.rate_limit", threshold=1, interval=3600)
    engine = place.start()
    place.let_go("all")
    first = job(engine, "a")
    engine.wait(first.id, timeout_s=60)
    second = job(engine, "b")
    wait_until(is_(engine, second, Status.DELAYED))
    engine.stop()
    again = place.start()
    wait_until(lambda: again.place_in_line(second.id) is not None)
    found = again.place_in_line(second.id)
    begun = again.execution(first.id).started_at
    assert begun is not None
    assert found is not None
    assert found.until == begun + timedelta(hours=1)


def test_the_next_in_line_inherits_the_moment_of_one_that_is_cancelled(place: Place) -> None:
    place.policy("action.rate_limit", action="probe.nothing", threshold=1, interval=1.5)
    engine = place.start()
    first = engine.wait(request(engine, "probe.nothing").id, timeout_s=60)
    second, third = request(engine, "probe.nothing"), request(engine, "probe.nothing")
    wait_until(is_(engine, third, Status.DELAYED))
    engine.cancel(second.id, user="alice")
    done = engine.wait(third.id, timeout_s=60)
    assert done.status is END
    assert done.started_at is not None
    assert first.started_at is not None
    assert timedelta(seconds=1.5) <= done.started_at - first.started_at
