"""What alias templates see of an execution and of the alias: plain dictionaries in StackStorm's names."""

from typing import Any

from engine.clock import isoformat
from engine.records.execution import Execution
from engine.specs.action import ActionSpec
from engine.specs.alias import AliasSpec


def execution_view(execution: Execution, action: ActionSpec | None, *, web_url: str) -> dict[str, Any]:
    """`action` None: it has left the disk since."""
    elapsed_s = execution.elapsed_s
    return {
        "id": execution.id,
        "status": execution.status.value,
        "parameters": dict(execution.parameters),
        "context": dict(execution.context),
        "result": execution.result,
        "action": {
            "ref": execution.action,
            "pack": execution.pack,
            "name": execution.action.partition(".")[2],
            "description": action.description if action else "",
            "runner_type": execution.runner,
        },
        "runner": {"name": execution.runner},
        "start_timestamp": isoformat(execution.requested_at),
        "end_timestamp": isoformat(execution.ended_at) if execution.ended_at else None,
        "elapsed_seconds": elapsed_s,
        "web_url": execution_url(web_url, execution.id),
    }


def execution_url(web_url: str, execution_id: str) -> str:
    """The page of the web chat that shows the execution."""
    return f"{web_url}/chat#execution/{execution_id}"


def alias_view(alias: AliasSpec) -> dict[str, Any]:
    return {
        "ref": alias.ref,
        "name": alias.name,
        "pack": alias.pack,
        "description": alias.description,
        "action_ref": alias.action_ref,
        "formats": list(alias.raw_formats),
        "ack": dict(alias.raw_ack or {}),
        "result": dict(alias.raw_result or {}),
        "extra": dict(alias.extra),
    }
