"""`schedule add|list|show|pause|resume|cancel|run`."""

from typing import Annotated, Any

import typer

from bot.cli import running
from bot.cli.exits import Code, CommandError
from bot.cli.given import parameters_from
from bot.cli.output import emit_json, fields, local_time, note, say, table
from bot.cli.running import Follow, Timeout, Wait
from bot.cli.site import Config, Data, Json, Url, connect

app = typer.Typer(no_args_is_help=True, help="Commands and actions at a time, once or again and again.")

Number = Annotated[int, typer.Argument(metavar="NUMBER", min=1)]


@app.command("add")
def add_schedule(
    when: Annotated[
        str, typer.Argument(metavar="WHEN", help="For example: at 22:00 COMMAND, every weekday at 9 COMMAND.")
    ],
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="Parameters of --action.")
    ] = None,
    *,
    command: Annotated[str, typer.Option("--command", metavar="TEXT", help="What to say in the chat.")] = "",
    action: Annotated[str, typer.Option(metavar="PACK.ACTION", help="Run this, not a command.")] = "",
    channel: Annotated[str, typer.Option(help="Channel that the answer is posted in.")] = "",
    timezone: Annotated[str, typer.Option(help="Zone of a time that names none.")] = "",
    misfire: Annotated[str, typer.Option(help="Missed runs: one, skip or all.")] = "one",
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Schedule a command of the chat, or an action."""
    client = connect(url, config, data)
    body: dict[str, Any] = {
        "when": when,
        "command": command,
        "channel": channel,
        "timezone": timezone,
        "misfire": misfire,
    }
    if action:
        known = client.get("actions", "views", "overview", action)
        body["action"] = known["ref"]
        body["parameters"] = parameters_from(words or [], known["parameters"])
    elif words:
        raise CommandError(
            Code.WRONG,
            f'"{words[0]}" is a word too many.',
            hint="Put time and command into one pair of quotes.",
        )
    made = client.post("schedules", body=body)
    if as_json:
        emit_json(made)
        return
    say(f"schedule {made['number']}: {made['when']}: {_what(made)}")
    note(f"next {_next(made)}")


@app.command("list")
def list_schedules(
    *,
    all_: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """What is scheduled, the newest first."""
    query = {"all": str(all_).lower(), "limit": -1}
    found = connect(url, config, data).get("schedules", query=query)
    if as_json:
        emit_json(found)
        return
    if not found:
        note("Nothing is scheduled.")
    rows = [
        (str(one["number"]), one["state"], one["when"], _what(one), _next(one), one["user"]) for one in found
    ]
    table(("number", "state", "when", "command", "next", "user"), rows, whole=("number", "state", "next"))


@app.command("show")
def show_schedule(
    number: Number, as_json: Json = False, url: Url = None, config: Config = None, data: Data = None
) -> None:
    """Everything about one, with its next times."""
    found = connect(url, config, data).get("schedules", str(number))
    if as_json:
        emit_json(found)
        return
    times = ("created_at", "ended_at", "last_due_at")
    shown = {name: local_time(value) if name in times else value for name, value in found.items()}
    fields({**shown, "next_fire_at": ", ".join(local_time(one) for one in found["next_fire_at"])})


def _change(number: int, body: dict[str, Any], site: tuple[Any, Any, Any], *, as_json: bool) -> None:
    made = connect(*site).put("schedules", str(number), body=body)
    if as_json:
        emit_json(made)
        return
    say(f"schedule {made['number']}: {made['state']}, next {_next(made)}")


@app.command("pause")
def pause_schedule(
    number: Number, as_json: Json = False, url: Url = None, config: Config = None, data: Data = None
) -> None:
    """Let it rest; what passes meanwhile is not made up."""
    _change(number, {"enabled": False}, (url, config, data), as_json=as_json)


@app.command("resume")
def resume_schedule(
    number: Number, as_json: Json = False, url: Url = None, config: Config = None, data: Data = None
) -> None:
    """Let it go on."""
    _change(number, {"enabled": True}, (url, config, data), as_json=as_json)


@app.command("cancel")
def cancel_schedule(
    number: Number, as_json: Json = False, url: Url = None, config: Config = None, data: Data = None
) -> None:
    """End it for good."""
    client = connect(url, config, data)
    client.delete("schedules", str(number))
    if as_json:
        emit_json(client.get("schedules", str(number)))
        return
    say(f"schedule {number}: cancelled")


@app.command("run")
def run_schedule(
    number: Number,
    *,
    wait: Wait = True,
    follow: Follow = False,
    timeout: Timeout = None,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Once, now, as yourself; the schedule stays as it is."""
    client = connect(url, config, data)
    execution = client.post("schedules", str(number), "run")
    running.finish(client, execution, wait=wait, follow=follow, timeout=timeout, as_json=as_json)


def _what(one: dict[str, Any]) -> str:
    return str(one["command"] or one["action"])


def _next(one: dict[str, Any]) -> str:
    return local_time(one["next_fire_at"][0]) if one["next_fire_at"] else "never"
