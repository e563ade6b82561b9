"""`/healthz` and `/readyz`: whether we live and can work; why not, for those who may look."""

import asyncio
from collections.abc import Callable, Sequence
from http import HTTPStatus

from starlette.responses import Response

from engine.api import wire_site_shapes as site_shapes
from engine.api.call import Call, json_answer
from engine.api.metrics import may_look
from engine.api.resource import Endpoint
from engine.api.wire_health import health_document, word
from engine.health import DEADLINE_S, Finding

# Longer than everything in it may take; what takes longer hangs somewhere that has no deadline.
_LONGEST_S = 3 * DEADLINE_S


async def get_health(call: Call) -> Response:
    """200 while the event loop, the writer and the database answer."""
    return await _answer(call, call.engine.watching.health.alive)


async def get_readiness(call: Call) -> Response:
    """200 while work is taken and done."""
    return await _answer(call, call.engine.watching.health.ready)


async def _answer(call: Call, look: Callable[[], Sequence[Finding]]) -> Response:
    # Not in the pool of the handlers: when all of them wait for the writer, we still answer.
    looking = asyncio.get_running_loop().run_in_executor(None, look)
    try:
        findings = await asyncio.wait_for(asyncio.shield(looking), _LONGEST_S)
    except TimeoutError:
        findings = [_hanging()]
    is_ok = all(one.is_ok for one in findings if one.decides)
    # Logged-in or not is read from the database, which may be what is wrong.
    sees_all = await asyncio.wait_for(asyncio.to_thread(may_look, call), _LONGEST_S)
    document = health_document(findings, is_ok=is_ok) if sees_all else {"status": word(is_ok)}
    status = HTTPStatus.OK if is_ok else HTTPStatus.SERVICE_UNAVAILABLE
    return json_answer(document, status=status, headers={} if is_ok else {"Retry-After": "5"})


def _hanging() -> Finding:
    return Finding(
        name="health",
        is_ok=False,
        text=f"what was looked at has not answered within {_LONGEST_S:.0f} s",
        hint="The disk or the server of the database hangs: look into the log of the machine.",
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/healthz",
        handler=get_health,
        right=None,
        is_open=True,
        is_for_probes=True,
        gives=site_shapes.HEALTH,
        also=(503,),
    ),
    Endpoint(
        method="GET",
        path="/readyz",
        handler=get_readiness,
        right=None,
        is_open=True,
        is_for_probes=True,
        gives=site_shapes.HEALTH,
        also=(503,),
    ),
)
