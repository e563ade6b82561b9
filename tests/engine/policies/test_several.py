"""Several policies on one action; policies that come and go; restarts."""

from sqlalchemy import text

from engine.status import Status
from tests.engine.policies.place import END, Place, is_, job, status
from tests.engine.world import wait_until


def test_all_policies_of_an_action_apply(place_of_each_kind: Place) -> None:
    place = place_of_each_kind
    place.policy("action.concurrency", name="all", threshold=2)
    place.policy("action.concurrency.attr", name="each", threshold=1, attributes=["host"])
    engine = place.start()
    first = job(engine, "a", host="web1")
    same = job(engine, "b", host="web1")
    other = job(engine, "c", host="web2")
    third_host = job(engine, "d", host="web3")
    wait_until(is_(engine, other, Status.RUNNING))
    wait_until(is_(engine, third_host, Status.DELAYED))
    reasons = {
        one.id: engine.execution(one.id).context["policies"]["delay"]["applied_policy"]
        for one in (same, third_host)
    }
    assert reasons == {same.id: "probe.each", third_host.id: "probe.all"}
    # Both could take the place of `a` now; `b` came first.
    place.let_go("a")
    engine.wait(first.id, timeout_s=60)
    wait_until(is_(engine, same, Status.RUNNING))
    assert status(engine, third_host) is Status.DELAYED
    place.let_go("all")
    for one in (same, other, third_host):
        assert engine.wait(one.id, timeout_s=60).status is END


def test_random_order_of_two_policies_starts_everything_once(place: Place) -> None:
    place.policy("action.concurrency", name="all", threshold=2)
    place.policy("action.concurrency.attr", name="each", threshold=1, attributes=["host"])
    engine = place.start()
    place.let_go("all")
    made = [job(engine, f"n{number}", host=f"web{number % 3}") for number in range(30)]
    for one in made:
        assert engine.wait(one.id, timeout_s=60).status is END
    assert sorted(place.started) == sorted(f"n{number}" for number in range(30))
    with engine.database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM policy_entry")).scalar() == 0


def test_who_waits_for_a_policy_that_goes_starts(place: Place) -> None:
    place.policy("action.concurrency", threshold=1)
    engine = place.start()
    job(engine, "a")
    waiting = [job(engine, name) for name in ("b", "c")]
    wait_until(is_(engine, waiting[1], Status.DELAYED))
    place.without_policy()
    engine.reload()
    for one in waiting:
        wait_until(is_(engine, one, Status.RUNNING))


def test_a_policy_that_comes_counts_what_runs_already(place: Place) -> None:
    engine = place.start()
    first = job(engine, "a")
    wait_until(is_(engine, first, Status.RUNNING))
    place.policy("action.concurrency", threshold=1)
    engine.reload()
    second = job(engine, "b")
    wait_until(is_(engine, second, Status.DELAYED))
    place.let_go("a")
    wait_until(is_(engine, second, Status.RUNNING))


def test_a_disabled_policy_counts_for_nothing(place: Place) -> None:
    place.policy("action.concurrency", threshold=1)
    engine = place.start()
    engine.stored.set_enabled("policy", "probe.limit", enabled=False, user="alice")
    made = [job(engine, name) for name in ("a", "b")]
    for one in made:
        wait_until(is_(engine, one, Status.RUNNING))


def test_who_waits_goes_on_in_order_after_a_restart(place_of_each_kind: Place) -> None:
    place = place_of_each_kind
    place.policy("action.concurrency", threshold=1)
    engine = place.start()
    made = [job(engine, name) for name in ("a", "b", "c")]
    wait_until(is_(engine, made[2], Status.DELAYED))
    wait_until(lambda: place.started == ["a"])
    engine.stop()
    again = place.start()
    assert status(again, made[1]) is Status.DELAYED
    place.let_go("all")
    for one in made:
        assert again.wait(one.id, timeout_s=60).status is END
    assert place.started == ["a", "b", "c"]
