"""The services of StackStorm, all of which are this one process."""

import os
import socket

from starlette.responses import Response

from engine.api import wire_site_shapes as site_shapes
from engine.api.call import Call, json_answer
from engine.api.resource import Endpoint
from engine.api.wire_rights import member_document
from engine.errors import NotFound, nearest
from engine.specs.right import Right

GROUPS = (
    "api",
    "auth",
    "stream",
    "actionrunner",
    "scheduler",
    "workflow_engine",
    "rulesengine",
    "sensorcontainer",
    "timersengine",
    "notifier",
)


def list_groups(_call: Call) -> Response:
    return json_answer({"groups": list(GROUPS)})


def list_members(call: Call) -> Response:
    group = call.path["group_id"]
    if group not in GROUPS:
        raise NotFound(f"Group with ID {group} not found.", hint=nearest(group, GROUPS))
    return json_answer({"members": [member_document(group, host=socket.gethostname(), pid=os.getpid())]})


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/service_registry/groups",
        handler=list_groups,
        right=Right.SERVICE_LIST,
        gives=site_shapes.GROUPS,
    ),
    Endpoint(
        method="GET",
        path="/service_registry/groups/{group_id}/members",
        handler=list_members,
        right=Right.SERVICE_LIST,
        gives=site_shapes.MEMBERS,
    ),
)
