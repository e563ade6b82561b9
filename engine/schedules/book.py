"""Schedules: a command or an action at a time that people wrote, as a rule on a timer.

The rule says when, and is listed, switched and deleted like any other. What is run stands in a row of
ours, because a rule's parameters are templates and what people say is data. It is checked when it is
scheduled, and again each time: it runs as the person, and its answer is posted where it was asked for.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from engine.errors import BadInput, Conflict
from engine.executions import Executions
from engine.records.audit import Act
from engine.records.execution import Execution
from engine.records.schedule import Schedule
from engine.rules.identity import trigger_of
from engine.schedules.requests import ScheduleRequests
from engine.schedules.views import LIVING, MOST_ACTIVE, ScheduleView, ScheduleViews
from engine.specs.rule import SCHEDULE_KEY
from engine.store import audit, contents
from engine.store import schedules as store
from engine.store import timers as timer_store
from engine.store.database import Database
from engine.stored_content import StoredContent, read_document
from engine.timers import Timers
from engine.timing.misfire import MISFIRE_KEY, Misfire
from engine.timing.phrases import Understood, understand
from engine.timing.timer import INTERVAL, timer_of

# What comes more often than this is a flood in a chat.
SHORTEST = timedelta(seconds=10)
_KIND = "rule"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSchedule:
    """What somebody wants. Texts in it are data."""

    when: str
    """A time, and behind it the command, unless that is given apart: `at 22:00 uptime`."""
    command: str = ""
    action: str = ""
    """In place of a command, with `parameters`."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    user: str
    chat_user: str = ""
    source_channel: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)
    """Goes into the context of each execution."""
    zone: str = ""
    """Of times that name none; empty: the setting."""
    misfire: Misfire = Misfire.ONE
    delivery_key: str = ""
    """The same key of the same user is the same schedule; empty: none is."""


