"""Schedules, ours: commands and actions at a time that people wrote."""

import re
from typing import Any

from starlette.responses import Response

from engine.api import listing
from engine.api import wire_run_shapes as run_shapes
from engine.api import wire_shapes as shapes
from engine.api import wire_site_shapes as site_shapes
from engine.api.call import Call, json_answer, nothing
from engine.api.resource import Endpoint
from engine.api.shape import Listed
from engine.api.wire_schedules import schedule_document
from engine.errors import BadInput, NotFound, nearest
from engine.schedules.book import NewSchedule
from engine.specs.right import Right
from engine.timing.misfire import Misfire

_KNOWN = ("when", "command", "action", "parameters", "timezone", "channel", "misfire", "user")


def list_schedules(call: Call) -> Response:
    views = call.engine.schedules.list(with_ended=call.query.flag("all"))
    return listing.paged(call, [schedule_document(view) for view in views])


def get_schedule(call: Call) -> Response:
    return json_answer(schedule_document(call.engine.schedules.get(_number(call))))


def create_schedule(call: Call) -> Response:
    """201; it runs as whoever asks."""
    body = call.object()
    unknown = sorted(set(body) - set(_KNOWN))
    if unknown:
        raise BadInput(
            f"Additional properties are not allowed ('{unknown[0]}' was unexpected)",
            hint=nearest(unknown[0], _KNOWN) or f"Known: {', '.join(_KNOWN)}.",
        )
    parameters = body.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise BadInput("'parameters' must be an object.")
    channel = _text(body, "channel")
    user = call.own_user(body.get("user"))
    wanted = NewSchedule(
        when=_text(body, "when"),
        command=_text(body, "command"),
        action=_text(body, "action"),
        parameters=parameters,
        user=user,
        source_channel=channel,
        context={
            **({"chat": {"adapter": "", "channel": channel}} if channel else {}),
            **call.impersonated(user),
        },
        zone=_text(body, "timezone"),
        misfire=_misfire(body),
    )
    try:
        made = call.engine.schedules.add(wanted)
    except NotFound as error:
        # The address is right; what the body names is not there.
        raise BadInput(error.message, hint=error.hint) from error
    return json_answer(schedule_document(made), status=201)


def update_schedule(call: Call) -> Response:
    """`{"enabled": false}` pauses, true goes on."""
    enabled = call.object().get("enabled")
    if not isinstance(enabled, bool):
        raise BadInput(
            "'enabled' must be true or false.", hint="To change anything else, cancel it and make a new one."
        )
    user = call.requester.user
    return json_answer(
        schedule_document(call.engine.schedules.set_enabled(_number(call), enabled=enabled, user=user))
    )


def delete_schedule(call: Call) -> Response:
    call.engine.schedules.cancel(_number(call), user=call.requester.user)
    return nothing()


def run_schedule(call: Call) -> Response:
    """Once, now, as whoever asks: 201 and the execution."""
    execution = call.engine.schedules.run(_number(call), user=call.requester.user)
    return json_answer(call.documents.execution(execution), status=201)


def _number(call: Call) -> int:
    text = call.path["number"]
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise BadInput(f'"{text}" is not the number of a schedule.')
    return int(text)


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadInput(f"'{name}' must be a string.")
    return value


def _misfire(body: dict[str, Any]) -> Misfire:
    word = body.get("misfire", Misfire.ONE)
    if word not in list(Misfire):
        raise BadInput(f"'misfire' must be one of {', '.join(Misfire)}.")
    return Misfire(word)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/schedules",
        handler=list_schedules,
        right=Right.RULE_LIST,
        query=(*listing.LIST, "all"),
        gives=Listed(site_shapes.SCHEDULE),
    ),
    Endpoint(
        method="POST",
        path="/schedules",
        handler=create_schedule,
        right=Right.RULE_CREATE,
        takes=site_shapes.SCHEDULE_BODY,
        gives=site_shapes.SCHEDULE,
    ),
    Endpoint(
        method="GET",
        path="/schedules/{number}",
        handler=get_schedule,
        right=Right.RULE_VIEW,
        gives=site_shapes.SCHEDULE,
    ),
    Endpoint(
        method="PUT",
        path="/schedules/{number}",
        handler=update_schedule,
        right=Right.RULE_MODIFY,
        takes=shapes.ENABLED,
        gives=site_shapes.SCHEDULE,
    ),
    Endpoint(method="DELETE", path="/schedules/{number}", handler=delete_schedule, right=Right.RULE_DELETE),
    Endpoint(
        method="POST",
        path="/schedules/{number}/run",
        handler=run_schedule,
        right=Right.ACTION_EXECUTE,
        gives=run_shapes.EXECUTION,
    ),
)
