"""Executions: request one, read them, cancel, run again, and their output."""

import gzip
from dataclasses import replace
from functools import partial
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from engine.api import listing
from engine.api.call import Call, dump, json_answer, text_answer
from engine.api.callbacks import callback_of
from engine.api.changes import moved
from engine.api.execution_lists import ATTRIBUTES, check_excluded
from engine.api.live import EVENTS, LiveOutput, Reading, told_before, wants_events
from engine.api.origins import origins
from engine.api.repeated import alone, replayed, terms_of
from engine.api.request_spans import traced
from engine.api.resource import Answering
from engine.api.waiting import (
    answer_made,
    at_end,
    outcome,
    patience_of_get,
    patience_of_post,
)
from engine.api.wire import Document
from engine.api.wire_inquiries import detail_document
from engine.api.wire_workflows import task_document
from engine.errors import BadInput, IllegalTransition, NotFound
from engine.notifications import CONTEXT_KEY, requested_notify
from engine.records.execution import Execution, ExecutionRequest
from engine.refs import liveaction_id
from engine.specs.runner_type import WORKFLOWS
from engine.status import FINISHED, Status

LONGEST_DELAY_MS = 366 * 24 * 3600 * 1000


# request


async def create(call: Call) -> Response:
    patience = patience_of_post(call)
    body = call.object()
    wanted = requested(call, body)
    terms = terms_of(call, "/executions", wanted.user)
    wanted = replace(
        wanted,
        idempotency_key=terms.idempotency_key,
        fingerprint=terms.fingerprint,
        execution_id=terms.execution_id,
        callback=await callback_of(call, body),
    )
    with alone(call, terms, wanted.user):
        try:
            future = call.engine.submit(wanted)
        except NotFound as error:
            # As StackStorm: what is missing is in the body, not in the address.
            raise BadInput(error.message, hint=error.hint) from error
        execution = await call.crowd.landing.wait(future)
    return await answer_made(call, execution, patience, replayed(execution, terms))


def requested(call: Call, body: dict[str, Any]) -> ExecutionRequest:
    """What the body of POST /executions asks for. Raises BadInput, Denied."""
    action = body.get("action")
    if not isinstance(action, str) or not action:
        raise BadInput("'action' is a required property", hint='For example {"action": "core.local"}.')
    parameters = _mapping(body, "parameters")
    trace = traced(call, _mapping(_mapping(body, "context"), "trace_context"))
    notify = requested_notify(_mapping(body, "notify"))
    context = {**({"trace_context": trace} if trace else {}), **({CONTEXT_KEY: notify} if notify else {})}
    user = call.own_user(body.get("user"))
    return ExecutionRequest(
        action=action,
        parameters=parameters,
        user=user,
        context={**context, **call.origin(), **call.impersonated(user)},
        delay_ms=_delay_ms(body),
    )


