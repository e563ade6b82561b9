"""Sensors: which may run (StackStorm's sensortypes), and how those are that do (ours)."""

from collections.abc import Callable

from starlette.responses import Response

from engine.api import listing
from engine.api import wire_content_shapes as content_shapes
from engine.api import wire_shapes as shapes
from engine.api import wire_site_shapes as site_shapes
from engine.api.call import Call, json_answer
from engine.api.resource import Endpoint
from engine.api.shape import Listed
from engine.api.wire_sensors import sensor_health_document, sensor_line_document
from engine.errors import BadInput
from engine.records.audit import Act
from engine.records.sensor import SensorHealth
from engine.service import Engine
from engine.specs.right import Right


def put_sensor_type(call: Call) -> Response:
    """Of the document only `enabled` counts."""
    ref = call.documents.ref("sensortypes", call.path["ref_or_id"])
    enabled = call.object().get("enabled")
    if not isinstance(enabled, bool):
        raise BadInput("'enabled' must be true or false.")
    call.engine.stored.set_enabled("sensor", ref, enabled=enabled, user=call.requester.user)
    return json_answer(call.documents.one("sensortypes", ref))


def list_sensors(call: Call) -> Response:
    found = [sensor_health_document(health) for health in call.engine.sensors.health()]
    wanted = [
        document
        for document in found
        if call.query.text("pack") in (None, document["pack"])
        and call.query.text("state") in (None, document["state"])
    ]
    return listing.paged(call, listing.ordered(wanted, call.query.names("sort")), always=("ref",))


def get_sensor(call: Call) -> Response:
    health = call.engine.sensors.one(call.path["ref"])
    return json_answer(listing.selected(sensor_health_document(health), call.query, ("ref",)))


def get_log(call: Call) -> Response:
    """The last lines, oldest first."""
    lines = call.engine.sensors.lines(call.path["ref"])
    return json_answer([sensor_line_document(line) for line in lines])


def _order(what: str, give: Callable[[Engine, str], SensorHealth]) -> Callable[[Call], Response]:
    def order(call: Call) -> Response:
        health = give(call.engine, call.path["ref"])
        call.engine.audit.record(Act(kind=f"sensor.{what}", object=call.path["ref"]))
        return json_answer(sensor_health_document(health), status=202)

    return order


_start = _order("started", lambda engine, ref: engine.sensors.start_one(ref))
_stop = _order("stopped", lambda engine, ref: engine.sensors.stop_one(ref))
_restart = _order("restarted", lambda engine, ref: engine.sensors.restart_one(ref))

ENDPOINTS = (
    Endpoint(
        method="PUT",
        path="/sensortypes/{ref_or_id}",
        handler=put_sensor_type,
        right=Right.SENSOR_TYPE_MODIFY,
        takes=shapes.ENABLED,
        gives=content_shapes.SENSOR_TYPE,
    ),
    Endpoint(
        method="GET",
        path="/sensors",
        handler=list_sensors,
        right=Right.SENSOR_TYPE_LIST,
        query=(*listing.LIST, "pack", "sort", "state"),
        gives=Listed(site_shapes.SENSOR),
    ),
    Endpoint(
        method="GET",
        path="/sensors/{ref}",
        handler=get_sensor,
        right=Right.SENSOR_TYPE_VIEW,
        query=listing.SELECTION,
        gives=site_shapes.SENSOR,
    ),
    Endpoint(
        method="GET",
        path="/sensors/{ref}/logs",
        handler=get_log,
        right=Right.SENSOR_TYPE_VIEW,
        gives=Listed(site_shapes.SENSOR_LINE, is_counted=False),
    ),
    Endpoint(
        method="POST",
        path="/sensors/{ref}/start",
        handler=_start,
        right=Right.SENSOR_TYPE_MODIFY,
        gives=site_shapes.SENSOR,
        status=202,
    ),
    Endpoint(
        method="POST",
        path="/sensors/{ref}/stop",
        handler=_stop,
        right=Right.SENSOR_TYPE_MODIFY,
        gives=site_shapes.SENSOR,
        status=202,
    ),
    Endpoint(
        method="POST",
        path="/sensors/{ref}/restart",
        handler=_restart,
        right=Right.SENSOR_TYPE_MODIFY,
        gives=site_shapes.SENSOR,
        status=202,
    ),
)
