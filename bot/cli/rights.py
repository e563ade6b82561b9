"""`rights`: whether somebody may run something, and why; what was denied; whether the files are right."""

from pathlib import Path
from typing import Annotated, Any

import typer

from bot.cli.exits import Code
from bot.cli.output import emit_json, local_time, say, table
from bot.cli.site import Config, Data, Json, Url, connect, settings_of
from engine.errors import sentences

app = typer.Typer(no_args_is_help=True, help="Who may do what.")


@app.command("check")
def check(
    user: Annotated[str, typer.Argument(metavar="USER", help="A user, or an account: slack.T1.U7.")],
    what: Annotated[
        str, typer.Argument(metavar="ALIAS", help="An alias or an action, for example core.local.")
    ],
    channel: Annotated[
        str | None, typer.Option(help="Where: slack:C0123, irc:#ops, web:ops; left out: the API.")
    ] = None,
    *,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Whether they may run it, and why. Exit code 1: they may not."""
    query = {"user": user, "what": what, **({"channel": channel} if channel else {})}
    found = connect(url, config, data).get("rights", "check", query=query)
    if as_json:
        emit_json(found)
    else:
        who = user if found["person"] == user else f"{user} ({found['person']})"
        verdict = "may run" if found["may"] else "may not run"
        say(f"{who} {verdict} {found['alias'] or found['action']} in {found['place']}")
        for one in found["reasons"]:
            hint = f" {one['hint']}" if one["hint"] and not one["may"] else ""
            say(f"  {'yes' if one['may'] else 'no '}  {one['reason']}{hint}")
        for one in found["groups"]:
            _say_groups(one)
    if not found["may"]:
        raise typer.Exit(Code.FAILED)


def _say_groups(said: dict[str, Any]) -> None:
    """What a login said of their groups, and which roles that gives."""
    groups = ", ".join(said["groups"]) or "no group"
    gives = f"gives {', '.join(said['roles'])}" if said["roles"] else "gives no role"
    if not said["counts"]:
        gives = "does not count any more: log in again"
    say(f"  {said['source']} said on {local_time(said['at'])}: {groups}; that {gives}")


@app.command("denied")
def denied(
    user: Annotated[str | None, typer.Option(help="Of this user only.")] = None,
    last: Annotated[int, typer.Option("--last", "-n", min=1, max=1000, help="How many.")] = 20,
    *,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """What was denied, the newest first."""
    query = {"limit": last, **({"user": user} if user else {})}
    found = connect(url, config, data).get("rights", "denials", query=query)
    if as_json:
        emit_json(found)
        return
    rows = [(local_time(one["at"]), one["user"], one["place"], one["what"], one["reason"]) for one in found]
    table(("WHEN", "USER", "WHERE", "WHAT", "WHY"), rows)


@app.command("lint")
def lint(as_json: Json = False, config: Config = None, data: Data = None) -> None:
    """Read the files of rights, without a server, and say what is wrong, with file and line."""
    from engine.content.read_rights import RightsFolder, unknown_roles  # noqa: PLC0415 - only this reads them
    from engine.content.reading import FileReader  # noqa: PLC0415 - as above

    settings = settings_of(config, data)
    folder = RightsFolder(settings.path(settings.content.rights), FileReader(settings.path(Path())))
    spec = folder.read()
    warnings = [*folder.warnings, *unknown_roles(spec, settings.named_roles)]
    if as_json:
        errors = [{"where": one.where, "error": one.reason, "hint": one.hint} for one in folder.unavailable]
        emit_json({"errors": errors, "warnings": warnings})
    else:
        for one in folder.unavailable:
            say(f"{one.where}: {sentences(one.reason, one.hint)}")
        for warning in warnings:
            say(f"{warning} (warning)")
        counts = (len(spec.roles), len(spec.assignments), len(spec.mappings), len(spec.limits))
        say("{} roles, {} assignments, {} mappings, {} limits".format(*counts))
    if folder.unavailable:
        raise typer.Exit(Code.FAILED)
