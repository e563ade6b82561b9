"""The description of the API, and the page that shows it: both open, for they say nothing about this site."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

from starlette.responses import Response

from engine.api.call import Call, dump
from engine.api.openapi import description
from engine.api.resource import Endpoint
from engine.api.shape import MAPPING, Raw
from engine.errors import NotFound, nearest

_PAGES = Path(__file__).with_name("pages")
_KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
# All of it is our own: nothing is fetched from anywhere else, and nothing runs that stands inside the page.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)


def with_documentation(endpoints: Sequence[Endpoint]) -> tuple[Endpoint, ...]:
    """These, and the routes that describe them all, themselves too."""
    found: list[Endpoint] = []

    @lru_cache(maxsize=1)
    def made() -> bytes:
        return dump(description(found))

    def get_description(_call: Call) -> Response:
        """This document."""
        return Response(made(), media_type="application/json")

    found += [*endpoints, *_routes(get_description)]
    return tuple(found)


def get_page(_call: Call) -> Response:
    """All operations, to read and to search."""
    return _file("docs.html")


def get_part(call: Call) -> Response:
    """A file of the page."""
    return _file(call.path["name"])


def _file(name: str) -> Response:
    known = [path.name for path in _PAGES.iterdir()]
    if name not in known:
        raise NotFound(f'The documentation has no file "{name}".', hint=nearest(name, known))
    path = _PAGES / name
    headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}
    return Response(path.read_bytes(), media_type=_KINDS[path.suffix], headers=headers)


def _routes(get_description: Callable[[Call], Response]) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            method="GET",
            path="/openapi.json",
            handler=get_description,
            right=None,
            is_open=True,
            gives=MAPPING,
        ),
        Endpoint(
            method="GET",
            path="/docs",
            handler=get_page,
            right=None,
            is_open=True,
            gives=Raw(("text/html",)),
        ),
        Endpoint(
            method="GET",
            path="/docs/{name}",
            handler=get_part,
            right=None,
            is_open=True,
            gives=Raw(("text/html", "text/css", "text/javascript")),
        ),
    )
