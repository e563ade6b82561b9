"""How webhooks and their deliveries look on the REST API: StackStorm's trigger, with ours beside it."""

from collections.abc import Sequence
from typing import Any

from engine.api.wire import Document, content_id
from engine.clock import isoformat
from engine.records.trigger import Enforcement, TriggerInstance
from engine.rules.identity import Trigger
from engine.specs.webhook import Way
from engine.webhooks.hooks import Hook
from engine.webhooks.tally import Tally


def webhook_document(
    trigger: Trigger, hook: Hook | None, tally: Tally, *, kept: int, last: TriggerInstance | None
) -> Document:
    """`kept`: how many of its deliveries are stored; `last`: the newest of them."""
    document: Document = {
        "id": content_id("trigger", trigger.ref),
        "ref": trigger.ref,
        "uid": f"trigger:{trigger.pack}:{trigger.name}",
        "name": trigger.name,
        "pack": trigger.pack,
        "type": trigger.type_ref,
        "parameters": dict(trigger.parameters),
        "description": hook.spec.description if hook else "",
        "verification": _kinds(hook.spec.ways) if hook else "api key",
        "problem": hook.problem if hook else "",
        "stored": kept,
        "last_at": isoformat(last.occurred_at) if last else None,
        "since_start": {
            "accepted": tally.accepted,
            "duplicates": tally.duplicates,
            "refused": tally.refused,
            "last_refused_at": isoformat(tally.last_refused_at) if tally.last_refused_at else None,
            "last_reason": tally.last_reason,
        },
    }
    if hook is not None:
        spec = hook.spec
        document |= {
            "preset": spec.preset,
            "channel": spec.channel,
            "alerts": spec.alerts,
            "secrets": list(spec.secrets),
            "ways": [way.model_dump(exclude_defaults=True) | {"type": way.type} for way in spec.ways],
            "metadata_file": spec.metadata_file,
        }
    return document


def _kinds(ways: Sequence[Way]) -> str:
    return ", ".join(dict.fromkeys(way.type for way in ways))


def delivery_document(
    instance: TriggerInstance, enforcements: Sequence[Enforcement], *, is_whole: bool
) -> Document:
    """`is_whole`: with headers and body."""
    document: Document = {
        "id": instance.id,
        "url": instance.parameters.get("url", ""),
        "received_at": isoformat(instance.occurred_at),
        "status": instance.status.value,
        "reason": instance.reason,
        "user": instance.user,
        "trace_tag": instance.trace_tag,
        "trigger": instance.trigger,
        "rules": [_enforcement(one) for one in enforcements],
    }
    return {**document, "payload": instance.payload} if is_whole else document


def _enforcement(one: Enforcement) -> dict[str, Any]:
    return {
        "rule": one.rule_ref,
        "status": one.status.value,
        "execution_id": one.execution_id,
        "failure_reason": one.failure_reason,
    }
