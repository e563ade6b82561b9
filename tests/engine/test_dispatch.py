"""Dispatch: order, bounds, and what a new server does with the old one's work."""

import contextlib
import os
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from engine.errors import StoreFailure
from engine.service import Engine, ExecutionRequest
from engine.status import Status
from engine.store.database import Database, sqlite_url
from tests.engine import world
from tests.engine.world import request, run, wait_until


def test_a_hundred_at_once_all_end(engine: Engine) -> None:
    futures = [
        engine.submit(ExecutionRequest(action="probe.sh", parameters={"cmd": "/bin/true"}, user="alice"))
        for _ in range(100)
    ]
    ids = [future.result(60).id for future in futures]
    assert {engine.wait(one, timeout_s=60).status for one in ids} == {Status.SUCCEEDED}


def test_first_in_is_first_out(tmp_path: Path) -> None:
    engine = Engine(world.settings(tmp_path, workers=1))
    engine.start()
    ids = [request(engine, "probe.nothing", word=str(n)).id for n in range(20)]
    done = [engine.wait(one, timeout_s=60) for one in ids]
    engine.stop()
    starts = [one.started_at for one in done]
    assert starts == sorted(starts)  # type: ignore[type-var]  # all have started


def test_no_more_than_the_workers_run_at_once(tmp_path: Path) -> None:
    engine = Engine(world.settings(tmp_path, workers=3))
    engine.start()
    ids = [request(engine, "probe.sh", cmd="sleep 0.2").id for _ in range(7)]
    wait_until(lambda: engine.running == 3)
    most = 0
    while not all(engine.execution(one).is_finished for one in ids):
        most = max(most, engine.running)
        time.sleep(0.01)
    engine.stop()
    assert most == 3


def test_a_runner_with_a_limit_leaves_room_for_others(tmp_path: Path) -> None:
    engine = Engine(world.settings(tmp_path, workers=4, limits={"local-shell-cmd": 1}))
    engine.start()
    gate = tmp_path / "gate"
    command = f"while [ ! -e {gate} ]; do sleep 0.05; done"
    slow = [request(engine, "probe.sh", cmd=command).id for _ in range(3)]
    assert run(engine, "probe.nothing").status is Status.SUCCEEDED
    wait_until(lambda: [engine.execution(one).status for one in slow].count(Status.RUNNING) == 1)
    assert engine.running == 1
    gate.touch()
    assert {engine.wait(one, timeout_s=60).status for one in slow} == {Status.SUCCEEDED}
    engine.stop()


def test_no_more_than_four_commits_for_an_execution(engine: Engine) -> None:
    run(engine, "probe.sh", cmd="/bin/true")
    before = engine.database.commits
    run(engine, "probe.sh", cmd="/bin/true")
    assert engine.database.commits - before <= 3  # the fourth is the announcer's


def test_commits_are_shared_under_load(engine: Engine) -> None:
    before = engine.database.commits
    with ThreadPoolExecutor(16) as pool:
        done = list(pool.map(lambda _: run(engine, "probe.nothing"), range(64)))
    assert {one.status for one in done} == {Status.SUCCEEDED}
    assert engine.database.commits - before < 3 * 64


def test_a_second_server_on_the_same_folder_is_refused(engine: Engine) -> None:
    with pytest.raises(StoreFailure, match="Another Stormcrow"):
        Engine(engine.settings)


def test_the_data_folder_is_ours_alone(engine: Engine) -> None:
    assert engine.settings.data_folder.stat().st_mode & 0o777 == 0o700
    assert (engine.settings.data_folder / "admin.key").stat().st_mode & 0o777 == 0o600


def test_what_was_claimed_and_never_started_waits_again(engine: Engine) -> None:
    made = engine.request(
        ExecutionRequest(action="probe.sh", parameters={"cmd": "echo once"}, user="alice", delay_ms=3_600_000)
    )
    server = _server_of(engine)
    engine.stop()
    _as_claimed(engine, made.id, server=server)
    again = Engine(engine.settings)
    again.start()
    done = again.wait(made.id, timeout_s=60)
    again.stop()
    assert done.status is Status.SUCCEEDED
    words = [str(status) for _, status in done.log]
    assert words == ["requested", "scheduled", "running", "requested", "scheduled", "running", "succeeded"]


