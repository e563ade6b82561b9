"""Trigger types (those of the API to write too), triggers, and the events that came in."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from engine.api import listing
from engine.api import wire_content_shapes as content_shapes
from engine.api import wire_event_shapes as event_shapes
from engine.api.call import Call, json_answer, nothing
from engine.api.resource import Endpoint
from engine.api.shape import Listed
from engine.api.wire import Document, content_id
from engine.api.wire_triggers import instance_document, trigger_document
from engine.errors import AlreadyThere, BadInput, Conflict, NotFound, nearest
from engine.records.trigger import Event, InstanceFilter, InstanceStatus, TriggerInstance
from engine.rules.identity import Trigger, trigger_of
from engine.specs.right import Right

# What a trigger type is made of; the rest of its document is computed.
_WRITTEN = ("name", "pack", "description", "payload_schema", "parameters_schema", "tags")


# types


def list_types(call: Call) -> Response:
    return listing.content_list(call, "triggertypes")


def get_type(call: Call) -> Response:
    document = call.documents.one("triggertypes", call.path["ref_or_id"])
    return json_answer(listing.selected(document, call.query))


def create_type(call: Call) -> Response:
    written = _written(call.object())
    ref = f"{written.get('pack') or 'default'}.{written.get('name')}"
    if ref in call.engine.registry.trigger_types:
        raise AlreadyThere(
            f'Trigger type "{ref}" already exists.',
            hint="Change it with PUT, or take another name.",
            existing_id=call.documents.one("triggertypes", ref)["id"],
        )
    spec = call.engine.stored.put("trigger", written, user=call.requester.user)
    return json_answer(call.documents.one("triggertypes", spec.ref), status=201)


def update_type(call: Call) -> Response:
    ref = call.documents.ref("triggertypes", call.path["ref_or_id"])
    if not call.engine.stored.is_stored("trigger", ref):
        spec = call.engine.registry.trigger_types[ref]
        raise Conflict(
            f'The trigger type "{ref}" is said in {spec.pack}/{spec.metadata_file}.',
            hint="Change the file and reload.",
        )
    written = _written(call.object())
    spec = call.engine.stored.replace("trigger", ref, written, user=call.requester.user)
    return json_answer(call.documents.one("triggertypes", spec.ref))


def delete_type(call: Call) -> Response:
    call.engine.stored.remove("trigger", call.documents.ref("triggertypes", call.path["ref_or_id"]))
    return nothing()


def _written(body: Mapping[str, Any]) -> Document:
    """What a caller may say; clients send back the whole document that they were given."""
    given = {name: body[name] for name in _WRITTEN if name in body}
    unknown = set(body) - set(given) - {"id", "ref", "uid", "metadata_file"}
    if unknown:
        name = sorted(unknown)[0]
        raise BadInput(
            f"Additional properties are not allowed ('{name}' was unexpected)", hint=nearest(name, _WRITTEN)
        )
    return given


# triggers: nothing is stored of them, they are what rules name


def list_triggers(call: Call) -> Response:
    """A plain list, as in StackStorm; `type` is what `st2 trigger getspecs` names."""
    kind = call.query.text("type")
    found = sorted(call.engine.rules.table.triggers.values(), key=lambda trigger: trigger.ref)
    return json_answer([trigger_document(one) for one in found if kind in (None, one.type_ref)])


def get_trigger(call: Call) -> Response:
    return json_answer(trigger_document(_known(call)))


def create_trigger(call: Call) -> Response:
    """The trigger that a type has with these parameters. It exists as soon as a rule names it."""
    return json_answer(trigger_document(_asked(call)), status=201)


def update_trigger(call: Call) -> Response:
    known, asked = _known(call), _asked(call)
    if asked != known:
        raise Conflict(
            f'The trigger "{known.ref}" is named by its type and parameters, which cannot change.',
            hint="Change the rules that name it.",
        )
    return json_answer(trigger_document(known))


def delete_trigger(call: Call) -> Response:
    known = _known(call)
    rules = [ref for ref, rule in call.engine.rules.table.rules.items() if rule.trigger.ref == known.ref]
    said = f"rules: {', '.join(sorted(rules)[:5])}" if rules else f"its type {known.type_ref}"
    raise Conflict(f'The trigger "{known.ref}" belongs to {said}.', hint="It goes with them.")


def _known(call: Call) -> Trigger:
    wanted = call.path["ref_or_id"]
    triggers = call.engine.rules.table.triggers
    if wanted in triggers:
        return triggers[wanted]
    found = next((one for one in triggers.values() if content_id("trigger", one.ref) == wanted), None)
    if found is None:
        raise NotFound(f'Trigger "{wanted}" cannot be found.', hint=nearest(wanted, triggers))
    return found


def _asked(call: Call) -> Trigger:
    body = call.object()
    kind, parameters = body.get("type"), body.get("parameters")
    types = call.engine.registry.trigger_types
    if not isinstance(kind, str) or kind not in types:
        raise BadInput(f'Trigger type "{kind}" cannot be found.', hint=nearest(str(kind), types))
    if parameters is not None and not isinstance(parameters, Mapping):
        raise BadInput("'parameters' must be an object.")
    return trigger_of(kind, parameters)


# events


def list_instances(call: Call) -> Response:
    query, page = call.query, listing.history_page(call)
    ids = query.names("id")
    status = query.text("status")
    if status is not None and status not in set(InstanceStatus):
        raise BadInput(
            f'"{status}" is no status of an event.',
            hint=nearest(status, InstanceStatus) or f"They are: {', '.join(InstanceStatus)}.",
        )
    wanted = InstanceFilter(
        ids=tuple(ids) if ids else None,
        trigger=query.text("trigger"),
        trigger_type=query.text("trigger_type"),
        status=status,
        after=query.moment("timestamp_gt"),
        before=query.moment("timestamp_lt"),
        offset=page.offset,
        limit=page.limit,
        oldest_first=listing.oldest_first(query, "occurrence_time"),
    )
    found, total = call.engine.history.instances(wanted)
    shown = [listing.selected(instance_document(one), query, ("id",)) for one in found]
    return json_answer(shown, headers=listing.page_headers(page, total))


def get_instance(call: Call) -> Response:
    instance = call.engine.history.instance(call.path["id"])
    return json_answer(listing.selected(instance_document(instance), call.query, ("id",)))


def re_emit(call: Call) -> Response:
    """The same event once more: a new instance, whose payload says which it repeats."""
    instance = call.engine.history.instance(call.path["id"])
    payload = instance.payload
    if isinstance(payload, Mapping):
        payload = {**payload, "__context": {"original_id": instance.id}}
    try:
        emitted = call.engine.emit(_again(call, instance, payload))
    except BadInput:
        # A type that takes no more keys than it names.
        payload = instance.payload
        emitted = call.engine.emit(_again(call, instance, payload))
    document = {
        # StackStorm's spelling: clients compare it.
        "message": f"Trigger instance {instance.id} succesfully re-sent.",
        "payload": payload,
    }
    return json_answer(document, headers={"X-Trigger-Instance": emitted.instance.id})


def _again(call: Call, instance: TriggerInstance, payload: Any) -> Event:
    return Event(
        trigger=instance.trigger_type,
        parameters=instance.parameters or None,
        payload=payload,
        source="re-emit",
        user=call.requester.user,
        depth=_depth(call),
    )


def _depth(call: Call) -> int:
    """How many rules lie behind a running action that asks, so that loops end."""
    if call.requester.execution_id is None:
        return 0
    context = call.engine.execution(call.requester.execution_id).context
    return int(context.get("rule_depth") or 0)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/triggertypes",
        handler=list_types,
        right=Right.TRIGGER_LIST,
        query=listing.CONTENT,
        gives=Listed(content_shapes.TRIGGER_TYPE),
    ),
    Endpoint(
        method="POST",
        path="/triggertypes",
        handler=create_type,
        right=Right.TRIGGER_ALL,
        takes=content_shapes.TRIGGER_TYPE_BODY,
        gives=content_shapes.TRIGGER_TYPE,
    ),
    Endpoint(
        method="GET",
        path="/triggertypes/{ref_or_id}",
        handler=get_type,
        right=Right.TRIGGER_VIEW,
        query=listing.SELECTION,
        gives=content_shapes.TRIGGER_TYPE,
    ),
    Endpoint(
        method="PUT",
        path="/triggertypes/{ref_or_id}",
        handler=update_type,
        right=Right.TRIGGER_ALL,
        takes=content_shapes.TRIGGER_TYPE_BODY,
        gives=content_shapes.TRIGGER_TYPE,
    ),
    Endpoint(method="DELETE", path="/triggertypes/{ref_or_id}", handler=delete_type, right=Right.TRIGGER_ALL),
    Endpoint(
        method="GET",
        path="/triggers",
        handler=list_triggers,
        right=Right.TRIGGER_LIST,
        query=("type",),
        gives=Listed(event_shapes.TRIGGER, is_counted=False),
    ),
    Endpoint(
        method="POST",
        path="/triggers",
        handler=create_trigger,
        right=Right.TRIGGER_ALL,
        takes=event_shapes.TRIGGER_BODY,
        gives=event_shapes.TRIGGER,
    ),
    Endpoint(
        method="GET",
        path="/triggers/{ref_or_id}",
        handler=get_trigger,
        right=Right.TRIGGER_VIEW,
        gives=event_shapes.TRIGGER,
    ),
    Endpoint(
        method="PUT",
        path="/triggers/{ref_or_id}",
        handler=update_trigger,
        right=Right.TRIGGER_ALL,
        takes=event_shapes.TRIGGER_BODY,
        gives=event_shapes.TRIGGER,
    ),
    Endpoint(method="DELETE", path="/triggers/{ref_or_id}", handler=delete_trigger, right=Right.TRIGGER_ALL),
    Endpoint(
        method="GET",
        path="/triggerinstances",
        handler=list_instances,
        right=Right.TRIGGER_LIST,
        query=(
            *listing.LIST,
            "id",
            "sort",
            "sort_asc",
            "sort_desc",
            "status",
            "timestamp_gt",
            "timestamp_lt",
            "trigger",
            "trigger_type",
        ),
        gives=Listed(event_shapes.INSTANCE),
    ),
    Endpoint(
        method="GET",
        path="/triggerinstances/{id}",
        handler=get_instance,
        right=Right.TRIGGER_VIEW,
        query=listing.SELECTION,
        gives=event_shapes.INSTANCE,
    ),
    Endpoint(
        method="POST",
        path="/triggerinstances/{id}/re_emit",
        handler=re_emit,
        right=Right.TRIGGER_ALL,
        gives=event_shapes.RE_EMITTED,
        status=200,
    ),
)
