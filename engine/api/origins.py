"""What began executions: the rule, its trigger and the event, whole, as StackStorm shows them in each."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from engine.api import gate
from engine.api.call import Call
from engine.api.wire import Document
from engine.api.wire_rules import rule_reference
from engine.api.wire_triggers import instance_document, trigger_document
from engine.records.execution import Execution
from engine.records.trigger import InstanceFilter, TriggerInstance
from engine.rights.room import uid
from engine.rules.identity import trigger_of
from engine.specs.right import Right

ATTRIBUTES = frozenset({"rule", "trigger", "trigger_type", "trigger_instance"})


def origins(
    call: Call, executions: Iterable[Execution], *, include: Collection[str] = ()
) -> dict[str, Document]:
    """By the execution's id; only of those that a rule began. `include`: only these paths are asked for.

    Whoever may not look at rules or events themselves does not see them here either. Of a rule that has gone
    there are its names, of an event that has gone nothing.
    """
    if include and ATTRIBUTES.isdisjoint(path.partition(".")[0] for path in include):
        return {}
    named = {one.id: _named(one) for one in executions}
    begun = {execution_id: names for execution_id, names in named.items() if any(names)}
    events = _events(call, {instance_id for _, instance_id in begun.values()} - {""})
    return {
        execution_id: {**_rule(call, ref), **_event(call, events.get(instance_id))}
        for execution_id, (ref, instance_id) in begun.items()
    }


def _named(execution: Execution) -> tuple[str, str]:
    """The ref of the rule and the id of the event; each empty where there is none."""
    return _id_of(execution.context.get("rule")), _id_of(execution.context.get("trigger_instance"))


def _id_of(named: Any) -> str:
    return str(named.get("id") or "") if isinstance(named, Mapping) else ""


def _rule(call: Call, ref: str) -> Document:
    if not ref or not gate.may_see(call, Right.RULE_VIEW, uid("rule", ref)):
        return {}
    return {"rule": call.documents.all("rules").get(ref) or rule_reference(ref)}


def _events(call: Call, ids: set[str]) -> dict[str, TriggerInstance]:
    if not ids or not gate.may_see(call, Right.TRIGGER_VIEW):
        return {}
    found, _ = call.engine.history.instances(InstanceFilter(ids=tuple(ids), limit=None))
    return {one.id: one for one in found}


def _event(call: Call, instance: TriggerInstance | None) -> Document:
    if instance is None:
        return {}
    kind = call.documents.all("triggertypes").get(instance.trigger_type)
    return {
        "trigger_instance": instance_document(instance),
        "trigger": trigger_document(trigger_of(instance.trigger_type, instance.parameters or None)),
        **({"trigger_type": kind} if kind else {}),
    }
