"""What policies write into the context of an execution, under `policies`.

delay     {applied_policy, reason}    it had to wait
cancel    {applied_policy, reason}    it was cancelled
retried   {applied_policy, execution_id, retry_count, max_retry_count, delay}    it failed, and is tried again
retry     {applied_policy, retry_count, retried_execution_id, first_execution_id}    it is such a try
"""

from collections.abc import Mapping
from typing import Any, Literal

Note = Literal["delay", "cancel", "retried", "retry"]


def policy_note(context: Mapping[str, Any], what: Note) -> Mapping[str, Any] | None:
    """None where no policy wrote it; the context of a rule may hold anything."""
    policies = context.get("policies")
    found = policies.get(what) if isinstance(policies, Mapping) else None
    return found if isinstance(found, Mapping) else None


def with_note(context: Mapping[str, Any], what: Note, note: Mapping[str, Any]) -> dict[str, Any]:
    policies = context.get("policies")
    said = dict(policies) if isinstance(policies, Mapping) else {}
    return {**context, "policies": {**said, what: note}}


def tries_of(context: Mapping[str, Any]) -> int:
    """How often the execution with this context is a repetition; 0 for the first."""
    count = (policy_note(context, "retry") or {}).get("retry_count")
    return count if isinstance(count, int) else 0


def first_of(context: Mapping[str, Any], execution_id: str) -> str:
    """The execution that this one repeats in the end; itself when it is the first."""
    first = (policy_note(context, "retry") or {}).get("first_execution_id")
    return first if isinstance(first, str) else execution_id
