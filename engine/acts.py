"""What is said of an execution in the audit: what began it, and what people did with it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from engine.records.audit import BY_RULE, Act
from engine.records.execution import ORIGIN_KEY, Execution
from engine.records.inquiry import Change, Inquiry, Outcome, Vote
from engine.status import Status
from engine.store.executions import Step


def begun(execution: Execution) -> Act | None:
    """The act that an execution begins with; None for a workflow's own, which its workflow began."""
    if execution.parent_id is not None:
        return None
    context = execution.context
    kind, subject, via = "execution.requested", execution.action, ""
    details: dict[str, Any] = {"action": execution.action, "parameters": execution.parameters}
    rule, again = _name_in(context.get("rule"), "id"), _name_in(context.get("re-run"), "ref")
    alias = _name_in(context.get("action_alias_ref"), "id")
    if again:
        kind, details["of"] = "execution.rerun", again
    elif rule:
        # Somebody may have released what a gate held back.
        by = context.get("released_by")
        kind, subject, via = "rule.released" if by else "rule.fired", rule, "" if by else BY_RULE
        details["event"] = _name_in(context.get("trigger_instance"), "id")
        if by:
            details["by"] = by
    elif alias:
        kind, subject = "alias.run", alias
    _say_where(context, details)
    return Act(
        kind=kind,
        object=subject,
        user=execution.user,
        via=via,
        details=details,
        execution_id=execution.id,
        trace_id=trace_of(execution.id, context),
    )


def _say_where(context: Mapping[str, Any], details: dict[str, Any]) -> None:
    chat = context.get("chat")
    if isinstance(chat, Mapping):
        for name in ("adapter", "channel", "message", "command"):
            if chat.get(name):
                details[name] = chat[name]
    if context.get(ORIGIN_KEY):
        details[ORIGIN_KEY] = context[ORIGIN_KEY]
    if context.get("impersonated_by"):
        details["impersonated_by"] = context["impersonated_by"]


# What an execution that somebody moves on is said to be, here and in its context.
WORDS: Mapping[Status, str] = MappingProxyType(
    {Status.CANCELING: "cancelled", Status.PAUSING: "paused", Status.RESUMING: "resumed"}
)


def on_execution(wanted: Status, execution_id: str, step: Step, user: str) -> Act:
    """Somebody wants it to stop, pause or go on."""
    return Act(
        kind=f"execution.{WORDS[wanted]}",
        object=step.action,
        user=user,
        execution_id=execution_id,
        trace_id=trace_of(execution_id, step.context),
    )


# Changes of an inquiry that are acts; reminders and escalations are the clock's.
BY_PEOPLE: frozenset[Change] = frozenset({"vote", "answered", "expired"})


def on_inquiry(inquiry: Inquiry, change: Change, context: Mapping[str, Any]) -> Act:
    """`context`: of its execution. An answer that decides says who has approved."""
    said: Vote | Outcome | None = inquiry.votes[-1] if change == "vote" else inquiry.outcome
    kind = "inquiry.vote" if change == "vote" else f"inquiry.{inquiry.state}"
    origin, subject = inquiry.asked.origin, inquiry.asked.subject
    details: dict[str, Any] = {"for": origin.action, "asked_by": origin.user, "text": inquiry.asked.text}
    if subject is not None:
        details.update(action=subject.action, parameters=subject.parameters, digest=subject.digest)
    if said is not None:
        details.update(response=said.response, name=said.name)
        kind = "inquiry.break_glass" if said.is_break_glass else kind
    return Act(
        kind=kind,
        object=inquiry.id,
        user="" if said is None else said.user,
        via="" if said is None else said.surface,
        details=details,
        reason="" if said is None else said.reason,
        approved_by=tuple(vote.user for vote in inquiry.votes if vote.is_yes) if inquiry.outcome else (),
        execution_id=inquiry.id,
        trace_id=_name_in(context.get("trace_context"), "id_") or origin.execution_id,
    )


def trace_of(execution_id: str, context: Mapping[str, Any]) -> str:
    """The trace that it names, else one of its own."""
    return _name_in(context.get("trace_context"), "id_") or execution_id


def _name_in(value: Any, name: str) -> str:
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, str) else ""