def test_what_ran_inside_a_dead_server_is_abandoned(engine: Engine) -> None:
    made = engine.request(ExecutionRequest(action="probe.fetch", user="alice", delay_ms=3_600_000))
    server = _server_of(engine)
    engine.stop()
    _as_claimed(engine, made.id, server=server)
    again = Engine(engine.settings)
    again.start()
    done = again.wait(made.id, timeout_s=60)
    again.stop()
    assert done.status is Status.ABANDONED
    assert "cannot be known" in done.result["error"]


@pytest.mark.parametrize("action", ["probe.nothing", "probe.harmless"])
def test_what_may_run_twice_is_started_again(engine: Engine, action: str) -> None:
    made = engine.request(ExecutionRequest(action=action, user="alice", delay_ms=3_600_000))
    server = _server_of(engine)
    engine.stop()
    _as_claimed(engine, made.id, server=server)
    again = Engine(engine.settings)
    again.start()
    done = again.wait(made.id, timeout_s=60)
    again.stop()
    assert done.attempt == 2
    assert done.status in (Status.SUCCEEDED, Status.FAILED)


def test_after_a_restored_backup_nothing_is_started_a_second_time(engine: Engine) -> None:
    made = engine.request(
        ExecutionRequest(
            action="probe.sh", parameters={"cmd": "echo twice"}, user="alice", delay_ms=3_600_000
        )
    )
    server = _server_of(engine)
    engine.stop()
    _as_claimed(engine, made.id, server=server)
    mark = engine.settings.data_folder / "journal.mark"
    mark.write_text(str(int(mark.read_text()) + 1000))
    again = Engine(engine.settings)
    again.start()
    done = again.wait(made.id, timeout_s=60)
    again.stop()
    assert done.status is Status.ABANDONED
    assert "restored from a backup" in done.result["error"]


def test_a_database_put_into_an_empty_folder_starts_nothing_either(engine: Engine) -> None:
    made = engine.request(ExecutionRequest(action="probe.nothing", user="alice", delay_ms=3_600_000))
    engine.stop()
    (engine.settings.data_folder / "journal.mark").unlink()
    again = Engine(engine.settings)
    again.start()
    done = again.execution(made.id)
    later = run(again, "probe.nothing")
    again.stop()
    assert done.status is Status.ABANDONED
    assert later.status is Status.SUCCEEDED


def test_what_a_server_of_another_host_name_held_is_recovered(engine: Engine) -> None:
    made = engine.request(ExecutionRequest(action="probe.fetch", user="alice", delay_ms=3_600_000))
    engine.stop()
    _as_claimed(engine, made.id, server="someone@an-earlier-container")
    again = Engine(engine.settings)
    again.start()
    done = again.wait(made.id, timeout_s=60)
    again.stop()
    assert done.status is Status.ABANDONED


def test_files_of_the_data_folder_are_ours_alone(engine: Engine) -> None:
    run(engine, "probe.sh", cmd="echo hello")
    open_to_others = []
    # What the run has left is cleared away meanwhile, folders too.
    for folder, _, names in os.walk(engine.settings.data_folder):
        for path in (Path(folder, name) for name in names):
            with contextlib.suppress(FileNotFoundError):
                mode = path.stat().st_mode
                # Of sockets the folder is the guard.
                if stat.S_ISREG(mode) and mode & 0o077:
                    open_to_others.append(str(path))
    assert open_to_others == []


