"""How far a workflow has come: asked again and again, and answered when there is news."""

import asyncio
import hashlib
import time
from contextlib import suppress

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from engine.api.call import Call, json_answer
from engine.api.waiting import patience_of_get
from engine.api.wire_workflows import progress_document
from engine.records.journal import JournalEntry
from engine.records.progress import Progress
from engine.status import FINISHED
from engine.steps import STEPS


async def get_progress(call: Call) -> Response:
    """Ours: all that is below it. With `wait`, and as `seen` the word of an earlier answer, the answer comes
    when it would be another one."""
    patience, seen = patience_of_get(call), call.query.text("seen") or ""
    root = await run_in_threadpool(call.engine.execution, call.path["id"])
    give_up_at = time.monotonic() + patience.wait_s
    loop, wake = asyncio.get_running_loop(), asyncio.Event()
    # Replaced whole: the writer's thread looks into it.
    known = frozenset({root.id})

    def committed(entries: list[JournalEntry]) -> None:
        if any(
            one.kind in STEPS and not known.isdisjoint((one.subject, one.data.get("parent")))
            for one in entries
        ):
            loop.call_soon_threadsafe(wake.set)

    detach = call.engine.attach(committed)
    try:
        while True:
            wake.clear()
            found = await run_in_threadpool(call.engine.progress, root.id)
            known = frozenset({root.id, *(part.id for part in found.parts)})
            word, left_s = word_of(found), give_up_at - time.monotonic()
            if word != seen or found.status in FINISHED or left_s <= 0:
                return json_answer(progress_document(found, seen=word))
            with suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await wake.wait()
    finally:
        detach()


def word_of(progress: Progress) -> str:
    """Another one as soon as anything of it has another status."""
    said = [progress.status, *(f"{part.id}={part.status}" for part in progress.parts)]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:16]
