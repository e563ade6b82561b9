"""About the server and the caller: version, user, and whether we are alive and ready."""

from importlib import metadata

from starlette.responses import RedirectResponse, Response

from engine.api import wire
from engine.api import wire_site_shapes as site_shapes
from engine.api.call import Call, json_answer
from engine.api.resource import Endpoint, authenticate


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


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/",
        handler=get_root,
        right=None,
        is_open=True,
        gives=site_shapes.VERSION,
        also=(307,),
    ),
    Endpoint(method="GET", path="/user", handler=get_user, right=None, gives=site_shapes.USER),
)
