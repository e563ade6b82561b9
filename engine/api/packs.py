"""Packs: to read, to install and remove as executions, their files, and the index of those to be had."""

import hashlib
from collections.abc import Callable, Mapping
from email.utils import formatdate
from pathlib import Path
from types import MappingProxyType
from typing import Any

from starlette.responses import Response

from engine.api import listing, wire_packs
from engine.api import wire_content_shapes as content_shapes
from engine.api.call import Call, json_answer
from engine.api.resource import Endpoint
from engine.api.shape import ANYTHING, MAPPING, Listed, Raw
from engine.content.registry import Registry
from engine.errors import BadInput, NotFound
from engine.installer.index import Index, read_index
from engine.installer.switching import read_mark
from engine.records.audit import Act
from engine.records.execution import ExecutionRequest
from engine.runners.environments import read_lock
from engine.specs.policy_type import usable_policy_types
from engine.specs.right import Right
from engine.specs.runner_type import RUNNER_TYPES

# What a look at a pack shows of one file, and of how many.
_SHOWN_BYTES = 512 * 1024
_SHOWN_FILES = 2_000

Count = Callable[[Registry, frozenset[str]], int]


def _of_packs(field: str) -> Count:
    """How many of a kind there are in these packs; in all, when none is named."""

    def count(registry: Registry, packs: frozenset[str]) -> int:
        specs: Mapping[str, Any] = getattr(registry, field)
        return sum(1 for spec in specs.values() if not packs or spec.pack in packs)

    return count


def _configs(registry: Registry, packs: frozenset[str]) -> int:
    return sum(1 for ref, pack in registry.packs.items() if pack.config and (not packs or ref in packs))


_COUNTS: Mapping[str, Count] = MappingProxyType(
    {
        "actions": _of_packs("actions"),
        "aliases": _of_packs("aliases"),
        "configs": _configs,
        "packs": lambda registry, packs: len(packs or registry.packs),
        "policies": _of_packs("policies"),
        "policy_types": lambda _registry, _packs: len(usable_policy_types()),
        "rule_types": lambda _registry, _packs: 2,
        "rules": _of_packs("rules"),
        "runners": lambda _registry, _packs: len(RUNNER_TYPES),
        "sensors": _of_packs("sensors"),
        "triggers": _of_packs("trigger_types"),
    }
)
# The words of `types` in both numbers, and what is counted for them.
_TYPES: Mapping[str, str] = MappingProxyType(
    {
        **{name: name for name in _COUNTS},
        **{name.removesuffix("s"): name for name in _COUNTS},
        "alias": "aliases",
        "policy": "policies",
    }
)


def list_packs(call: Call) -> Response:
    return listing.content_list(call, "packs")


def get_pack(call: Call) -> Response:
    """With where it came from, and what its environment holds."""
    ref = call.documents.ref("packs", call.path["ref_or_id"])
    folder = call.engine.registry.pack(ref).folder
    lock = read_lock(call.engine.settings.virtualenvs_folder / ref)
    document = {**call.documents.one("packs", ref), **wire_packs.origin_document(read_mark(folder), lock)}
    return json_answer(listing.selected(document, call.query))


def register(call: Call) -> Response:
    """Read all content anew; how many of each kind there are then, in the packs and types asked for.

    400 for a pack that is not there; with `fail_on_failure` for a file that cannot be used, too. All the
    others are in use then all the same.
    """
    body = call.object()
    types, packs = _texts(body, "types"), frozenset(_texts(body, "packs"))
    wanted = [_TYPES.get(name, name) for name in types if name != "all"]
    unknown = [name for name in wanted if name not in _COUNTS]
    if unknown:
        raise BadInput(f'Content type "{unknown[0]}" is unknown.', hint=f"Types: {', '.join(_COUNTS)}.")
    registry = call.engine.reload()
    call.engine.audit.record(Act(kind="content.reloaded", object=",".join(sorted(packs)) or "all packs"))
    missing = sorted(packs - {*registry.packs, *(one.pack for one in registry.unavailable)})
    if missing:
        raise BadInput(f'Pack "{missing[0]}" not found on disk.', hint="See: stormcrow pack list")
    if body.get("fail_on_failure"):
        _refuse_broken(registry, packs)
    counts = {name: count(registry, packs) for name, count in _COUNTS.items() if not wanted or name in wanted}
    broken = sum(1 for one in registry.unavailable if not packs or one.pack in packs)
    return json_answer({**counts, "unavailable": broken})


def _refuse_broken(registry: Registry, packs: frozenset[str]) -> None:
    for one in registry.unavailable:
        if not packs or one.pack in packs:
            raise BadInput(
                f"Failed to register {one.kind} {one.name} of the pack {one.pack}: {one.where}: {one.reason}",
                hint=one.hint,
            )


def _texts(body: Mapping[str, Any], name: str) -> list[str]:
    value = body.get(name) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadInput(f"'{name}' must be a list of texts.")
    return value


def install(call: Call) -> Response:
    """202 and the execution that does it."""
    body = call.object()
    parameters = {"packs": _named(body)}
    for flag in ("force", "skip_dependencies"):
        if flag in body:
            parameters[flag] = body[flag]
    return _started(call, "packs.install", parameters)


def uninstall(call: Call) -> Response:
    """202 and the execution that does it."""
    body = call.object()
    return _started(call, "packs.uninstall", {"packs": _named(body), "force": bool(body.get("force"))})


def _named(body: Mapping[str, Any]) -> list[str]:
    packs = _texts(body, "packs")
    if not packs:
        raise BadInput("'packs' is a required property")
    return packs


