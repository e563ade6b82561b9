"""Actions and aliases written through the API, which have no file; those of files are only switched."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from starlette.responses import Response

from engine.api import wire_content_shapes as content_shapes
from engine.api import wire_shapes as shapes
from engine.api.call import Call, json_answer, nothing
from engine.api.gate import check_author
from engine.api.resource import Endpoint
from engine.api.shape import Shape
from engine.api.wire import Document
from engine.errors import AlreadyThere, BadInput, Conflict, nearest
from engine.specs.right import Right
from engine.specs.runner_type import RUNNER_TYPES

# Clients send back the whole document that they were given; these say where it came from.
_MADE_BY_US = frozenset({"id", "ref", "uid", "metadata_file"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Noun:
    """One kind of content: `kind` of documents, `stored` as the store calls it."""

    kind: str
    stored: str
    word: str
    create: Right
    modify: Right
    delete: Right
    takes: Shape
    gives: Shape


NOUNS: Mapping[str, Noun] = MappingProxyType(
    {
        "action": Noun(
            kind="actions",
            stored="action",
            word="Action",
            create=Right.ACTION_CREATE,
            modify=Right.ACTION_MODIFY,
            delete=Right.ACTION_DELETE,
            takes=content_shapes.ACTION_BODY,
            gives=content_shapes.ACTION,
        ),
        "alias": Noun(
            kind="actionalias",
            stored="alias",
            word="Action alias",
            create=Right.ACTION_ALIAS_CREATE,
            modify=Right.ACTION_ALIAS_MODIFY,
            delete=Right.ACTION_ALIAS_DELETE,
            takes=content_shapes.ALIAS_BODY,
            gives=content_shapes.ALIAS,
        ),
    }
)


def _create(noun: Noun) -> Callable[[Call], Response]:
    def create(call: Call) -> Response:
        """201, and in force."""
        return json_answer(_made(call, noun, _written(call.object())), status=201)

    return create


def _made(call: Call, noun: Noun, written: Document, *, replaces: bool = False) -> Document:
    pack = _pack(call, written)
    check_author(call, noun.create, pack)
    ref = f"{pack}.{written.get('name')}"
    if ref in call.documents.all(noun.kind) and not replaces:
        raise AlreadyThere(
            f'{noun.word} "{ref}" already exists.',
            hint="Change it, or take another name.",
            existing_id=call.documents.one(noun.kind, ref)["id"],
        )
    spec = call.engine.stored.put(noun.stored, {**written, "pack": pack}, user=call.requester.user)
    return call.documents.one(noun.kind, spec.ref)


def _update(noun: Noun) -> Callable[[Call], Response]:
    def update(call: Call) -> Response:
        """What the API wrote is replaced; what a file says can only be switched on and off."""
        ref = call.documents.ref(noun.kind, call.path["ref_or_id"])
        old = call.documents.one(noun.kind, ref)
        body = call.object()
        written = {"pack": old["pack"], **_written(body)}
        enabled = written.get("enabled", old["enabled"])
        if not isinstance(enabled, bool):
            raise BadInput("'enabled' must be true or false.")
        check_author(call, noun.modify, old["pack"])
        if _is_same(written, old):
            call.engine.stored.set_enabled(noun.stored, ref, enabled=enabled, user=call.requester.user)
            return json_answer(call.documents.one(noun.kind, ref))
        if not call.engine.stored.is_stored(noun.stored, ref):
            raise Conflict(
                f'{noun.word} "{ref}" is the file {old["pack"]}/{old["metadata_file"]}.',
                hint="Only `enabled` can be changed here. Change the file and reload.",
            )
        check_author(call, noun.modify, _pack(call, written))
        spec = call.engine.stored.replace(noun.stored, ref, written, user=call.requester.user)
        return json_answer(call.documents.one(noun.kind, spec.ref))

    return update


def _delete(noun: Noun) -> Callable[[Call], Response]:
    def delete(call: Call) -> Response:
        """The body may say `remove_files`: what can be deleted has none."""
        call.object()
        ref = call.documents.ref(noun.kind, call.path["ref_or_id"])
        check_author(call, noun.delete, call.documents.one(noun.kind, ref)["pack"])
        call.engine.stored.remove(noun.stored, ref)
        return nothing()

    return delete


def clone(call: Call) -> Response:
    """The same action under another name; not one whose program is a file."""
    source = call.documents.one("actions", call.path["ref_or_id"])
    body = call.object()
    pack, name = body.get("dest_pack"), body.get("dest_action")
    if not isinstance(pack, str) or not isinstance(name, str) or not pack or not name:
        raise BadInput("'dest_pack' and 'dest_action' are required properties")
    if source.get("entry_point"):
        raise BadInput(
            f'The action "{source["ref"]}" runs the file {source["pack"]}/actions/{source["entry_point"]}.',
            hint="Copy both files into the other pack, and reload.",
        )
    replaces = body.get("overwrite") is True and call.engine.stored.is_stored("action", f"{pack}.{name}")
    written = {**_written(source), "pack": pack, "name": name}
    return json_answer(_made(call, NOUNS["action"], written, replaces=replaces), status=201)


def switch_runner(call: Call) -> Response:
    """Of the document only `enabled` counts: a runner that is off starts nothing more."""
    ref = call.documents.ref("runnertypes", call.path["ref_or_id"])
    enabled = call.object().get("enabled")
    if not isinstance(enabled, bool):
        raise BadInput("'enabled' must be true or false.")
    check_author(call, Right.RUNNER_TYPE_MODIFY, "core")
    call.engine.stored.set_enabled("runner", ref, enabled=enabled, user=call.requester.user)
    return json_answer(call.documents.one("runnertypes", ref))


def _written(body: Mapping[str, Any]) -> Document:
    """Without what we add ourselves to a document: the types of parameters that are the runner's."""
    written = {name: value for name, value in body.items() if name not in _MADE_BY_US}
    runner = RUNNER_TYPES.get(str(written.get("runner_type")))
    parameters = written.get("parameters")
    if runner is not None and isinstance(parameters, Mapping):
        written["parameters"] = {
            name: _without_type(schema, runner.parameters[name].schema_)
            if name in runner.parameters and isinstance(schema, Mapping)
            else schema
            for name, schema in parameters.items()
        }
    return written


