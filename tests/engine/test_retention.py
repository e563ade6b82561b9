"""What is old is removed, in small bites: never what is not over, and the audit stays verifiable."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import TextClause, text

from engine.clock import utcnow
from engine.errors import BadInput, NotFound
from engine.records.audit import Act, AuditFilter
from engine.records.execution import Execution, ExecutionFilter, ExecutionRequest
from engine.records.trigger import Event
from engine.retention import Retention
from engine.service import Engine
from engine.settings.retention import RetentionSettings
from engine.store import journal
from engine.store.database import Database
from engine.store.reader import JournalReader
from tests.engine import world

LATER = timedelta(days=3)
FLOW = """
    version: 1.0
    tasks:
      first: {action: probe.nothing, next: [{when: "<% succeeded() %>", do: second}]}
      second: {action: probe.nothing}
"""


@pytest.fixture
def engine(tmp_path: Path, database_url: str) -> Iterator[Engine]:
    """On each kind of database; with a workflow of two tasks."""
    settings = world.settings(tmp_path)
    pack = next(tmp_path.rglob("pack.yaml")).parent
    (pack / "actions" / "workflows").mkdir(parents=True, exist_ok=True)
    (pack / "actions" / "flow.yaml").write_text(
        "{name: flow, runner_type: orquesta, entry_point: workflows/flow.yaml}"
    )
    (pack / "actions" / "workflows" / "flow.yaml").write_text(FLOW)
    url = "" if database_url.startswith("sqlite") else database_url
    made = Engine(replace(settings, store=replace(settings.store, url=url)))
    made.start()
    yield made
    made.stop()


def ran(engine: Engine, action: str, **parameters: Any) -> Execution:
    request = ExecutionRequest(action=action, parameters=parameters, user="ann")
    return engine.wait(engine.request(request).id, timeout_s=60)


def keeping(engine: Engine, **days: int) -> Retention:
    settings = replace(RetentionSettings(output_days=0), **days)
    return Retention(engine.database, settings, readers=lambda: engine._readers)


def count(engine: Engine, table: str) -> int:
    with engine.database.read() as connection:
        found: int = connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
        return found


def change(engine: Engine, statement: TextClause, **values: Any) -> None:
    engine.database.write(lambda connection: connection.execute(statement, values))


def test_executions_that_ended_long_ago_go_with_all_that_is_kept_for_them(engine: Engine) -> None:
    done, flow = ran(engine, "probe.sh", cmd="echo hello"), ran(engine, "probe.flow")
    assert (done.status, flow.status) == ("succeeded", "succeeded")
    assert len(engine.children(flow.id)) == 2
    assert keeping(engine, executions_days=1).sweep(now=utcnow() + LATER) == {"executions": 4}
    assert engine.executions(ExecutionFilter())[1] == 0
    for table in ("execution_output", "workflow", "workflow_delta", "workflow_value"):
        assert count(engine, table) == 0
    with pytest.raises(NotFound):
        engine.execution(done.id)


def test_what_is_young_or_not_over_stays(engine: Engine) -> None:
    young = ran(engine, "probe.nothing")
    assert keeping(engine, executions_days=1).sweep(now=utcnow()) == {}
    running = engine.request(ExecutionRequest(action="probe.sh", parameters={"cmd": "sleep 60"}, user="ann"))
    assert keeping(engine, executions_days=1).sweep(now=utcnow() + LATER) == {"executions": 1}
    assert engine.execution(running.id).id == running.id
    engine.cancel(running.id, user="ann")
    assert young.id not in {one.id for one in engine.executions(ExecutionFilter())[0]}


def test_a_child_stays_as_long_as_its_parent(engine: Engine) -> None:
    flow = ran(engine, "probe.flow")
    child = engine.children(flow.id)[0]
    running = text("UPDATE execution SET status = 'running', ended_at = NULL WHERE id = :id")
    over = text("UPDATE execution SET status = 'succeeded', ended_at = 1 WHERE id = :id")
    for unfinished in (flow.id, child):
        change(engine, running, id=unfinished)
        assert keeping(engine, executions_days=1).sweep(now=utcnow() + LATER) == {}
        assert len(engine.children(flow.id)) == 2
        change(engine, over, id=unfinished)


def test_output_and_the_memory_of_workflows_may_go_before_the_execution(engine: Engine) -> None:
    done, flow = ran(engine, "probe.sh", cmd="echo hello"), ran(engine, "probe.flow")
    removed = keeping(engine, output_days=1, workflows_days=1).sweep(now=utcnow() + LATER)
    assert (removed["output"], removed["workflows"]) == (1, 1)
    assert engine.output(done.id) == []
    assert engine.execution(done.id).result["stdout"] == "hello"
    assert engine.execution(flow.id).status == "succeeded"


def test_events_go_with_what_rules_made_of_them_and_enforcements_may_go_before(engine: Engine) -> None:
    engine.stored.put(
        "rule",
        {
            "name": "each",
            "pack": "probe",
            "enabled": True,
            "trigger": {"type": "core.st2.webhook", "parameters": {"url": "each"}},
            "action": {"ref": "probe.nothing"},
        },
        user="admin",
    )
    for _ in range(2):
        event = Event(
            trigger="core.st2.webhook", parameters={"url": "each"}, payload={"headers": {}, "body": {}}
        )
        emitted = engine.emit(event)
    assert count(engine, "rule_enforcement") == 2, emitted
    assert keeping(engine, enforcements_days=1).sweep(now=utcnow() + LATER) == {"enforcements": 2}
    assert keeping(engine, events_days=1).sweep(now=utcnow() + LATER)["events"] >= 2
    assert count(engine, "trigger_instance") == 0


def test_the_journal_goes_up_to_what_every_reader_has_read(database: Database) -> None:
    def append(count: int) -> int:
        ids = [
            database.write(lambda connection: journal.append(connection, "other", "x", {}))
            for _ in range(count)
        ]
        return ids[-1]

    def left() -> list[int]:
        with database.read() as connection:
            return [one.id for one in journal.entries_after(connection, 0)]

    # One who reads other kinds, and whose cursor nothing has moved.
    reader = JournalReader(database, "idle", lambda _entries: None, kinds=("kind",))
    try:
        newest = append(10)
        # Somebody who was switched off a while ago, and will read on from there.
        database.write(lambda connection: journal.move(connection, "slow", newest - 4))
        settings = RetentionSettings(output_days=0, journal_days=1)
        retention = Retention(database, settings, readers=lambda: [reader])
        assert retention.sweep(now=utcnow()) == {}
        assert retention.sweep(now=utcnow() + LATER) == {"journal": newest - 4}
        database.write(lambda connection: journal.move(connection, "slow", newest))
        assert retention.sweep(now=utcnow() + LATER) == {"journal": 3}
        assert left() == [newest]
        assert append(1) == newest + 1
    finally:
        reader.stop()


def test_the_audit_is_verifiable_when_its_oldest_part_is_gone(engine: Engine) -> None:
    for number in range(30):
        engine.audit.record(Act(kind="key.set", object=str(number)))
    before = engine.audit.head()
    removed = keeping(engine, audit_days=1).sweep(now=utcnow() + LATER)
    # The newest stays, and there is a new one that tells of the removal.
    assert removed == {"audit": before.number - 1}
    verified = engine.audit.verify()
    assert (verified.flaws, verified.head.anchor_number) == ((), before.number - 1)
    newest, *others = engine.audit.page(AuditFilter())[0]
    assert (newest.kind, newest.object) == ("history.removed", "audit")
    assert [one.number for one in others] == [before.number]


def test_an_act_that_is_taken_out_behind_the_anchor_is_missed(engine: Engine) -> None:
    for number in range(5):
        engine.audit.record(Act(kind="key.set", object=str(number)))
    head = engine.audit.head()
    # Somebody moves the anchor by hand, to hide what they removed.
    last = head.number - 2
    change(engine, text("UPDATE audit_head SET anchor_number = :last"), last=last)
    change(engine, text("DELETE FROM audit WHERE number <= :last"), last=last)
    problems = [flaw.problem for flaw in engine.audit.verify().flaws]
    assert any("does not follow" in problem for problem in problems)


def test_a_person_may_have_executions_of_one_action_removed_and_that_is_an_act(engine: Engine) -> None:
    ran(engine, "probe.nothing"), ran(engine, "probe.sh", cmd="true")
    now = utcnow() + timedelta(seconds=2)
    assert engine.retention.count("executions", before=now, action="probe.sh") == 1
    done = engine.retention.purge("executions", before=now, action="probe.sh")
    assert (done.count, done.is_done) == (1, True)
    assert [one.action for one in engine.executions(ExecutionFilter())[0]] == ["probe.nothing"]
    assert engine.audit.page(AuditFilter(kinds=("history.purged",)))[0][0].object == "executions"


@pytest.mark.parametrize(("kind", "action"), [("audit", ""), ("journal", ""), ("events", "core.local")])
def test_nothing_else_can_be_purged(engine: Engine, kind: str, action: str) -> None:
    with pytest.raises(BadInput):
        engine.retention.purge(kind, before=utcnow(), action=action)
