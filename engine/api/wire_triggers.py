"""StackStorm's JSON shapes of triggers (a type with its parameters), and of the events of each."""

import hashlib

import orjson

from engine.api.wire import Document, content_id, without_falsy
from engine.clock import isoformat
from engine.records.timer import TimerState
from engine.records.trigger import TriggerInstance
from engine.rules.identity import Trigger


def trigger_document(trigger: Trigger) -> Document:
    parameters = dict(trigger.parameters)
    uid = f"trigger:{trigger.pack}:{trigger.name}"
    if parameters:
        text = orjson.dumps(parameters, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=str)
        # StackStorm's uid has an MD5 here; nothing is protected by it.
        uid += f":{hashlib.md5(text, usedforsecurity=False).hexdigest()}"
    return {
        "id": content_id("trigger", trigger.ref),
        "ref": trigger.ref,
        "uid": uid,
        "name": trigger.name,
        "pack": trigger.pack,
        "type": trigger.type_ref,
        "parameters": parameters,
        "description": "",
    }


def timer_document(trigger: Trigger, state: TimerState | None) -> Document:
    """The last three are ours; null for a timer that no enabled rule wants."""
    ahead = state.next_fire_at if state else None
    last = state.last_fire_at if state else None
    return {
        **trigger_document(trigger),
        "next_fire_at": isoformat(ahead) if ahead else None,
        "last_fire_at": isoformat(last) if last else None,
        "misfire": state.misfire if state else None,
    }


def instance_document(instance: TriggerInstance) -> Document:
    """From `trigger_type` on the keys are ours."""
    return {
        "id": instance.id,
        "trigger": instance.trigger,
        "payload": instance.payload,
        "occurrence_time": isoformat(instance.occurred_at),
        "status": instance.status.value,
        **without_falsy(
            {
                "trigger_type": instance.trigger_type,
                "parameters": dict(instance.parameters),
                "source": instance.source,
                "user": instance.user,
                "reason": instance.reason,
                "trace_id": instance.trace_id,
                "trace_tag": instance.trace_tag,
            }
        ),
    }
