"""The sealed part of an execution: its parameters in clear, its result where something in it is hidden,
and what else must not be seen in its run."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
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
    result: Any = None
    """For the workflow whose task it was; None: the stored one hides nothing."""
    result_secrets: tuple[str, ...] = ()
    """What the stored result hides."""


def seal(vault: Vault, execution_id: str, revealed: Revealed) -> bytes:
    fields: dict[str, Any] = {"parameters": revealed.parameters, "secrets": revealed.secrets}
    if revealed.result is not None:
        fields |= {"result": revealed.result, "result_secrets": revealed.result_secrets}
    plain = orjson.dumps(fields, option=orjson.OPT_NON_STR_KEYS)
    return vault.seal(plain, place=store.seal_place(execution_id))


def unseal(vault: Vault, execution_id: str, sealed: bytes) -> Revealed:
    """Raises StoreFailure."""
    opened = orjson.loads(vault.unseal(sealed, place=store.seal_place(execution_id)))
    return Revealed(
        parameters=opened["parameters"],
        secrets=tuple(opened["secrets"]),
        result=opened.get("result"),
        result_secrets=tuple(opened.get("result_secrets", ())),
    )


def keep_result(
    connection: Connection, vault: Vault, execution_id: str, result: Any, secrets: Collection[str]
) -> None:
    """The result in clear, beside the stored one."""
    known = _known(connection, vault, execution_id)
    if known is not None:
        more = replace(known, result=result, result_secrets=tuple(secrets))
        store.set_sealed(connection, execution_id, seal(vault, execution_id, more))


def results_in_clear(
    connection: Connection, vault: Vault, execution_ids: Collection[str]
) -> dict[str, Revealed]:
    """Of those whose stored result hides something. Raises StoreFailure."""
    found = {
        execution_id: unseal(vault, execution_id, sealed)
        for execution_id, sealed in store.sealed_of(connection, execution_ids).items()
    }
    return {name: revealed for name, revealed in found.items() if revealed.result is not None}


def learn(connection: Connection, vault: Vault, execution_id: str, secrets: Collection[str]) -> None:
    """Keep what a run has read, so that it is hidden too when another server collects its output."""
    known = _known(connection, vault, execution_id)
    if known is None:
        return
    fresh = tuple(secret for secret in secrets if secret not in known.secrets)
    if fresh:
        more = replace(known, secrets=(*known.secrets, *fresh))
        store.set_sealed(connection, execution_id, seal(vault, execution_id, more))


def _known(connection: Connection, vault: Vault, execution_id: str) -> Revealed | None:
    """What is sealed, or would be; None: there is no such execution."""
    execution = store.get(connection, execution_id)
    if execution is None:
        return None
    sealed = store.sealed(connection, execution_id)
    if sealed is None:
        return Revealed(parameters=execution.parameters)
    return unseal(vault, execution_id, sealed)
