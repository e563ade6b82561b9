"""`callback list|get|retry`: who was told of the end of an execution, and what they answered."""

from collections.abc import Mapping
from typing import Annotated, Any

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
            _answer(one["last"]),
            local_time(one["next_at"] or one["ended_at"]),
            one["place"],
        )
        for one in found
    ]
    table(("execution", "state", "tries", "last answer", "at", "to"), rows, whole=("execution", "state"))


def _answer(attempt: Mapping[str, Any] | None) -> str:
    if attempt is None:
        return "-"
    return str(attempt["status_code"] or attempt["error"])


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
    _show(found)


@app.command("retry")
def retry_callback(
    execution_id: Annotated[str, typer.Argument(metavar="EXECUTION", help="Its id, or `last`.")],
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Tell it again, now: one that was given up, that waits for its next try, or that was delivered."""
    found = connect(url, config, data).post("executions", execution_id, "callback", body={})
    if as_json:
        emit_json(found)
        return
    note(f"Being told again: {found['place']}. How it goes: stormcrow callback get {found['execution']}")


def _show(found: Mapping[str, Any]) -> None:
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
