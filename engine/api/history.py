"""What has happened, to be removed, ours: what there is before a moment, and away with it."""

from datetime import datetime

from starlette.responses import Response

from engine.api import wire_audit_shapes as shapes
from engine.api.auditing import check_auditor
from engine.api.call import Call, json_answer
from engine.api.resource import Endpoint
from engine.clock import utcnow
from engine.errors import BadInput
from engine.specs.right import Right


def count_old(call: Call) -> Response:
    """How many a DELETE would remove; of executions those without a parent."""
    check_auditor(call)
    kind, before, action = call.path["kind"], _before(call), call.query.text("action") or ""
    count = call.engine.retention.count(kind, before=before, action=action)
    return json_answer({"kind": kind, "count": count})


def remove_old(call: Call) -> Response:
    """So many at once; `is_done` false: ask again."""
    check_auditor(call)
    action = call.query.text("action") or ""
    done = call.engine.retention.purge(call.path["kind"], before=_before(call), action=action)
    return json_answer({"kind": done.kind, "count": done.count, "is_done": done.is_done})


def _before(call: Call) -> datetime:
    before = call.query.moment("before")
    if before is None:
        raise BadInput("'before' is a required property", hint="Name a moment: 2026-01-01T00:00:00Z.")
    if before > utcnow():
        raise BadInput("'before' is in the future.", hint="Name a moment that is past.")
    return before


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/history/{kind}",
        handler=count_old,
        right=Right.HISTORY_LIST,
        query=("action", "before"),
        gives=shapes.COUNTED,
    ),
    Endpoint(
        method="DELETE",
        path="/history/{kind}",
        handler=remove_old,
        right=Right.HISTORY_DELETE,
        query=("action", "before"),
        gives=shapes.REMOVED,
        status=200,
    ),
)
