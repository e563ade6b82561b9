"""At most so many at once: exact, in the order of arrival, and nobody else is held up."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from engine.status import Status
from tests.engine.policies.place import END, Place, is_, job, status, words
from tests.engine.world import request, run, wait_until


def test_one_too_many_waits_until_a_place_is_free(place_of_each_kind: Place) -> None:
    place = place_of_each_kind
    place.policy("action.concurrency", threshold=1)
    engine = place.start()
    first = job(engine, "a")
    second = job(engine, "b")
    wait_until(is_(engine, first, Status.RUNNING))
    wait_until(is_(engine, second, Status.DELAYED))
    place.let_go("a")
    wait_until(is_(engine, second, Status.RUNNING))
    place.let_go("b")
    assert engine.wait(second.id, timeout_s=60).status is END
    assert words(engine, second) == [
        "requested", "delayed", "requested", "scheduled", "running", "succeeded",
    ]  # fmt: skip


def test_the_reason_stands_in_the_context(place: Place) -> None:
    place.policy("action.concurrency", threshold=1)
    engine = place.start()
    job(engine, "a")
    waiting = job(engine, "b")
    wait_until(is_(engine, waiting, Status.DELAYED))
    assert engine.execution(waiting.id).context["policies"]["delay"] == {
        "applied_policy": "probe.limit",
        "reason": "Policy probe.limit: at most 1 at once.",
    }


def test_of_a_hundred_at_once_with_one_place_never_two_run(place_of_each_kind: Place) -> None:
    place = place_of_each_kind
    place.policy("action.concurrency", action="probe.sh", threshold=1)
    engine = place.start()
    lock = place.folder / "lock"
    command = f"mkdir {lock} && echo in >> {place.folder}/ledger && rmdir {lock}"
    with ThreadPoolExecutor(20) as pool:
        made = list(pool.map(lambda _: request(engine, "probe.sh", cmd=command), range(100)))
    done = [engine.wait(one.id, timeout_s=60) for one in made]
    assert {one.status for one in done} == {END}
    assert place.started == ["in"] * 100
    by_start = sorted(done, key=lambda one: one.started_at or one.requested_at)
    ends = [one.ended_at for one in by_start]
    starts = [one.started_at for one in by_start]
    assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))  # type: ignore[operator]


def test_who_waits_starts_in_the_order_of_arrival(place: Place) -> None:
    place.policy("action.concurrency", threshold=1)
    engine = place.start()
    names = [f"n{number:02}" for number in range(20)]
    made = [job(engine, name) for name in names]
    place.let_go("all")
    for one in made:
        assert engine.wait(one.id, timeout_s=60).status is END
    assert place.started == names


def test_nobody_overtakes_while_somebody_waits(place: Place) -> None:
    place.policy("action.concurrency", threshold=2)
    engine = place.start()
    first, second, third = job(engine, "a"), job(engine, "b"), job(engine, "c")
    wait_until(is_(engine, third, Status.DELAYED))
    fourth = job(engine, "d")
    place.let_go("a")
    wait_until(is_(engine, third, Status.RUNNING))
    assert status(engine, fourth) is Status.DELAYED
    assert engine.wait(first.id, timeout_s=60).status is END
    assert status(engine, second) is Status.RUNNING


def test_other_actions_go_on_while_one_waits(place: Place) -> None:
    place.policy("action.concurrency", threshold=1)
    engine = place.start()
    job(engine, "a")
    waiting = [job(engine, f"w{number}") for number in range(30)]
    assert run(engine, "probe.nothing").status is END
    assert {status(engine, one) for one in waiting} == {Status.DELAYED}


def test_actions_without_a_policy_cost_no_statement_more(place: Place) -> None:
    place.policy("action.concurrency", threshold=1)
    engine = place.start()
    job(engine, "a")
    wait_until(is_(engine, job(engine, "b"), Status.DELAYED))
    said: list[str] = []

    def listen(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        driver.set_trace_callback(said.append)

    # By the driver: the statements of every execution pass SQLAlchemy by.
    engine.database.write(listen)
    assert run(engine, "probe.nothing").status is END
    assert any("UPDATE execution" in one for one in said)
    assert [one for one in said if "policy_entry" in one] == []


def test_two_servers_on_one_database_count_together(tmp_path: Path, postgresql_url: str) -> None:
    places = [Place(tmp_path / name, postgresql_url) for name in ("one", "two")]
    engines = []
    lock, ledger = tmp_path / "lock", tmp_path / "ledger"
    command = f"mkdir {lock} && echo in >> {ledger} && rmdir {lock}"
    try:
        for one in places:
            one.policy("action.concurrency", action="probe.sh", threshold=1)
            engines.append(one.start())
        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(lambda n: request(engines[n % 2], "probe.sh", cmd=command), range(30)))
        for one in made:
            wait_until(is_(engines[0], one, END), timeout_s=60)
        assert ledger.read_text().split() == ["in"] * 30
    finally:
        for one in places:
            one.stop()


def test_what_a_policy_cancels_ends_at_once_with_the_words_of_stackstorm(place: Place) -> None:
    place.policy("action.concurrency", threshold=1, too_many="cancel")
    engine = place.start()
    first = job(engine, "a")
    wait_until(is_(engine, first, Status.RUNNING))
    refused = engine.wait(job(engine, "b").id, timeout_s=60)
    assert refused.status is Status.CANCELED
    assert refused.result == {
        "message": "Action canceled by user.",
        "user": "stormcrow",
        "reason": "Policy probe.limit: at most 1 at once.",
    }
    wait_until(lambda: place.started == ["a"])


def test_a_delayed_one_is_cancelled_by_its_user(place: Place) -> None:
    place.policy("action.concurrency", threshold=1)
    engine = place.start()
    job(engine, "a")
    second, third = job(engine, "b"), job(engine, "c")
    wait_until(is_(engine, third, Status.DELAYED))
    assert engine.cancel(second.id, user="alice").status is Status.CANCELED
    place.let_go("all")
    assert engine.wait(third.id, timeout_s=60).status is END
    assert place.started == ["a", "c"]


def test_what_is_being_cancelled_keeps_its_place_until_it_has_ended(place: Place) -> None:
    place.policy("action.concurrency", threshold=1)
    engine = place.start()
    first, second = job(engine, "a"), job(engine, "b")
    wait_until(is_(engine, second, Status.DELAYED))
    wait_until(lambda: place.started == ["a"])
    engine.cancel(first.id, user="alice")
    place.let_go("b")
    done = engine.wait(second.id, timeout_s=60)
    ended = engine.execution(first.id)
    assert ended.status is Status.CANCELED
    assert ended.ended_at is not None
    assert done.started_at is not None
    assert ended.ended_at <= done.started_at


def test_a_place_in_the_line_is_told(place: Place) -> None:
    place.policy("action.concurrency", threshold=1)
    engine = place.start()
    first, _, third = (job(engine, name) for name in ("a", "b", "c"))
    wait_until(is_(engine, third, Status.DELAYED))
    found = engine.place_in_line(third.id)
    assert found is not None
    assert (found.policy, found.position, found.waiting, found.behind) == ("probe.limit", 2, 2, (first.id,))
    assert engine.place_in_line(first.id) is None