def _started(call: Call, action: str, parameters: Mapping[str, Any]) -> Response:
    made = call.engine.request(
        ExecutionRequest(action=action, parameters=parameters, user=call.requester.user)
    )
    return json_answer({"execution_id": made.id}, status=202)


# the index


def _index(call: Call) -> Index:
    settings = call.engine.settings
    return read_index(settings.packs.index_urls, cache=settings.data_folder / "installer")


def get_index(call: Call) -> Response:
    index = _index(call)
    return json_answer({"status": index.status, "index": index.packs})


def search_index(call: Call) -> Response:
    """`{"query"}`: a list; `{"pack"}`: one entry, or an empty list, which clients look for."""
    body = call.object()
    index = _index(call)
    if body.get("query"):
        return json_answer(index.search(str(body["query"])))
    if body.get("pack"):
        return json_answer(index.get(str(body["pack"])) or [])
    raise BadInput("Either `query` or `pack` is needed.")


def index_health(call: Call) -> Response:
    index = _index(call)
    broken = [one for one in index.status if one["error"]]
    return json_answer(
        {
            "indexes": {
                "count": len(index.status),
                "valid": len(index.status) - len(broken),
                "invalid": len(broken),
                "errors": {
                    word: sum(1 for one in broken if one["error"] == word)
                    for word in {o["error"] for o in broken}
                },
                "status": index.status,
            },
            "packs": {"count": len(index.packs)},
        }
    )


# files


def list_files(call: Call) -> Response:
    """Every text file of the pack with its content."""
    folder = _folder(call)
    found: list[dict[str, str]] = []
    for path in sorted(folder.rglob("*")):
        if len(found) == _SHOWN_FILES:
            break
        text = _text_of(path, folder)
        if text is not None:
            found.append({"file_path": str(path.relative_to(folder)), "content": text})
    return json_answer(found)


def _text_of(path: Path, folder: Path) -> str | None:
    """What may be shown: texts of a bounded size that are really in the pack, and not hidden."""
    hidden = any(part.startswith(".") or part == "__pycache__" for part in path.relative_to(folder).parts)
    if hidden or not path.is_file() or not path.resolve().is_relative_to(folder):
        return None
    if path.stat().st_size > _SHOWN_BYTES:
        return None
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def get_file(call: Call) -> Response:
    """One file as it is; 304 when the caller has it already."""
    folder = _folder(call)
    path = folder / call.path["file_path"]
    hidden = any(part.startswith(".") for part in Path(call.path["file_path"]).parts)
    if hidden or not path.resolve().is_relative_to(folder) or not path.is_file():
        raise NotFound(f'The pack has no file "{call.path["file_path"]}".')
    if path.stat().st_size > _SHOWN_BYTES:
        raise BadInput(f"The file is larger than {_SHOWN_BYTES} bytes.")
    content = path.read_bytes()
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    changed = formatdate(path.stat().st_mtime, usegmt=True)
    headers = {"ETag": tag, "Last-Modified": changed}
    asked_tag = call.headers.get(b"if-none-match", b"").decode("latin-1")
    asked_date = call.headers.get(b"if-modified-since", b"").decode("latin-1")
    if tag in asked_tag or (not asked_tag and asked_date == changed):
        return Response(status_code=304, headers=headers)
    kind = "text/plain; charset=utf-8" if b"\0" not in content else "application/octet-stream"
    return Response(content, media_type=kind, headers=headers)


def _folder(call: Call) -> Path:
    ref = call.documents.ref("packs", call.path["ref_or_id"])
    return call.engine.registry.pack(ref).folder.resolve()


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/packs/install",
        handler=install,
        right=Right.PACK_INSTALL,
        takes=content_shapes.PACK_NAMES,
        gives=content_shapes.STARTED,
        status=202,
    ),
    Endpoint(
        method="POST",
        path="/packs/uninstall",
        handler=uninstall,
        right=Right.PACK_UNINSTALL,
        takes=content_shapes.PACK_NAMES,
        gives=content_shapes.STARTED,
        status=202,
    ),
    Endpoint(
        method="POST",
        path="/packs/register",
        handler=register,
        right=Right.PACK_REGISTER,
        takes=content_shapes.REGISTRATION,
        gives=MAPPING,
        status=200,
    ),
    Endpoint(
        method="GET",
        path="/packs/index",
        handler=get_index,
        right=Right.PACK_SEARCH,
        gives=content_shapes.INDEX,
    ),
    Endpoint(
        method="POST",
        path="/packs/index/search",
        handler=search_index,
        right=Right.PACK_SEARCH,
        takes=content_shapes.INDEX_SEARCH,
        gives=ANYTHING,
        status=200,
    ),
    Endpoint(
        method="GET",
        path="/packs/index/health",
        handler=index_health,
        right=Right.PACK_VIEWS_INDEX_HEALTH,
        gives=content_shapes.INDEX_HEALTH,
    ),
    Endpoint(
        method="GET",
        path="/packs/views/files/{ref_or_id}",
        handler=list_files,
        right=Right.PACK_VIEW,
        gives=Listed(content_shapes.FILE, is_counted=False),
    ),
    Endpoint(
        method="GET",
        path="/packs/views/file/{ref_or_id}/{file_path:path}",
        handler=get_file,
        right=Right.PACK_VIEW,
        gives=Raw(("text/plain", "application/octet-stream")),
        also=(304,),
    ),
    Endpoint(
        method="GET",
        path="/packs",
        handler=list_packs,
        right=Right.PACK_LIST,
        query=listing.CONTENT,
        gives=Listed(content_shapes.PACK),
    ),
    Endpoint(
        method="GET",
        path="/packs/{ref_or_id}",
        handler=get_pack,
        right=Right.PACK_VIEW,
        query=listing.SELECTION,
        gives=content_shapes.PACK,
    ),
)
