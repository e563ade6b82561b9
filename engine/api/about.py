"""About the server and the caller: version, user, and whether we are alive and ready."""

from importlib import metadata

from starlette.responses import RedirectResponse, Response

from engine.api import wire
from engine.api import wire_shapes as shapes
from engine.api.call import Call, json_answer
from engine.api.resource import Endpoint, authenticate
from engine.errors import StoreFailure
from engine.records.execution import ExecutionFilter


def get_root(call: Call) -> Response:
    """The version; a browser that shows no key is sent to the chat page."""
    wants_page = b"text/html" in call.headers.get(b"accept", b"")
    if wants_page and call.engine.settings.chat.web:
        return RedirectResponse("/chat")
    authenticate(call.engine, call.headers, call.query, call.address)
    return json_answer({"version": version(), "docs_url": ""})


def version() -> str:
    try:
        return metadata.version("stormcrow")
    except metadata.PackageNotFoundError:
        return "0"


def get_user(call: Call) -> Response:
    rights = call.engine.rights
    return json_answer(
        wire.user_document(
            call.requester,
            location=call.location,
            has_roles=rights.has_roles,
            roles=rights.roles_of(call.requester.user),
        )
    )


async def get_health(_call: Call) -> Response:
    """Answers as long as the event loop turns."""
    return json_answer({"status": "ok"})


def get_readiness(call: Call) -> Response:
    """200 when actions run and the database answers, else 503."""
    if not call.engine.is_ready:
        raise StoreFailure("The engine has not started.")
    call.engine.executions(ExecutionFilter(limit=1, with_result=False))
    return json_answer({"status": "ok"})


ENDPOINTS = (
    Endpoint(
        method="GET", path="/healthz", handler=get_health, right=None, is_open=True, gives=shapes.HEALTH
    ),
    Endpoint(
        method="GET", path="/readyz", handler=get_readiness, right=None, is_open=True, gives=shapes.HEALTH
    ),
    Endpoint(
        method="GET", path="/", handler=get_root, right=None, is_open=True, gives=shapes.VERSION, also=(307,)
    ),
    Endpoint(method="GET", path="/user", handler=get_user, right=None, gives=shapes.USER),
)
