"""`trigger`: types of events, the events that came in, firing one, and firing one again."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.cli.exits import Code, CommandError
from bot.cli.output import emit_json, fields, local_time, note, say, table
from bot.cli.site import Config, Data, Json, Url, connect

app = typer.Typer(no_args_is_help=True, help="Triggers: what events there are, and which came in.")

InstanceId = Annotated[str, typer.Argument(metavar="ID", help="Of an event; see `trigger instances`.")]


@app.command("list")
def list_types(
    pack: Annotated[
        str | None, typer.Option("--pack", "-p", metavar="PACK", help="Only of this pack.")
    ] = None,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """The types of triggers that rules can be on."""
    found = connect(url, config, data).get("triggertypes", query={"limit": -1, "pack": pack})
    if as_json:
        emit_json(found)
        return
    rows = [(one["ref"], one.get("description", "")) for one in found]
    table(("trigger", "description"), rows, whole=("trigger",))


@app.command("get")
def get_type(
    trigger: Annotated[str, typer.Argument(metavar="PACK.TRIGGER")],
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """One type: its parameters, and what its events carry."""
    found = connect(url, config, data).get("triggertypes", trigger)
    if as_json:
        emit_json(found)
        return
    fields({name.replace("_", " "): found.get(name) for name in ("ref", "description", "metadata_file")})
    for title, schema in (
        ("parameter", found["parameters_schema"]),
        ("payload", found["payload_schema"]),
    ):
        rows = [
            (name, _type_of(one), str(one.get("description", "")))
            for name, one in sorted(schema.get("properties", {}).items())
            if isinstance(one, dict)
        ]
        if rows:
            say()
            table((title, "type", "description"), rows, whole=(title,))


def _type_of(schema: dict[str, Any]) -> str:
    kind = schema.get("type", "any")
    return ", ".join(map(str, kind)) if isinstance(kind, list) else str(kind)


@app.command("instances")
def list_instances(
    *,
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many; -1 for all.")] = 20,
    trigger: Annotated[str | None, typer.Option(metavar="PACK.TRIGGER", help="Only of this trigger.")] = None,
    kind: Annotated[
        str | None, typer.Option("--type", metavar="PACK.TRIGGER", help="Only of this type.")
    ] = None,
    status: Annotated[str | None, typer.Option(help="Only those with this status.")] = None,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """The newest events."""
    query = {"limit": limit, "trigger": trigger, "trigger_type": kind, "status": status}
    found = connect(url, config, data).get("triggerinstances", query=query)
    if as_json:
        emit_json(found)
        return
    if not found:
        note("No events.")
    rows = [
        (
            one["id"],
            one.get("trigger_type", one["trigger"]),
            one["status"],
            local_time(one["occurrence_time"]),
            one.get("source", ""),
        )
        for one in found
    ]
    table(("id", "trigger", "status", "at", "from"), rows, whole=("id", "status", "at"))


@app.command("instance")
def get_instance(
    instance: InstanceId, as_json: Json = False, url: Url = None, config: Config = None, data: Data = None
) -> None:
    """One event, with what it carried."""
    found = connect(url, config, data).get("triggerinstances", instance)
    if as_json:
        emit_json(found)
        return
    fields(
        {
            "id": found["id"],
            "trigger": found.get("trigger_type"),
            "parameters": found.get("parameters"),
            "status": found["status"],
            "reason": found.get("reason"),
            "at": local_time(found["occurrence_time"]),
            "from": found.get("source"),
            "trace": found.get("trace_tag"),
            "payload": found["payload"],
        }
    )


@app.command("emit")
def emit(
    trigger: Annotated[str, typer.Argument(metavar="PACK.TRIGGER")],
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME=VALUE]...", help="The payload; values that are JSON are read as such."),
    ] = None,
    *,
    payload: Annotated[
        str | None, typer.Option(metavar="JSON", help="The payload as one object; @FILE reads a file.")
    ] = None,
    trace_tag: Annotated[str | None, typer.Option(metavar="TAG", help="Tag to find it by.")] = None,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Fire a trigger, as a sensor would."""
    body = {"trigger": trigger, "payload": {**_whole(payload), **_pairs(words or [])}}
    headers = {"St2-Trace-Tag": trace_tag} if trace_tag else {}
    answer = connect(url, config, data).post("webhooks", "st2", body=body, headers=headers)
    if as_json:
        emit_json(answer)
        return
    say(f"{trigger} is fired.")


def _whole(text: str | None) -> dict[str, Any]:
    if text is None:
        return {}
    try:
        value = json.loads(Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text)
    except (OSError, ValueError) as error:
        raise CommandError(Code.WRONG, f"--payload: {error}", hint="Write a JSON object.") from error
    if not isinstance(value, dict):
        raise CommandError(Code.WRONG, "--payload must be a JSON object.")
    return value


def _pairs(words: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise CommandError(Code.WRONG, f"{word!r} is no part of a payload.", hint="Write NAME=VALUE.")
        try:
            found[name] = json.loads(text)
        except ValueError:
            found[name] = text
    return found


@app.command("re-emit")
def re_emit(
    instance: InstanceId, as_json: Json = False, url: Url = None, config: Config = None, data: Data = None
) -> None:
    """Fire an event once more, as it was."""
    answer = connect(url, config, data).post("triggerinstances", instance, "re_emit")
    if as_json:
        emit_json(answer)
        return
    say(answer["message"])
