"""StackStorm's REST API v1 on our engine, as one ASGI application."""

from collections.abc import Mapping, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from engine.api import (
    about,
    accounts,
    alerts,
    aliases,
    apikeys,
    audit,
    callbacks,
    chats,
    configs,
    content,
    execution_routes,
    health,
    history,
    inquiries,
    keys,
    metrics,
    packs,
    policies,
    rbac,
    rights,
    rules,
    rules_explain,
    runnable,
    schedules,
    sensors,
    services,
    stream,
    timers,
    tokens,
    traces,
    triggers,
    webhooks,
    workflows,
    written,
)
from engine.api.call import Crowd
from engine.api.documentation import with_documentation
from engine.api.documents import Documents
from engine.api.door import Door
from engine.api.errors import answer_for, fault
from engine.api.http_counts import HttpCounts
from engine.api.reaches import REACHES
from engine.api.request_spans import RequestSpans
from engine.api.resource import Endpoint, Resource
from engine.api.scopes import CLOSED
from engine.api.stream_hub import StreamHub
from engine.api.throttle import Throttle
from engine.errors import EngineError
from engine.service import Engine

# In the order in which paths are tried: the busiest first, fixed words before names.
_DESCRIBED: tuple[Endpoint, ...] = (
    *execution_routes.ENDPOINTS,
    *webhooks.ENDPOINTS,
    *aliases.ENDPOINTS,
    *inquiries.ENDPOINTS,
    *callbacks.ENDPOINTS,
    *rules_explain.ENDPOINTS,
    *packs.ENDPOINTS,
    *runnable.ENDPOINTS,
    *content.ENDPOINTS,
    *rules.ENDPOINTS,
    *policies.ENDPOINTS,
    *traces.ENDPOINTS,
    *triggers.ENDPOINTS,
    *timers.ENDPOINTS,
    *workflows.ENDPOINTS,
    *schedules.ENDPOINTS,
    *keys.ENDPOINTS,
    *accounts.ENDPOINTS,
    *rights.ENDPOINTS,
    *alerts.ENDPOINTS,
    *configs.ENDPOINTS,
    *apikeys.ENDPOINTS,
    *audit.ENDPOINTS,
    *history.ENDPOINTS,
    *chats.ENDPOINTS,
    *tokens.ENDPOINTS,
    *stream.ENDPOINTS,
    *written.ENDPOINTS,
    *rbac.ENDPOINTS,
    *services.ENDPOINTS,
    *sensors.ENDPOINTS,
    *metrics.ENDPOINTS,
    *health.ENDPOINTS,
    *about.ENDPOINTS,
)
ENDPOINTS = with_documentation(_DESCRIBED)


class Api(Starlette):
    """Everything passes the door; our own paths go straight from there to their resource."""

    door: Door
    stream: StreamHub
    """To be stopped before the server waits for open requests: streams do not end by themselves."""
    short: Mapping[str, Sequence[tuple[Route, Resource]]]
    """Our paths by their first segment."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.door(scope, receive, send)

    async def inside(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Behind the door."""
        if scope["type"] == "http":
            path = scope["path"]
            for route, resource in self.short.get(path[1:].partition("/")[0], ()):
                found = route.path_regex.match(path)
                if found is not None:
                    scope["path_params"] = found.groupdict()
                    scope["route"] = route
                    await resource(scope, receive, send)
                    return
        await super().__call__(scope, receive, send)


def create_app(engine: Engine) -> Api:
    """Other rooms may add routers of their own; they pass the same door."""
    app = Api()
    app.router.redirect_slashes = False
    documents, crowd = Documents(engine), Crowd(throttle=Throttle(engine.settings.limits))
    app.stream = StreamHub(engine, documents)
    short: dict[str, list[tuple[Route, Resource]]] = {}
    for path in dict.fromkeys(endpoint.path for endpoint in ENDPOINTS):
        methods = {endpoint.method: endpoint for endpoint in ENDPOINTS if endpoint.path == path}
        reaches = {method: REACHES.get((method, path), CLOSED) for method in methods}
        resource = Resource(engine, documents, crowd, app.stream, methods, reaches=reaches)
        route = Route(path, resource, name=path)
        app.router.routes.append(route)
        short.setdefault(path.split("/")[1], []).append((route, resource))
    app.add_exception_handler(HTTPException, _http_fault)
    app.add_exception_handler(EngineError, _engine_fault)
    app.short = short
    tracing = engine.watching.tracing
    spans = None if tracing is None else RequestSpans(tracing)
    counts = HttpCounts(engine.watching.metrics)

    def answered(scope: Scope, status: int, took_s: float) -> None:
        counts.answered(scope, status, took_s)
        if spans is not None:
            spans.answered(scope, status, took_s)

    app.door = Door(
        app.inside,
        settings=engine.settings,
        nouns=short.keys() - {""},
        caller=engine.outside.forwarders.caller,
        answered=answered,
        opened=None if spans is None else spans.opened,
    )
    engine.watching.metrics.ask(app.stream.samples)
    return app


async def _http_fault(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    text = f"There is nothing at {request.url.path}." if error.status_code == 404 else str(error.detail)
    return fault(error.status_code, text, error.headers)


async def _engine_fault(request: Request, error: Exception) -> Response:
    if not isinstance(error, EngineError):
        raise error
    return answer_for(error, request_id=request.scope["state"]["request_id"])
