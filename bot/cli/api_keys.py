"""`apikey`: keys that open the server: made, limited, listed, rotated and revoked."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from bot.cli.exits import Code, CommandError
from bot.cli.output import emit_json, local_time, note, say, table
from bot.cli.site import Config, Data, Json, Url, connect

app = typer.Typer(no_args_is_help=True, help="API keys: who may ask the server.")
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_LENGTH = re.compile(r"(\d{1,6})([smhdw])")


@app.command("create")
def create(
    *,
    user: Annotated[str | None, typer.Option(help="Whose key; yours when left out.")] = None,
    description: Annotated[str, typer.Option("--description", "-d", help="What it is for.")] = "",
    action: Annotated[
        list[str] | None,
        typer.Option(help="It runs and sees this action only, or deploy.*; may be repeated."),
    ] = None,
    webhook: Annotated[
        list[str] | None, typer.Option(help="It posts to this webhook only; may be repeated.")
    ] = None,
    right: Annotated[
        list[str] | None,
        typer.Option(help="It has this right only: a permission type, or `read`; may be repeated."),
    ] = None,
    expires: Annotated[str, typer.Option(metavar="TIME", help="How long it is good: 12h, 90d.")] = "",
    address: Annotated[
        list[str] | None,
        typer.Option("--from", metavar="NETWORK", help="Good only from 10.0.0.0/8; may be repeated."),
    ] = None,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Make a key; it is shown this once. With --action, --webhook or --right it opens nothing else."""
    given: dict[str, Any] = {
        "user": user,
        "metadata": {"description": description} if description else None,
        "actions": action,
        "webhooks": webhook,
        "rights": right,
        "addresses": address,
        "ttl": seconds(expires) if expires else None,
    }
    body = {name: value for name, value in given.items() if value not in (None, [])}
    made = connect(url, config, data).post("apikeys", body=body)
    if as_json:
        emit_json(made)
        return
    say(made["key"])
    note(f"The key of {made['user']} (id {made['id']}){_told(made)}. Keep it: it is not shown again.")


@app.command("list")
def list_keys(as_json: Json = False, url: Url = None, config: Config = None, data: Data = None) -> None:
    """The keys that you may see, without the keys themselves."""
    found = connect(url, config, data).get("apikeys", query={"limit": -1})
    if as_json:
        emit_json(found)
        return
    rows = [
        (
            one["id"],
            one.get("prefix") or "",
            one["user"],
            _state(one),
            _used(one),
            local_time(one["expires_at"]) if one.get("expires_at") else "never",
            _about(one),
        )
        for one in found
    ]
    names = ("id", "begins with", "user", "state", "last used", "expires", "about")
    table(names, rows, whole=("id", "begins with", "state", "last used", "expires"))


@app.command("rotate")
def rotate(
    *,
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The id, as the list shows it.")],
    grace: Annotated[
        str, typer.Option(metavar="TIME", help="How long the old key is good for yet: 0s, 1h, 7d.")
    ] = "24h",
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Make a new key in place of one, with the same limits; it is shown this once."""
    made = connect(url, config, data).post("apikeys", key_id, "rotate", body={"grace_s": seconds(grace)})
    if as_json:
        emit_json(made)
        return
    say(made["key"])
    note(f"The new key of {made['user']} (id {made['id']}). {key_id} ends in {grace}.")


@app.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The id, as the list shows it.")],
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Remove a key; it opens nothing from now on."""
    connect(url, config, data).delete("apikeys", key_id)
    emit_json({"id": key_id, "revoked": True}) if as_json else say(f"{key_id}  revoked")


def seconds(text: str) -> int:
    """From 90d, 12h, 30m ... Raises CommandError."""
    found = _LENGTH.fullmatch(text.strip())
    if found is None:
        raise CommandError(Code.WRONG, f"{text!r} is no length of time.", hint="Write 30m, 12h, 90d or 4w.")
    return int(found[1]) * _UNITS_S[found[2]]


def _state(one: dict[str, Any]) -> str:
    end = one.get("expires_at")
    if end and datetime.fromisoformat(end) <= datetime.now(UTC):
        return "expired"
    return "enabled" if one["enabled"] else "disabled"


def _used(one: dict[str, Any]) -> str:
    if not one.get("last_used_at"):
        return "never"
    address = one.get("last_used_from")
    return local_time(one["last_used_at"]) + (f" from {address}" if address else "")


def _told(one: dict[str, Any]) -> str:
    limits = _limits(one)
    return f", for {limits} only" if limits else ""


def _about(one: dict[str, Any]) -> str:
    told = [f"{name}: {value}" for name, value in one["metadata"].items()]
    limits = _limits(one)
    return ", ".join([*told, *([f"only {limits}"] if limits else [])])


def _limits(one: dict[str, Any]) -> str:
    named = [*(one.get("actions") or ()), *(f"webhook {url}" for url in one.get("webhooks") or ())]
    return " ".join(
        [*named, *(one.get("rights") or ()), *(f"from {it}" for it in one.get("addresses") or ())]
    )
