"""How sensors look on the API. StackStorm has no such documents; these are ours."""

from datetime import datetime

from engine.api.wire import Document, without_none
from engine.clock import isoformat
from engine.records.sensor import SensorHealth, SensorLine


def sensor_health_document(health: SensorHealth) -> Document:
    return without_none(
        {
            "ref": health.ref,
            "sensor_type": health.sensor_type,
            "instance": health.instance,
            "pack": health.pack,
            "description": health.description,
            "state": health.state.value,
            "pid": health.pid,
            "started_at": _stamp(health.started_at),
            "events": health.events,
            "last_event": _stamp(health.last_event_at),
            "refused": health.refused,
            "restarts": health.restarts,
            "failures": health.failures,
            "last_error": health.last_error,
            "last_error_at": _stamp(health.last_error_at),
            "next_start": _stamp(health.next_start_at),
        }
    )


def sensor_line_document(line: SensorLine) -> Document:
    return {"at": isoformat(line.at), "level": line.level, "text": line.text}


def _stamp(moment: datetime | None) -> str | None:
    return isoformat(moment) if moment is not None else None
