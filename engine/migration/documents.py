"""Rules, policies, aliases ... that StackStorm's API printed: those of no file, and what was switched off.

An entry is told by its keys: `st2 rule get REF -j` and the like print whole documents, lists only a part.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection

from engine.content.registry import Registry
from engine.errors import BadInput
from engine.migration.exports import read_export
from engine.migration.finding import Item, fails, look
from engine.migration.known import Known
from engine.migration.pieces import Comparison, State
from engine.records.content import StoredDocument
from engine.refs import make_ref
from engine.store import contents
from engine.stored_content import DEFAULT_PACK, read_document

# A key that only documents of the kind have, or that lists of it show; in this order.
_KINDS: tuple[tuple[str, str], ...] = (
    ("key_hash", "apikey"),
    ("policy_type", "policy"),
    ("payload_schema", "trigger"),
    ("parameters_schema", "trigger"),
    ("formats", "alias"),
    ("action_ref", "alias"),
    ("runner_type", "action"),
    ("class_name", "sensor"),
    ("entry_point", "sensor"),
    ("trigger", "rule"),
    ("criteria", "rule"),
    # `st2 apikey list -j` shows no more than id, user and this.
    ("metadata", "apikey"),
)
_FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "rule": "rules",
        "trigger": "trigger_types",
        "policy": "policies",
        "action": "actions",
        "alias": "aliases",
        "sensor": "sensors",
    }
)
# What a document must have; a list of the command line leaves most of it out.
_WHOLE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "rule": ("trigger", "action"),
        "policy": ("resource_ref", "policy_type"),
        "alias": ("formats", "action_ref"),
        "action": ("runner_type",),
    }
)
# Made by the API for each document; here they are made anew.
_MADE = frozenset({"id", "uid", "ref", "metadata_file", "context"})
_EMPTY: tuple[Any, ...] = (None, "", [], {})


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentPiece:
    """Content that lives only in a database."""

    kind: str
    name: str
    document: Mapping[str, Any]
    user: str
    """Whom a rule's action runs as."""

    def compare(self, stored: Mapping[tuple[str, str], StoredDocument]) -> Comparison:
        there = stored.get((self.kind, self.name))
        if there is None:
            return Comparison(state=State.NEW)
        keys = self.document.keys() | there.document.keys()
        found = [key for key in sorted(keys) if self.document.get(key) != there.document.get(key)]
        differences = tuple(f"{key} is another one" for key in found)
        return Comparison(state=State.DIFFERENT if found else State.SAME, differences=differences)

    def write(self, connection: Connection) -> None:
        contents.put(connection, self.kind, self.name, self.document, user=self.user, by="")


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchPiece:
    """A thing of a file that somebody had switched on or off through StackStorm's API."""

    kind: str
    name: str
    enabled: bool
    user: str

    def compare(self, switches: Mapping[tuple[str, str], bool]) -> Comparison:
        there = switches.get((self.kind, self.name))
        if there is None:
            return Comparison(state=State.NEW)
        if there == self.enabled:
            return Comparison(state=State.SAME)
        word = "on" if there else "off"
        return Comparison(state=State.DIFFERENT, differences=(f"it is switched {word} here",))

    def write(self, connection: Connection) -> None:
        contents.switch(connection, self.kind, self.name, enabled=self.enabled, user=self.user, by="")


