"""Answers of a hook's own: an action's result, or a template, after the event was committed."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from engine.api.call import dump
from engine.records.execution import Execution, ExecutionRequest
from engine.records.trigger import Emitted, TriggerInstance
from engine.service import Engine
from engine.specs.runner_type import RUNNER_TYPES
from engine.specs.webhook import RespondSpec
from engine.status import Status

log = logging.getLogger(__name__)


async def answer(engine: Engine, wanted: RespondSpec, emitted: Emitted) -> Response | None:
    """The hook's own answer; None when the action takes longer than the hook waits for it.

    A delivery that came twice is answered by the same execution. Raises EngineError when the action
    cannot be requested or the template does not render; the event is committed all the same.
    """
    instance = emitted.instance
    context: dict[str, Any] = {"trigger": instance.payload}
    if wanted.action:
        execution = await _ended(engine, wanted, instance)
        if execution is None:
            return None
        context |= {
            "result": _result(execution),
            "status": execution.status.value,
            "execution_id": execution.id,
        }
        if not wanted.template:
            is_good = execution.status is Status.SUCCEEDED
            return Response(
                dump(context["result"]),
                status_code=wanted.status if is_good else 500,
                media_type="application/json",
            )
    text = await run_in_threadpool(engine.templates.render, wanted.template, context)
    return Response(text.encode(), status_code=wanted.status, media_type=wanted.content_type)


async def _ended(engine: Engine, wanted: RespondSpec, instance: TriggerInstance) -> Execution | None:
    request = await run_in_threadpool(_request, engine, wanted, instance)
    execution = await asyncio.wrap_future(engine.submit(request))
    if execution.is_finished:
        return execution
    end = engine.ended(execution.id)
    waiting = asyncio.wrap_future(end)
    done, _ = await asyncio.wait({waiting}, timeout=wanted.timeout_s)
    if done:
        return waiting.result()
    engine.give_up(execution.id, end)
    log.info("the answer of execution %s was not waited for any longer", execution.id)
    return None


def _request(engine: Engine, wanted: RespondSpec, instance: TriggerInstance) -> ExecutionRequest:
    """Templates are those of the hook's file; what they make of the delivery is data."""
    context = {"trigger": instance.payload}
    parameters = engine.templates.render_values(wanted.parameters, context)
    return ExecutionRequest(
        action=wanted.action,
        parameters=parameters,
        user=engine.settings.events.user,
        context={
            "trigger_instance": {"id": instance.id, "name": None},
            "rule_depth": instance.depth + 1,
            "trace_context": {"id_": instance.trace_id, "trace_tag": instance.trace_tag},
        },
        idempotency_key=f"respond_with\0{instance.id}",
    )


def _result(execution: Execution) -> Any:
    """What the action itself gave, without what its runner says beside it."""
    runner = RUNNER_TYPES.get(execution.runner)
    key = runner.output_key if runner else None
    result = execution.result
    return result[key] if key and isinstance(result, Mapping) and key in result else result
