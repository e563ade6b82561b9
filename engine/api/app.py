"""StackStorm's REST API v1 on our engine, as one ASGI application."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from engine.api import (
    about,
    alerts,
    aliases,
    apikeys,
    configs,
    content,
    executions,
    keys,
    rules,
    rules_explain,
    sensors,
    timers,
    traces,
    triggers,
    webhooks,
)
from engine.api.call import Crowd
from engine.api.documents import Documents
from engine.api.door import Door
from engine.api.errors import answer_for, fault
from engine.api.resource import Endpoint, Resource
from engine.errors import EngineError
from engine.service import Engine

# In the order in which paths are tried: the busiest first, fixed words before names.
ENDPOINTS: tuple[Endpoint, ...] = (
    *executions.ENDPOINTS,
    *webhooks.ENDPOINTS,
    *aliases.ENDPOINTS,
    *rules_explain.ENDPOINTS,
    *content.ENDPOINTS,
    *rules.ENDPOINTS,
    *traces.ENDPOINTS,
    *triggers.ENDPOINTS,
    *timers.ENDPOINTS,
    *keys.ENDPOINTS,
    *alerts.ENDPOINTS,
    *configs.ENDPOINTS,
    *apikeys.ENDPOINTS,
    *sensors.ENDPOINTS,
    *about.ENDPOINTS,
)


def create_app(engine: Engine) -> FastAPI:
    """Other rooms may add routers of their own; they pass the same door."""
    app = FastAPI(title="Stormcrow", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    documents, crowd = Documents(engine), Crowd()
    for path in dict.fromkeys(endpoint.path for endpoint in ENDPOINTS):
        methods = {endpoint.method: endpoint for endpoint in ENDPOINTS if endpoint.path == path}
        app.router.routes.append(Route(path, Resource(engine, documents, crowd, methods), name=path))
    app.add_exception_handler(HTTPException, _http_fault)
    app.add_exception_handler(RequestValidationError, _validation_fault)
    app.add_exception_handler(EngineError, _engine_fault)
    nouns = {endpoint.path.split("/")[1] for endpoint in ENDPOINTS} - {""}
    app.add_middleware(Door, settings=engine.settings, nouns=nouns)
    return app


async def _http_fault(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    text = f"There is nothing at {request.url.path}." if error.status_code == 404 else str(error.detail)
    return fault(error.status_code, text, error.headers)


async def _validation_fault(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"][1:])
    return fault(400, f"{place}: {first['msg']}" if place else str(first["msg"]))


async def _engine_fault(request: Request, error: Exception) -> Response:
    if not isinstance(error, EngineError):
        raise error
    return answer_for(error, request_id=request.scope["state"]["request_id"])
