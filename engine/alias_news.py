"""Aliases that come, change and go: an entry of the journal each, for bots that keep a list of them."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Literal

from sqlalchemy import Connection

from engine.content.registry import Content, Registry
from engine.errors import StoreFailure
from engine.specs.alias import AliasSpec
from engine.store import journal
from engine.store.database import Database

# The journal's kind; its subject is the alias, its data {"change", "pack", "name"}.
ALIAS_CHANGED = "alias.changed"
Change = Literal["create", "update", "delete"]


class AliasNews:
    """Compares each generation of the content with the one before. The first one is no news."""

    def __init__(self, database: Database, content: Content) -> None:
        self._database = database
        self._content = content
        self._known: Mapping[str, AliasSpec] = {}
        self._detach: Callable[[], None] = lambda: None

    def start(self) -> None:
        self._known = self._content.current.aliases
        self._detach = self._content.attach(self._look)

    def stop(self) -> None:
        """Idempotent."""
        self._detach()
        self._detach = lambda: None

    def _look(self, registry: Registry) -> None:
        known, self._known = self._known, registry.aliases
        found = _changes(known, registry.aliases)
        if found:
            # Not waited for: content is locked while it is swapped. At the stop nobody listens.
            with suppress(StoreFailure):
                self._database.submit(lambda connection: _note(connection, found))


def _changes(old: Mapping[str, AliasSpec], new: Mapping[str, AliasSpec]) -> list[tuple[Change, AliasSpec]]:
    found: list[tuple[Change, AliasSpec]] = [("delete", old[ref]) for ref in old if ref not in new]
    for ref, alias in new.items():
        if ref not in old:
            found.append(("create", alias))
        elif old[ref] != alias:
            found.append(("update", alias))
    return found


def _note(connection: Connection, changes: list[tuple[Change, AliasSpec]]) -> None:
    for change, alias in changes:
        data = {"change": change, "pack": alias.pack, "name": alias.name}
        journal.append(connection, ALIAS_CHANGED, alias.ref, data)