class DocumentReader:
    """`registry`: the content that will be there; `user`: whom the actions of rules run as."""

    def __init__(self, registry: Registry, known: Known, *, user: str) -> None:
        self._registry = registry
        self._known = known
        self._user = user

    def read(self, path: Path) -> tuple[list[Item], list[DocumentPiece | SwitchPiece]]:
        """Raises BadInput for a file that holds something else."""
        items: list[Item] = []
        pieces: list[DocumentPiece | SwitchPiece] = []
        for number, entry in enumerate(read_export(path), start=1):
            where = f"{path.name}, entry {number}"
            kind = next((kind for key, kind in _KINDS if key in entry), "")
            if not kind:
                raise BadInput(
                    f"{where} is no rule, policy, trigger type, alias, action or API key.",
                    hint="Export whole documents: st2 rule get REF -j",
                )
            where = f"{where}: {entry.get('ref') or entry.get('name') or entry.get('id') or kind}"
            item, piece = (
                (_api_key(entry, where), None) if kind == "apikey" else self._entry(kind, entry, where)
            )
            if item is not None:
                items.append(item)
            if piece is not None:
                pieces.append(piece)
        return items, pieces

    def _entry(
        self, kind: str, entry: Mapping[str, Any], where: str
    ) -> tuple[Item | None, DocumentPiece | SwitchPiece | None]:
        name = str(entry.get("name") or entry.get("class_name") or "")
        pack = str(entry.get("pack") or DEFAULT_PACK)
        ref = str(entry.get("ref") or make_ref(pack, name))
        there = getattr(self._registry, _FIELDS[kind]).get(ref)
        if there is not None:
            return self._of_a_file(kind, there, entry, where)
        if missing := [key for key in _WHOLE.get(kind, ()) if not entry.get(key)]:
            command = f"st2 {'action-alias' if kind == 'alias' else kind} get {ref} -j"
            text = f"{ref} has no {missing[0]}: a list shows only a part."
            return _failed(kind, ref, where, text, f"Export it: {command}"), None
        if kind == "sensor":
            text = f"There is no pack with the sensor {ref}."
            return _failed(kind, ref, where, text, "Take its pack over too."), None
        document = {key: value for key, value in entry.items() if key not in _MADE and value not in _EMPTY}
        return self._stored(kind, ref, {**document, "pack": pack}, where)

    def _stored(
        self, kind: str, ref: str, document: dict[str, Any], where: str
    ) -> tuple[Item, DocumentPiece | None]:
        trigger = document.get("trigger")
        if isinstance(trigger, dict):
            # The API adds the trigger that it made of type and parameters.
            document["trigger"] = {key: trigger[key] for key in ("type", "parameters") if key in trigger}
        try:
            spec = read_document(kind, document, user=self._user)
        except BadInput as error:
            told = f"{error.where}: {error.message}" if error.where else error.message
            return _failed(kind, ref, where, told, error.hint), None
        item = Item(kind=kind, name=spec.ref, where=where, remarks=tuple(self._known.of(spec, where)))
        return item, DocumentPiece(kind=kind, name=spec.ref, document=document, user=self._user)

    def _of_a_file(
        self, kind: str, there: Any, entry: Mapping[str, Any], where: str
    ) -> tuple[Item | None, SwitchPiece | None]:
        """Files are taken with their pack; what somebody switched in StackStorm is in no file."""
        wanted = entry.get("enabled")
        if kind == "trigger" or not isinstance(wanted, bool) or wanted == there.enabled:
            return None, None
        word = "on" if wanted else "off"
        text = f"{there.ref} is a file of its pack, and was switched {word} in StackStorm; so it is here."
        item = Item(kind="switch", name=there.ref, where=where, remarks=(look(where, text),))
        return item, SwitchPiece(kind=kind, name=there.ref, enabled=wanted, user=self._user)


def _failed(kind: str, ref: str, where: str, text: str, hint: str) -> Item:
    return Item(kind=kind, name=ref, where=where, remarks=(fails(where, text, hint),))


def _api_key(entry: Mapping[str, Any], where: str) -> Item:
    user = str(entry.get("user") or "")
    remark = fails(
        where,
        "API keys cannot be taken over: their hashes are salted by StackStorm.",
        f"Make a new one: stormcrow apikey create --user {user or 'NAME'}",
        row="API and access",
    )
    name = str(entry.get("id") or entry.get("uid") or where)
    return Item(kind="apikey", name=f"{user}: {name}" if user else name, where=where, remarks=(remark,))
