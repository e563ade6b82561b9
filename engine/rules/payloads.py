"""Payloads with secrets: stored masked, the clear text sealed beside it, opened to be judged again."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from engine.expressions.masking import ValueMasker, mask_by_schema, secrets_by_schema
from engine.records.trigger import HiddenPayload, TriggerInstance
from engine.store import triggers as store
from engine.store.vault import Vault

Schema = Mapping[str, Any]


class Payloads:
    """`schema`: what a trigger's type says of its payloads; None where nothing in them is secret."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def hidden(self, payload: Any, schema: Schema | None, *, instance_id: str) -> HiddenPayload | None:
        """What is stored of a payload; None: all of it, as it is."""
        secrets = tuple(dict.fromkeys(secrets_by_schema(payload, schema)))
        if not secrets:
            return None
        plain = orjson.dumps(payload, option=orjson.OPT_NON_STR_KEYS)
        return HiddenPayload(
            # By value too: a secret may stand in the text of another member.
            shown=ValueMasker(secrets).value(mask_by_schema(payload, schema)),
            sealed=self._vault.seal(plain, place=store.seal_place(instance_id)),
            secrets=secrets,
        )

    def revealed(self, instance: TriggerInstance, schema: Schema | None) -> TriggerInstance:
        """One that was read, with its payload in clear: to judge or emit it again, never to show."""
        if instance.sealed is None:
            return instance
        plain = self._vault.unseal(instance.sealed, place=store.seal_place(instance.id))
        payload = orjson.loads(plain)
        hidden = HiddenPayload(
            shown=instance.payload,
            sealed=instance.sealed,
            secrets=tuple(dict.fromkeys(secrets_by_schema(payload, schema))),
        )
        return replace(instance, payload=payload, hidden=hidden)
