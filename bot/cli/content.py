"""`action`, `alias` and `pack`: what the server knows, and checks that need no server."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.cli import local
from bot.cli.client import Client
from bot.cli.exits import Code, CommandError
from bot.cli.output import emit_json, fields, local_time, note, paint, say, table
from bot.cli.site import Config, Data, Json, Url, connect, settings_of
from engine.errors import sentences

actions = typer.Typer(no_args_is_help=True, help="Actions: what can be run.")
aliases = typer.Typer(no_args_is_help=True, help="Aliases: the commands of the chat.")
packs = typer.Typer(no_args_is_help=True, help="Packs: where actions and aliases come from.")

Pack = Annotated[str | None, typer.Option("--pack", "-p", metavar="PACK", help="Only of this pack.")]


# actions


@actions.command("list")
def list_actions(
    pack: Pack = None, as_json: Json = False, url: Url = None, config: Config = None, data: Data = None
) -> None:
    """All actions."""
    query = {"limit": -1, "pack": pack, "include_attributes": "ref,pack,description,runner_type,enabled"}
    found = connect(url, config, data).get("actions", query=query)
    if as_json:
        emit_json(found)
        return
    rows = [(one["ref"], one["runner_type"], one.get("description", "")) for one in found]
    table(("action", "runner", "description"), rows, whole=("action",))
    _tell_unavailable(url, config, data, "action", pack)


@actions.command("show")
def show_action(
    action: Annotated[str, typer.Argument(metavar="PACK.ACTION")],
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """One action and its parameters."""
    found = connect(url, config, data).get("actions", "views", "overview", action)
    if as_json:
        emit_json(found)
        return
    names = ("ref", "description", "runner_type", "enabled", "entry_point", "metadata_file")
    fields({name.replace("_", " "): found.get(name) for name in names})
    say()
    ordered = sorted(found["parameters"].items(), key=_importance)
    rows = [
        (name, schema["type"], _default(schema), schema.get("description", "")) for name, schema in ordered
    ]
    table(("parameter", "type", "default", "description"), rows, whole=("parameter", "type"))


def _importance(item: tuple[str, Mapping[str, Any]]) -> tuple[bool, float, str]:
    name, schema = item
    return schema.get("required") is not True, schema.get("position", 1e9), name


def _default(schema: Mapping[str, Any]) -> str:
    if schema.get("required") is True and schema.get("default") is None:
        return "required"
    if schema.get("immutable"):
        return f"fixed {schema.get('default')}"
    return "" if schema.get("default") is None else str(schema["default"])


# aliases


@aliases.command("list")
def list_aliases(
    pack: Pack = None, as_json: Json = False, url: Url = None, config: Config = None, data: Data = None
) -> None:
    """All commands of the chat."""
    client = connect(url, config, data)
    if as_json:
        emit_json(client.get("actionalias", query={"limit": -1, "pack": pack}))
        return
    found = client.get("actionalias", "help", query={"limit": 0, "pack": pack})
    rows = [(one["display"], one["pack"], one.get("description") or "") for one in found["helpstrings"]]
    table(("command", "pack", "description"), rows)
    _tell_unavailable(url, config, data, "alias", pack)


@aliases.command("match")
def match_alias(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="A chat text, without the prefix.")],
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Which alias would answer a text; nothing is run."""
    found = connect(url, config, data).post("actionalias", "match", body={"command": text})
    if as_json:
        emit_json(found)
        return
    alias = found["actionalias"]
    shown = {"alias": alias["ref"], "action": alias["action_ref"], "command": found.get("display")}
    fields({**shown, "format": found["representation"]})


@aliases.command("test")
def try_format(
    format: Annotated[str, typer.Option("--format", "-F", metavar="F", help="The format of an alias.")],
    text: Annotated[str, typer.Option("--text", "-t", metavar="T", help="A chat text.")],
    match_multiple: Annotated[
        bool, typer.Option("--match-multiple", help="Every match in the text.")
    ] = False,
    as_json: Json = False,
) -> None:
    """What a format takes from a text; needs no server."""
    outcome = local.extract(format, text, every=match_multiple)
    if as_json:
        emit_json(outcome)
    elif "error" in outcome:
        note(outcome["error"]["message"])
    else:
        for found in outcome["params"] if match_multiple else [outcome["params"]]:
            fields({name: "(none)" if value is None else value for name, value in found.items()})
    raise typer.Exit(Code.FAILED if "error" in outcome else Code.OK)


