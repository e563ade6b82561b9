"""Who did what, told by the one place that writes the fact: executions, questions, content, people."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection

from engine.acting import acting_as
from engine.alerts.normalise import normalise
from engine.records.account import Account
from engine.records.audit import Actor, AuditEntry, AuditFilter
from engine.records.execution import Execution, ExecutionRequest
from engine.records.inquiry import Answerer
from engine.records.trigger import Event
from engine.schedules.book import NewSchedule
from engine.service import Engine
from engine.store import comforts
from tests.engine import world
from tests.engine.alerts import samples

ANN = Actor(user="ann", via="slack", account="slack.T1.U7")


def newest(engine: Engine, kind: str) -> AuditEntry:
    found, _ = engine.audit.page(AuditFilter(kinds=(kind,)), limit=1)
    assert found, f"no {kind}"
    return found[0]


def asked(engine: Engine, **parameters: Any) -> Execution:
    schema = {"type": "object", "properties": {"approved": {"type": "boolean"}}}
    given = {"schema": schema, "text": "Really?", **parameters}
    made = engine.request(ExecutionRequest(action="core.ask", parameters=given, user="ann"))
    world.wait_until(lambda: engine.execution(made.id).status == "pending")
    return made


def test_what_a_chat_begins_tells_the_account(engine: Engine) -> None:
    with acting_as(ANN):
        made = engine.request(ExecutionRequest(action="probe.nothing", user="ann"))
    act = newest(engine, "execution.requested")
    assert (act.execution_id, act.user, act.via, act.account) == (made.id, "ann", "slack", "slack.T1.U7")


def test_a_rerun_names_the_first(engine: Engine) -> None:
    made = engine.request(ExecutionRequest(action="probe.nothing", user="ann"))
    engine.wait(made.id, timeout_s=60)
    again = engine.rerun(made.id, user="bob", parameters={})
    act = newest(engine, "execution.rerun")
    assert (act.execution_id, act.user) == (again.id, "bob")
    assert made.id in act.details.decode()


def test_an_answer_in_an_emergency_is_told_as_that(engine: Engine) -> None:
    made = asked(engine, **{"x-emergency": ["eve"], "users": ["bob"]})
    who = Answerer(user="eve", surface="slack", breaks_glass=True)
    engine.inquiries.answer(made.id, {"approved": True}, who=who, reason="db1 burns")
    act = newest(engine, "inquiry.break_glass")
    assert (act.user, act.via, act.reason, act.object) == ("eve", "slack", "db1 burns", made.id)


def test_votes_and_the_decision_say_who_approved(engine: Engine) -> None:
    made = asked(engine, **{"x-quorum": 2})
    for user in ("bob", "eve"):
        engine.inquiries.answer(made.id, {"approved": True}, who=Answerer(user=user))
    assert newest(engine, "inquiry.vote").user == "bob"
    act = newest(engine, "inquiry.approved")
    assert (act.user, act.approved_by, act.trace_id) == ("eve", "bob,eve", made.id)


def test_content_schedules_accounts_and_the_secret_key_are_told(engine: Engine) -> None:
    rule = {
        "name": "told",
        "pack": "probe",
        "trigger": {"type": "core.st2.webhook", "parameters": {"url": "told"}},
        "action": {"ref": "probe.nothing"},
    }
    engine.stored.put("rule", rule, user="ann")
    assert (newest(engine, "content.created").object, newest(engine, "content.created").user) == (
        "rule:probe.told",
        "ann",
    )
    engine.stored.set_enabled("action", "probe.sh", enabled=False, user="bob")
    assert newest(engine, "content.disabled").user == "bob"
    made = engine.schedules.add(NewSchedule(when="every 2 hours", action="probe.nothing", user="ann"))
    assert newest(engine, "schedule.made").user == "ann"
    engine.schedules.cancel(made.schedule.number, user="bob")
    assert newest(engine, "schedule.cancelled").user == "bob"
    code, _ = engine.accounts.new_code("ann")
    engine.accounts.redeem(code, Account(platform="irc", team="libera", id="ann_"), name="ann_")
    assert newest(engine, "account.linked").object == "irc.libera.ann_"
    engine.accounts.unlink(Account(platform="irc", team="libera", id="ann_"), by="admin")
    assert newest(engine, "account.unlinked").user == "admin"
    engine.seals.rotate(is_leaked=True)
    assert b'"leaked":true' in newest(engine, "secret_key.changed").details
    assert engine.audit.verify().flaws == ()


def test_a_workflows_children_are_no_acts(engine: Engine) -> None:
    pack = Path(engine.registry.pack("probe").folder)
    (pack / "actions" / "workflows").mkdir(exist_ok=True)
    flow = "{name: flow, runner_type: orquesta, entry_point: workflows/flow.yaml}"
    (pack / "actions" / "flow.yaml").write_text(flow)
    (pack / "actions" / "workflows" / "flow.yaml").write_text(
        "{version: 1.0, tasks: {first: {action: probe.nothing}}}"
    )
    engine.reload()
    made = engine.request(ExecutionRequest(action="probe.flow", user="ann"))
    engine.wait(made.id, timeout_s=60)
    kinds = [act.object for act in engine.audit.page(AuditFilter(kinds=("execution.*",)))[0]]
    assert kinds == ["probe.flow"]


@pytest.mark.parametrize("kind", ["execution.requested", "execution.cancelled"])
def test_secrets_are_masked(engine: Engine, kind: str) -> None:
    given = {"password": "hunter2-hunter2"}
    made = engine.request(
        ExecutionRequest(action="probe.secretive", parameters=given, user="ann", delay_ms=60_000)
    )
    engine.cancel(made.id, user="ann")
    assert newest(engine, kind).execution_id == made.id
    assert not [act for act in engine.audit.page(AuditFilter())[0] if b"hunter2" in act.details]


def kinds_since(engine: Engine, number: int) -> list[tuple[str, str]]:
    acts, _ = engine.audit.page(AuditFilter())
    return [(act.kind, act.object) for act in reversed(acts) if act.number > number]


def test_a_schedule_is_one_act_when_it_is_made_and_one_when_it_is_cancelled(engine: Engine) -> None:
    before = engine.audit.head().number
    made = engine.schedules.add(NewSchedule(when="every 2 hours", action="probe.nothing", user="ann"))
    number = made.schedule.number
    engine.schedules.cancel(number, user="ann")
    expected = [("schedule.made", str(number)), ("schedule.cancelled", str(number))]
    assert kinds_since(engine, before) == expected


def test_a_change_of_content_is_one_act_that_names_what_changed(engine: Engine) -> None:
    rule = {
        "name": "one",
        "pack": "probe",
        "trigger": {"type": "core.st2.webhook", "parameters": {"url": "one"}},
        "action": {"ref": "probe.secretive", "parameters": {"password": "a-secret-of-a-rule"}},
    }
    engine.stored.put("rule", rule, user="ann")
    before = engine.audit.head().number
    changed = {**rule, "name": "two", "action": {"ref": "probe.nothing"}}
    engine.stored.replace("rule", "probe.one", changed, user="ann")
    assert kinds_since(engine, before) == [("content.changed", "rule:probe.two")]
    details = newest(engine, "content.changed").details
    assert orjson.loads(details) == {"fields": ["action", "name"], "was": "probe.one"}


def test_a_silence_says_until_when_and_belongs_to_the_trace_of_its_alert(engine: Engine) -> None:
    (alert,) = normalise("alertmanager", samples.alertmanager(), {}, channel="ops")
    engine.emit(Event(trigger="alerts.alert", payload=alert.payload(), source="webhook:test"))
    episode = engine.alerts.page()[0][0]
    engine.alerts.silence(episode.id, by="ann", lasting=timedelta(hours=1))
    act = newest(engine, "alert.silenced")
    details = orjson.loads(act.details)
    assert (details["title"], details["channel"]) == ("DiskFull", "ops")
    assert datetime.fromisoformat(details["until"]) > act.at
    told = [step.text for step in engine.stories.get(episode.id).steps if step.what == "act"]
    assert told == ["alert.silenced DiskFull"]


def test_a_code_for_an_account_is_an_act_without_the_code(engine: Engine) -> None:
    code, _ = engine.accounts.new_code("ann", account="irc.libera.ann_")
    act = newest(engine, "account.code_made")
    assert act.object == "ann"
    assert orjson.loads(act.details) == {"account": "irc.libera.ann_"}
    assert code not in str(act)


def test_defaults_of_a_channel_are_acts(engine: Engine) -> None:
    def work(connection: Connection) -> None:
        comforts.set_defaults(connection, "slack", "C1", values={"stage": "prod", "to": "x"}, by="ann")
        comforts.clear_defaults(connection, "slack", "C1", names=("stage",))
        comforts.clear_defaults(connection, "slack", "C1", names=("stage",))

    before = engine.audit.head().number
    engine.database.write(work)
    assert kinds_since(engine, before) == [("defaults.set", "slack#C1"), ("defaults.cleared", "slack#C1")]
    assert orjson.loads(newest(engine, "defaults.set").details) == {"values": {"stage": "prod", "to": "x"}}
    assert orjson.loads(newest(engine, "defaults.cleared").details) == {"names": ["stage"]}
