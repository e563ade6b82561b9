"""`callback list|get`: who was told of the end of an execution, and what they answered."""

from typing import Annotated

import typer

from bot.cli.output import duration, emit_json, fields, local_time, note, table
from bot.cli.site import Config, Data, Json, Url, connect

app = typer.Typer(no_args_is_help=True, help="Callbacks: signed messages at the end of executions.")


@app.command("list")
def list_callbacks(
    *,
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many; -1 for all.")] = 20,
    state: Annotated[str | None, typer.Option(help="Only waiting, due, delivered or given_up.")] = None,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """The newest callbacks."""
    found = connect(url, config, data).get("callbacks", query={"limit": limit, "state": state})
    if as_json:
        emit_json(found)
        return
    if not found:
        note("No callbacks.")
    rows = [
        (
            one["execution"],
            one["state"],
            str(one["attempts"]),
            local_time(one["next_at"] or one["ended_at"]),
            one["place"],
        )
        for one in found
    ]
    table(("execution", "state", "tries", "at", "to"), rows, whole=("execution", "state"))


@app.command("get")
def get_callback(
    execution_id: Annotated[str, typer.Argument(metavar="EXECUTION", help="Its id, or `last`.")],
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """That of an execution, with every try to deliver it."""
    found = connect(url, config, data).get("executions", execution_id, "callback")
    if as_json:
        emit_json(found)
        return
    tries = [
        f"{local_time(one['at'])}  {one['status_code'] or '-'}  "
        f"{duration(one['took_ms'] / 1000)}  {one['error']}"
        for one in found["log"]
    ]
    fields(
        {
            "id": found["id"],
            "execution": found["execution"],
            "to": found["place"],
            "secret": found["secret_ref"],
            "state": found["state"],
            "next": local_time(found["next_at"]),
            "tries": "\n".join(line.rstrip() for line in tries),
        }
    )