def _without_type(schema: Mapping[str, Any], runners: Mapping[str, Any]) -> Document:
    own = schema.get("type") in ("string", runners.get("type"))
    return {name: value for name, value in schema.items() if name != "type" or not own}


def _pack(call: Call, written: Mapping[str, Any]) -> str:
    pack = str(written.get("pack") or "default")
    if pack not in call.engine.registry.packs:
        raise BadInput(f'Pack "{pack}" cannot be found.', hint=nearest(pack, call.engine.registry.packs))
    return pack


def _is_same(written: Document, old: Document) -> bool:
    """Whether nothing but `enabled` differs; what is empty is as good as absent."""
    known = _written(old)
    names = (written.keys() | known.keys()) - {"enabled"}
    return all((written.get(name) or None) == (known.get(name) or None) for name in names)


def _endpoints(noun: Noun) -> tuple[Endpoint, ...]:
    path = f"/{noun.kind}"
    one = f"{path}/{{ref_or_id}}"
    return (
        Endpoint(
            method="POST",
            path=path,
            handler=_create(noun),
            right=noun.create,
            takes=noun.takes,
            gives=noun.gives,
        ),
        Endpoint(
            method="PUT",
            path=one,
            handler=_update(noun),
            right=noun.modify,
            takes=noun.takes,
            gives=noun.gives,
        ),
        Endpoint(
            method="DELETE", path=one, handler=_delete(noun), right=noun.delete, takes=content_shapes.REMOVAL
        ),
    )


ENDPOINTS = (
    *(endpoint for noun in NOUNS.values() for endpoint in _endpoints(noun)),
    Endpoint(
        method="POST",
        path="/actions/{ref_or_id}/clone",
        handler=clone,
        right=Right.ACTION_CREATE,
        takes=content_shapes.CLONE,
        gives=content_shapes.ACTION,
    ),
    Endpoint(
        method="PUT",
        path="/runnertypes/{ref_or_id}",
        handler=switch_runner,
        right=Right.RUNNER_TYPE_MODIFY,
        takes=shapes.ENABLED,
        gives=content_shapes.RUNNER_TYPE,
    ),
)
