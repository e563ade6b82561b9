"""How schedules look on the API; the shape is ours."""

from engine.api.wire import Document
from engine.clock import isoformat
from engine.schedules.views import ScheduleView


def schedule_document(view: ScheduleView) -> Document:
    schedule = view.schedule
    chat = schedule.context.get("chat") or {}
    return {
        "number": schedule.number,
        "state": view.state,
        "when": schedule.text,
        "timezone": schedule.zone,
        "command": schedule.command or None,
        "action": schedule.action,
        "parameters": dict(schedule.parameters),
        "user": schedule.user,
        "channel": chat.get("channel"),
        "next_fire_at": [isoformat(moment) for moment in view.next_times],
        "misfire": view.misfire or None,
        "rule": schedule.rule_ref,
        "trigger": view.trigger.ref if view.trigger else None,
        "created_at": isoformat(schedule.created_at),
        "ended_at": isoformat(schedule.ended_at) if schedule.ended_at else None,
        "ended_by": schedule.ended_by or None,
        "last_execution": schedule.last_execution_id,
        "last_due_at": isoformat(schedule.last_due_at) if schedule.last_due_at else None,
        "last_failure": schedule.last_failure or None,
    }
