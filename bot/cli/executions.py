"""`execution list|get|output|cancel|rerun`."""

from typing import Annotated, Any

import typer

from bot.cli import running
from bot.cli.exits import Code
from bot.cli.given import parameters_from
from bot.cli.output import (
    duration,
    emit_json,
    fields,
    local_time,
    note,
    paint,
    put,
    result_text,
    say,
    table,
)
from bot.cli.running import Follow, Timeout, Wait, Words
from bot.cli.site import Config, Data, Json, Url, connect
from engine.policies.notes import policy_note

app = typer.Typer(no_args_is_help=True, help="Executions: what ran, runs, or will run.")

Id = Annotated[str, typer.Argument(metavar="ID", help="An id, its last 6 characters or more, or `last`.")]
_COLUMNS = "id,action.ref,context.user,context.origin,status,start_timestamp,end_timestamp,elapsed_seconds"


@app.command("list")
def list_executions(
    *,
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many; -1 for all.")] = 20,
    status: Annotated[str | None, typer.Option(help="Only those with this status.")] = None,
    action: Annotated[str | None, typer.Option(metavar="PACK.ACTION", help="Only of this action.")] = None,
    user: Annotated[str | None, typer.Option(help="Only of this user.")] = None,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """The newest executions."""
    query = {"limit": limit, "status": status, "action": action, "user": user, "include_attributes": _COLUMNS}
    found = connect(url, config, data).get("executions", query=query)
    if as_json:
        emit_json(found)
        return
    if not found:
        note("No executions.")
    rows = [
        (
            one["id"],
            one["action"]["ref"],
            one["status"],
            _who(one),
            local_time(one.get("start_timestamp")),
            duration(one.get("elapsed_seconds")),
        )
        for one in found
    ]
    table(("id", "action", "status", "user", "start", "took"), rows, whole=("id", "status", "start"))


@app.command("get")
def get_execution(
    execution_id: Id, as_json: Json = False, url: Url = None, config: Config = None, data: Data = None
) -> None:
    """One execution, with parameters and result."""
    execution = connect(url, config, data).get("executions", execution_id)
    if as_json:
        emit_json(execution)
        return
    fields(_shown(execution))


def _shown(execution: dict[str, Any]) -> dict[str, Any]:
    steps = "  ".join(
        f"{step['status']} {local_time(step['timestamp'])}" for step in execution.get("log", [])
    )
    return {
        "id": execution["id"],
        "action": execution["action"]["ref"],
        "status": paint(execution["status"]),
        "user": _who(execution),
        "start": local_time(execution.get("start_timestamp")),
        "took": duration(execution.get("elapsed_seconds")),
        "steps": steps,
        **_policies(execution.get("context", {})),
        "parameters": execution.get("parameters"),
        "result": result_text(execution.get("result")),
        "link": execution.get("web_url"),
    }


def _who(execution: dict[str, Any]) -> str:
    context = execution.get("context", {})
    user = str(context.get("user", ""))
    by = context.get("impersonated_by") or context.get("origin")
    return f"{user} (by {by})" if by else user


def _policies(context: dict[str, Any]) -> dict[str, str]:
    """What policies did to it."""
    held = policy_note(context, "cancel") or policy_note(context, "delay") or {}
    earlier, again = policy_note(context, "retry") or {}, policy_note(context, "retried") or {}
    return {
        "policy": str(held.get("reason", "")),
        "repeats": str(earlier.get("retried_execution_id", "")),
        "tried again": str(again.get("execution_id", "")),
    }


@app.command()
def output(
    execution_id: Id,
    *,
    follow: Follow = False,
    kind: Annotated[str, typer.Option(help="all, stdout or stderr.")] = "all",
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """What an execution printed."""
    query = {"output_type": kind, "follow": "true" if follow else None}
    pieces = connect(url, config, data).text("executions", execution_id, "output", query=query)
    if as_json:
        emit_json({"id": execution_id, "output": "".join(pieces)})
        return
    for piece in pieces:
        put(piece, nl=False)


@app.command()
def cancel(
    execution_id: Id, as_json: Json = False, url: Url = None, config: Config = None, data: Data = None
) -> None:
    """Stop an execution; its processes end too."""
    answer = connect(url, config, data).delete("executions", execution_id)
    if as_json:
        emit_json(answer)
    if "faultstring" in answer:
        note(answer["faultstring"])
        raise typer.Exit(Code.FAILED)
    if not as_json:
        say(f"{answer['id']}  {paint(answer['status'])}")


@app.command()
def rerun(
    execution_id: Id,
    words: Words = None,
    *,
    fresh: Annotated[bool, typer.Option("--fresh", help="Without the old parameters.")] = False,
    wait: Wait = True,
    follow: Follow = False,
    timeout: Timeout = None,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Run it again, with parameters changed if you name some."""
    client = connect(url, config, data)
    old = client.get("executions", execution_id, query={"include_attributes": "id,action.ref"})
    known = client.get("actions", "views", "overview", old["action"]["ref"])
    given = parameters_from(words or [], known["parameters"])
    query = {"no_merge": "true" if fresh else None}
    execution = client.post("executions", old["id"], "re_run", body={"parameters": given}, query=query)
    running.finish(client, execution, wait=wait, follow=follow, timeout=timeout, as_json=as_json)
