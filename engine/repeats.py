"""The next try of an execution that has failed, where a policy of its action wants one."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from engine.clock import utcnow
from engine.content.registry import Content
from engine.errors import StoreFailure
from engine.policies.retry import repetition, retried_context
from engine.records.execution import Execution
from engine.starts import Starts
from engine.status import Status
from engine.store import executions as store
from engine.store.vault import Vault

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repetition:
    """An execution that repeats one which has failed."""

    execution: Execution
    sealed: bytes | None
    old_context: Mapping[str, Any]
    """Of the one that failed."""


class Repeats:
    def __init__(self, content: Content, vault: Vault, starts: Starts) -> None:
        self._content = content
        self._vault = vault
        self._starts = starts

    def of(
        self, connection: Connection, execution_id: str, step: store.Step, ended: Status
    ) -> "Repetition | None":
        """The next try, where a policy wants one."""
        wanted = self._starts.next_try(step.action, ended, step.context)
        action = self._content.current.actions.get(step.action)
        old = None if wanted is None else store.get(connection, execution_id)
        if wanted is None or old is None or action is None or not action.enabled:
            return None
        made = repetition(old, wanted, now=utcnow())
        sealed = store.sealed(connection, execution_id)
        if sealed is not None:
            try:
                plain = self._vault.unseal(sealed, place=store.seal_place(execution_id))
            except StoreFailure as error:
                log.error("execution %s is not tried again: %s", execution_id, error)
                return None
            sealed = self._vault.seal(plain, place=store.seal_place(made.id))
        context = retried_context(step.context, wanted, made)
        return Repetition(execution=made, sealed=sealed, old_context=context)
