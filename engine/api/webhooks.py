"""Webhooks: what is posted is verified, committed, and only then answered; their list and deliveries."""

import logging
import time
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from engine.acting import acting_as
from engine.api import gate, listing
from engine.api import wire_event_shapes as event_shapes
from engine.api.auditing import actor_of
from engine.api.call import Call, dump, json_answer
from engine.api.errors import HttpError
from engine.api.request_spans import traced_event
from engine.api.resource import Answering, Endpoint, who
from engine.api.shape import ANYTHING, Listed
from engine.api.webhook_answers import answer
from engine.api.webhook_body import read_body
from engine.api.wire_webhooks import delivery_document, webhook_document
from engine.errors import BadInput, Denied, NotFound, Unauthenticated
from engine.records.access import Requester
from engine.records.trigger import Emitted, EnforcementFilter, Event, InstanceFilter, TriggerInstance
from engine.rules.identity import WEBHOOK, Trigger
from engine.specs.right import Right
from engine.webhooks.delivery import Delivery, Refused, headers_of
from engine.webhooks.fetched import Missing
from engine.webhooks.handshake import Handshake, handshake
from engine.webhooks.hooks import Hook
from engine.webhooks.intake import trace_tag

log = logging.getLogger(__name__)

GENERIC = "st2"
# More than any way of verification needs: a certificate, or a key set twice.
_MOST_FETCHES = 3
_REFUSED = "Unauthorized - the delivery could not be verified; the server's log says why."


# receive


async def receive(call: Call) -> Answering:
    """`POST /webhooks/URL`: by the hook's own file, or StackStorm's way, by API key."""
    hooks = call.engine.webhooks
    if hooks.is_stale:
        await run_in_threadpool(hooks.refresh)
    url = call.path["url"].strip("/")
    delivery = _delivery(call)
    hook = hooks.get(url)
    if hook is None:
        return await _by_key(call, url, delivery)
    call.crowd.throttle.admit_delivery(url)
    try:
        await _verify(call, hook, delivery)
    except Refused as refusal:
        hooks.refuse(url, refusal.reason, kind=refusal.kind, address=delivery.address)
        raise HttpError(401, _REFUSED) from refusal
    body = read_body(call.body, call.headers.get(b"content-type", b""), hook.preset)
    question = handshake(hook.spec.preset, body)
    if question is not None:
        return await _shake(call, hook, question)
    event, alerts = hooks.event(hook, delivery, body)
    emitted = await _emit(call, url, traced_event(call, event), alerts)
    if hook.spec.respond_with is not None:
        made = await answer(call.engine, hook.spec.respond_with, emitted)
        if made is not None:
            return made
    return _accepted(call, body, emitted)


def _delivery(call: Call) -> Delivery:
    headers, repeated = headers_of(call.raw_headers)
    return Delivery(
        headers=headers,
        repeated=repeated,
        query=call.query.values,
        body=call.body,
        address=call.address,
        received_at=time.time(),
    )


async def _verify(call: Call, hook: Hook, delivery: Delivery) -> None:
    """Raises Refused."""
    if hook.verifier is None:
        raise Refused(hook.problem, kind="setup")
    for _ in range(_MOST_FETCHES):
        try:
            return hook.verifier.check(delivery)
        except Missing as missing:
            await run_in_threadpool(call.engine.webhooks.fetched.fetch, missing.url)
    raise Refused("what it is verified with could not be fetched", kind="fetch")


async def _shake(call: Call, hook: Hook, question: Handshake) -> Answering:
    if question.fetch:
        confirmed = await run_in_threadpool(call.engine.webhooks.fetched.confirm, question.fetch)
        if not confirmed:
            log.error("webhook %s: %s could not be confirmed", hook.spec.url, question.about)
            # The sender asks again.
            raise HttpError(503, "The confirmation failed; the server's log says more.")
    log.info("webhook %s: %s", hook.spec.url, question.about)
    return json_answer(dict(question.answer))


