"""Workflows in memory: loaded from their rows when needed, given up when a step was not committed."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from engine.errors import NotFound, StoreFailure
from engine.expressions.lookups import KeyValues
from engine.store import workflows as store
from engine.store.database import Database
from engine.store.vault import Vault
from engine.store.workflows import StoredWorkflow
from engine.workflow_runs.head import Head
from engine.workflow_runs.host import RunHost
from engine.workflow_runs.languages import Languages
from engine.workflows.conducting import Conductor

# How many are kept in memory beyond those that are being worked on.
_KEPT = 1000


@dataclass(slots=True, kw_only=True)
class LiveRun:
    """A workflow in memory, as new as version `version` of its row."""

    id: str
    head: Head
    host: RunHost
    conductor: Conductor
    version: int
    shown: str
    """The status that is stored with that version."""
    delta_bytes: int = 0
    """Size of the deltas since the last snapshot."""
    snapshot_bytes: int = 0
    wake_at: datetime | None = None
    is_given_up: bool = False
    """It was ended without its conductor: nothing follows from what its children do."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held while the conductor works, or is looked at."""


class LiveRuns:
    """`decrypt` opens the ciphertext of a datastore key."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        keys: KeyValues,
        languages: Languages,
        *,
        decrypt: Callable[[str], str],
    ) -> None:
        self._database = database
        self._vault = vault
        self._keys = keys
        self.languages = languages
        self._decrypt = decrypt
        self._lock = threading.Lock()
        self._runs: OrderedDict[str, LiveRun] = OrderedDict()

    def host(self, workflow_id: str) -> RunHost:
        return RunHost(workflow_id, self._database, self._vault, self._keys, decrypt=self._decrypt)

    def get(self, workflow_id: str) -> LiveRun:
        """Raises NotFound, StoreFailure; BadContent when its definition cannot be read any more."""
        with self._lock:
            found = self._runs.get(workflow_id)
            if found is not None:
                self._runs.move_to_end(workflow_id)
                return found
        made = self.load(workflow_id)
        self.keep(made)
        return made

    def keep(self, run: LiveRun) -> None:
        with self._lock:
            self._runs[run.id] = run
            while len(self._runs) > _KEPT:
                self._runs.popitem(last=False)

    def drop(self, workflow_id: str) -> None:
        with self._lock:
            self._runs.pop(workflow_id, None)

    def load(self, workflow_id: str, *, head: Head | None = None) -> LiveRun:
        """From its rows, as they are now. `head`: in place of the stored one; what that knew to be secret
        stays so."""
        with self._database.read() as connection:
            stored = store.get(connection, workflow_id)
            if stored is None:
                raise NotFound(f"There is no workflow {workflow_id}.")
            deltas = store.deltas(connection, workflow_id, after=stored.snapshot_version)
            definition = store.definition(connection, stored.definition)
        if definition is None:
            raise StoreFailure(f"The definition of the workflow {workflow_id} is missing.")
        language = self.languages.get(definition[0])
        opened = [
            self._vault.unseal(data, place=store.delta_place(workflow_id, version))
            for version, data in deltas
        ]
        before = self.head(stored)
        head = before if head is None else head.with_secrets(before.secrets)
        host = self.host(workflow_id)
        snapshot = self._snapshot(stored)
        conductor = language.load(
            language.plan(definition[1]),
            context=head.application_context(workflow_id),
            snapshot=snapshot,
            deltas=opened,
            host=host,
        )
        return LiveRun(
            id=workflow_id,
            head=head,
            host=host,
            conductor=conductor,
            version=stored.version,
            is_given_up=stored.is_ended and not conductor.is_ended,
            shown=stored.status,
            delta_bytes=sum(map(len, opened)),
            snapshot_bytes=len(snapshot or b""),
            wake_at=stored.wake_at,
        )

    def head(self, stored: StoredWorkflow) -> Head:
        return Head.load(self._vault.unseal(stored.head, place=store.head_place(stored.id)))

    def _snapshot(self, stored: StoredWorkflow) -> bytes | None:
        if stored.snapshot is None:
            return None
        return self._vault.unseal(stored.snapshot, place=store.snapshot_place(stored.id))
