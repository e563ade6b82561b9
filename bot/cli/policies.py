"""`policy list|show|types|enable|disable`."""

from typing import Annotated, Any

import typer

from bot.cli.client import Client
from bot.cli.output import emit_json, fields, note, say, table
from bot.cli.site import Config, Data, Json, Url, connect

app = typer.Typer(no_args_is_help=True, help="Policies: limits and retries of actions.")

Policy = Annotated[str, typer.Argument(metavar="PACK.POLICY")]


@app.command("list")
def list_policies(
    *,
    pack: Annotated[
        str | None, typer.Option("--pack", "-p", metavar="PACK", help="Only of this pack.")
    ] = None,
    action: Annotated[
        str | None, typer.Option("--action", "-a", metavar="PACK.ACTION", help="Only on this action.")
    ] = None,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """All policies, by what they are put on."""
    query = {"limit": -1, "pack": pack, "resource_ref": action}
    found = connect(url, config, data).get("policies", query=query)
    if as_json:
        emit_json(found)
        return
    if not found:
        note("No policies.")
    found.sort(key=lambda one: (one["resource_ref"], one["ref"]))
    rows = [
        (one["ref"], one["resource_ref"], one["policy_type"], _given(one), "yes" if one["enabled"] else "no")
        for one in found
    ]
    table(("policy", "action", "type", "parameters", "enabled"), rows, whole=("policy", "action"))


def _given(policy: dict[str, Any]) -> str:
    return " ".join(
        f"{name}={','.join(map(str, value)) if isinstance(value, list) else value}"
        for name, value in policy["parameters"].items()
    )


@app.command("show")
def show_policy(
    policy: Policy, as_json: Json = False, url: Url = None, config: Config = None, data: Data = None
) -> None:
    """One policy, and what its parameters mean."""
    client = connect(url, config, data)
    found = client.get("policies", policy)
    if as_json:
        emit_json(found)
        return
    kind = client.get("policytypes", found["policy_type"])
    fields(
        {
            "ref": found["ref"],
            "description": found["description"],
            "action": found["resource_ref"],
            "type": f"{found['policy_type']}: {kind['description']}",
            "enabled": "yes" if found["enabled"] else "no",
            "file": found["metadata_file"],
        }
    )
    say()
    rows = [
        (name, str(found["parameters"].get(name, "")), schema.get("description", ""))
        for name, schema in kind["parameters"].items()
    ]
    table(("parameter", "value", "meaning"), rows, whole=("parameter", "value"))


@app.command("types")
def list_types(as_json: Json = False, url: Url = None, config: Config = None, data: Data = None) -> None:
    """What kinds of policies there are."""
    found = connect(url, config, data).get("policytypes", query={"limit": -1})
    if as_json:
        emit_json(found)
        return
    rows = [(one["ref"], " ".join(one["parameters"]), one["description"]) for one in found]
    table(("type", "parameters", "description"), rows, whole=("type", "parameters"))


@app.command("enable")
def enable(
    policy: Policy, as_json: Json = False, url: Url = None, config: Config = None, data: Data = None
) -> None:
    """Switch a policy on, also one of a file."""
    _switch(connect(url, config, data), policy, enabled=True, as_json=as_json)


@app.command("disable")
def disable(
    policy: Policy, as_json: Json = False, url: Url = None, config: Config = None, data: Data = None
) -> None:
    """Switch a policy off until it is enabled again; who waits for it starts."""
    _switch(connect(url, config, data), policy, enabled=False, as_json=as_json)


def _switch(client: Client, policy: str, *, enabled: bool, as_json: bool) -> None:
    found = client.get("policies", policy)
    changed = client.put("policies", policy, body={**found, "enabled": enabled})
    if as_json:
        emit_json(changed)
    else:
        say(f"{changed['ref']} is {'enabled' if enabled else 'disabled'}.")
