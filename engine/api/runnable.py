"""What the caller may run: each such action, and word of the moment when the list changes."""

import asyncio

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from engine.api import wire_shapes as shapes
from engine.api.call import Call, json_answer
from engine.api.resource import Endpoint
from engine.api.scopes import narrowed
from engine.api.wire import Document, effective_parameters
from engine.api.wire_runnable import runnable_document, runnables_document
from engine.content.registry import Registry
from engine.rights.place import Where
from engine.specs.right import Right
from engine.specs.runner_type import RUNNER_TYPES

LONGEST_WAIT_S = 60


async def list_runnable(call: Call) -> Response:
    """`{"digest", "actions"}`. `wait=SECONDS&seen=DIGEST` answers as soon as the digest is another one."""
    wait_s = min(call.query.integer("wait", 0), LONGEST_WAIT_S)
    listed = await run_in_threadpool(_listed, call)
    if wait_s > 0 and listed["digest"] == call.query.text("seen"):
        listed = await _changed(call, listed, wait_s)
    return json_answer(listed)


async def _changed(call: Call, seen: Document, wait_s: float) -> Document:
    """What it is then; after the time as it was seen."""
    loop = asyncio.get_running_loop()
    wake = asyncio.Event()

    def reloaded(_registry: Registry) -> None:
        loop.call_soon_threadsafe(wake.set)

    detach = call.engine.content.attach(reloaded)
    listed = seen
    try:
        async with asyncio.timeout(wait_s):
            while (listed := await run_in_threadpool(_listed, call))["digest"] == seen["digest"]:
                await wake.wait()
                wake.clear()
    except TimeoutError:
        pass
    finally:
        detach()
    return listed


def _listed(call: Call) -> Document:
    registry, rights = call.engine.registry, call.engine.rights
    scope = narrowed(call, Right.ACTION_EXECUTE)
    return runnables_document(
        runnable_document(action, effective_parameters(action, RUNNER_TYPES.get(action.runner_type)))
        for ref, action in sorted(registry.actions.items())
        if action.enabled
        and action.runner_type not in registry.runners_off
        and (scope is None or scope.has_action(ref))
        and rights.may_run(call.requester.user, ref, where=Where())
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/actions/views/runnable",
        handler=list_runnable,
        right=Right.ACTION_EXECUTE,
        query=("wait", "seen"),
        gives=shapes.RUNNABLES,
    ),
)
