"""What an execution that is tried again looks like."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from engine.policies.notes import first_of, with_note
from engine.policies.table import NextTry
from engine.records.execution import Execution, new_id
from engine.status import Status


def repetition(old: Execution, wanted: NextTry, *, now: datetime) -> Execution:
    """The same action with the same parameters, for the same user, in the same trace and chat."""
    return replace(
        old,
        id=new_id(),
        status=Status.REQUESTED,
        context=_context(old, wanted),
        result=None,
        result_size=0,
        requested_at=now,
        started_at=None,
        ended_at=None,
        log=((now, Status.REQUESTED),),
        delay_ms=round(wanted.delay_s * 1000),
        attempt=0,
        claimed_by=None,
    )


def retried_context(old: Mapping[str, Any], wanted: NextTry, repeated: Execution) -> dict[str, Any]:
    """The context of the one that is tried again: by whom, and which try that will be."""
    note = {
        "applied_policy": wanted.policy,
        "execution_id": repeated.id,
        "retry_count": wanted.number,
        "max_retry_count": wanted.most,
        "delay": wanted.delay_s,
    }
    return with_note(old, "retried", note)


def _context(old: Execution, wanted: NextTry) -> dict[str, Any]:
    trace = old.context.get("trace_context")
    trace = dict(trace) if isinstance(trace, Mapping) else {}
    return {
        **old.context,
        "trace_context": {**trace, "id_": trace.get("id_") or old.id},
        "policies": {
            "retry": {
                "applied_policy": wanted.policy,
                "retry_count": wanted.number,
                "retried_execution_id": old.id,
                "first_execution_id": first_of(old.context, old.id),
            }
        },
    }
