"""StackStorm's JSON shapes of rules, enforcements and traces."""

from collections.abc import Mapping
from typing import Any

from engine.api.wire import Document, content_id, without_none
from engine.clock import isoformat
from engine.records.execution import Execution
from engine.records.trace import Trace
from engine.records.trigger import Enforcement, EnforcementStatus, TriggerInstance

RULE_TYPES: Mapping[str, Document] = {
    name: {
        "id": content_id("rule_type", name),
        "name": name,
        "description": text,
        "enabled": True,
        "parameters": {},
    }
    for name, text in (
        ("standard", "Fires on every event whose criteria hold."),
        ("backstop", "Fires on events that no other rule of their trigger matched."),
    )
}


def enforcement_document(enforcement: Enforcement) -> Document:
    """What a throttle, budget or freeze held back is `failed` with the reason, for clients that know
    two words only; `held` says it in ours."""
    return without_none(
        {
            "id": enforcement.id,
            "uid": f"rule_enforcement:{enforcement.rule_ref}:{enforcement.instance_id}",
            "trigger_instance_id": enforcement.instance_id,
            "execution_id": enforcement.execution_id,
            "failure_reason": enforcement.failure_reason or None,
            "rule": rule_reference(enforcement.rule_ref),
            "enforced_at": isoformat(enforcement.enforced_at),
            "status": "succeeded" if enforcement.status is EnforcementStatus.SUCCEEDED else "failed",
            "held": True if enforcement.status is EnforcementStatus.HELD else None,
        }
    )


def rule_reference(ref: str) -> Document:
    """What is known of a rule by its name alone."""
    pack, _, name = ref.partition(".")
    return {"ref": ref, "id": content_id("rule", ref), "uid": f"rule:{pack}:{name}"}


def trace_document(trace: Trace) -> Document:
    return {
        "id": trace.head.id,
        "uid": f"trace:{trace.head.tag}:{trace.head.id}",
        "trace_tag": trace.head.tag,
        "start_timestamp": isoformat(trace.head.started_at),
        "trigger_instances": [_instance_part(one) for one in trace.instances],
        "rules": [_rule_part(one) for one in trace.enforcements],
        "action_executions": [_execution_part(one) for one in trace.executions],
    }


def _part(object_id: str, ref: str, updated_at: Any, cause: Document) -> Document:
    return {"object_id": object_id, "ref": ref, "updated_at": isoformat(updated_at), "caused_by": cause}


def _instance_part(instance: TriggerInstance) -> Document:
    payload = instance.payload if isinstance(instance.payload, Mapping) else {}
    execution_id = payload.get("execution_id")
    cause = {"type": "action_execution", "id": str(execution_id)} if execution_id else {}
    return _part(instance.id, instance.trigger, instance.occurred_at, cause)


def _rule_part(enforcement: Enforcement) -> Document:
    cause = {"type": "trigger_instance", "id": enforcement.instance_id}
    ref = enforcement.rule_ref
    return _part(content_id("rule", ref), ref, enforcement.enforced_at, cause)


def _execution_part(execution: Execution) -> Document:
    rule, instance = execution.context.get("rule"), execution.context.get("trigger_instance")
    cause: Document = {}
    if execution.parent_id:
        cause = {"type": "action_execution", "id": execution.parent_id}
    elif isinstance(rule, Mapping) and isinstance(instance, Mapping):
        cause = {"type": "rule", "id": f"{content_id('rule', str(rule.get('id')))}:{instance.get('id')}"}
    return _part(execution.id, execution.action, execution.requested_at, cause)
