"""What the tests of gates share: an event, a rule's gate from its YAML, and asking it at a time."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from engine.content.read_events import read_rule
from engine.content.source import Source
from engine.records.execution import new_id
from engine.records.trigger import InstanceStatus, TriggerInstance
from engine.rules.gate import Admission, Gate
from engine.rules.gates import gates_for
from engine.specs.rule import RuleSpec
from engine.store.database import Database

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
SOURCE = Source(pack="p", pack_folder=Path(), metadata_file="rules/r.yaml")


def rule(**extensions: Any) -> RuleSpec:
    content = {
        "name": "r",
        "enabled": True,
        "trigger": {"type": "core.st2.webhook", "parameters": {"url": "hook"}},
        "action": {"ref": "core.noop"},
        **{f"x-{name}": value for name, value in extensions.items()},
    }
    return read_rule(content, SOURCE)


def gate(name: str, value: Mapping[str, Any]) -> Gate:
    (made,) = gates_for(rule(**{name: value}))
    return made


def event(payload: Any = None, *, trigger: str = "core.st2.webhook") -> TriggerInstance:
    return TriggerInstance(
        id=new_id(),
        trigger=trigger,
        trigger_type=trigger,
        parameters={},
        payload={"body": {}} if payload is None else payload,
        occurred_at=NOON,
        status=InstanceStatus.PROCESSED,
        reason="",
        source="test",
        user="",
        trace_id="t",
        trace_tag="t",
    )


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def ask(database: Database, asked: Gate, seconds: float, payload: Any = None) -> Admission:
    """The answer to an event so many seconds after noon."""
    instance = event(payload)
    return database.write(
        lambda connection: asked.admit(connection, rule_ref="p.r", instance=instance, now=at(seconds))
    )


def passed(database: Database, asked: Gate, *times_s: float, payload: Any = None) -> list[bool]:
    return [ask(database, asked, seconds, payload).admitted for seconds in times_s]
