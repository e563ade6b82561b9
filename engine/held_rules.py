"""Rules that a gate held back: fired when they are due, or when a person says so.

What is due stands in the database, so it fires after a restart too, and once: its row goes in the
transaction that starts the actions.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from engine.clock import isoformat, utcnow
from engine.errors import Conflict, NotFound, nearest
from engine.records.journal import JournalEntry
from engine.records.rule_state import Due
from engine.records.trigger import Enforcement, TriggerInstance
from engine.rights.place import Where
from engine.rules.enforce import enforce
from engine.rules.evaluate import RuleEngine, Wanted
from engine.rules.gate import Gate
from engine.rules.gates import gates_after
from engine.rules.table import CompiledRule
from engine.store import rule_state, triggers
from engine.store.database import Database

log = logging.getLogger(__name__)

# The wall clock may jump while we wait; so late is what is due at the most then.
_LONGEST_WAIT_S = 60.0
_PAUSE_AFTER_FAILURE_S = 5.0


class HeldRules:
    """One thread that sleeps until the next rule is due."""

    def __init__(self, database: Database, rules: RuleEngine) -> None:
        self._database = database
        self._rules = rules
        self._wake = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._detach: Callable[[], None] = lambda: None

    # start and stop

    def start(self) -> None:
        self._detach = self._database.attach(self._committed)
        self._thread = threading.Thread(target=self._run, name="held-rules", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish what is in hand. Idempotent."""
        self._detach()
        self._detach = lambda: None
        self._stopping = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _committed(self, entries: list[JournalEntry]) -> None:
        if any(entry.kind == rule_state.RULE_DUE for entry in entries):
            self._wake.set()

    # what is due

    def due(self) -> list[Due]:
        """What will fire, the next first."""
        with self._database.read() as connection:
            return rule_state.all_due(connection)

    def _run(self) -> None:
        while True:
            self._wake.clear()
            if self._stopping:
                return
            with self._database.read() as connection:
                due = rule_state.first_due(connection)
            wait_s = None if due is None else (due.due_at - utcnow()).total_seconds()
            if due is None or wait_s is None:
                # Several servers share a PostgreSQL, and we are woken by our own commits only.
                self._wake.wait(None if self._database.is_sqlite else _LONGEST_WAIT_S)
            elif wait_s > 0:
                self._wake.wait(min(wait_s, _LONGEST_WAIT_S))
            else:
                self._fire_surely(due)

    def _fire_surely(self, due: Due) -> None:
        try:
            self._fire(due)
        except Exception:  # one rule must not stop the others; it is tried again
            log.exception("rule %s is due and could not be fired", due.rule_ref)
            self._wake.wait(_PAUSE_AFTER_FAILURE_S)

    def _fire(self, due: Due) -> None:
        rule = self._rules.table.rules.get(due.rule_ref)
        with self._database.read() as connection:
            instance = triggers.get(connection, due.instance_id)
        instance = instance and self._rules.revealed(instance)
        if rule is None or instance is None or not rule.spec.enabled:
            reason = "The rule was switched off, or is gone, before it was due."
            self._database.write(lambda connection: _give_up(connection, due, reason))
            return
        gathered = {"count": due.count, "first_at": isoformat(due.first_at)}
        wanted = self._rules.wanted(rule, instance, context={"gathered": gathered})
        gates = gates_after(rule.gates, due.gate)

        def work(connection: Connection) -> None:
            # A later event may have taken its place meanwhile: then it is read again.
            if rule_state.take_due(connection, due):
                _settle(connection, instance, wanted, gates)

        self._database.write(work)

    # what a person wants

    def release(
        self, rule_ref: str, instance_id: str, *, user: str, context: Mapping[str, Any] | None = None
    ) -> list[Enforcement]:
        """Fire a rule on an event although it was held back. Once. `context` is added to its executions'.

        Raises NotFound, Denied, Conflict when it is not held (any more), and what the rule's action raises.
        """
        rule, instance = self._found(rule_ref, instance_id)
        self._rules.check_release(rule, user, Where.of(context or {}))
        wanted = self._rules.wanted(rule, instance, context={**(context or {}), "released_by": user})

        def work(connection: Connection) -> list[Enforcement]:
            rule_state.forget_due_of(connection, rule_ref, instance_id)
            made = _settle(connection, instance, wanted, ())
            if not made:
                raise Conflict(
                    f"Rule {rule_ref} is not held back on event {instance_id}.",
                    hint=f"See what became of it: stormcrow rule explain {instance_id}",
                )
            return made

        made = self._database.write(work)
        log.info("rule %s was fired on event %s by %s", rule_ref, instance_id, user)
        return made

    def _found(self, rule_ref: str, instance_id: str) -> tuple[CompiledRule, TriggerInstance]:
        rule = self._rules.table.rules.get(rule_ref)
        if rule is None:
            raise NotFound(f'There is no rule "{rule_ref}".', hint=nearest(rule_ref, self._rules.table.rules))
        with self._database.read() as connection:
            instance = triggers.get(connection, instance_id)
        if instance is None:
            raise NotFound(f'There is no trigger instance "{instance_id}".')
        return rule, self._rules.revealed(instance)


def _settle(
    connection: Connection, instance: TriggerInstance, wanted: Sequence[Wanted], gates: Sequence[Gate]
) -> list[Enforcement]:
    """Start the actions, or hold it again; nothing when it is not held any more."""
    if not triggers.is_held(connection, instance.id, wanted[0].rule.spec.ref):
        return []
    made = enforce(connection, gates, wanted, instance, utcnow())
    triggers.settle_held(connection, made)
    return made


def _give_up(connection: Connection, due: Due, reason: str) -> None:
    if rule_state.take_due(connection, due):
        triggers.explain_held(connection, due.instance_id, due.rule_ref, reason)
