"""`sensor`: how the sensors are, and starting and stopping them."""

from typing import Annotated, Any

import typer

from bot.cli.client import Client
from bot.cli.output import emit_json, fields, local_time, say, table
from bot.cli.site import Config, Data, Json, Url, connect

app = typer.Typer(no_args_is_help=True, help="Sensors: what watches the world and fires triggers.")

Sensor = Annotated[
    str, typer.Argument(metavar="SENSOR", help="PACK.CLASS, or PACK.CLASS.INSTANCE; see `sensor list`.")
]
Pack = Annotated[str | None, typer.Option("--pack", "-p", metavar="PACK", help="Only of this pack.")]


@app.command("list")
def list_sensors(
    pack: Pack = None,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """All sensors with their state, events and failures."""
    found = connect(url, config, data).get("sensors", query={"limit": -1, "pack": pack})
    if as_json:
        emit_json(found)
        return
    rows = [
        (
            one["ref"],
            one["state"],
            str(one["events"]),
            local_time(one.get("last_event")),
            str(one["restarts"]),
            one.get("last_error", "") if one["failures"] else "",
        )
        for one in found
    ]
    table(
        ("sensor", "state", "events", "last event", "restarts", "last error"), rows, whole=("sensor", "state")
    )


@app.command("show")
def show_sensor(
    sensor: Sensor, as_json: Json = False, url: Url = None, config: Config = None, data: Data = None
) -> None:
    """One sensor in full."""
    found = connect(url, config, data).get("sensors", sensor)
    if as_json:
        emit_json(found)
        return
    _show(found)


@app.command("start")
def start_sensor(
    sensor: Sensor, as_json: Json = False, url: Url = None, config: Config = None, data: Data = None
) -> None:
    """Start a sensor that was stopped, has ended, or waits after a failure."""
    _order("start", sensor, connect(url, config, data), as_json=as_json)


@app.command("stop")
def stop_sensor(
    sensor: Sensor, as_json: Json = False, url: Url = None, config: Config = None, data: Data = None
) -> None:
    """Stop a sensor until it is started again, or the server is; `disable` lasts."""
    _order("stop", sensor, connect(url, config, data), as_json=as_json)


@app.command("restart")
def restart_sensor(
    sensor: Sensor, as_json: Json = False, url: Url = None, config: Config = None, data: Data = None
) -> None:
    """End the process of a sensor and start a new one, with the configuration as it is now."""
    _order("restart", sensor, connect(url, config, data), as_json=as_json)


@app.command("enable")
def enable_sensor(
    sensor: Sensor, as_json: Json = False, url: Url = None, config: Config = None, data: Data = None
) -> None:
    """Have a sensor run, now and after every start of the server."""
    _switch(sensor, connect(url, config, data), enabled=True, as_json=as_json)


@app.command("disable")
def disable_sensor(
    sensor: Sensor, as_json: Json = False, url: Url = None, config: Config = None, data: Data = None
) -> None:
    """Have a sensor, all its instances included, not run any more."""
    _switch(sensor, connect(url, config, data), enabled=False, as_json=as_json)


@app.command("logs")
def show_log(
    sensor: Sensor, as_json: Json = False, url: Url = None, config: Config = None, data: Data = None
) -> None:
    """The last lines that a sensor said or printed."""
    found = connect(url, config, data).get("sensors", sensor, "logs")
    if as_json:
        emit_json(found)
        return
    for line in found:
        say(f"{local_time(line['at'])} {line['level']:<8} {line['text']}")


def _order(word: str, sensor: str, client: Client, *, as_json: bool) -> None:
    found = client.post("sensors", sensor, word)
    if as_json:
        emit_json(found)
    else:
        say(f"{found['ref']} is told to {word}.")


def _switch(sensor: str, client: Client, *, enabled: bool, as_json: bool) -> None:
    kind = client.get("sensors", sensor)["sensor_type"]
    found = client.put("sensortypes", kind, body={"enabled": enabled})
    if as_json:
        emit_json(found)
    else:
        say(f"{found['ref']} is {'enabled' if found['enabled'] else 'disabled'}.")


def _show(found: dict[str, Any]) -> None:
    shown = {
        "sensor": found["ref"],
        "description": found.get("description"),
        "state": found["state"],
        "process": found.get("pid"),
        "runs since": local_time(found.get("started_at")),
        "next start": local_time(found.get("next_start")),
        "events": str(found["events"]),
        "last event": local_time(found.get("last_event")),
        "refused events": str(found["refused"]),
        "restarts": str(found["restarts"]),
        "failures in a row": str(found["failures"]),
        "last error": found.get("last_error"),
        "failed at": local_time(found.get("last_error_at")),
    }
    fields(shown)
