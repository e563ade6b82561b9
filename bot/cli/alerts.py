"""`alert list|show|ack|silence|unsilence|resolve`."""

from typing import Annotated, Any

import typer

from bot.cli.output import emit_json, fields, local_time, note, say, table
from bot.cli.site import Config, Data, Json, Url, connect

app = typer.Typer(no_args_is_help=True, help="Alerts: what monitoring systems say, on one board.")

Alert = Annotated[str, typer.Argument(metavar="ID", help="An id, or its last 6 characters or more.")]


@app.command("list")
def list_alerts(
    *,
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many; -1 for all.")] = 50,
    all_: Annotated[bool, typer.Option("--all", help="Also what is resolved.")] = False,
    channel: Annotated[str | None, typer.Option(help="Of this channel only.")] = None,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """The board, newest first."""
    query = {"limit": limit, "all": str(all_).lower(), "channel": channel}
    found = connect(url, config, data).get("alerts", query=query)
    if as_json:
        emit_json(found)
        return
    if not found:
        note("Nothing is firing.")
    rows = [
        (
            one["id"],
            one["severity"],
            one["status"],
            str(one["count"]),
            one["title"],
            one["channel"],
            local_time(one["last_seen_at"]),
        )
        for one in found
    ]
    table(("id", "severity", "status", "seen", "title", "channel", "last"), rows, whole=("id", "status"))


@app.command("show")
def show_alert(
    alert: Alert, as_json: Json = False, url: Url = None, config: Config = None, data: Data = None
) -> None:
    """Everything that is known of one alert."""
    found = connect(url, config, data).get("alerts", alert)
    if as_json:
        emit_json(found)
        return
    times = ("first_seen_at", "last_seen_at", "resolved_at", "silenced_until")
    fields({name: local_time(value) if name in times else value for name, value in found.items() if value})


@app.command("ack")
def acknowledge(
    alert: Alert, as_json: Json = False, url: Url = None, config: Config = None, data: Data = None
) -> None:
    """Somebody has it in hand."""
    _handle(connect(url, config, data).post("alerts", alert, "ack", body={}), as_json=as_json)


@app.command("silence")
def silence(
    alert: Alert,
    duration: Annotated[str, typer.Argument(metavar="TIME", help="How long: 30m, 1h, 2d.")] = "1h",
    *,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Keep it quiet in its channel; rules see it all the same."""
    made = connect(url, config, data).post("alerts", alert, "silence", body={"for": duration})
    _handle(made, as_json=as_json)


@app.command("unsilence")
def unsilence(
    alert: Alert, as_json: Json = False, url: Url = None, config: Config = None, data: Data = None
) -> None:
    """End its silence."""
    _handle(connect(url, config, data).post("alerts", alert, "unsilence", body={}), as_json=as_json)


@app.command("resolve")
def resolve(
    alert: Alert, as_json: Json = False, url: Url = None, config: Config = None, data: Data = None
) -> None:
    """Call it resolved, when its source will not do so itself."""
    _handle(connect(url, config, data).post("alerts", alert, "resolve", body={}), as_json=as_json)


def _handle(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        emit_json(found)
        return
    silent = f", silent until {local_time(found['silenced_until'])}" if "silenced_until" in found else ""
    say(f"{found['title']}: {found['status']}{silent}")
