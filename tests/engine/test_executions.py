"""Executions: what is accepted, what is refused, and what stands in the rows."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from engine.clock import utcnow
from engine.errors import BadInput, BadParameter, BadTemplate, IllegalTransition, NotFound, RunnerFailure
from engine.records.execution import ExecutionFilter
from engine.service import Engine, ExecutionRequest
from engine.status import Status
from tests.engine.world import request, run, wait_until


def test_an_action_runs_to_its_end(engine_of_each_kind: Engine) -> None:
    done = run(engine_of_each_kind, "probe.sh", cmd="echo hello")
    assert done.status is Status.SUCCEEDED
    assert done.result["stdout"] == "hello"
    assert [str(status) for _, status in done.log] == ["requested", "scheduled", "running", "succeeded"]
    assert done.elapsed_s is not None


def test_an_unknown_action_is_refused_with_the_nearest_name(engine: Engine) -> None:
    with pytest.raises(NotFound, match=r'Action "probe\.shh" cannot be found.*probe\.sh\?'):
        request(engine, "probe.shh")


def test_an_unknown_parameter_is_refused(engine: Engine) -> None:
    with pytest.raises(BadParameter, match="'volume' was unexpected"):
        request(engine, "probe.sh", cmd="true", volume=11)


def test_a_missing_parameter_is_refused(engine: Engine) -> None:
    with pytest.raises(BadParameter, match="'cmd' is a required property"):
        request(engine, "probe.sh")


def test_a_disabled_action_is_refused(engine: Engine) -> None:
    with pytest.raises(BadInput, match=r'Action "probe\.off" is disabled'):
        request(engine, "probe.off")


def test_template_text_of_a_caller_stays_text(engine: Engine) -> None:
    done = run(engine, "probe.sh", cmd="echo '{{ 7 * 7 }} {% raw %}'")
    assert done.result["stdout"] == "{{ 7 * 7 }} {% raw %}"


def test_templates_of_the_pack_are_rendered(engine: Engine) -> None:
    done = run(engine, "probe.nothing", word="quiet")
    assert done.parameters == {"word": "quiet", "shout": "QUIET"}


def test_a_template_of_the_pack_that_fails_leaves_a_failed_execution(engine: Engine) -> None:
    with pytest.raises(BadTemplate):
        request(engine, "probe.untrue")
    failed = engine.execution("last")
    assert failed.status is Status.FAILED
    assert "broken" in failed.result["error"]


def test_the_same_idempotency_key_is_the_same_execution(engine_of_each_kind: Engine) -> None:
    wanted = ExecutionRequest(action="probe.nothing", user="alice", idempotency_key="build 7")
    with ThreadPoolExecutor(8) as pool:
        ids = {
            execution.id for execution in pool.map(lambda _: engine_of_each_kind.request(wanted), range(16))
        }
    assert len(ids) == 1


def test_idempotency_keys_of_two_users_never_meet(engine: Engine) -> None:
    ids = {
        engine.request(ExecutionRequest(action="probe.nothing", user=user, idempotency_key="1")).id
        for user in ("alice", "bob")
    }
    assert len(ids) == 2


def test_an_execution_is_found_by_the_end_of_its_id(engine: Engine) -> None:
    made = request(engine, "probe.nothing")
    assert engine.execution(made.id[-8:]).id == made.id
    assert engine.execution("last").id == made.id
    with pytest.raises(NotFound):
        engine.execution("nowhere")
    with pytest.raises(NotFound):
        engine.execution(made.id[-3:])


def test_secret_parameters_are_sealed_in_the_row_and_masked_for_readers(
    engine: Engine, tmp_path: Path
) -> None:
    done = run(engine, "probe.secretive", password="correct-horse")
    assert done.parameters["password"] == "********"
    assert done.result["stdout"] == "the password is ********"
    with engine.database.read() as connection:
        rows = connection.execute(text("SELECT * FROM execution")).all()
        chunks = connection.execute(text("SELECT data FROM execution_output")).scalars().all()
    assert "correct-horse" not in str(rows)
    assert "".join(chunks) == "the password is ********\n"
    engine.stop()
    everything = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    assert b"correct-horse" not in everything


def test_a_secret_that_is_given_twice_is_masked_twice(engine: Engine) -> None:
    done = run(engine, "probe.secretive", password="correct-horse", note="it is correct-horse")
    assert done.parameters["note"] == "it is ********"
    assert done.result["stdout"] == "the password is ********"


def test_the_key_of_a_client_that_hands_its_environment_along_is_hidden(engine: Engine) -> None:
    handed = {"ST2_API_KEY": "a key of somebody", "HOME": "/root"}
    done = run(engine, "probe.secretive", password="correct-horse", env=handed)
    assert done.parameters["env"] == {"ST2_API_KEY": "********", "HOME": "/root"}


def test_what_the_output_schema_calls_secret_is_hidden_everywhere(engine: Engine) -> None:
    python = engine.settings.virtualenvs_folder / "probe" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    done = run(engine, "probe.minted")
    assert done.status is Status.SUCCEEDED, done.result
    assert done.result["result"] == {"token": "********", "name": "ci"}
    assert done.result["stdout"] == "made ********\n"


def test_an_execution_with_secrets_runs_again(engine: Engine) -> None:
    first = run(engine, "probe.secretive", password="correct-horse")
    again = engine.wait(engine.rerun(first.id, user="bob", parameters={}).id, timeout_s=60)
    assert again.status is Status.SUCCEEDED
    assert again.result["stdout"] == "the password is ********"
    assert again.context["re-run"] == {"ref": first.id}
    assert again.user == "bob"


def test_new_parameters_win_when_it_runs_again(engine: Engine) -> None:
    first = run(engine, "probe.nothing", word="one")
    again = engine.rerun(first.id, user="alice", parameters={"word": "two"})
    assert again.parameters["word"] == "two"


def test_a_running_action_is_really_stopped(engine: Engine, tmp_path: Path) -> None:
    made = request(engine, "probe.sh", cmd=f"echo started; sleep 30; touch {tmp_path}/effect")
    wait_until(lambda: engine.execution(made.id).status is Status.RUNNING)
    assert engine.cancel(made.id, user="bob").status in (Status.CANCELING, Status.CANCELED)
    done = engine.wait(made.id, timeout_s=60)
    assert done.status is Status.CANCELED
    assert done.result["message"] == "Action canceled by user."
    assert done.result["user"] == "bob"
    assert not (tmp_path / "effect").exists()


def test_what_waits_is_cancelled_at_once(engine: Engine) -> None:
    made = engine.request(
        ExecutionRequest(action="probe.sh", parameters={"cmd": "true"}, user="alice", delay_ms=60_000)
    )
    assert engine.cancel(made.id, user="alice").status is Status.CANCELED


def test_a_finished_execution_cannot_be_cancelled(engine: Engine) -> None:
    done = run(engine, "probe.nothing")
    with pytest.raises(IllegalTransition, match="State = succeeded"):
        engine.cancel(done.id, user="alice")


def test_a_delay_is_kept(engine: Engine) -> None:
    made = engine.request(ExecutionRequest(action="probe.nothing", user="alice", delay_ms=300))
    done = engine.wait(made.id, timeout_s=60)
    assert done.status is Status.SUCCEEDED
    assert done.started_at is not None
    assert done.started_at - done.requested_at >= timedelta(milliseconds=300)


def test_of_many_who_cancel_all_see_the_same_end(engine: Engine) -> None:
    made = request(engine, "probe.sh", cmd="sleep 30")
    wait_until(lambda: engine.execution(made.id).status is Status.RUNNING)
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda n: _cancel(engine, made.id, f"user{n}"), range(10)))
    done = engine.wait(made.id, timeout_s=60)
    assert done.status is Status.CANCELED
    assert [status for _, status in done.log].count(Status.CANCELING) == 1


def _cancel(engine: Engine, execution_id: str, user: str) -> None:
    try:
        engine.cancel(execution_id, user=user)
    except IllegalTransition:
        pass


def test_a_runner_that_we_do_not_have_is_refused_with_a_clear_sentence(engine: Engine) -> None:
    with pytest.raises(RunnerFailure, match='cannot run "cobol" actions'):
        engine.runners.get("cobol")


def test_a_workflow_without_its_file_fails_and_names_it(engine: Engine) -> None:
    done = run(engine, "probe.lost")
    assert done.status is Status.FAILED
    assert "workflows/lost.yaml" in done.result["error"]


def test_a_result_that_is_too_large_becomes_an_error(tmp_path: Path) -> None:
    from tests.engine import world

    engine = Engine(world.settings(tmp_path, result_limit_bytes=1000))
    engine.start()
    done = run(engine, "probe.sh", cmd="head -c 5000 /dev/zero | tr '\\0' x")
    engine.stop()
    assert "the limit is 1000" in done.result["error"]


def test_executions_are_listed_newest_first_in_pages(engine_of_each_kind: Engine) -> None:
    engine = engine_of_each_kind
    ids = [run(engine, "probe.nothing", word=str(n)).id for n in range(5)]
    run(engine, "probe.sh", cmd="true")
    page, total = engine.executions(ExecutionFilter(action="probe.nothing", limit=2, offset=1))
    assert ([one.id for one in page], total) == ([ids[3], ids[2]], 5)
    page, total = engine.executions(ExecutionFilter(after=utcnow()))
    assert (page, total) == ([], 0)
    page, _ = engine.executions(
        ExecutionFilter(status="succeeded", runner="noop", user="alice", oldest_first=True)
    )
    assert [one.id for one in page] == ids


def test_output_is_there_while_the_action_runs(engine: Engine) -> None:
    seen = threading.Event()
    engine.attach(lambda entries: seen.set() if any(e.kind == "execution.output" for e in entries) else None)
    made = request(engine, "probe.sh", cmd="echo early; echo bad >&2; sleep 30")
    assert seen.wait(60)
    assert "early\n" in "".join(chunk.data for chunk in engine.output(made.id))
    engine.cancel(made.id, user="alice")
    engine.wait(made.id, timeout_s=60)
    assert "".join(chunk.data for chunk in engine.output(made.id, kind="stderr")) == "bad\n"


def test_waiting_ends_at_its_timeout(engine: Engine) -> None:
    made = request(engine, "probe.sh", cmd="sleep 30")
    assert engine.wait(made.id, timeout_s=0.2).status in (Status.REQUESTED, Status.RUNNING)
    engine.cancel(made.id, user="alice")


def test_values_to_choose_by_are_each_there_once(engine_of_each_kind: Engine) -> None:
    engine = engine_of_each_kind
    assert engine.execution_values()["action"] == []
    for action, user in (("core.noop", "ann"), ("core.noop", "bob"), ("core.uuid", "ann")):
        engine.submit(ExecutionRequest(action=action, user=user, delay_ms=600_000)).result(60)
    found = engine.execution_values()
    assert (found["action"], found["user"]) == (["core.noop", "core.uuid"], ["ann", "bob"])
    assert (found["status"], found["runner"]) == (["requested"], ["noop", "python-script"])
    assert found["rule"] == found["trigger"] == found["trigger_type"] == []