class Schedules:
    """`zone` is the name of the zone of times that name none."""

    def __init__(
        self,
        database: Database,
        stored: StoredContent,
        timers: Timers,
        executions: Executions,
        *,
        views: ScheduleViews,
        requests: ScheduleRequests,
        zone: str,
    ) -> None:
        self._database = database
        self._stored = stored
        self._timers = timers
        self._executions = executions
        self._views = views
        self._requests = requests
        self.zone = zone

    # make

    def understand(self, text: str, *, zone: str = "") -> Understood:
        """The time in front of a command. Raises BadInput."""
        return understand(text, now=self._timers.clock(), zone=zone or self.zone)

    def add(self, wanted: NewSchedule) -> ScheduleView:
        """Checked and committed when it returns.

        Raises BadInput for a time that is not understood, NoMatch, BadParameter, NotFound, BadTemplate
        for what cannot be run.
        """
        meant = self.understand(wanted.when, zone=wanted.zone)
        command = self._command(wanted, meant)
        _check_interval(meant)
        schedule = Schedule(
            user=wanted.user,
            chat_user=wanted.chat_user or wanted.user,
            text=meant.text,
            zone=meant.zone,
            command=command,
            action=wanted.action,
            parameters=dict(wanted.parameters),
            context={"source_channel": wanted.source_channel, **wanted.context},
            created_at=self._timers.clock(),
            delivery_key=f"{wanted.user}:{wanted.delivery_key}" if wanted.delivery_key else None,
        )
        request = self._requests.request(schedule, {})
        self._requests.refuse_secrets(schedule, request)
        prepared = self._executions.prepare(request)
        if prepared.error is not None:
            raise prepared.error
        schedule = replace(schedule, action=request.action)
        number = self._stored.write(self._storing(schedule, meant, wanted.misfire))
        return self.get(number)

    def _command(self, wanted: NewSchedule, meant: Understood) -> str:
        """What is to be said; empty for an action. Raises BadInput."""
        command = wanted.command.strip() or meant.rest
        if wanted.command.strip() and meant.rest:
            raise BadInput(
                f'I do not understand "{meant.rest}" behind the time.', hint=f"I read: {meant.text}."
            )
        if wanted.action and command:
            raise BadInput("A command and an action are two things.", hint="Give one of them.")
        if not wanted.action and not command:
            raise BadInput(
                "What is to be run then?", hint=f"I read: {meant.text}. Write the command behind it."
            )
        return command

    def _storing(
        self, schedule: Schedule, meant: Understood, misfire: Misfire
    ) -> Callable[[Connection], int]:
        document = _rule_document(schedule, meant, misfire)
        read_document(_KIND, document, user=schedule.user)
        trigger = trigger_of(meant.trigger_type, meant.parameters)
        state = self._timers.state_of(trigger, misfire)
        if state.next_fire_at is None:
            raise BadInput(f"{meant.text}: there is no such time any more.")

        def work(connection: Connection) -> int:
            first = store.by_delivery_key(connection, schedule.delivery_key or "")
            if first is not None:
                return first
            if len(store.page(connection, with_ended=False, limit=MOST_ACTIVE)) == MOST_ACTIVE:
                raise BadInput(
                    f"There are {MOST_ACTIVE} schedules; there cannot be more.", hint="Cancel some of them."
                )
            number = store.add(connection, schedule)
            named = replace(schedule, number=number)
            full = {**document, "name": named.rule_ref.partition(".")[2], SCHEDULE_KEY: number}
            contents.write(connection, _KIND, named.rule_ref, full, user=schedule.user)
            # With the rule, so that its time comes even when we are killed before we have seen the rule.
            timer_store.add(connection, state)
            what = {"when": schedule.text, "command": schedule.command, "action": schedule.action}
            act = Act(kind="schedule.made", object=str(number), user=schedule.user, details=what)
            audit.record(connection, act)
            return number

        return work

    # read

    def get(self, number: int) -> ScheduleView:
        """With its next three times. Raises NotFound."""
        return self._views.get(number)

    def list(self, *, with_ended: bool = False, limit: int = MOST_ACTIVE) -> Sequence[ScheduleView]:
        """The newest first; without `with_ended` those that may run again."""
        return self._views.list(with_ended=with_ended, limit=limit)

    # change

    def set_enabled(self, number: int, *, enabled: bool, user: str) -> ScheduleView:
        """Pause, or go on; what passes meanwhile is not made up. Raises NotFound, Conflict."""
        view = self._living(number)
        self._stored.set_enabled(_KIND, view.schedule.rule_ref, enabled=enabled, user=user)
        return self.get(number)

    def cancel(self, number: int, *, user: str) -> ScheduleView:
        """Raises NotFound, Conflict."""
        schedule = self._living(number).schedule
        now = self._timers.clock()

        def work(connection: Connection) -> None:
            store.end(connection, number, at=now, outcome="cancelled", by=user)
            contents.drop(connection, _KIND, schedule.rule_ref)
            audit.record(connection, Act(kind="schedule.cancelled", object=str(number), user=user))

        self._stored.write(work)
        return self.get(number)

    def run(
        self,
        number: int,
        *,
        user: str,
        chat_user: str = "",
        context: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Execution:
        """Once, now, as who asks; `context` says where the answer goes (None: where it always does).

        Raises NotFound, and what cannot be run.
        """
        schedule = self.get(number).schedule
        asked = replace(schedule, user=user, chat_user=chat_user or user)
        if context is not None:
            asked = replace(asked, context=context)
        facts = {"schedule": {"number": number, "source": "run", "text": schedule.text}}
        request = self._requests.request(asked, facts, idempotency_key=idempotency_key)
        return self._executions.submit(request).result()

    def _living(self, number: int) -> ScheduleView:
        view = self.get(number)
        if view.state not in LIVING:
            raise Conflict(
                f"Schedule {number} is {view.state}.", hint="Make a new one: schedule WHEN COMMAND"
            )
        return view


def _check_interval(meant: Understood) -> None:
    if meant.trigger_type != INTERVAL:
        return
    timer = timer_of(meant.trigger_type, meant.parameters)
    if getattr(timer, "span", SHORTEST) < SHORTEST:
        raise BadInput(
            f"{meant.text} is more often than a schedule runs.",
            hint=f"Write {SHORTEST.seconds} seconds or more, or make a rule on a timer.",
        )


def _rule_document(schedule: Schedule, meant: Understood, misfire: Misfire) -> dict[str, Any]:
    """The rule without its name."""
    what = schedule.command or schedule.action
    return {
        "name": "schedule-0",
        "pack": "default",
        "description": f"{schedule.chat_user}: {meant.text}: {what}",
        "enabled": True,
        "trigger": {"type": meant.trigger_type, "parameters": dict(meant.parameters)},
        "action": {"ref": schedule.action, "parameters": {}},
        SCHEDULE_KEY: 0,
        MISFIRE_KEY: misfire.value,
    }
