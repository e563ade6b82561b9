"""What the templates of a rule made through the API may read: no more than its maker may."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from engine.errors import BadTemplate
from engine.expressions.jinja import Templates
from engine.expressions.lookups import KeyValues
from engine.expressions.masking import ValueMasker
from engine.expressions.params import TemplateScope
from engine.rights.room import Rights
from engine.specs.permissions import ADMIN, SYSTEM_ADMIN
from engine.specs.right import Right


class Authored:
    """`templates` and `keys`: those of rules of packs, which may read everything."""

    def __init__(self, templates: Templates, keys: KeyValues, rights: Rights) -> None:
        self._templates = templates
        self._keys = keys
        self._rights = rights

    def templates(self, author: str) -> Templates:
        """`author` empty: of a rule of a pack."""
        return self._templates if self._may_open(author) else self._closed

    def keys(self, author: str) -> KeyValues:
        return _SeenBy(self._keys, self._rights, author) if author else self._keys

    def scope(self, base: TemplateScope, author: str) -> TemplateScope:
        """Secrets of the pack's configuration are masked for who may not open any."""
        keys, templates = self.keys(author), self.templates(author)
        if templates is self._templates:
            return replace(base, keys=keys)

        def masked() -> Mapping[str, Any]:
            config = base.config_context() if callable(base.config_context) else base.config_context
            shown: Mapping[str, Any] = ValueMasker(base.config_secrets()).value(config)
            return shown

        return replace(base, keys=keys, templates=templates, config_context=masked)

    def _may_open(self, author: str) -> bool:
        """As for reading secrets of the system through the API."""
        if not author:
            return True
        if self._rights.has_roles:
            return self._rights.allows(author, Right.KEY_VALUE_PAIR_ALL).may
        return not {ADMIN, SYSTEM_ADMIN}.isdisjoint(self._rights.roles_of(author))

    @cached_property
    def _closed(self) -> Templates:
        return Templates(self._templates.settings, decrypt=_refuse)


def _refuse(_ciphertext: str) -> str:
    raise BadTemplate(
        "The rule's maker may not open secrets of the datastore.",
        hint=f"It takes the administrator, or a role that grants {Right.KEY_VALUE_PAIR_ALL}.",
    )


@dataclass(frozen=True, slots=True)
class _SeenBy:
    """A key that its reader may not see is not there."""

    keys: KeyValues
    rights: Rights
    reader: str

    def get(self, scope: str, name: str, *, user: str | None) -> str | None:
        is_system = scope == "system"
        resource = f"key_value_pair:st2kv.system:{name}"
        if is_system and not self.rights.allows(self.reader, Right.KEY_VALUE_PAIR_VIEW, resource).may:
            return None
        return self.keys.get(scope, name, user=user)
