"""What a callback says, and its signature (Standard Webhooks 1.0)."""

import base64
import binascii
import hmac
from datetime import datetime

import orjson

from engine.clock import isoformat
from engine.errors import BadInput
from engine.records.execution import Execution

# A larger result is left out: it is at the server.
LARGEST_RESULT_BYTES = 262_144
_PREFIX = "whsec_"
# The standard's own bounds of a secret, in bytes.
_SHORTEST, _LONGEST = 24, 64


def body_of(execution: Execution, *, public_url: str) -> bytes:
    """Names as in the documents of the API; secrets are ******** as there."""
    ended_at = execution.ended_at or execution.requested_at
    trace = execution.context.get("trace_context") or {}
    data = {
        "id": execution.id,
        "action": execution.action,
        "status": execution.status.value,
        "user": execution.user,
        "start_timestamp": isoformat(execution.requested_at),
        "end_timestamp": isoformat(ended_at),
        "elapsed_seconds": execution.elapsed_s,
        "trace_tag": trace.get("trace_tag"),
        "web_url": f"{public_url}/chat#execution/{execution.id}",
        "url": f"{public_url}/v1/executions/{execution.id}",
        "result_size": execution.result_size,
    }
    if execution.result_size <= LARGEST_RESULT_BYTES:
        data["result"] = execution.result
    said = {"type": f"execution.{execution.status}", "timestamp": isoformat(ended_at), "data": data}
    return orjson.dumps(said, default=str, option=orjson.OPT_NON_STR_KEYS)


def signing_key(secret: str) -> bytes:
    """From `whsec_` and base64. Raises BadInput, without a word of the secret."""
    text = secret.strip()
    try:
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not text.startswith(_PREFIX) or not _SHORTEST <= len(key) <= _LONGEST:
        raise BadInput(
            "The secret of a callback must be whsec_ and the base64 of 24 to 64 bytes.",
            hint='Make one: printf "whsec_%s" "$(openssl rand -base64 32)"',
        )
    return key


def headers_of(callback_id: str, body: bytes, *, key: bytes, at: datetime) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    digest = hmac.digest(key, f"{callback_id}.{stamp}.".encode() + body, "sha256")
    return {
        "Content-Type": "application/json",
        "User-Agent": "stormcrow",
        "webhook-id": callback_id,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
