"""The world outside, as a conductor sees it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from engine.clock import utcnow
from engine.errors import BadTemplate, StoreFailure
from engine.expressions.lookups import KeyValues
from engine.expressions.masking import hides, secrets_by_schema
from engine.records.execution import new_id
from engine.store import inquiries, sealed_parameters
from engine.store import workflows as store
from engine.store.database import Database
from engine.store.vault import Vault


class RunHost:
    """One per workflow in memory. `decrypt` opens the ciphertext of a datastore key."""

    def __init__(
        self,
        workflow_id: str,
        database: Database,
        vault: Vault,
        keys: KeyValues,
        *,
        decrypt: Callable[[str], str],
    ) -> None:
        self._workflow_id = workflow_id
        self._database = database
        self._vault = vault
        self._keys = keys
        self._decrypt = decrypt
        self.learned: list[str] = []
        """Secret values that expressions have read in clear."""

    def new_id(self) -> str:
        return new_id()

    def now(self) -> datetime:
        return utcnow()

    def key(self, name: str, *, user: str, decrypt: bool) -> str | None:
        """`system.NAME` or `user.NAME`; a name without a scope is the user's."""
        scope, _, rest = name.partition(".")
        if scope not in ("system", "user") or not rest:
            scope, rest = "user", name
        try:
            found = self._keys.get(scope, rest, user=user)
        except StoreFailure as error:
            raise BadTemplate(error.message, hint=error.hint) from error
        if found is None or not decrypt:
            return found
        plain = self._decrypt(found)
        if plain != found:
            self.learned.append(plain)
        return plain

    def learn(self, secrets: Sequence[str]) -> None:
        self.learned.extend(secrets)

    def results(self, execution_ids: Sequence[str]) -> Sequence[Any]:
        with self._database.read() as connection:
            found = store.results(connection, execution_ids)
            answers = inquiries.in_clear(connection, self._vault, execution_ids)
            hidden = [name for name, result in zip(execution_ids, found, strict=True) if hides(result)]
            clear = sealed_parameters.results_in_clear(connection, self._vault, hidden)
        return [
            {**result, "response": answers[name].response}
            if name in answers
            else clear[name].result
            if name in clear
            else result
            for name, result in zip(execution_ids, found, strict=True)
        ]

    def answered(self, execution_id: str, result: Any) -> Any:
        """The result of a child that somebody else has ended: with its secrets, which are learned."""
        with self._database.read() as connection:
            answer = inquiries.in_clear(connection, self._vault, [execution_id]).get(execution_id)
            hidden = [execution_id] if hides(result) else []
            clear = sealed_parameters.results_in_clear(connection, self._vault, hidden).get(execution_id)
        if clear is not None:
            self.learned.extend(clear.result_secrets)
            return clear.result
        if answer is None:
            return result
        self.learned.extend(secrets_by_schema(answer.response, answer.schema))
        return {**result, "response": answer.response}

    def value(self, digest: str) -> bytes:
        with self._database.read() as connection:
            sealed = store.value(connection, self._workflow_id, digest)
        if sealed is None:
            raise StoreFailure(f"A value of the workflow {self._workflow_id} is missing: {digest}.")
        return self._vault.unseal(sealed, place=store.value_place(self._workflow_id, digest))
