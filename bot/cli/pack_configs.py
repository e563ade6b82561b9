"""`pack config`: what a pack is told about this site, secrets masked."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from bot.cli.client import Client
from bot.cli.exits import Code, CommandError
from bot.cli.given import parameters_from
from bot.cli.output import emit_json, note, say, table
from bot.cli.site import Config, Data, Json, Url, connect

app = typer.Typer(no_args_is_help=True, help="Configurations of packs.")

Pack = Annotated[str, typer.Argument(metavar="PACK")]


@app.command("show")
def show_config(
    pack: Pack, as_json: Json = False, url: Url = None, config: Config = None, data: Data = None
) -> None:
    """The values of configs/PACK.yaml, and the defaults of what it leaves out."""
    client = connect(url, config, data)
    schema, values = _schema(client, pack), _values(client, pack)
    if as_json:
        emit_json(values)
        return
    names = [*values, *(name for name in schema if name not in values)]
    rows = [(name, *_row(name, values, schema.get(name))) for name in names]
    table(("key", "value", "from", "description"), rows, whole=("key",))
    missing = [row[0] for row in rows if row[2] == "missing"]
    if missing:
        note(f"Missing: {', '.join(missing)}. Set them: stormcrow pack config set {pack} NAME=VALUE")


def _row(name: str, values: Mapping[str, Any], schema: Mapping[str, Any] | None) -> tuple[str, str, str]:
    about = str((schema or {}).get("description") or "")
    if name in values:
        return _text(values[name]), "file", about if schema is not None else "(not in the schema)"
    if schema is not None and "default" in schema:
        return "********" if schema.get("secret") else _text(schema["default"]), "default", about
    return "", "missing" if schema is not None and schema.get("required") is True else "", about


def _text(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)


@app.command("set")
def set_config(
    pack: Pack,
    words: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...")],
    *,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Change values; the rest stays. @NAME=FILE takes a value from a file, NAME= takes it out."""
    client = connect(url, config, data)
    schema, values = _schema(client, pack), _values(client, pack)
    gone = {word.removesuffix("=") for word in words if word.endswith("=")}
    given = parameters_from([word for word in words if not word.endswith("=")], schema)
    wanted = {name: value for name, value in {**values, **given}.items() if name not in gone}
    made = client.put("configs", pack, body=wanted)
    emit_json(made["values"]) if as_json else say(f"{pack}  set: {', '.join(sorted({*given, *gone}))}")


def _schema(client: Client, pack: str) -> Mapping[str, Mapping[str, Any]]:
    client.get("packs", pack)
    found = _or_empty(client, "config_schemas", pack)
    schema: Mapping[str, Mapping[str, Any]] = found.get("attributes", {})
    return schema


def _values(client: Client, pack: str) -> Mapping[str, Any]:
    """With ******** for secrets, which the server takes for "as it is"."""
    values: Mapping[str, Any] = _or_empty(client, "configs", pack).get("values", {})
    return values


def _or_empty(client: Client, kind: str, pack: str) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = client.get(kind, pack)
    except CommandError as error:
        if error.code != Code.NOT_FOUND:
            raise
        return {}
    return found
