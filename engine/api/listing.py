"""Lists: filters, order, pages, and which attributes of each document are shown."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from starlette.responses import Response

from engine.api.call import Call, Page, Query, json_answer
from engine.api.wire import Document
from engine.errors import BadInput, Denied
from engine.specs.permissions import ADMIN, SYSTEM_ADMIN

# StackStorm's api.max_page_size.
LARGEST_PAGE = 100
_ALWAYS = frozenset({"id", "ref", "pack", "name"})


def content_list(call: Call, kind: str, *, always: Collection[str] = _ALWAYS) -> Response:
    """The documents of one kind of content; `always` names what include_attributes cannot leave out."""
    query = call.query
    found = [document for document in call.documents.all(kind).values() if fits(document, query)]
    return paged(call, ordered(found, query.names("sort")), always=always)


def paged(call: Call, documents: Sequence[Document], *, always: Collection[str] = _ALWAYS) -> Response:
    page = call.query.page()
    end = None if page.limit is None else page.offset + page.limit
    shown = [selected(document, call.query, always) for document in documents[page.offset : end]]
    return json_answer(shown, headers=page_headers(page, len(documents)))


def history_page(call: Call, *, limit: int = 100) -> Page:
    """The page of a list that grows for ever. Raises Denied for more than LARGEST_PAGE at once.

    As in StackStorm only where roles are on file, and never for administrators.
    """
    page = call.query.page(limit=limit)
    rights = call.engine.rights
    if not rights.has_roles or not {ADMIN, SYSTEM_ADMIN}.isdisjoint(rights.roles_of(call.requester.user)):
        return page
    if page.limit is None:
        raise Denied(
            "Administrator access required to be able to specify limit=-1 and retrieve all the records"
        )
    if page.limit > LARGEST_PAGE:
        raise Denied(f'Limit "{page.limit}" specified, maximum value is "{LARGEST_PAGE}"')
    return page


def page_headers(page: Page, total: int) -> dict[str, str]:
    headers = {"X-Total-Count": str(total)}
    if page.limit is not None:
        headers["X-Limit"] = str(page.limit)
    return headers


def selected(document: Document, query: Query, always: Collection[str] = _ALWAYS) -> Document:
    """`document` with what include_attributes or exclude_attributes leave of it.

    Both take dotted paths, through lists of objects too. Neither takes `always` away. Raises BadInput
    when both are given.
    """
    include, exclude = attributes(query)
    if include:
        chosen: Document = {name: document[name] for name in always if name in document}
        for path in include:
            _copy(document, chosen, path.split("."))
        return chosen
    if exclude:
        return _without(document, [path.split(".") for path in exclude if path not in always])
    return document


def attributes(query: Query) -> tuple[list[str], list[str]]:
    """What to include and what to exclude, of which one at most is not empty. Raises BadInput."""
    include, exclude = query.names("include_attributes"), query.names("exclude_attributes")
    if include and exclude:
        raise BadInput(
            "exclude_fields and include_fields arguments are mutually exclusive. "
            "You need to provide either one or another, but not both."
        )
    return include, exclude


def _copy(source: Mapping[str, Any], target: Document, path: list[str]) -> None:
    name, rest = path[0], path[1:]
    if name not in source:
        return
    value = source[name]
    if not rest:
        target[name] = value
    elif isinstance(value, Mapping):
        # A copy: what stood there may belong to the document itself.
        inner = dict(target.get(name) or {})
        _copy(value, inner, rest)
        target[name] = inner
    elif isinstance(value, list):
        target[name] = _copied_each(value, target.get(name), rest)


def _copied_each(source: list[Any], target: Any, path: list[str]) -> list[Document]:
    """Of each object in a list what `path` names; the rest of the list is left out, as StackStorm does."""
    whole = [one for one in source if isinstance(one, Mapping)]
    if isinstance(target, list) and len(target) != len(whole):
        return target
    chosen = [dict(one) for one in target] if isinstance(target, list) else [{} for _ in whole]
    for one, made in zip(whole, chosen, strict=False):
        _copy(one, made, path)
    return chosen


def _without(document: Mapping[str, Any], paths: list[list[str]]) -> Document:
    gone = {path[0] for path in paths if len(path) == 1}
    kept = {name: value for name, value in document.items() if name not in gone}
    for name in {path[0] for path in paths if len(path) > 1} & kept.keys():
        inner = [path[1:] for path in paths if path[0] == name and path[1:]]
        if isinstance(kept[name], Mapping):
            kept[name] = _without(kept[name], inner)
        elif isinstance(kept[name], list):
            kept[name] = [_without(one, inner) if isinstance(one, Mapping) else one for one in kept[name]]
    return kept


def ordered(documents: list[Document], keys: Sequence[str]) -> list[Document]:
    """By `keys`, each with - or + before it; a key that no document has changes nothing."""
    for key in reversed(keys):
        name = key.lstrip("+-")
        documents = sorted(
            documents, key=lambda document: str(_value(document, name)), reverse=key.startswith("-")
        )
    return documents


def oldest_first(query: Query, attribute: str) -> bool:
    """The order of what happened: `attribute` is its time. The newest stand first unless asked."""
    if query.flag("sort_asc") or query.flag("sort_desc"):
        return query.flag("sort_asc")
    names = [name for name in query.names("sort") if name.lstrip("+-") == attribute]
    return bool(names) and not names[0].startswith("-")


def _value(document: Mapping[str, Any], path: str) -> Any:
    value: Any = document
    for part in path.split("."):
        value = value.get(part, "") if isinstance(value, Mapping) else ""
    return value


# Query parameter -> where its value stands in the document.
FILTERS = {
    "name": ("name",),
    "pack": ("pack",),
    "ref": ("ref",),
    "resource_ref": ("resource_ref",),
    "action": ("action", "ref"),
    "trigger": ("trigger", "type"),
}
FITTED = ("id", *FILTERS, "enabled")
"""What `fits` asks for."""
PAGE = ("limit", "offset")
SELECTION = ("include_attributes", "exclude_attributes")
LIST = (*PAGE, *SELECTION)
ORDER = ("sort", "sort_asc", "sort_desc")
CONTENT = (*LIST, "sort", *FITTED)
"""The parameters of a list of content."""


def fits(document: Document, query: Query) -> bool:
    ids = query.names("id")
    if ids and document["id"] not in ids:
        return False
    for name, path in FILTERS.items():
        wanted = query.text(name)
        if name == "name" and document.get("name") in query.names(name):
            continue
        if name == "trigger" and wanted in document.get("trigger_types", ()):
            continue
        if wanted is not None and _value(document, ".".join(path)) != wanted:
            return False
    return "enabled" not in query.values or document.get("enabled") == query.flag("enabled")
