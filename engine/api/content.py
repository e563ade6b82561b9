"""What the content knows, to read: actions, runners, packs, and the lists of the rest."""

from collections.abc import Callable

from starlette.responses import Response

from engine.api import listing, wire
from engine.api import wire_content_shapes as content_shapes
from engine.api.call import Call, json_answer, text_answer
from engine.api.resource import Endpoint
from engine.api.scopes import narrowed
from engine.api.shape import Listed, Raw, Shape
from engine.errors import NotFound
from engine.specs.right import Right
from engine.specs.runner_type import RUNNER_TYPES

_READ_ONLY = {
    "sensortypes": (Right.SENSOR_TYPE_LIST, Right.SENSOR_TYPE_VIEW, content_shapes.SENSOR_TYPE),
    "config_schemas": (Right.PACK_LIST, Right.PACK_VIEW, content_shapes.CONFIG_SCHEMA),
    "runnertypes": (Right.RUNNER_TYPE_LIST, Right.RUNNER_TYPE_VIEW, content_shapes.RUNNER_TYPE),
}
"""Kind of content -> what listing it and seeing one of it needs, and how one looks."""


def list_actions(call: Call) -> Response:
    """`tags`: NAME or NAME:VALUE; an action must have all of them."""
    wanted, scope = call.query.names("tags"), narrowed(call, Right.ACTION_LIST)
    found = [
        document
        for ref, document in call.documents.all("actions").items()
        if (scope is None or scope.has_action(ref))
        and listing.fits(document, call.query)
        and all(_has_tag(document, tag) for tag in wanted)
    ]
    return listing.paged(call, listing.ordered(found, call.query.names("sort")))


def _has_tag(document: wire.Document, wanted: str) -> bool:
    name, colon, value = wanted.partition(":")
    return any(
        tag.get("name") == name and (not colon or str(tag.get("value", "")) == value)
        for tag in document["tags"]
    )


def _list(kind: str) -> Callable[[Call], Response]:
    def list_content(call: Call) -> Response:
        return listing.content_list(call, kind)

    return list_content


def _get(kind: str) -> Callable[[Call], Response]:
    def get_content(call: Call) -> Response:
        return json_answer(listing.selected(call.documents.one(kind, call.path["ref_or_id"]), call.query))

    return get_content


def _effective(call: Call, ref: str) -> wire.Document:
    action = call.engine.registry.action(ref)
    return wire.effective_parameters(action, RUNNER_TYPES.get(action.runner_type))


def list_overviews(call: Call) -> Response:
    """Actions with everything a caller may give in `parameters`, the runner's included."""
    scope = narrowed(call, Right.ACTION_LIST)
    found = [
        {**document, "parameters": _effective(call, ref)}
        for ref, document in call.documents.all("actions").items()
        if listing.fits(document, call.query) and (scope is None or scope.has_action(ref))
    ]
    return listing.paged(call, listing.ordered(found, call.query.names("sort")))


def get_overview(call: Call) -> Response:
    ref = call.documents.ref("actions", call.path["ref_or_id"])
    document = call.documents.one("actions", ref)
    return json_answer({**document, "parameters": _effective(call, ref)})


def get_parameters(call: Call) -> Response:
    ref = call.documents.ref("actions", call.path["ref_or_id"])
    return json_answer({"parameters": _effective(call, ref)})


def get_entry_point(call: Call) -> Response:
    """The text of the action's script, module or workflow."""
    ref = call.documents.ref("actions", call.path["ref_or_id"])
    action = call.engine.registry.action(ref)
    path = action.entry_path.resolve()
    # The loader refuses such entry points too; a link may have changed since.
    inside = path.is_relative_to(action.pack_folder.resolve())
    if not action.entry_point or not inside or not path.is_file():
        raise NotFound(f'Action "{ref}" has no entry point that can be read.')
    return text_answer(path.read_text(encoding="utf-8", errors="replace"))


def list_unavailable(call: Call) -> Response:
    """Ours: the files that could not be used, with place and reason."""
    wanted = call.engine.unavailable(kind=call.query.text("kind"), pack=call.query.text("pack"))
    found = [
        {
            "kind": broken.kind,
            "pack": broken.pack,
            "name": broken.name,
            "where": broken.where,
            "reason": broken.reason,
            "hint": broken.hint,
        }
        for broken in wanted
    ]
    return listing.paged(call, found)


def _endpoints(kind: str, to_list: Right, to_view: Right, shape: Shape) -> tuple[Endpoint, Endpoint]:
    return (
        Endpoint(
            method="GET",
            path=f"/{kind}",
            handler=_list(kind),
            right=to_list,
            query=listing.CONTENT,
            gives=Listed(shape),
        ),
        Endpoint(
            method="GET",
            path=f"/{kind}/{{ref_or_id}}",
            handler=_get(kind),
            right=to_view,
            query=listing.SELECTION,
            gives=shape,
        ),
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/actions/views/overview",
        handler=list_overviews,
        right=Right.ACTION_LIST,
        query=listing.CONTENT,
        gives=Listed(content_shapes.ACTION),
    ),
    Endpoint(
        method="GET",
        path="/actions/views/overview/{ref_or_id}",
        handler=get_overview,
        right=Right.ACTION_VIEW,
        gives=content_shapes.ACTION,
    ),
    Endpoint(
        method="GET",
        path="/actions/views/parameters/{ref_or_id}",
        handler=get_parameters,
        right=Right.ACTION_VIEW,
        gives=content_shapes.EFFECTIVE_PARAMETERS,
    ),
    Endpoint(
        method="GET",
        path="/actions/views/entry_point/{ref_or_id}",
        handler=get_entry_point,
        right=Right.ACTION_VIEW,
        gives=Raw(("text/plain",)),
    ),
    Endpoint(
        method="GET",
        path="/actions",
        handler=list_actions,
        right=Right.ACTION_LIST,
        query=(*listing.CONTENT, "tags"),
        gives=Listed(content_shapes.ACTION),
    ),
    Endpoint(
        method="GET",
        path="/actions/{ref_or_id}",
        handler=_get("actions"),
        right=Right.ACTION_VIEW,
        query=listing.SELECTION,
        gives=content_shapes.ACTION,
    ),
    Endpoint(
        method="GET",
        path="/unavailable",
        handler=list_unavailable,
        right=Right.PACK_LIST,
        query=(*listing.LIST, "kind", "pack"),
        gives=Listed(content_shapes.UNAVAILABLE),
    ),
    *(endpoint for kind, rights in _READ_ONLY.items() for endpoint in _endpoints(kind, *rights)),
)