def _mapping(body: dict[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadInput(f"'{name}' must be an object.")
    return value


def _delay_ms(body: dict[str, Any]) -> int:
    delay = body.get("delay")
    if delay is None:
        return 0
    if isinstance(delay, bool) or not isinstance(delay, int) or not 0 <= delay <= LONGEST_DELAY_MS:
        raise BadInput(f"'delay' must be a whole number of milliseconds from 0 to {LONGEST_DELAY_MS}.")
    return delay


async def rerun(call: Call) -> Response:
    patience = patience_of_post(call)
    body = call.object()
    tasks, reset = _names(body, "tasks"), _names(body, "reset")
    if tasks and body.get("parameters"):
        raise BadInput("Parameters override is not supported when re-running task(s) for a workflow.")
    if not set(reset) <= set(tasks):
        raise BadInput("List of tasks to reset does not match the tasks to rerun.")
    user = call.own_user(body.get("user"))
    terms = terms_of(call, f"/executions/{call.path['id']}/re_run", user)
    terms = replace(terms, callback=await callback_of(call, body))
    again = partial(
        call.engine.rerun,
        call.path["id"],
        user=user,
        context={**call.origin(), **call.impersonated(user)},
        parameters=_mapping(body, "parameters"),
        merge=not call.query.flag("no_merge"),
        delay_ms=_delay_ms(body),
        tasks=tasks,
        reset=reset,
        terms=terms,
    )
    with alone(call, terms, user):
        execution = await run_in_threadpool(again)
    return await answer_made(call, execution, patience, replayed(execution, terms))


def _names(body: Document, key: str) -> list[str]:
    given = body.get(key) or []
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise BadInput(f'"{key}" is no list of names.')
    return given


# read


async def get(call: Call) -> Response:
    """`wait=SECONDS` (ours) answers at the end of the execution, or after so many seconds as it is.

    With `seen=STATUS` already when its status is another one.
    """
    patience, seen = patience_of_get(call), call.query.text("seen")
    if not patience.is_asked:
        return await run_in_threadpool(_at_once, call)
    execution = await run_in_threadpool(call.engine.execution, call.path["id"])
    if patience.wait_s > 0 and not execution.is_finished:
        if seen is None:
            execution = await at_end(call, execution.id, patience.wait_s)
        else:
            execution = await moved(call, execution, seen, patience.wait_s)
    status, headers = outcome(call, execution, patience)
    return json_answer(
        await run_in_threadpool(partial(_shown, call, execution)), status=status, headers=headers
    )


def _at_once(call: Call) -> Response:
    return json_answer(_shown(call, call.engine.execution(call.path["id"])))


def _shown(call: Call, execution: Execution) -> Document:
    include, exclude = listing.attributes(call.query)
    check_excluded(exclude)
    children = call.engine.children(execution.id)
    document = {
        **call.documents.execution(execution, children=children),
        **origins(call, [execution], include=include).get(execution.id, {}),
    }
    largest = call.query.integer("max_result_size", 0)
    if largest and execution.result_size > largest:
        document.pop("result", None)
    return listing.selected(document, call.query, ("id",))


def get_result(call: Call) -> Response:
    """The bare result, with ?download, ?compress and ?pretty_format as in StackStorm."""
    execution = call.engine.execution(call.path["id"])
    body = dump(execution.result, orjson.OPT_INDENT_2 if call.query.flag("pretty_format") else 0)
    headers = {}
    name = f"execution_{execution.id}_result.json"
    if call.query.flag("compress"):
        body = gzip.compress(body)
        headers["Content-Encoding"] = "gzip"
    if call.query.flag("download"):
        headers["Content-Disposition"] = f"attachment; filename={name}"
    return Response(body, headers=headers, media_type="application/json")


def get_result_text(call: Call) -> Response:
    """Ours: what a chat is told of it, in the words of its alias; `enabled` false: nothing.

    The message stands there all the same: `st2 action-alias test` prints it in any case.
    """
    said = call.engine.result_text(call.engine.execution(call.path["id"]))
    extra = {"extra": said.extra} if said.extra else {}
    return json_answer({"enabled": said.enabled, "message": said.text, **extra})


def get_attribute(call: Call) -> Response:
    name = call.path["attribute"]
    if name not in ATTRIBUTES:
        raise BadInput(
            f'Attribute "{name}" cannot be read on its own.', hint=f"Choose from {sorted(ATTRIBUTES)}."
        )
    execution = call.engine.execution(call.path["id"])
    document = {**call.documents.execution(execution), **origins(call, [execution]).get(execution.id, {})}
    return json_answer(document.get(name))


def list_children(call: Call) -> Response:
    """All descendants, depth first, each after its parent; `depth` ends the descent.

    `result_fmt` changes nothing: they are always sorted.
    """
    root = call.engine.execution(call.path["id"])
    depth = call.query.integer("depth", -1)
    if depth < -1 or depth == 0:
        raise BadInput('Parameter "depth" must be positive, or -1 for all.')
    if call.query.text("result_fmt") not in (None, "default", "sorted"):
        raise BadInput('Parameter "result_fmt" must be default or sorted.')
    return json_answer(_descendants(call, root.id, depth))


def _descendants(call: Call, execution_id: str, depth: int) -> list[Document]:
    found: list[Document] = []
    for child in call.engine.children(execution_id):
        grandchildren = call.engine.children(child)
        found.append(call.documents.execution(call.engine.execution(child), children=grandchildren))
        if depth != 1 and grandchildren:
            found.extend(_descendants(call, child, depth - 1))
    return found


def get_output(call: Call) -> Answering:
    """What the action printed; `follow=true` (ours) goes on until its end.

    `offset=BYTES` (ours), or `Last-Event-ID` for events: from there on.
    """
    execution = call.engine.execution(call.path["id"])
    kind = call.query.text("output_type") or "all"
    if kind not in ("all", "stdout", "stderr"):
        raise BadInput(f'Output type "{kind}" is unknown.', hint="Choose from all, stdout, stderr.")
    only = None if kind == "all" else kind
    reading = Reading(call.engine, execution.id, only, told_before(call, only))
    follows = call.query.flag("follow")
    if call.is_on_stream or (follows and wants_events(call.headers)):
        return LiveOutput(call, reading, shape=EVENTS)
    if follows:
        return LiveOutput(call, reading)
    return text_answer("".join(piece.chunk.data for piece in reading.next()[1]))


# change


def cancel(call: Call) -> Response:
    """What is over is not cancelled: 200 all the same, with the reason, as in StackStorm."""
    try:
        execution = call.engine.cancel(call.path["id"], user=call.requester.user)
    except IllegalTransition:
        status = call.engine.execution(call.path["id"]).status
        return json_answer({"faultstring": f"Action cannot be canceled. State = {status}."})
    return json_answer(call.documents.execution(execution))


def update(call: Call) -> Response:
    """A wish to end, to pause or to go on; other statuses cannot be written."""
    execution = call.engine.execution(call.path["id"])
    # First of all: whether it is over is nobody's business who may not stop it.
    call.engine.rights.check_stop(call.requester.user, execution)
    wanted = call.object().get("status")
    if execution.status in FINISHED:
        raise BadInput("Execution is already in completed state.")
    if wanted in (Status.CANCELING, Status.CANCELED):
        return cancel(call)
    if wanted in (Status.PAUSING, Status.PAUSED):
        return _pause(call, execution)
    if wanted in (Status.RESUMING, Status.RUNNING):
        return _resume(call, execution)
    raise BadInput(
        "An execution's status cannot be set.", hint='Ask for it: "canceling", "pausing" or "resuming".'
    )


def _pause(call: Call, execution: Execution) -> Response:
    liveaction = liveaction_id(execution.id)
    refusal = f'Failed updating execution. Unable to pause liveaction "{liveaction}" because '
    if execution.runner not in WORKFLOWS:
        raise BadInput(f'{refusal}pause is not supported by runner "{execution.runner}".')
    try:
        paused = call.engine.pause(execution.id, user=call.requester.user)
    except IllegalTransition as error:
        raise BadInput(f"{refusal}it is not in a running state.") from error
    return json_answer(call.documents.execution(paused))


def _resume(call: Call, execution: Execution) -> Response:
    try:
        resumed = call.engine.resume(execution.id, user=call.requester.user)
    except (IllegalTransition, BadInput) as error:
        raise BadInput(
            f'Failed updating execution. Unable to resume liveaction "{liveaction_id(execution.id)}" '
            "because it is not in a paused state."
        ) from error
    return json_answer(call.documents.execution(resumed))


def get_tasks(call: Call) -> Response:
    """Ours: every run of a task of a workflow, in order."""
    execution = call.engine.execution(call.path["id"])
    return json_answer([task_document(task) for task in call.engine.workflows.tree(execution.id)])


def list_inquiries(call: Call) -> Response:
    """Ours: what it asks and has asked of people, itself or in its tasks, with all that was answered."""
    execution = call.engine.execution(call.path["id"])
    return json_answer([detail_document(one) for one in call.engine.inquiries.of_execution(execution.id)])
