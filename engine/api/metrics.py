"""`GET /metrics`: what Prometheus scrapes; and who may look at how the server is."""

from dataclasses import replace

from starlette.responses import Response

from engine.api import gate
from engine.api.call import Call
from engine.api.door import is_local
from engine.api.resource import Endpoint, authenticate
from engine.api.shape import Raw
from engine.errors import EngineError
from engine.specs.right import Right


def get_metrics(call: Call) -> Response:
    """Text of Prometheus, or of OpenMetrics for who accepts that."""
    check_looking(call)
    body, content_type = call.engine.watching.metrics.text(call.headers.get(b"accept", b"").decode("latin-1"))
    return Response(body, headers={"content-type": content_type})


def check_looking(call: Call) -> None:
    """Whether who asks may see how the server is. Raises Unauthenticated, Denied."""
    access = call.engine.settings.metrics.access
    if access == "open" or (access == "loopback" and is_local(call.address, call.headers)):
        return
    requester, location = authenticate(call.engine, call.headers, call.query, call.address)
    gate.check(replace(call, requester=requester, location=location), Right.METRICS_VIEW)


def may_look(call: Call) -> bool:
    """For what is shown to everybody, with more for some."""
    try:
        check_looking(call)
    except EngineError:
        return False
    return True


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/metrics",
        handler=get_metrics,
        right=Right.METRICS_VIEW,
        is_open=True,
        gives=Raw(("text/plain", "application/openmetrics-text")),
    ),
)
