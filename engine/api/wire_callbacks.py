"""How callbacks look on the API: ours alone."""

from engine.api.wire import Document
from engine.clock import isoformat
from engine.records.callback import Callback, CallbackState


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
    }


def callback_detail(callback: Callback) -> Document:
    """With every try."""
    log = [
        {
            "number": one.number,
            "at": isoformat(one.at),
            "status_code": one.status_code,
            "error": one.error,
            "took_ms": one.took_ms,
        }
        for one in callback.log
    ]
    return {**callback_document(callback), "log": log}
