"""`trace list|get`."""

from typing import Annotated, Any

import typer

from bot.cli.output import emit_json, local_time, note, say, table
from bot.cli.site import Config, Data, Json, Url, connect

app = typer.Typer(no_args_is_help=True, help="Traces: what followed from what.")


@app.command("list")
def list_traces(
    *,
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many; -1 for all.")] = 20,
    tag: Annotated[str | None, typer.Option(help="Only with this tag.")] = None,
    execution: Annotated[str | None, typer.Option(metavar="ID", help="Only with this execution.")] = None,
    rule: Annotated[str | None, typer.Option(metavar="PACK.RULE", help="Only with this rule.")] = None,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """The newest traces."""
    query = {"limit": limit, "trace_tag": tag, "execution": execution, "rule": rule}
    found = connect(url, config, data).get("traces", query=query)
    if as_json:
        emit_json(found)
        return
    if not found:
        note("No traces.")
    rows = [
        (
            one["id"],
            one["trace_tag"],
            local_time(one["start_timestamp"]),
            str(len(one["trigger_instances"])),
            str(len(one["rules"])),
            str(len(one["action_executions"])),
        )
        for one in found
    ]
    table(("id", "tag", "start", "events", "rules", "executions"), rows, whole=("id", "start"))


@app.command("get")
def get_trace(
    trace: Annotated[str, typer.Argument(metavar="ID", help="Of a trace, an event or an execution.")],
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """One trace, in the order of what happened."""
    found = connect(url, config, data).get("traces", trace)
    if as_json:
        emit_json(found)
        return
    say(f"{found['trace_tag']} ({found['id']})")
    kinds = (("event", "trigger_instances"), ("rule", "rules"), ("execution", "action_executions"))
    parts: list[tuple[str, str, dict[str, Any]]] = [
        (part["updated_at"], kind, part) for kind, name in kinds for part in found[name]
    ]
    parts.sort(key=lambda part: part[0])
    rows = [
        (local_time(at) or "", kind, part["ref"], part["object_id"], _cause(part)) for at, kind, part in parts
    ]
    table(("at", "what", "ref", "id", "because of"), rows, whole=("at", "what", "id"))


def _cause(part: dict[str, Any]) -> str:
    cause = part.get("caused_by") or {}
    return f"{cause['type']} {cause['id']}" if cause else ""