async def _by_key(call: Call, url: str, delivery: Delivery) -> Answering:
    hooks = call.engine.webhooks
    try:
        requester, _location = await who(call.engine, call.headers, call.query, call.address)
    except Unauthenticated as error:
        hooks.refuse(url, error.message, kind="key", address=delivery.address)
        raise
    # The route is open: who it is has just been found out.
    call.requester = requester
    call.crowd.throttle.admit(requester)
    gate.check_webhook(call, requester, url)
    if url != GENERIC and url not in hooks.rule_triggers():
        raise NotFound(f"Webhook {url} not registered with st2", hint=_how_to(url))
    body = read_body(call.body, call.headers.get(b"content-type", b""), None)
    depth, trace_id = await _origin(call, requester)
    if url == GENERIC:
        event = _any_event(body, delivery, requester, depth=depth, trace_id=trace_id)
        _check_unsigned(call, event.trigger)
    else:
        event = hooks.keyed_event(url, delivery, body, user=requester.user, depth=depth, trace_id=trace_id)
    with acting_as(actor_of(call, requester)):
        emitted = await _emit(call, url, traced_event(call, event))
    return _accepted(call, body, emitted)


def _how_to(url: str) -> str:
    return f"A rule on core.st2.webhook with url {url}, or: stormcrow webhook add PRESET --name {url}"


async def _origin(call: Call, requester: Requester) -> tuple[int, str]:
    """How many rules lie behind a running action that posts, and its trace; so that loops end."""
    if requester.execution_id is None:
        return 0, ""
    execution = await run_in_threadpool(call.engine.execution, requester.execution_id)
    trace = execution.context.get("trace_context") or {}
    return int(execution.context.get("rule_depth") or 0), str(trace.get("id_") or "")


def _any_event(body: Any, delivery: Delivery, requester: Requester, *, depth: int, trace_id: str) -> Event:
    """StackStorm's generic webhook: any trigger, with any payload that its type allows."""
    if not isinstance(body, dict):
        kind = "array" if isinstance(body, list) else "string"
        raise BadInput(f"Webhook body needs to be an object, got: {kind}")
    trigger = body.get("trigger")
    if not trigger or not isinstance(trigger, str):
        raise BadInput("Trigger not specified.")
    key = delivery.headers.get("idempotency-key", "")
    return Event(
        trigger=trigger,
        payload=body.get("payload") or {},
        source=f"webhook:{GENERIC}",
        user=requester.user,
        trace_tag=trace_tag(delivery, GENERIC),
        trace_id=trace_id,
        dedupe_key=f"{requester.user}\0{key}" if key else "",
        depth=depth,
    )


def _check_unsigned(call: Call, trigger_ref: str) -> None:
    """A key is no signature: what a hook of a file verifies is not said in its place. Raises Denied."""
    trigger = call.engine.rules.table.triggers.get(trigger_ref)
    if trigger is None or trigger.type_ref != WEBHOOK:
        return
    url = str(trigger.parameters.get("url") or "").strip("/")
    if call.engine.webhooks.get(url) is not None:
        raise Denied(
            f"The webhook {url} verifies who posts to it.", hint=f"Post to /webhooks/{url}, as its file says."
        )


async def _emit(call: Call, url: str, event: Event, alerts: Sequence[Event] = ()) -> Emitted:
    """Committed when it returns. Raises Busy, BadInput."""
    hooks = call.engine.webhooks
    hooks.admit(len(call.body))
    try:
        emitted = await call.crowd.landing.wait(_submitted(call, event, alerts))
    except NotFound as error:
        # As StackStorm: what is missing is in the body, not in the address.
        raise BadInput(error.message, hint=error.hint) from error
    finally:
        hooks.release(len(call.body))
    hooks.accept(url, is_duplicate=emitted.is_duplicate)
    return emitted


def _submitted(call: Call, event: Event, alerts: Sequence[Event]) -> "Future[Emitted]":
    triggers = call.engine.triggers
    try:
        return triggers.submit(event, then=alerts)
    except (BadInput, NotFound) as error:
        if not alerts:
            raise
        # The delivery itself is good; what we made of it is not.
        log.error("the alerts of %s are left out: %s", event.source, error)
        return triggers.submit(event)


def _accepted(call: Call, body: Any, emitted: Emitted) -> Answering:
    """StackStorm's answer, the body; JSON is given back as it came."""
    is_json = call.headers.get(b"content-type", b"application/json").startswith(b"application/json")
    raw = call.body if is_json and call.body else dump(body)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(raw)).encode()),
        (b"x-trigger-instance", emitted.instance.id.encode()),
    ]
    if emitted.is_duplicate:
        headers.append((b"idempotency-replayed", b"true"))

    async def answer_202(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 202, "headers": headers})
        await send({"type": "http.response.body", "body": raw})

    return answer_202


