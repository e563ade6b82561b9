"""The sealed part of an execution: its parameters in clear, and what else must not be seen in its run."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection

from engine.store import executions as store
from engine.store.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Revealed:
    """For running, never for showing."""

    parameters: Mapping[str, Any]
    secrets: tuple[str, ...] = ()
    """What templates decrypted, and what the run has read in clear since."""


def seal(vault: Vault, execution_id: str, revealed: Revealed) -> bytes:
    plain = orjson.dumps({"parameters": revealed.parameters, "secrets": revealed.secrets})
    return vault.seal(plain, place=store.seal_place(execution_id))


def unseal(vault: Vault, execution_id: str, sealed: bytes) -> Revealed:
    """Raises StoreFailure."""
    opened = orjson.loads(vault.unseal(sealed, place=store.seal_place(execution_id)))
    return Revealed(parameters=opened["parameters"], secrets=tuple(opened["secrets"]))


def learn(connection: Connection, vault: Vault, execution_id: str, secrets: Collection[str]) -> None:
    """Keep what a run has read, so that it is hidden too when another server collects its output."""
    execution = store.get(connection, execution_id)
    if execution is None:
        return
    sealed = store.sealed(connection, execution_id)
    known = (
        Revealed(parameters=execution.parameters) if sealed is None else unseal(vault, execution_id, sealed)
    )
    fresh = tuple(secret for secret in secrets if secret not in known.secrets)
    if fresh:
        more = Revealed(parameters=known.parameters, secrets=(*known.secrets, *fresh))
        store.set_sealed(connection, execution_id, seal(vault, execution_id, more))
