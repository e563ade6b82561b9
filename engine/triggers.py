"""The one door for events: sensors, webhooks, timers, the engine itself and the API come through here.

An event is checked and its rules are evaluated first; then one transaction holds the instance, the
enforcements and the executions that follow. There is no state in between: what is committed is
complete, and what is not was never accepted. So a crash neither loses an event nor fires a rule twice.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextvars import Context, copy_context
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import Any

from sqlalchemy import Connection

from engine.clock import utcnow
from engine.errors import BadInput, Busy, StoreFailure
from engine.expressions.masking import is_secret_at
from engine.expressions.schema import Problem
from engine.log_facts import about
from engine.notices import Notice, tell
from engine.records.audit import Act
from engine.records.execution import Execution, new_id
from engine.records.trigger import (
    ENGINE,
    Emitted,
    Event,
    InstanceStatus,
    TriggerInstance,
)
from engine.rules.enforce import enforce, unanswered
from engine.rules.evaluate import Evaluation, RuleEngine
from engine.store import audit
from engine.store import triggers as store
from engine.store.database import Database

log = logging.getLogger(__name__)

# Where an event came in that no rule may follow any more.
_LOOP_KEY = "rule-loop"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedEvent:
    """An event whose rules are evaluated, and which is not yet written."""

    instance: TriggerInstance
    insert: Callable[[Connection], Emitted]
    """Writes it with all that follows, in the caller's transaction; may be called again there."""


@dataclass(slots=True, kw_only=True)
class _Waiting:
    instance: TriggerInstance
    key: str | None
    then: tuple[TriggerInstance, ...]
    future: "Future[Emitted]"
    around: Context
    """What the log says of whoever handed it in."""


Effect = Callable[[Connection, TriggerInstance], None]