# list


def list_webhooks(call: Call) -> Response:
    """Those of rules and those of files, by URL; the filter of attributes is ignored, as clients need."""
    call.engine.webhooks.refresh()
    return json_answer([_document(call, url) for url in sorted(_triggers(call))])


def get_webhook(call: Call) -> Response:
    call.engine.webhooks.refresh()
    url = call.path["url"].strip("/")
    if url not in _triggers(call):
        raise NotFound(f"Webhook {url} not registered with st2", hint=_how_to(url))
    return json_answer(_document(call, url))


def _triggers(call: Call) -> dict[str, Trigger]:
    hooks = call.engine.webhooks
    return {**hooks.rule_triggers(), **{hook.spec.url: hook.trigger for hook in hooks.hooks()}}


def _document(call: Call, url: str) -> dict[str, Any]:
    trigger = _triggers(call)[url]
    found, kept = call.engine.history.instances(InstanceFilter(trigger=trigger.ref, limit=1))
    return webhook_document(
        trigger,
        call.engine.webhooks.get(url),
        call.engine.webhooks.tallies.of(url, is_known=True),
        kept=kept,
        last=found[0] if found else None,
    )


# deliveries: the trigger instances of webhooks


def list_deliveries(call: Call) -> Response:
    """The newest first; `url`."""
    page = listing.history_page(call, limit=50)
    url = call.query.text("url")
    found, total = call.engine.history.instances(
        InstanceFilter(
            trigger_type=WEBHOOK,
            source=None if url is None else f"webhook:{url.strip('/')}",
            offset=page.offset,
            limit=page.limit,
        )
    )
    documents = [_shown(call, instance, is_whole=False) for instance in found]
    return json_answer(documents, headers=listing.page_headers(page, total))


def get_delivery(call: Call) -> Response:
    return json_answer(_shown(call, _instance(call), is_whole=True))


async def replay(call: Call) -> Response:
    """The same headers and body as a new event: rules run again, and alerts are read again."""
    instance = await run_in_threadpool(_instance, call)
    hooks = call.engine.webhooks
    event, alerts = hooks.replayed(instance, user=call.requester.user)
    emitted = await _emit(call, str(instance.parameters.get("url", "")), event, alerts)
    return json_answer(delivery_document(emitted.instance, emitted.enforcements, is_whole=False), status=201)


def _instance(call: Call) -> TriggerInstance:
    instance = call.engine.history.instance(call.path["id"])
    if instance.trigger_type != WEBHOOK:
        raise NotFound(f'The trigger instance "{instance.id}" is no delivery of a webhook.')
    return instance


def _shown(call: Call, instance: TriggerInstance, *, is_whole: bool) -> dict[str, Any]:
    wanted = EnforcementFilter(instance_id=instance.id, limit=None)
    enforcements, _total = call.engine.history.enforcements(wanted)
    return delivery_document(instance, enforcements, is_whole=is_whole)


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/webhooks/{url:path}",
        handler=receive,
        right=Right.WEBHOOK_SEND,
        is_open=True,
        takes=ANYTHING,
        gives=ANYTHING,
        status=202,
    ),
    Endpoint(
        method="GET",
        path="/webhooks",
        handler=list_webhooks,
        right=Right.WEBHOOK_LIST,
        gives=Listed(event_shapes.WEBHOOK, is_counted=False),
    ),
    Endpoint(
        method="GET",
        path="/webhooks/{url:path}",
        handler=get_webhook,
        right=Right.WEBHOOK_VIEW,
        gives=event_shapes.WEBHOOK,
    ),
    Endpoint(
        method="GET",
        path="/webhookdeliveries",
        handler=list_deliveries,
        right=Right.WEBHOOK_LIST,
        query=(*listing.PAGE, "url"),
        gives=Listed(event_shapes.DELIVERY),
    ),
    Endpoint(
        method="GET",
        path="/webhookdeliveries/{id}",
        handler=get_delivery,
        right=Right.WEBHOOK_VIEW,
        gives=event_shapes.DELIVERY,
    ),
    Endpoint(
        method="POST",
        path="/webhookdeliveries/{id}/replay",
        handler=replay,
        right=Right.WEBHOOK_SEND,
        gives=event_shapes.DELIVERY,
    ),
)
