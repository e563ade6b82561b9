"""The alert board: ours, StackStorm has none."""

from starlette.responses import Response

from engine.alerts.durations import duration_of
from engine.api import listing
from engine.api import wire_site_shapes as site_shapes
from engine.api.call import Call, json_answer
from engine.api.resource import Endpoint
from engine.api.shape import Listed
from engine.api.wire_alerts import alert_document
from engine.specs.right import Right


def list_alerts(call: Call) -> Response:
    """Newest first; `all=true` also shows what is resolved."""
    page = call.query.page(limit=50)
    found, total = call.engine.alerts.page(
        open_only=not call.query.flag("all"),
        channel=call.query.text("channel"),
        offset=page.offset,
        limit=page.limit,
    )
    return json_answer(
        [alert_document(episode) for episode in found], headers=listing.page_headers(page, total)
    )


def get_alert(call: Call) -> Response:
    return json_answer(alert_document(call.engine.alerts.episode(call.path["id"])))


def acknowledge(call: Call) -> Response:
    episode = call.engine.alerts.acknowledge(call.path["id"], by=call.requester.user)
    return json_answer(alert_document(episode))


def silence(call: Call) -> Response:
    """Body: {"for": "1h"}."""
    lasting = duration_of(str(call.object().get("for") or "1h"))
    episode = call.engine.alerts.silence(call.path["id"], by=call.requester.user, lasting=lasting)
    return json_answer(alert_document(episode))


def unsilence(call: Call) -> Response:
    return json_answer(alert_document(call.engine.alerts.unsilence(call.path["id"], by=call.requester.user)))


def resolve(call: Call) -> Response:
    return json_answer(alert_document(call.engine.alerts.resolve(call.path["id"], by=call.requester.user)))


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/alerts",
        handler=list_alerts,
        right=Right.ALERT_LIST,
        query=(*listing.PAGE, "all", "channel"),
        gives=Listed(site_shapes.ALERT),
    ),
    Endpoint(
        method="GET", path="/alerts/{id}", handler=get_alert, right=Right.ALERT_VIEW, gives=site_shapes.ALERT
    ),
    Endpoint(
        method="POST",
        path="/alerts/{id}/ack",
        handler=acknowledge,
        right=Right.ALERT_MODIFY,
        gives=site_shapes.ALERT,
        status=200,
    ),
    Endpoint(
        method="POST",
        path="/alerts/{id}/silence",
        handler=silence,
        right=Right.ALERT_MODIFY,
        takes=site_shapes.SILENCE,
        gives=site_shapes.ALERT,
        status=200,
    ),
    Endpoint(
        method="POST",
        path="/alerts/{id}/unsilence",
        handler=unsilence,
        right=Right.ALERT_MODIFY,
        gives=site_shapes.ALERT,
        status=200,
    ),
    Endpoint(
        method="POST",
        path="/alerts/{id}/resolve",
        handler=resolve,
        right=Right.ALERT_MODIFY,
        gives=site_shapes.ALERT,
        status=200,
    ),
)
