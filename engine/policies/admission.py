"""Who may start now, who waits, and whose turn comes; counted in the database, and so exact.

Everything here happens in the writer's thread, inside the transaction of the fact: an execution that
may start takes its places, one that may not stands in the line of the policy that refuses it. When a
place becomes free, the first of its line takes it together with its places under all other policies,
or moves on to the line of the policy that refuses it now. So a line with somebody in it is a line
without a free place, and nobody overtakes.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection

from engine.content.registry import Registry
from engine.errors import StoreFailure
from engine.policies.table import ActionLimit, PolicyTable
from engine.records.policy import EntryState, PolicyEntry
from engine.status import HELD, Status
from engine.store import executions
from engine.store import policies as store
from engine.store.executions import Candidate
from engine.store.sealed_parameters import unseal
from engine.store.vault import Vault

log = logging.getLogger(__name__)

Keyed = tuple[ActionLimit, str]
"""A limit, and which executions it counts together with this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What becomes of a delayed execution."""

    execution_id: str
    refused_by: ActionLimit | None
    """None: it may start. Else the policy that it waits for from now on, or that cancels it."""


class Admission:
    """`adopt` may be called from any thread, everything else from the writer's."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self.newest = PolicyTable(Registry())
        """What the content says."""
        self.table = self.newest
        """What is in force: what the database remembers was made with it."""
        self._key_id = b""
        # What a transaction that is not committed yet made of it.
        self._renewed: tuple[PolicyTable, bytes] | None = None

    def adopt(self, table: PolicyTable) -> None:
        """In force with the next transaction."""
        if not self.newest.says_the_same_as(table):
            self.newest = table

    # another table, or another key

    @property
    def is_stale(self) -> bool:
        """Whether `renew` must come first; after a change of the secret key too, which makes the digests."""
        if self._renewed is not None or self.table is not self.newest:
            return True
        return self._key_id != self._vault.key_id

    def renew(self, connection: Connection, now: datetime) -> list[Change]:
        """Make anew what is remembered: from the executions as they are, under the newest table.

        `confirm` it after the commit.
        """
        self._renewed = (self.newest, self._vault.key_id)
        self.table = self.newest
        had_places = store.holders(connection)
        rates = [policy for policy, limit in self.table.by_policy.items() if limit.limit.window_s is not None]
        store.clear(connection, rates=rates)
        self._key_again(connection)
        for candidate in executions.candidates(connection, HELD, actions=list(self.table.limits)):
            self._take(connection, self._keyed(candidate), candidate, has_started=True)
        waiting = [Status.DELAYED, *([Status.REQUESTED] if had_places else [])]
        return [
            Change(execution_id=candidate.execution.id, refused_by=self.judge(connection, candidate, now))
            for candidate in executions.candidates(connection, waiting)
            if candidate.execution.status is Status.DELAYED or candidate.execution.id in had_places
        ]

    def _key_again(self, connection: Connection) -> None:
        """Starts that still count belong to the keys of today."""
        for entry in store.spent(connection):
            limit = self.table.by_policy[entry.policy]
            candidate = None
            if limit.limit.key_of is not None:
                candidate = executions.get_candidate(connection, entry.execution_id)
            key = "" if candidate is None else self._key(limit, self._live(candidate))
            if key != entry.key:
                store.set_key(connection, entry, key)

    def confirm(self) -> None:
        """What `renew` did is committed."""
        if self._renewed is not None:
            self._key_id = self._renewed[1]
            self._renewed = None

    # who may start

    def has_places(self, connection: Connection, execution_id: str) -> bool:
        """Whether its turn has come already, and it only waited for a worker."""
        entries = store.of_execution(connection, execution_id)
        return any(entry.state is EntryState.HOLDS for entry in entries)

    def is_over(self, connection: Connection, execution_id: str, now: datetime) -> bool:
        """Whether it has a place where there are too many: a policy came, and found more than it allows."""
        return any(
            store.used(connection, entry.policy, entry.key, now=now) > limit.limit.most
            for entry in store.of_execution(connection, execution_id)
            if (limit := self.table.by_policy.get(entry.policy)) is not None
        )

    def judge(
        self, connection: Connection, candidate: Candidate, now: datetime, *, starts: bool = False
    ) -> ActionLimit | None:
        """Who refuses it; then it stands in the line of that policy, unless that one cancels.

        None: it may start, and has its places. `starts`: it does so in this transaction.
        """
        keyed = self._keyed(candidate)
        for limit, key in keyed:
            if self._refuses(connection, limit, key, candidate, now):
                if not limit.cancels:
                    self._join(connection, limit, key, candidate, now)
                return limit
        self._take(connection, keyed, candidate, starts_at=now if starts else None)
        return None

    def start(self, connection: Connection, candidate: Candidate, now: datetime) -> None:
        """One that had its places starts: from now on its windows run."""
        for entry in store.of_execution(connection, candidate.execution.id):
            limit = self.table.by_policy.get(entry.policy)
            if limit is None or limit.limit.window_s is None:
                continue
            until = now + timedelta(seconds=limit.limit.window_s)
            store.spend(connection, entry.execution_id, entry.policy, until=until)
            self._set_clock(connection, limit, entry.key, now)

    def leave(self, connection: Connection, execution_id: str, now: datetime) -> list[Change]:
        """It has ended: what becomes of those who waited for its places."""
        entries = store.of_execution(connection, execution_id)
        store.leave(connection, execution_id)
        lines = [(entry.policy, entry.key) for entry in entries if entry.state is not EntryState.SPENT]
        return self._settle(connection, lines, now)

    def wake(self, connection: Connection, now: datetime) -> list[Change]:
        """What becomes of those who waited for their window, and whose moment has come."""
        return self._settle(connection, store.due_lines(connection, now), now)

    def _settle(
        self, connection: Connection, lines: Sequence[tuple[str, str]], now: datetime
    ) -> list[Change]:
        """Give the free places of lines to those who stand in them: first to who came first to any."""
        changes: list[Change] = []
        known = [
            (self.table.by_policy[policy], key) for policy, key in lines if policy in self.table.by_policy
        ]
        while True:
            firsts = [
                (first, limit)
                for limit, key in known
                if (first := self._first_with_a_place(connection, limit, key, now)) is not None
            ]
            if not firsts:
                break
            first, limit = min(firsts, key=lambda one: (one[0].not_before, one[0].seq))
            changes += self._call(connection, limit, first, now)
        for limit, key in known:
            self._set_clock(connection, limit, key, now)
        return changes

    def _first_with_a_place(
        self, connection: Connection, limit: ActionLimit, key: str, now: datetime
    ) -> PolicyEntry | None:
        first = None if limit.cancels else store.first_waiting(connection, limit.policy, key)
        if first is None or store.used(connection, limit.policy, key, now=now) >= limit.limit.most:
            return None
        return first

    def _call(
        self, connection: Connection, calling: ActionLimit, first: PolicyEntry, now: datetime
    ) -> list[Change]:
        """The first of a line takes its places, or moves on to another line."""
        store.leave(connection, first.execution_id)
        candidate = executions.get_candidate(connection, first.execution_id)
        if candidate is None or candidate.execution.status is not Status.DELAYED:
            return []
        keyed = self._keyed(candidate)
        for limit, key in keyed:
            if limit is not calling and self._refuses(connection, limit, key, candidate, now):
                if not limit.cancels:
                    self._join(connection, limit, key, candidate, now)
                return [Change(execution_id=first.execution_id, refused_by=limit)]
        self._take(connection, keyed, candidate)
        return [Change(execution_id=first.execution_id, refused_by=None)]

    def _refuses(
        self, connection: Connection, limit: ActionLimit, key: str, candidate: Candidate, now: datetime
    ) -> bool:
        if store.used(connection, limit.policy, key, now=now) >= limit.limit.most:
            return True
        if limit.cancels:
            return False
        at, seq = candidate.not_before, candidate.seq
        return store.is_waited_for(connection, limit.policy, key, at=at, seq=seq)

    def _join(
        self, connection: Connection, limit: ActionLimit, key: str, candidate: Candidate, now: datetime
    ) -> None:
        store.forget(connection, candidate.execution.id)
        store.add(connection, [_entry(limit, key, candidate, EntryState.WAITS)])
        self._set_clock(connection, limit, key, now)

    def _take(
        self,
        connection: Connection,
        keyed: Sequence[Keyed],
        candidate: Candidate,
        *,
        starts_at: datetime | None = None,
        has_started: bool = False,
    ) -> None:
        """`has_started`: it runs, and what its start has spent is known already."""
        entries = []
        for limit, key in keyed:
            entry = _entry(limit, key, candidate, EntryState.HOLDS)
            if limit.limit.window_s is not None:
                if has_started:
                    continue
                if starts_at is not None:
                    until = starts_at + timedelta(seconds=limit.limit.window_s)
                    entry = replace(entry, state=EntryState.SPENT, until=until)
                    store.sweep(connection, now=starts_at)
            entries.append(entry)
        if not has_started:
            store.forget(connection, candidate.execution.id)
        store.add(connection, entries)

    def _set_clock(self, connection: Connection, limit: ActionLimit, key: str, now: datetime) -> None:
        """Note when the first of a line may start, where that is a matter of time."""
        if limit.limit.window_s is None:
            return
        first = store.first_waiting(connection, limit.policy, key)
        if first is None:
            return
        until = store.frees_at(connection, limit.policy, key, most=limit.limit.most, now=now)
        if until != first.until:
            store.set_clock(connection, first, until)

    # which executions are counted together

    def _keyed(self, candidate: Candidate) -> list[Keyed]:
        limits = self.table.limits.get(candidate.execution.action, ())
        live: Mapping[str, Any] = {}
        if any(limit.limit.key_of is not None for limit in limits):
            live = self._live(candidate)
        return [(limit, self._key(limit, live)) for limit in limits]

    def _live(self, candidate: Candidate) -> Mapping[str, Any]:
        if candidate.sealed is None:
            return candidate.execution.parameters
        try:
            return unseal(self._vault, candidate.execution.id, candidate.sealed).parameters
        except StoreFailure:
            # It cannot run either, and will say so; its masked values are good enough to wait with.
            return candidate.execution.parameters

    def _key(self, limit: ActionLimit, live: Mapping[str, Any]) -> str:
        if limit.limit.key_of is None:
            return ""
        try:
            value = limit.limit.key_of(live)
            text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS).decode()
        except Exception:  # it may be somebody else's: all whose key fails are counted together
            log.exception("policy %s finds no key", limit.policy)
            text = ""
        # Values may be secret: only a digest is kept, made with the key of the vault.
        return self._vault.sign("policy", f"{limit.policy}\0{text}")


def _entry(limit: ActionLimit, key: str, candidate: Candidate, state: EntryState) -> PolicyEntry:
    return PolicyEntry(
        execution_id=candidate.execution.id,
        policy=limit.policy,
        key=key,
        state=state,
        not_before=candidate.not_before,
        seq=candidate.seq,
    )