def test_a_local_action_outlives_a_stop_and_is_collected(engine: Engine, tmp_path: Path) -> None:
    made = request(
        engine,
        "probe.sh",
        cmd=f"touch {tmp_path}/began; sleep 0.5; echo done >> {tmp_path}/ledger; echo result",
    )
    wait_until((tmp_path / "began").exists)
    engine.stop()
    again = Engine(engine.settings)
    again.start()
    done = again.wait(made.id, timeout_s=60)
    output = again.output(made.id)
    again.stop()
    assert (done.status, done.result["stdout"]) == (Status.SUCCEEDED, "result")
    assert "".join(chunk.data for chunk in output) == "result\n"
    assert (tmp_path / "ledger").read_text() == "done\n"


def test_what_was_being_cancelled_is_cancelled_by_the_next_server(engine: Engine, tmp_path: Path) -> None:
    made = request(engine, "probe.sh", cmd=f"touch {tmp_path}/began; sleep 60; touch {tmp_path}/effect")
    wait_until((tmp_path / "began").exists)
    engine.stop()
    database = _reopened(engine)
    database.write(
        lambda c: c.execute(text("UPDATE execution SET status = 'canceling' WHERE id = :id"), {"id": made.id})
    )
    database.close()
    again = Engine(engine.settings)
    again.start()
    done = again.wait(made.id, timeout_s=60)
    again.stop()
    assert done.status is Status.CANCELED
    assert not (tmp_path / "effect").exists()


def test_the_spool_is_empty_when_all_is_done(engine: Engine) -> None:
    run(engine, "probe.sh", cmd="echo hello")
    spool = engine.settings.data_folder / "spool"
    wait_until(lambda: not [entry for entry in spool.iterdir() if entry.is_dir()])


def test_an_action_that_left_the_disk_fails_clearly(engine: Engine) -> None:
    made = engine.request(
        ExecutionRequest(action="probe.nothing", parameters={}, user="alice", delay_ms=3000)
    )
    (engine.settings.root / "packs" / "probe" / "actions" / "nothing.yaml").unlink()
    engine.reload()
    done = engine.wait(made.id, timeout_s=60)
    assert done.status is Status.FAILED
    assert "cannot be found" in done.result["error"]


def _server_of(engine: Engine) -> str:
    run(engine, "probe.sh", cmd="true")
    gate = engine.settings.root / "gate"
    made = request(engine, "probe.sh", cmd=f"while [ ! -e {gate} ]; do sleep 0.05; done")
    wait_until(lambda: engine.execution(made.id).status is Status.RUNNING)
    server = engine.execution(made.id).claimed_by
    assert server is not None
    gate.touch()
    engine.wait(made.id, timeout_s=60)
    return server


def _reopened(engine: Engine) -> Database:
    database = Database(sqlite_url(engine.settings.data_folder))
    database.start()
    return database


def _as_claimed(engine: Engine, execution_id: str, *, server: str) -> None:
    """As if a server had been killed right after its claim."""
    database = _reopened(engine)
    database.write(
        lambda connection: connection.execute(
            text(
                "UPDATE execution SET status = 'running', attempt = 1, claimed_by = :server, not_before = 0,"
                " lease_until = 0, log = :log WHERE id = :id"
            ),
            {
                "server": server,
                "id": execution_id,
                "log": b'[["2026-01-01T00:00:00.000000Z","requested"],'
                b'["2026-01-01T00:00:00.000000Z","scheduled"],["2026-01-01T00:00:00.000000Z","running"]]',
            },
        )
    )
    database.close()


def test_the_journal_is_marked_by_several_threads_at_once(engine: Engine) -> None:
    recovery = engine._dispatch._recovery
    failures: list[BaseException] = []

    def mark() -> None:
        try:
            for _ in range(20):
                recovery._marked = 0
                recovery.mark()
        except OSError as error:
            failures.append(error)

    run(engine, "probe.nothing")
    threads = [threading.Thread(target=mark) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_stopped_engine_leaves_no_worker(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    engine = Engine(world.settings(tmp_path))
    engine.start()
    run(engine, "probe.nothing")
    engine.stop()
    wait_until(
        lambda: (
            not [one.name for one in set(threading.enumerate()) - before if one.name.startswith("worker-")]
        )
    )
