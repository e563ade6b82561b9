"""What the caller may run: each such action, and word of the moment when the list changes."""

from collections.abc import Callable
from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from engine.api import wire_content_shapes as content_shapes
from engine.api.call import Call, json_answer
from engine.api.changes import Wake, changed
from engine.api.resource import Endpoint
from engine.api.scopes import narrowed
from engine.api.wire import Document, effective_parameters
from engine.api.wire_runnable import runnable_document, runnables_document
from engine.rights.place import Where
from engine.specs.action import ActionSpec
from engine.specs.right import Right
from engine.specs.runner_type import RUNNER_TYPES

LONGEST_WAIT_S = 60


async def list_runnable(call: Call) -> Response:
    """`{"digest", "actions"}`. `wait=SECONDS&seen=DIGEST` answers as soon as the digest is another one."""
    wait_s, seen = min(call.query.integer("wait", 0), LONGEST_WAIT_S), call.query.text("seen")
    if wait_s <= 0:
        return json_answer(await run_in_threadpool(_listed, call))

    def attach(wake: Wake) -> Callable[[], None]:
        return call.engine.content.attach(lambda _registry: wake())

    listed = await changed(
        call,
        partial(_listed, call),
        is_new=lambda now: now["digest"] != seen,
        attach=attach,
        wait_s=wait_s,
    )
    return json_answer(listed)


def _listed(call: Call) -> Document:
    registry, rights = call.engine.registry, call.engine.rights
    scope = narrowed(call, Right.ACTION_EXECUTE)
    return runnables_document(
        runnable_document(action, _own_parameters(action))
        for ref, action in sorted(registry.actions.items())
        if action.enabled
        and action.runner_type not in registry.runners_off
        and (scope is None or scope.has_action(ref))
        and rights.may_run(call.requester.user, ref, where=Where())
    )


def _own_parameters(action: ActionSpec) -> Document:
    """What its author has declared, and what its runner cannot do without; not the rest of the runner's."""
    known = effective_parameters(action, RUNNER_TYPES.get(action.runner_type))
    return {
        name: schema
        for name, schema in known.items()
        if name in action.parameters or (schema.get("required") is True and "default" not in schema)
    }


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/actions/views/runnable",
        handler=list_runnable,
        right=Right.ACTION_EXECUTE,
        query=("wait", "seen"),
        gives=content_shapes.RUNNABLES,
    ),
)
