"""Timers, as StackStorm's clients read them: the triggers of the three types that rules name."""

from starlette.responses import Response

from engine.api import listing, wire_triggers
from engine.api import wire_event_shapes as event_shapes
from engine.api.call import Call, json_answer
from engine.api.resource import Endpoint
from engine.api.shape import Listed
from engine.api.wire import Document
from engine.errors import BadInput, NotFound, nearest
from engine.specs.right import Right
from engine.timing.timer import TIMER_TYPES


def list_timers(call: Call) -> Response:
    kind = call.query.text("timer_type")
    if kind is not None and kind not in TIMER_TYPES:
        raise BadInput(
            f'"{kind}" is not a timer type.',
            hint=nearest(kind, TIMER_TYPES) or f"They are: {', '.join(TIMER_TYPES)}.",
        )
    found = [document for document in _all(call) if kind in (None, document["type"])]
    return listing.paged(call, listing.ordered(found, call.query.names("sort")))


def get_timer(call: Call) -> Response:
    wanted = call.path["ref_or_id"]
    found = next((one for one in _all(call) if wanted in (one["ref"], one["id"])), None)
    if found is None:
        raise NotFound(f"Unable to find Timer with ref_or_id={wanted}")
    return json_answer(listing.selected(found, call.query))


def _all(call: Call) -> list[Document]:
    states = call.engine.timers.states()
    triggers = sorted(call.engine.rules.table.triggers.values(), key=lambda trigger: trigger.ref)
    return [
        wire_triggers.timer_document(trigger, states.get(trigger.ref))
        for trigger in triggers
        if trigger.type_ref in TIMER_TYPES
    ]


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/timers",
        handler=list_timers,
        right=Right.TIMER_LIST,
        query=(*listing.LIST, "sort", "timer_type"),
        gives=Listed(event_shapes.TIMER),
    ),
    Endpoint(
        method="GET",
        path="/timers/{ref_or_id}",
        handler=get_timer,
        right=Right.TIMER_VIEW,
        query=listing.SELECTION,
        gives=event_shapes.TIMER,
    ),
)
