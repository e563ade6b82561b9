"""Puts together what happened from a chat message or event to action, approval and answer."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection

from engine.errors import BadInput, NotFound
from engine.records.audit import AuditEntry
from engine.records.callback import CONTEXT_KEY, Callback, CallbackState
from engine.records.execution import AGENT, ORIGIN_KEY, Execution, ExecutionFilter
from engine.records.inquiry import InquiryState
from engine.records.outbox import OutgoingState
from engine.records.story import Step, Story
from engine.records.trigger import ENGINE, TriggerInstance
from engine.status import FAILURES, Status
from engine.store import callbacks as callback_store
from engine.store import executions as execution_store
from engine.store import inquiries as inquiry_store
from engine.store import stories as store
from engine.store import traces as trace_store
from engine.store import triggers as trigger_store
from engine.store.database import Database
from engine.store.inquiries import StoredInquiry
from engine.store.stories import Answer

# What other rows tell better than the audit: beginnings, and answers.
_TOLD_ELSEWHERE = ("execution.requested", "execution.rerun", "alias.run", "rule.", "inquiry.", "event.sent")
_LOOKED = (
    "no execution, question, event, alert, trace or tag, no chat message or answer that led to one, "
    "no act of the audit and no request (X-Request-ID) that began something has this id"
)
# So much of a text is told.
_LONGEST = 240
# Of which failures the words are read, at most.
_FAILURES = 20
# What an event is about, by its type.
_TELLING: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "alerts.alert": ("title", "severity", "status"),
        "core.st2.generic.actiontrigger": ("action_name", "status"),
    }
)
_ORDER = ("said", "event", "rule", "begun", "started", "asked", "vote", "act", "answered", "ended", "posted")


class Stories:
    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, wanted: str) -> Story:
        """By an id of an execution, question, event, alert, trace, chat message or request, or the end of one
        of the first; by a trace's tag, an act's number, or `last`.

        Raises NotFound; BadInput for an ending of two.
        """
        with self._database.read() as connection:
            ids = list(dict.fromkeys(store.trace_ids(connection, wanted)))
            if not ids:
                ids = self._ending_with(connection, wanted)
            heads = [head for one in ids if (head := trace_store.head(connection, one)) is not None]
            steps = [step for one in ids for step in _steps(connection, one)]
        # Of one moment, causes before what they cause; a stable order keeps the rest as it was read.
        steps.sort(key=lambda step: (step.at, _ORDER.index(step.what)))
        steps = list(dict.fromkeys(steps))
        return Story(traces=tuple(ids), tag=heads[0].tag if heads else wanted, steps=tuple(steps))

    def _ending_with(self, connection: Connection, wanted: str) -> list[str]:
        if wanted == "last":
            raise NotFound("Nothing has run here yet.", hint="Try it: stormcrow run core.local cmd=uptime")
        if store.is_act(connection, wanted):
            raise NotFound(
                f"Act {wanted} of the audit belongs to no trace: nothing followed from it.",
                hint=f"See it: stormcrow audit show {wanted}",
            )
        found = store.ending_with(connection, wanted)
        if len(found) > 1:
            raise BadInput(f'More than one id ends with "{wanted}".', hint="Give more of it.")
        if not found:
            raise NotFound(
                f'No story of "{_cut(wanted)}": {_LOOKED}.',
                hint="The newest: stormcrow trace last. All: stormcrow trace list. What led to nothing else "
                "stands in the audit: stormcrow audit list --request ID",
            )
        return found


def _steps(connection: Connection, trace_id: str) -> Iterator[Step]:
    ids = trace_store.executions(connection, trace_id)
    wanted = ExecutionFilter(ids=ids, limit=None, oldest_first=True, with_result=False)
    executions = execution_store.page(connection, wanted)[0] if ids else []
    begun = {one.id: one.requested_at for one in executions}
    for instance_id in trace_store.instances(connection, trace_id):
        yield from _of_event(connection, instance_id, begun)
    yield from _of_executions(connection, executions)
    yield from _of_messages(connection, executions)
    depths = _depths(executions)
    for one in executions:
        inquiry = inquiry_store.get(connection, one.id)
        if inquiry is not None:
            yield from _of_inquiry(inquiry, depths[one.id])
        if CONTEXT_KEY in one.context:
            yield from _of_callback(callback_store.of_execution(connection, one.id))
    for entry in store.acts(connection, trace_id):
        if not entry.kind.startswith(_TOLD_ELSEWHERE):
            yield _of_act(entry)
    for answer in store.answers(connection, [one.id for one in executions if one.parent_id is None]):
        yield _of_answer(answer)


def _of_event(connection: Connection, instance_id: str, begun: Mapping[str, datetime]) -> Iterator[Step]:
    """`begun`: when executions were requested."""
    event = trigger_store.get(connection, instance_id)
    if event is None:
        return
    fired = trigger_store.enforcements_of(connection, instance_id)
    if event.source == ENGINE and not fired and event.id != event.trace_id:
        # Every end of an execution is an event where a rule asks for them, and a line already.
        return
    source = f" from {event.source}" if event.source else ""
    text = _cut(f"event {event.trigger_type}{_listed(event.parameters)}{_about(event)}{source}")
    yield Step(at=event.occurred_at, what="event", text=text, who=event.user, id=event.id)
    for one in fired:
        why = f": {one.failure_reason}" if one.failure_reason else ""
        did = {"succeeded": "fired", "failed": "failed", "held": "was held back"}[one.status]
        text = _cut(f"rule {one.rule_ref} {did}{why}")
        # What a rule begins is made ready before it is written that the rule fired.
        at = min(one.enforced_at, begun.get(one.execution_id or "", one.enforced_at))
        yield Step(at=at, what="rule", text=text, id=one.execution_id or event.id)


def _about(event: TriggerInstance) -> str:
    """What those say of themselves that look all alike."""
    payload = event.payload if isinstance(event.payload, Mapping) else {}
    told = [str(payload[name]) for name in _TELLING.get(event.trigger_type, ()) if payload.get(name)]
    return f" ({' '.join(map(_bounded, told))})" if told else ""


def _of_executions(connection: Connection, executions: Sequence[Execution]) -> Iterator[Step]:
    depths = _depths(executions)
    failed = 0
    for one in executions:
        depth, name = depths[one.id], _name(one)
        again = (one.context.get("re-run") or {}).get("ref")
        verb = f"again ({again})" if again else "requested"
        through = "an agent" if one.context.get(ORIGIN_KEY) == AGENT else one.context.get("impersonated_by")
        verb += f" through {through}" if through else ""
        text = _cut(f"{name} {verb}{_listed(one.parameters)}")
        yield Step(at=one.requested_at, what="begun", text=text, who=one.user, id=one.id, depth=depth)
        if one.started_at is not None and not one.is_finished:
            text = f"{name} is {one.status}"
            yield Step(at=one.started_at, what="started", text=text, id=one.id, depth=depth)
        if one.ended_at is None:
            continue
        why = ""
        if one.status in FAILURES and failed < _FAILURES:
            failed += 1
            found = execution_store.get(connection, one.id)
            why = _why(None if found is None else found.result)
        took = f" after {one.elapsed_s:.1f} s" if one.elapsed_s is not None else ""
        text = _cut(f"{name} {_ended(one)}{took}{why}")
        yield Step(at=one.ended_at, what="ended", text=text, id=one.id, depth=depth)


def _ended(execution: Execution) -> str:
    by = execution.context.get("cancelled_by")
    return f"canceled by {by}" if execution.status is Status.CANCELED and by else execution.status.value


def _of_messages(connection: Connection, executions: Sequence[Execution]) -> Iterator[Step]:
    # Both are written at once, by two clocks: what was said comes before what it began.
    firsts: dict[str, datetime] = {}
    for one in executions:
        if message_id := _chat(one).get("message"):
            firsts.setdefault(str(message_id), one.requested_at)
    for message in store.messages(connection, list(firsts)):
        at = min(message.created_at, firsts[message.id])
        text = _cut(f"in {message.adapter} {message.channel}: {message.body.get('text') or ''}")
        who = str(message.body.get("name") or message.author)
        yield Step(at=at, what="said", text=text, who=who, id=message.id)


def _of_inquiry(inquiry: StoredInquiry, depth: int) -> Iterator[Step]:
    asked, outcome = inquiry.asked, inquiry.outcome
    audience = [*asked.audience.users, *asked.audience.roles, *asked.audience.groups]
    of = f" of {', '.join(audience)}" if audience else ""
    text = _cut(f"asked{of}: {asked.text or asked.origin.action}")
    yield Step(at=inquiry.raised_at, what="asked", text=text, id=inquiry.id, depth=depth)
    for vote in inquiry.votes:
        said = {True: "says yes", False: "says no", None: "answers"}[vote.is_yes]
        text = _cut(f"{said} ({vote.surface}){_reason(vote.reason)}")
        yield Step(at=vote.at, what="vote", text=text, who=vote.user, id=inquiry.id, depth=depth)
    if outcome is not None and inquiry.state is not InquiryState.PENDING:
        alone = ", alone in an emergency" if outcome.is_break_glass else ""
        # Mostly whoever decided has said the reason a line above.
        is_said = any(vote.reason == outcome.reason for vote in inquiry.votes)
        reason = "" if is_said else _reason(outcome.reason)
        text = _cut(f"{'decides' if outcome.user else 'nobody decided'}: {outcome.state}{alone}{reason}")
        yield Step(at=outcome.at, what="answered", text=text, who=outcome.user, id=inquiry.id, depth=depth)


def _of_answer(answer: Answer) -> Step:
    place = f"{answer.adapter} {answer.channel}"
    text = {
        OutgoingState.SENT: f"answered in {place}",
        OutgoingState.WAITING: f"the answer waits to be sent to {place}",
        OutgoingState.REFUSED: f"{place} refused the answer{_reason(answer.error)}",
    }[answer.state]
    return Step(at=answer.at, what="posted", text=_cut(text), id=answer.execution_id)


def _of_callback(callback: Callback | None) -> Iterator[Step]:
    """Who was told of an end, or could not be; nothing while the execution goes on."""
    if callback is None or not callback.log:
        return
    last, tries = callback.log[-1], len(callback.log)
    why = last.error or f"HTTP {last.status_code}"
    times = f" after {tries} tries" if tries > 1 else ""
    text = {
        CallbackState.DELIVERED: f"told {callback.place}{times}",
        CallbackState.GIVEN_UP: f"gave up telling {callback.place}{times}: {why}",
    }.get(callback.state, f"{callback.place} is to be told again{times}: {why}")
    yield Step(at=callback.ended_at or last.at, what="posted", text=_cut(text), id=callback.execution_id)


def _of_act(entry: AuditEntry) -> Step:
    named = entry.facts.get("title") or entry.object
    text = _cut(f"{entry.kind} {named}{_reason(entry.reason)}")
    return Step(at=entry.at, what="act", text=text, who=entry.user, id=str(entry.number))


def _depths(executions: Sequence[Execution]) -> dict[str, int]:
    """Parents stand before their children."""
    found: dict[str, int] = {}
    for one in executions:
        found[one.id] = found[one.parent_id] + 1 if one.parent_id in found else 0
    return found


def _name(execution: Execution) -> str:
    """With the task that it is for."""
    for language in ("orquesta", "chain"):
        told = execution.context.get(language)
        task = told.get("task_name") or told.get("name") if isinstance(told, Mapping) else None
        if task:
            return f"{task}: {execution.action}"
    return execution.action


def _chat(execution: Execution) -> Mapping[str, Any]:
    chat = execution.context.get("chat")
    return chat if isinstance(chat, Mapping) else {}


def _listed(values: Mapping[str, Any]) -> str:
    shown = " ".join(f"{name}={_short(value)}" for name, value in values.items() if value not in (None, ""))
    return f" {shown}" if shown else ""


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{…}" if value else "{}"
    if isinstance(value, list | tuple):
        return f"[{len(value)}]" if any(isinstance(one, Mapping | list) for one in value) else _row(value)
    return _bounded(str(value))


def _row(values: Sequence[Any]) -> str:
    return _bounded(",".join(map(str, values)))


def _bounded(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"


def _reason(reason: str) -> str:
    return f": {reason}" if reason else ""


def _why(result: Any) -> str:
    """The last line of what went wrong."""
    if not isinstance(result, Mapping):
        return ""
    errors = result.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    found = result.get("error") or result.get("stderr") or (first or {}).get("message") or ""
    last = str(found).strip().splitlines()[-1:] or [""]
    return f": {last[0]}" if last[0] else ""


def _cut(text: str) -> str:
    """One line, without the control characters that a terminal would obey."""
    line = "".join(character if character.isprintable() else " " for character in text)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
