"""The row of an execution and its journal entry, written together: when it is requested, and at each step.

The UPDATE names the old status, so of two writers one wins and the other meets IllegalTransition.
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import Connection

from engine.clock import isoformat, utcnow
from engine.errors import IllegalTransition, KeyReused, NotFound
from engine.records.audit import Act
from engine.records.callback import CONTEXT_KEY as CALLBACK
from engine.records.execution import Execution, ExecutionRequest
from engine.records.journal import JournalEntry
from engine.status import FINISHED, Status, advance
from engine.store import audit, journal
from engine.store import executions as store

REQUESTED = "execution.requested"
CHANGED = "execution.changed"

# The journal's entries about executions that have a status.
STEPS = frozenset({REQUESTED, CHANGED})

IDEMPOTENCY_WINDOW = timedelta(hours=24)


def insertion(
    execution: Execution,
    sealed: bytes | None,
    *,
    idempotency_key: str | None = None,
    fingerprint: str = "",
    act: Act | None = None,
    also: Callable[[Connection], object] | None = None,
) -> Callable[[Connection], Execution]:
    """What writes a new execution; it may be called again when its transaction was rolled back.

    It gives the first execution instead where the key was used before, and raises KeyReused where that
    was for another request. `also` writes what belongs to it, in the same transaction.
    `act`: what the audit says of it.
    """
    key = idempotency_key
    trace = execution.context.get("trace_context") or {}
    values = {
        "id": execution.id,
        "action": execution.action,
        "runner": execution.runner,
        "pack": execution.pack,
        "status": execution.status.value,
        "user": execution.user,
        "parent_id": execution.parent_id,
        "requested_at": execution.requested_at,
        "not_before": execution.requested_at + timedelta(milliseconds=execution.delay_ms),
        "ended_at": execution.ended_at,
        "delay_ms": execution.delay_ms,
        "attempt": 0,
        "parameters": orjson.dumps(execution.parameters),
        "sealed": sealed,
        "context": orjson.dumps(execution.context),
        "result": None if execution.result is None else orjson.dumps(execution.result),
        "result_size": execution.result_size,
        "log": orjson.dumps([[isoformat(at), step.value] for at, step in execution.log]),
        "idempotency_key": key,
        "fingerprint": fingerprint or None,
        "trace_id": _word(trace.get("id_")),
        "trace_tag": _word(trace.get("trace_tag")),
        # A workflow's own are part of what the message began.
        "message_id": None
        if execution.parent_id
        else _word(_mapping(execution.context.get("chat")).get("message")),
    }

    def work(connection: Connection) -> Execution:
        if key is not None:
            first = store.by_idempotency_key(connection, key)
            if first is not None:
                if first.execution.requested_at > execution.requested_at - IDEMPOTENCY_WINDOW:
                    _check_same(first.fingerprint, fingerprint)
                    return first.execution
                store.forget_idempotency_key(connection, key)
        store.add(connection, values)
        if also is not None:
            also(connection)
        if act is not None:
            audit.record(connection, act)
        kind = REQUESTED if execution.status is Status.REQUESTED else CHANGED
        told = facts(execution.status, execution.action, execution.context)
        if execution.delay_ms:
            told["delay_ms"] = execution.delay_ms
        journal.append(connection, kind, execution.id, told)
        return execution

    return work


def _check_same(before: str, now: str) -> None:
    """Raises KeyReused."""
    if before and now and before != now:
        raise KeyReused(
            "This Idempotency-Key came with another request before.",
            hint="A new request needs a new key; a repeated one the same body.",
        )


def scoped_key(wanted: ExecutionRequest) -> str | None:
    """Keys of different users never meet, and a long key costs no more than a short one."""
    if not wanted.idempotency_key:
        return None
    return hashlib.sha256(f"{wanted.user}\0{wanted.idempotency_key}".encode()).hexdigest()


def take_step(
    connection: Connection,
    execution_id: str,
    step: store.Step,
    wanted: Status,
    *,
    values: Mapping[str, Any],
    told: Mapping[str, Any] | None = None,
) -> None:
    """From where it stands to `wanted`. `told`: what else the journal says. Raises IllegalTransition."""
    advance(step.status, wanted)
    now = utcnow()
    changes: dict[str, Any] = {
        **values,
        "status": wanted.value,
        "log": orjson.dumps([*step.log, [isoformat(now), wanted.value]]),
    }
    if wanted in FINISHED:
        changes["ended_at"] = now
    if not store.change(connection, execution_id, old=step.status, values=changes):
        raise IllegalTransition(f"Execution {execution_id} is no longer {step.status}.")
    data = facts(wanted, step.action, step.context)
    if told:
        data.update(told)
    journal.append(connection, CHANGED, execution_id, data, at=now)


def facts(status: Status, action: str, context: Mapping[str, Any]) -> dict[str, Any]:
    """What readers of the journal decide on without reading the execution."""
    told: dict[str, Any] = {"status": status.value, "action": action}
    chat = context.get("chat")
    if chat:
        told["adapter"] = chat.get("adapter") or ""
    if context.get("notify") or _mapping(context.get("chain")).get("notify"):
        told["notifies"] = True
    if context.get(CALLBACK):
        told["calls_back"] = True
    pipeline = _mapping(context.get("pipeline")).get("id")
    if pipeline:
        told["pipeline"] = pipeline
    workflow = workflow_of(context)
    if workflow:
        told["workflow"] = workflow
        # Who shows a workflow follows what happens in it, however deep.
        told["parent"] = _mapping(context.get("parent")).get("execution_id") or ""
    return told


def workflow_of(context: Mapping[str, Any]) -> str:
    """The workflow whose task an execution is for; empty when it is nobody's."""
    for language in ("orquesta", "chain"):
        told = context.get(language)
        if isinstance(told, Mapping):
            return str(told.get("workflow_execution_id") or "")
    return ""