# packs


@packs.command("list")
def list_packs(as_json: Json = False, url: Url = None, config: Config = None, data: Data = None) -> None:
    """All packs, and what of them could not be used."""
    found = connect(url, config, data).get("packs", query={"limit": -1})
    if as_json:
        emit_json(found)
        return
    rows = [(one["ref"], one["version"], one.get("description", "")) for one in found]
    table(("pack", "version", "description"), rows, whole=("pack",))
    _tell_unavailable(url, config, data, None, None)


@packs.command("show")
def show_pack(
    pack: Annotated[str, typer.Argument(metavar="PACK")],
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """One pack, where it is from, and its content; or what the index knows of it."""
    client = connect(url, config, data)
    try:
        found = client.get("packs", pack)
    except CommandError as error:
        if error.code != Code.NOT_FOUND or not _show_entry(client, pack, as_json=as_json):
            raise
        return
    query = {"limit": -1, "pack": pack, "include_attributes": "ref,description"}
    content = {
        kind: client.get(kind, query=query) for kind in ("actions", "actionalias", "rules", "sensortypes")
    }
    if as_json:
        emit_json({**found, "content": content})
        return
    names = ("ref", "name", "description", "version", "author", "email", "keywords", "dependencies", "path")
    came = found.get("installed") or {}
    origin = {"from": came.get("location"), "commit": came.get("commit")}
    installed = local_time(came.get("installed_at"))
    fields({**{name: _listed(found.get(name)) for name in names}, **origin, "installed": installed})
    if found.get("lock"):
        say()
        say("ENVIRONMENT")
        for line in found["lock"]:
            say(line)
    for kind, title in (
        ("actions", "action"),
        ("actionalias", "alias"),
        ("rules", "rule"),
        ("sensortypes", "sensor"),
    ):
        if content[kind]:
            say()
            table((title, "description"), [(one["ref"], one.get("description", "")) for one in content[kind]])
    _tell_unavailable(url, config, data, None, pack)


def _show_entry(client: Client, pack: str, *, as_json: bool) -> bool:
    """A pack that is not installed, as the index has it; False when it has none of that name."""
    found = client.post("packs", "index", "search", body={"pack": pack}, timeout_s=60)
    if not found:
        return False
    if as_json:
        emit_json(found)
        return True
    names = ("ref", "name", "description", "version", "author", "repo_url")
    fields({name.replace("_", " "): found.get(name) for name in names})
    note(f"It is not installed: stormcrow pack install {pack}")
    return True


def _listed(value: Any) -> Any:
    return ", ".join(str(item) for item in value) if isinstance(value, list) else value


@packs.command("check")
def check_pack(
    path: Annotated[Path | None, typer.Argument(help="A pack's folder; all packs when left out.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")] = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Read packs as the server would, and report what is wrong; needs no server."""
    findings = local.check_packs(settings_of(config), path)
    if as_json:
        emit_json([local.as_document(finding) for finding in findings])
    else:
        for finding in findings:
            say(f"{finding.where}: {paint(finding.severity)}: {sentences(finding.text, finding.hint)}")
        errors = sum(finding.severity == "error" for finding in findings)
        note(f"{errors} errors, {len(findings) - errors} warnings.")
    bad = any(strict or finding.severity == "error" for finding in findings)
    raise typer.Exit(Code.FAILED if bad else Code.OK)


@packs.command("setup")
def setup_packs(
    names: Annotated[list[str], typer.Argument(metavar="PACK...")],
    python: Annotated[
        str | None,
        typer.Option("--python", metavar="PYTHON", help="Interpreter: a version, as 3.10, or a path."),
    ] = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Build the virtual environments of packs, as their Python actions need them; needs no server."""
    for line in local.set_up_packs(settings_of(config, data), names, python=python):
        say(line)


def _tell_unavailable(
    url: str | None, config: Path | None, data: Path | None, kind: str | None, pack: str | None
) -> None:
    query = {"limit": -1, "pack": pack, "kind": kind}
    shown = connect(url, config, data).get("unavailable", query=query)
    if shown:
        note("")
        note(f"{len(shown)} unavailable:")
    for one in shown:
        note(f"  {one['where']}: {one['reason']} {one['hint']}".rstrip())