class Triggers:
    """`submit` may be called from any thread; rules are evaluated in one, in the order of arrival."""

    def __init__(self, database: Database, rules: RuleEngine, *, queue_limit: int, depth_limit: int) -> None:
        self._database = database
        self._rules = rules
        self._queue_limit = queue_limit
        self._depth_limit = depth_limit
        self._wake = threading.Condition()
        self._waiting: deque[_Waiting] = deque()
        self._in_hand = 0
        self._is_open = False
        self._thread: threading.Thread | None = None
        self._effects: dict[str, Effect] = {}

    def attach(self, type_ref: str, effect: Effect) -> Callable[[], None]:
        """Have `effect` write more in the transaction of each event of this type; SQL only.

        Returns what takes it out again.
        """
        self._effects[type_ref] = effect
        return lambda: self._effects.pop(type_ref, None) and None

    # start and stop

    def start(self) -> None:
        self._is_open = True
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take nothing more; what was taken is committed first. Idempotent."""
        with self._wake:
            self._is_open = False
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    @property
    def is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    # emit

    def emit(self, event: Event) -> Emitted:
        """Committed when it returns. Raises what `submit` raises."""
        return self.submit(event).result()

    def submit(self, event: Event, *, then: Sequence[Event] = ()) -> "Future[Emitted]":
        """Refuses at once, by raising; the future is done when everything is committed.

        `then`: what the event also says, in the same transaction and trace; nothing of it happens
        where the event is a duplicate. Raises NotFound for an unknown trigger, BadInput for a
        payload that its type does not allow, Busy when too many events wait.
        """
        instance = self._instance(event)
        waiting = _Waiting(
            instance=instance,
            key=store.dedupe_key(event),
            then=tuple(self._follower(one, instance) for one in then),
            future=Future(),
            around=copy_context(),
        )
        with self._wake:
            if not self._is_open:
                raise StoreFailure("The server is starting or stopping.")
            if self._in_hand >= self._queue_limit:
                raise Busy(
                    f"{self._in_hand} events wait for their rules; this one was not accepted.",
                    hint="Send it again in a moment.",
                )
            self._in_hand += 1
            self._waiting.append(waiting)
            self._wake.notify()
        return waiting.future

    def prepare(self, event: Event) -> PreparedEvent:
        """For who has a transaction of its own: evaluated now, in the caller's thread.

        Raises NotFound, BadInput.
        """
        return self._prepared(self._instance(event), store.dedupe_key(event))

    def listens(self, type_ref: str) -> bool:
        """Whether an enabled rule is on this trigger type."""
        return self._rules.table.listens(type_ref)

    @property
    def waiting(self) -> int:
        """How many accepted events are not committed yet."""
        return self._in_hand

    # evaluate

    def _instance(self, event: Event) -> TriggerInstance:
        table = self._rules.table
        trigger = table.resolve(event.trigger, event.parameters)
        validator = table.validator(trigger.type_ref)
        problem = validator.problem(event.payload) if validator is not None else None
        schema = table.secret_schema(trigger.type_ref)
        if problem is not None:
            raise _not_valid(trigger.type_ref, problem, schema)
        instance_id = new_id()
        return TriggerInstance(
            id=instance_id,
            trigger=trigger.ref,
            trigger_type=trigger.type_ref,
            parameters=trigger.parameters,
            payload=event.payload,
            occurred_at=event.occurred_at or utcnow(),
            status=InstanceStatus.PROCESSED,
            reason="",
            source=event.source,
            user=event.user,
            trace_id=event.trace_id or instance_id,
            trace_tag=event.trace_tag or f"trigger_instance-{instance_id}",
            depth=event.depth,
            traceparent=event.traceparent,
            hidden=None
            if schema is None
            else self._rules.payloads.hidden(event.payload, schema, instance_id=instance_id),
        )

    def _follower(self, event: Event, first: TriggerInstance) -> TriggerInstance:
        made = self._instance(event)
        return replace(
            made,
            occurred_at=event.occurred_at or first.occurred_at,
            trace_id=first.trace_id,
            trace_tag=first.trace_tag,
            depth=first.depth,
            traceparent=first.traceparent,
        )

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._waiting and self._is_open:
                    self._wake.wait()
                if not self._waiting:
                    return
                batch = list(self._waiting)
                self._waiting.clear()
            for waiting in batch:
                waiting.around.run(self._work, waiting)

    def _work(self, waiting: _Waiting) -> None:
        try:
            prepared = self._prepared(waiting.instance, waiting.key)
            followers = [self._prepared(instance, None, is_told=False) for instance in waiting.then]
            done = self._database.submit(partial(_insert_all, prepared, followers))
        except Exception as error:  # noqa: BLE001 - handed to the caller, who raises it: the thread must go on
            self._settle(waiting, error=error)
            return
        done.add_done_callback(lambda future: self._committed(waiting, future))

    def _committed(self, waiting: _Waiting, done: "Future[Emitted]") -> None:
        self._settle(waiting, error=done.exception(), emitted=None if done.exception() else done.result())

    def _settle(
        self, waiting: _Waiting, *, error: BaseException | None, emitted: Emitted | None = None
    ) -> None:
        with self._wake:
            self._in_hand -= 1
        if error is not None:
            waiting.future.set_exception(error)
        elif emitted is not None:
            waiting.future.set_result(emitted)

    def _prepared(self, instance: TriggerInstance, key: str | None, *, is_told: bool = True) -> PreparedEvent:
        """`is_told`: it is an act of its client where no execution tells of it."""
        with about(
            trigger=instance.trigger, trigger_instance_id=instance.id, trace_id=instance.trace_id or ""
        ):
            return self._evaluated(instance, key, is_told=is_told)

    def _evaluated(self, instance: TriggerInstance, key: str | None, *, is_told: bool) -> PreparedEvent:
        if instance.depth >= self._depth_limit:
            return self._stopped_loop(instance, key)
        try:
            evaluation = self._rules.evaluate(instance)
        except Exception as error:  # the event was accepted: it is kept, visibly, whatever is wrong with us
            log.exception("the rules of %s could not be evaluated", instance.trigger)
            instance = replace(
                instance, status=InstanceStatus.PROCESSING_FAILED, reason=f"{type(error).__name__}: {error}"
            )
            evaluation = Evaluation()
        effect = self._effects.get(instance.trigger_type)

        def insert(connection: Connection) -> Emitted:
            first = _first(connection, key)
            if first is not None:
                return first
            store.add(connection, instance, key=key)
            if effect is not None:
                effect(connection, instance)
            now = utcnow()
            for noted in evaluation.noted:
                noted.part.record(connection, rule_ref=noted.rule.spec.ref, instance=instance, now=now)
            made = [unanswered(one, instance, now) for one in evaluation.failed]
            for rule, group in groupby(evaluation.wanted, key=lambda one: one.rule):
                made += enforce(connection, rule.gates, list(group), instance, now)
            for enforcement in made:
                store.add_enforcement(connection, enforcement)
            if is_told and not any(one.execution_id for one in made):
                audit.record_of_client(connection, _sent(instance, len(made)))
            return Emitted(instance=_shown(instance), enforcements=tuple(made))

        return PreparedEvent(instance=instance, insert=insert)

    def _stopped_loop(self, instance: TriggerInstance, key: str | None) -> PreparedEvent:
        with self._database.read() as connection:
            rules = store.rules_of_trace(connection, instance.trace_id)
        named = f" These took part: {', '.join(rules)}." if rules else ""
        reason = (
            f"Stopped: {instance.depth} rules led one to the other up to this event "
            f"(setting events.depth_limit). A rule's action probably fires the same rule again.{named}"
        )
        stopped = replace(instance, status=InstanceStatus.PROCESSING_FAILED, reason=reason)
        log.warning("event %s of %s: %s", instance.id, instance.trigger, reason)
        notice = Notice(
            key=f"{_LOOP_KEY}:{instance.trigger}",
            channel="",
            title="A loop of rules was stopped",
            text=reason,
            tone="bad",
            fields=(("trigger", instance.trigger_type), ("event", instance.id), ("trace", instance.trace_id)),
        )

        def insert(connection: Connection) -> Emitted:
            first = _first(connection, key)
            if first is not None:
                return first
            store.add(connection, stopped, key=key)
            tell(connection, notice)
            return Emitted(instance=_shown(stopped))

        return PreparedEvent(instance=stopped, insert=insert)


def _sent(instance: TriggerInstance, enforcements: int) -> Act:
    """An event that began nothing. Whoever sent one that did stands in the acts of its rules."""
    return Act(
        kind="event.sent",
        object=instance.trigger_type,
        details={"event": instance.id, "source": instance.source, "rules": enforcements},
        trace_id=instance.trace_id,
    )


def event_of(execution: Execution, trigger: str, payload: Any) -> Event:
    """An event in the trace of an execution, as deep in rules as it."""
    trace = execution.context.get("trace_context")
    trace = trace if isinstance(trace, Mapping) else {}
    depth = execution.context.get("rule_depth")
    return Event(
        trigger=trigger,
        payload=payload,
        source=ENGINE,
        user=execution.user,
        trace_id=str(trace.get("id_") or execution.id),
        trace_tag=str(trace.get("trace_tag") or f"execution-{execution.id}"),
        depth=depth if isinstance(depth, int) else 0,
    )


def _shown(instance: TriggerInstance) -> TriggerInstance:
    """As it is stored, and may be handed around."""
    hidden = instance.hidden
    return instance if hidden is None else replace(instance, payload=hidden.shown, hidden=None)


def _not_valid(type_ref: str, problem: Problem, schema: Mapping[str, Any] | None) -> BadInput:
    where = ".".join(str(step) for step in problem.path)
    message = problem.message
    if schema is not None and is_secret_at(schema, problem.path):
        message = f"the secret value does not fit ({problem.keyword})"
    return BadInput(
        f'The payload of trigger "{type_ref}" is not valid: {f"{where}: " if where else ""}{message}',
        hint="Its type's payload_schema says what it takes.",
    )


def _insert_all(
    prepared: PreparedEvent, followers: Sequence[PreparedEvent], connection: Connection
) -> Emitted:
    emitted = prepared.insert(connection)
    if emitted.is_duplicate or not followers:
        return emitted
    return replace(emitted, then=tuple(follower.insert(connection) for follower in followers))


def _first(connection: Connection, key: str | None) -> Emitted | None:
    if key is None:
        return None
    first = store.first_of_key(connection, key, now=utcnow())
    if first is None:
        return None
    return Emitted(
        instance=first,
        is_duplicate=True,
        enforcements=tuple(store.enforcements_of(connection, first.id)),
    )