def trace_of(execution: Execution) -> str:
    """The id of its trace: its own, where it was not begun within another."""
    trace = _mapping(execution.context.get("trace_context"))
    return _word(trace.get("id_")) or execution.id


def log_facts_of(execution: Execution) -> dict[str, str]:
    """What records of the log say of the execution that they are about."""
    return {
        "execution_id": execution.id,
        "action": execution.action,
        "attempt": str(execution.attempt),
        "user": execution.user,
        "trace_id": trace_of(execution),
    }


def canceled_result(user: str, partial: Any) -> dict[str, Any]:
    """StackStorm's words, over what a cancelled action gave."""
    result = dict(partial) if isinstance(partial, dict) else {}
    return {**result, "message": "Action canceled by user.", "user": user}


def bounded(result: Any, *, limit_bytes: int) -> tuple[bytes, int]:
    """The result as JSON and its size; a result that is too large, or no JSON, becomes an error."""
    try:
        encoded = orjson.dumps(result, option=orjson.OPT_NON_STR_KEYS)
    except (TypeError, ValueError, RecursionError) as error:
        encoded = orjson.dumps({"error": f"The result is not JSON: {error}", "traceback": ""})
    if len(encoded) > limit_bytes:
        encoded = orjson.dumps(
            {
                "error": f"The result has {len(encoded)} bytes; the limit is {limit_bytes}. "
                "Its output can still be read.",
                "traceback": "",
            }
        )
    return encoded, len(encoded)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _word(value: Any) -> str | None:
    """A caller's word for its trace; anything else is no name."""
    return value if isinstance(value, str) and value else None


def asks_for_work(entry: JournalEntry) -> bool:
    """Whether an execution is due now that was not before."""
    is_ours = entry.kind in STEPS and entry.data["status"] == Status.REQUESTED
    return is_ours and "delay_ms" not in entry.data


def known(step: store.Step | None, execution_id: str) -> store.Step:
    """Raises NotFound."""
    if step is None:
        raise NotFound(f'There is no execution "{execution_id}".')
    return step
