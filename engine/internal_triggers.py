"""What the engine's own doing fires: ends of executions, notifications, keys, announcements.

One reader of the journal. What it fires is written in the transaction that moves its cursor, with
the rules' executions: once, also over a crash. What no enabled rule listens to is neither fired nor
stored, and costs no commit.
"""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import Connection

from engine.announcements import ANNOUNCED, DEFAULT_ROUTE, RUNNER, announcement_of
from engine.chat_routes import ChatRoutes
from engine.content.registry import Content
from engine.errors import EngineError
from engine.expressions.jinja import Templates
from engine.expressions.lookups import KeyValues
from engine.expressions.params import Plans
from engine.notices import tell
from engine.notifications import NOTIFY_TRIGGER, Notifier
from engine.records.execution import Execution
from engine.records.journal import JournalEntry
from engine.records.trigger import ENGINE, Event
from engine.settings.chats import ChatSettings
from engine.status import FINISHED, Status
from engine.steps import CHANGED
from engine.store import journal
from engine.store.datastore import CHANGED as KEY_CHANGED
from engine.store.datastore import REMOVED as KEY_REMOVED
from engine.store.reader import nothing
from engine.triggers import Triggers, event_of

log = logging.getLogger(__name__)

ACTION_TRIGGER = "core.st2.generic.actiontrigger"
KEY_CREATE = "core.st2.key_value_pair.create"
KEY_UPDATE = "core.st2.key_value_pair.update"
KEY_VALUE_CHANGE = "core.st2.key_value_pair.value_change"
KEY_DELETE = "core.st2.key_value_pair.delete"

_KEY_TRIGGERS = (KEY_CREATE, KEY_UPDATE, KEY_VALUE_CHANGE, KEY_DELETE)

READER = "internal-triggers"
KINDS = (CHANGED, KEY_CHANGED, KEY_REMOVED)

Job = Callable[[Connection], object]


class InternalTriggers:
    """`handle` is for a reader of the journal with KINDS; `read(id)` gives an execution."""

    def __init__(
        self,
        content: Content,
        plans: Plans,
        templates: Templates,
        keys: KeyValues,
        triggers: Triggers,
        *,
        chat: ChatSettings,
        read: Callable[[str], Execution],
    ) -> None:
        self._content = content
        self._plans = plans
        self._triggers = triggers
        self._routes = ChatRoutes(chat)
        self._notifier = Notifier(content, plans, templates, keys, self._routes, event_for=event_of)
        self._read = read

    def wants(self, entry: JournalEntry) -> bool:
        """Whether anything may follow from this entry. Quick: it is asked at every commit."""
        if entry.kind != CHANGED:
            return any(map(self._triggers.listens, _KEY_TRIGGERS))
        return entry.data.get("status") in FINISHED and any(self._asked_of(entry))

    def handle(self, entries: list[JournalEntry]) -> Job:
        """What it returns is done in the transaction that moves the cursor."""
        jobs: list[Job] = []
        for entry in entries:
            if entry.kind != CHANGED:
                jobs += self._key_jobs(entry)
            elif entry.data.get("status") in FINISHED:
                jobs += self._end_jobs(entry)
        return partial(_all, jobs) if jobs else nothing

    # the end of an execution

    def _asked_of(self, entry: JournalEntry) -> tuple[bool, bool, bool]:
        """Whether rules hear of this end, whether its notification is told, whether it announces."""
        action = self._content.current.actions.get(entry.data["action"])
        has_section = action is not None and action.notify is not None
        # What is tried again is told at its last try.
        is_told = (has_section or "notifies" in entry.data) and "retried_by" not in entry.data
        announces = action is not None and action.runner_type == RUNNER
        return (
            self._triggers.listens(ACTION_TRIGGER),
            is_told,
            announces and entry.data["status"] == Status.SUCCEEDED,
        )

    def _end_jobs(self, entry: JournalEntry) -> list[Job]:
        is_heard, is_told, announces = self._asked_of(entry)
        if not (is_heard or is_told or announces):
            return []
        execution = self._read(entry.subject)
        events = [event_of(execution, ACTION_TRIGGER, _action_payload(execution))] if is_heard else []
        jobs: list[Job] = []
        if is_told:
            told = self._notifier.of(execution, is_heard=self._triggers.listens(NOTIFY_TRIGGER))
            events += told.events
            jobs += [partial(tell, notice=notice) for notice in told.notices]
        if announces:
            said = announcement_of(execution, self._route(execution), self._routes)
            jobs.append(partial(journal.append, kind=ANNOUNCED, subject=execution.id, data=said.data))
            if said.notice is not None:
                jobs.append(partial(tell, notice=said.notice))
        return [*self._fired(events), *jobs]

    def _route(self, execution: Execution) -> str:
        plan = self._plans.get(self._content.current.action(execution.action))
        return str(plan.told(execution.parameters).get("route") or DEFAULT_ROUTE)

    # keys of the datastore

    def _key_jobs(self, entry: JournalEntry) -> list[Job]:
        old, new = entry.data.get("old"), entry.data.get("new")
        wanted: list[tuple[str, Any]] = []
        if entry.kind == KEY_REMOVED:
            wanted.append((KEY_DELETE, {"object": old}))
        else:
            wanted.append((KEY_CREATE if old is None else KEY_UPDATE, {"object": new}))
        if old is not None and new is not None and entry.data.get("value_changed"):
            wanted.append((KEY_VALUE_CHANGE, {"old_object": old, "new_object": new}))
        return self._fired(
            [
                Event(trigger=trigger, payload=payload, source=ENGINE, user=str(entry.data.get("user") or ""))
                for trigger, payload in wanted
                if self._triggers.listens(trigger)
            ]
        )

    def _fired(self, events: list[Event]) -> list[Job]:
        jobs: list[Job] = []
        for event in events:
            try:
                jobs.append(self._triggers.prepare(event).insert)
            except EngineError as error:
                # Somebody's own type of this name refuses the payload: the others go on.
                log.error("%s cannot be fired: %s", event.trigger, error)
        return jobs


def _action_payload(execution: Execution) -> dict[str, Any]:
    return {
        "execution_id": execution.id,
        "status": execution.status.value,
        # Python's str() of a datetime, as StackStorm's: not the API's spelling.
        "start_timestamp": str(execution.requested_at),
        "action_name": execution.action,
        "action_ref": execution.action,
        "runner_ref": execution.runner,
        "parameters": dict(execution.parameters),
        "result": execution.result,
    }


def _all(jobs: list[Job], connection: Connection) -> None:
    for job in jobs:
        job(connection)
