"""`rule create|delete|enable|disable|enforcements`: rules made and switched, and what they did."""

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.client import Client
from bot.cli.output import emit_json, local_time, note, say, table
from bot.cli.rules import Rule
from bot.cli.site import Config, Data, Json, Url, connect


def create_rule(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The rule, YAML or JSON.")],
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Make a rule that has no file in a pack; what it starts runs as you."""
    from engine.yaml_reader import read_file  # noqa: PLC0415 - heavy

    _, document = read_file(file, name=str(file))
    made = connect(url, config, data).post("rules", body=document.value)
    emit_json(made) if as_json else say(made["ref"])


def delete_rule(
    rule: Rule, as_json: Json = False, url: Url = None, config: Config = None, data: Data = None
) -> None:
    """Remove a rule that has no file."""
    connect(url, config, data).delete("rules", rule)
    emit_json({"ref": rule, "deleted": True}) if as_json else note(f"{rule} is gone.")


def enable_rule(
    rule: Rule, as_json: Json = False, url: Url = None, config: Config = None, data: Data = None
) -> None:
    """Switch a rule on, also one of a file."""
    _switch(connect(url, config, data), rule, enabled=True, as_json=as_json)


def disable_rule(
    rule: Rule, as_json: Json = False, url: Url = None, config: Config = None, data: Data = None
) -> None:
    """Switch a rule off until it is enabled again."""
    _switch(connect(url, config, data), rule, enabled=False, as_json=as_json)


def _switch(client: Client, rule: str, *, enabled: bool, as_json: bool) -> None:
    found = client.get("rules", rule)
    changed = client.put("rules", rule, body={**found, "enabled": enabled})
    if as_json:
        emit_json(changed)
        return
    note(f"{changed['ref']} is {'enabled' if enabled else 'disabled'}.")


def list_enforcements(
    *,
    rule: Annotated[
        str | None, typer.Option("--rule", "-r", metavar="PACK.RULE", help="Only of this rule.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many; -1 for all.")] = 20,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """What rules did, newest first."""
    query = {"limit": limit, "rule_ref": rule}
    found = connect(url, config, data).get("ruleenforcements", query=query)
    if as_json:
        emit_json(found)
        return
    if not found:
        note("No rule has done anything yet.")
    rows = [
        (
            local_time(one["enforced_at"]) or "",
            one["rule"]["ref"],
            "held" if one.get("held") else one["status"],
            one.get("execution_id", ""),
            one["trigger_instance_id"],
            one.get("failure_reason", ""),
        )
        for one in found
    ]
    table(
        ("at", "rule", "status", "execution", "event", "reason"),
        rows,
        whole=("at", "rule", "execution", "event"),
    )


def add_to(app: typer.Typer) -> None:
    """The commands of this file among those of `rule`."""
    app.command("create")(create_rule)
    app.command("delete")(delete_rule)
    app.command("enable")(enable_rule)
    app.command("disable")(disable_rule)
    app.command("enforcements")(list_enforcements)
