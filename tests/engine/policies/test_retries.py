"""What fails is tried again: durable, in its trace, with its secrets and its notification."""

from datetime import timedelta

from engine.notices import NOTICE
from engine.records.execution import Execution, ExecutionRequest
from engine.service import Engine
from engine.status import Status
from engine.store import journal
from tests.engine.policies.place import END, Place, is_
from tests.engine.world import request, run, wait_until


def repeated(engine: Engine, execution: Execution) -> Execution:
    """The next try of one that has failed."""
    said = engine.execution(execution.id).context["policies"]["retried"]
    return engine.execution(said["execution_id"])


def fails(place: Place, times: int) -> str:
    """A command that fails so often and then succeeds."""
    ledger = place.folder / "ledger"
    return f"echo try >> {ledger}; test $(wc -l < {ledger}) -gt {times}"


def test_what_fails_is_tried_again_until_it_succeeds(place_of_each_kind: Place) -> None:
    place = place_of_each_kind
    place.policy("action.retry", action="probe.sh", retry_on="failure", max_retry_count=3)
    engine = place.start()
    first = run(engine, "probe.sh", cmd=fails(place, 2))
    assert first.status is Status.FAILED
    second = engine.wait(repeated(engine, first).id, timeout_s=60)
    third = engine.wait(repeated(engine, second).id, timeout_s=60)
    assert [one.status for one in (second, third)] == [Status.FAILED, END]
    assert third.context["policies"]["retry"] == {
        "applied_policy": "probe.limit",
        "retry_count": 2,
        "retried_execution_id": second.id,
        "first_execution_id": first.id,
    }
    assert third.parameters == first.parameters
    assert third.user == first.user
    assert "retried" not in third.context["policies"]


def test_after_its_last_try_it_stays_failed(place: Place) -> None:
    place.policy("action.retry", action="probe.sh", retry_on="failure", max_retry_count=1)
    engine = place.start()
    first = run(engine, "probe.sh", cmd=fails(place, 9))
    last = engine.wait(repeated(engine, first).id, timeout_s=60)
    assert last.status is Status.FAILED
    assert "retried" not in last.context["policies"]
    assert place.started == ["try"] * 2


def test_another_end_is_not_tried_again(place: Place) -> None:
    place.policy("action.retry", action="probe.sh", retry_on="timeout")
    engine = place.start()
    assert "policies" not in run(engine, "probe.sh", cmd="false").context
    late = run(engine, "probe.sh", cmd="sleep 5", timeout=1)
    assert late.status is Status.TIMEOUT
    again = repeated(engine, late)
    engine.cancel(again.id, user="alice")
    done = engine.wait(again.id, timeout_s=60)
    assert done.status is Status.CANCELED
    assert "retried" not in done.context["policies"]


def test_the_child_of_a_workflow_is_not_tried_again(place: Place) -> None:
    place.policy("action.retry", action="probe.sh", retry_on="failure")
    engine = place.start()
    wanted = ExecutionRequest(
        action="probe.sh",
        parameters={"cmd": "false"},
        user="alice",
        context={"parent": {"execution_id": "5" * 24}},
    )
    done = engine.wait(engine.request(wanted).id, timeout_s=60)
    assert done.status is Status.FAILED
    assert "policies" not in done.context


def test_a_retry_waits_for_its_delay_also_over_a_restart(place: Place) -> None:
    place.policy("action.retry", action="probe.sh", retry_on="failure", delay=1.0)
    engine = place.start()
    first = run(engine, "probe.sh", cmd=fails(place, 1))
    waiting = repeated(engine, first)
    engine.stop()
    again = place.start()
    done = again.wait(waiting.id, timeout_s=60)
    assert done.status is END
    assert first.ended_at is not None
    assert done.started_at is not None
    assert done.started_at - first.ended_at >= timedelta(seconds=0.9)
    assert place.started == ["try"] * 2


def test_secrets_are_kept_for_the_next_try(place: Place) -> None:
    place.policy("action.retry", retry_on="failure", max_retry_count=1)
    place.write(
        "actions/job.yaml",
        """
        name: job
        runner_type: local-shell-cmd
        parameters:
          password: {type: string, secret: true, required: true}
          cmd: {immutable: true, default: "echo it is {{ password }}; false"}
        """,
    )
    engine = place.start()
    first = run(engine, "probe.job", password="correct-horse")
    second = engine.wait(repeated(engine, first).id, timeout_s=60)
    assert second.parameters["password"] == "********"
    assert second.result["stdout"] == "it is ********"


def test_a_retry_keeps_trace_and_notification(place: Place) -> None:
    place.policy("action.retry", action="probe.sh", retry_on="failure", max_retry_count=1)
    engine = place.start()
    wanted = ExecutionRequest(
        action="probe.sh",
        parameters={"cmd": "false"},
        user="alice",
        context={"notify": {"on-failure": {"routes": ["ops"]}}, "trace_context": {"trace_tag": "night"}},
    )
    first = engine.wait(engine.request(wanted).id, timeout_s=60)
    second = engine.wait(repeated(engine, first).id, timeout_s=60)
    assert second.context["notify"] == first.context["notify"]
    assert second.context["trace_context"] == {"trace_tag": "night", "id_": first.id}


def test_a_retry_stands_in_the_line_like_everybody(place: Place) -> None:
    place.policy("action.retry", name="again", action="probe.sh", retry_on="failure", max_retry_count=1)
    place.policy("action.concurrency", name="one", action="probe.sh", threshold=1)
    engine = place.start()
    gate = place.folder / "gates" / "all"
    first = request(engine, "probe.sh", cmd=fails(place, 1))
    second = request(engine, "probe.sh", cmd=f"while [ ! -e {gate} ]; do sleep 0.02; done")
    assert engine.wait(first.id, timeout_s=60).status is Status.FAILED
    wait_until(is_(engine, second, Status.RUNNING))
    again = repeated(engine, first)
    wait_until(is_(engine, again, Status.DELAYED))
    place.let_go("all")
    assert engine.wait(again.id, timeout_s=60).status is END


def test_only_the_last_try_is_notified(place: Place) -> None:
    place.policy("action.retry", action="probe.sh", retry_on="failure", max_retry_count=1)
    engine = place.start()
    wanted = ExecutionRequest(
        action="probe.sh",
        parameters={"cmd": "false"},
        user="alice",
        context={"notify": {"on-failure": {"message": "it failed", "routes": ["chat"]}}},
    )
    first = engine.wait(engine.request(wanted).id, timeout_s=60)
    second = engine.wait(repeated(engine, first).id, timeout_s=60)

    def told() -> list[str]:
        with engine.database.read() as connection:
            entries = journal.entries_after(connection, 0, kinds=[NOTICE], limit=1000)
        return [entry.data["execution_id"] for entry in entries]

    wait_until(lambda: bool(told()))
    assert told() == [second.id]
