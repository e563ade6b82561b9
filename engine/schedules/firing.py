"""When the time of a schedule has come: what its rule asks for, and what is remembered and said of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from engine.clock import isoformat
from engine.errors import BadInput, NotFound
from engine.notices import Notice, tell
from engine.records.execution import ExecutionRequest
from engine.records.trigger import Enforcement, EnforcementStatus, TriggerInstance
from engine.rules.evaluate import RuleEngine
from engine.schedules.requests import ScheduleRequests
from engine.specs.rule import SCHEDULE_KEY, RuleSpec
from engine.store import contents
from engine.store import schedules as store
from engine.store.database import Database
from engine.timers import Fired, Timers


class ScheduleFiring:
    def __init__(
        self, database: Database, rules: RuleEngine, timers: Timers, requests: ScheduleRequests
    ) -> None:
        self._database = database
        self._rules = rules
        self._timers = timers
        self._requests = requests

    def request_for(
        self, rule: RuleSpec, instance: TriggerInstance, context: Mapping[str, Any]
    ) -> ExecutionRequest:
        """What the rule of a schedule asks for; `context` is that of its rule.

        Raises what cannot be run (any more).
        """
        number = rule.extensions[SCHEDULE_KEY]
        schedule = None
        if isinstance(number, int):
            with self._database.read() as connection:
                schedule = store.get(connection, number)
        if schedule is None or schedule.rule_ref != rule.ref or schedule.ended_at is not None:
            raise NotFound(f"{SCHEDULE_KEY}: there is no schedule {number} of the rule {rule.ref}.")
        if rule.owner != schedule.user:
            raise BadInput(
                f"The rule {rule.ref} was changed by {rule.owner}; it no longer speaks for {schedule.user}.",
                hint="Cancel the schedule, and make it anew.",
            )
        told = instance.payload if isinstance(instance.payload, dict) else {}
        facts = {
            **context,
            "schedule": {
                "number": number,
                "source": instance.source,
                "text": schedule.text,
                **{name: told[name] for name in ("due_at", "late_s", "missed") if name in told},
            },
        }
        return self._requests.request(schedule, facts)

    def fired(self, connection: Connection, fired: Fired) -> bool:
        """In the transaction of a timer: what became of its schedules. Whether stored content changed."""
        now = self._timers.clock()
        table = self._rules.table
        rules = (*table.standard(fired.trigger), *table.backstop(fired.trigger))
        numbers = {rule.spec.ref: rule.spec.extensions.get(SCHEDULE_KEY) for rule in rules}
        ours = {ref: number for ref, number in numbers.items() if isinstance(number, int)}
        for emitted in fired.emitted if ours else ():
            for enforcement in emitted.enforcements:
                if enforcement.rule_ref in ours:
                    self._note(connection, ours[enforcement.rule_ref], enforcement, emitted.instance)
        if not fired.is_over:
            return False
        changed = False
        for ref, number in ours.items():
            outcome = "done" if fired.emitted else "missed"
            if store.end(connection, number, at=now, outcome=outcome):
                changed = contents.drop(connection, "rule", ref) or changed
                if not fired.emitted:
                    self._say(
                        connection, number, "was missed while the server was down; it is not made up for."
                    )
        return changed

    def _note(
        self, connection: Connection, number: int, enforcement: Enforcement, instance: TriggerInstance
    ) -> None:
        values = {
            "last_execution_id": enforcement.execution_id,
            "last_due_at": datetime.fromisoformat(instance.payload["due_at"]),
            "last_failure": enforcement.failure_reason,
        }
        store.note_run(connection, number, values)
        if enforcement.status is EnforcementStatus.FAILED and enforcement.execution_id is None:
            self._say(connection, number, f"could not be run: {enforcement.failure_reason}")

    def _say(self, connection: Connection, number: int, text: str) -> None:
        schedule = store.get(connection, number)
        chat = schedule.context.get("chat") if schedule is not None else None
        if schedule is None or not isinstance(chat, Mapping):
            return
        what = schedule.command or schedule.action
        notice = Notice(
            key=f"schedule:{number}:{isoformat(self._timers.clock())}",
            channel=str(chat.get("channel") or ""),
            adapter=str(chat.get("adapter") or ""),
            title=f"Schedule {number}: {what}",
            text=f"{schedule.text} {text}",
            tone="bad",
            commands=(("Run now", f"schedule run {number}"), ("All schedules", "schedule list")),
        )
        tell(connection, notice)
