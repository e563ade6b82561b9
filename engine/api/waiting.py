"""Requests that wait for an execution: how long, for what, and their answers. None holds a thread."""

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from engine.api.call import Call, json_answer
from engine.records.execution import Execution

# Longest time that a GET waits for the end, in seconds; a client asks again.
LONGEST_WAIT_S = 60
# Of a POST that asks for it: a job of a CI that makes one request and no second one.
LONGEST_POST_WAIT_S = 600
_PREFER_WAIT = re.compile(rb"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})\"?(?=$|[,;\s])")
# How many POSTs wait for an end at once; more are answered as soon as they are committed.
PATIENT = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a request waits for the end. `is_asked`: by the caller, who then waits in any case."""

    wait_s: float
    is_asked: bool

    @classmethod
    def of(cls, call: Call, *, unasked_s: float, longest_s: int) -> "Patience":
        """From `?wait=SECONDS`, else `Prefer: wait=SECONDS` (RFC 7240). Raises BadInput."""
        asked = call.query.integer("wait", -1)
        if asked < 0:
            preferred = _PREFER_WAIT.search(call.headers.get(b"prefer", b""))
            asked = int(preferred[1]) if preferred else -1
        if asked < 0:
            return cls(wait_s=unasked_s, is_asked=False)
        return cls(wait_s=min(asked, longest_s), is_asked=True)


def patience_of_post(call: Call) -> Patience:
    unasked_s = call.engine.settings.server.answer_wait_ms / 1000
    return Patience.of(call, unasked_s=unasked_s, longest_s=LONGEST_POST_WAIT_S)


def patience_of_command(call: Call) -> Patience:
    """Of a command of a chat: its bot goes on as soon as it is accepted."""
    return Patience.of(call, unasked_s=0, longest_s=LONGEST_POST_WAIT_S)


def patience_of_get(call: Call) -> Patience:
    return Patience.of(call, unasked_s=0, longest_s=LONGEST_WAIT_S)


async def answer_made(
    call: Call, execution: Execution, patience: Patience, headers: Mapping[str, str]
) -> Response:
    """201 and the execution; 200 or 202, as `outcome` says, where the caller asked to wait."""
    settled = await _settled(call, execution, patience)
    status, more = outcome(call, settled, patience) if patience.is_asked else (201, {})
    return json_answer(call.documents.execution(settled), status=status, headers={**headers, **more})


def outcome(call: Call, execution: Execution, patience: Patience) -> tuple[int, dict[str, str]]:
    """Status and headers for who asked to wait: 200 at the end, else 202 and where to ask again."""
    applied = {"Preference-Applied": f"wait={patience.wait_s:.0f}"}
    if execution.is_finished:
        return 200, applied
    place = f"{call.engine.settings.public_url}/v1/executions/{execution.id}"
    return 202, {**applied, "Retry-After": "1", "Location": place}


async def settled_all(call: Call, executions: Sequence[Execution], patience: Patience) -> list[Execution]:
    """Each as it is when all have ended, or when the patience is over."""
    give_up_at = time.monotonic() + patience.wait_s
    return [
        await _settled(call, one, replace(patience, wait_s=max(0.0, give_up_at - time.monotonic())))
        for one in executions
    ]


def outcome_of_all(
    call: Call, executions: Sequence[Execution], patience: Patience
) -> tuple[int, dict[str, str]]:
    """As `outcome`, of several that one request has made: 200 when all have ended."""
    open_one = next((one for one in executions if not one.is_finished), executions[-1])
    return outcome(call, open_one, patience)


async def _settled(call: Call, execution: Execution, patience: Patience) -> Execution:
    if execution.is_finished or patience.wait_s <= 0:
        return execution
    if patience.is_asked:
        return await at_end(call, execution.id, patience.wait_s)
    # With so many ends outstanding none is near: waiting would only hold the caller back.
    if execution.delay_ms >= patience.wait_s * 1000 or call.crowd.waiting >= PATIENT:
        return execution
    call.crowd.waiting += 1
    try:
        return await at_end(call, execution.id, patience.wait_s)
    finally:
        call.crowd.waiting -= 1


async def at_end(call: Call, execution_id: str, timeout_s: float) -> Execution:
    """At its end, or as it is then."""
    end = call.engine.ended(execution_id)
    waiting = asyncio.wrap_future(end)
    try:
        done, _ = await asyncio.wait({waiting}, timeout=timeout_s)
    finally:
        if not waiting.done():
            call.engine.give_up(execution_id, end)
    if done:
        return waiting.result()
    return await run_in_threadpool(call.engine.execution, execution_id)
