"""How callbacks look on the API: ours alone."""

from engine.api.wire import Document
from engine.clock import isoformat
from engine.records.callback import Callback, CallbackAttempt, CallbackState


def callback_document(callback: Callback) -> Document:
    """Never the whole address: its query may hold a secret."""
    is_due = callback.state is CallbackState.DUE and callback.due_at is not None
    return {
        "id": callback.id,
        "execution": callback.execution_id,
        "place": callback.place,
        "secret_ref": f"st2kv.{callback.key_scope}.{callback.key_name}",
        "state": callback.state.value,
        "attempts": callback.attempts,
        "made_at": isoformat(callback.made_at),
        "ended_at": isoformat(callback.ended_at) if callback.ended_at else None,
        "next_at": isoformat(callback.due_at) if is_due and callback.due_at else None,
        "last": _attempt(callback.log[-1]) if callback.log else None,
    }


def callback_detail(callback: Callback) -> Document:
    """With every try."""
    return {**callback_document(callback), "log": [_attempt(one) for one in callback.log]}


def _attempt(attempt: CallbackAttempt) -> Document:
    return {
        "number": attempt.number,
        "at": isoformat(attempt.at),
        "status_code": attempt.status_code,
        "error": attempt.error,
        "took_ms": attempt.took_ms,
    }
