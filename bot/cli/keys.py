"""`key`: the datastore, and the key that its secrets are sealed with."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.cli.exits import Code, CommandError
from bot.cli.given import seconds
from bot.cli.key_files import bodies
from bot.cli.output import emit_json, local_time, note, say, table
from bot.cli.site import Config, Data, Json, Url, connect

# Sealing much anew takes its time, in seconds.
ROTATION_S = 3600.0

app = typer.Typer(no_args_is_help=True, help="Datastore keys, plain and secret.")

Name = Annotated[str, typer.Argument(metavar="NAME")]
Scope = Annotated[str, typer.Option("--scope", "-s", metavar="system|user", help="Whose key it is.")]
User = Annotated[
    str | None, typer.Option("--user", "-u", help="Owner in the scope user; for the administrator.")
]
Decrypt = Annotated[bool, typer.Option("--decrypt", "-d", help="Show secrets in clear; the server logs it.")]
IfValue = Annotated[
    str | None, typer.Option("--if-value", metavar="V", help="Only when the key holds just this value.")
]
File = Annotated[Path, typer.Argument(metavar="FILE", help="JSON or YAML: a list of keys.")]


@app.command("list")
def list_keys(
    *,
    scope: Annotated[
        str, typer.Option("--scope", "-s", metavar="system|user|all", help="Whose keys.")
    ] = "all",
    user: User = None,
    prefix: Annotated[str | None, typer.Option("--prefix", help="Only names that begin so.")] = None,
    count: Annotated[int, typer.Option("-n", "--limit", help="How many of a scope; -1 for all.")] = -1,
    decrypt: Decrypt = False,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Keys by name."""
    query = {"scope": scope, "user": user, "prefix": prefix, "limit": count, "decrypt": str(decrypt).lower()}
    found = connect(url, config, data).get("keys", query=query)
    if as_json:
        emit_json(found)
        return
    rows = [
        (
            one["name"],
            _shown(one),
            one["scope"].removeprefix("st2kv."),
            one.get("user", ""),
            local_time(one.get("expire_timestamp")),
        )
        for one in found
    ]
    table(("name", "value", "scope", "user", "until"), rows, whole=("name",))


def _shown(key: dict[str, Any]) -> str:
    return "(secret)" if key["encrypted"] else str(key["value"])


@app.command("get")
def get_key(
    name: Name,
    *,
    scope: Scope = "system",
    user: User = None,
    decrypt: Decrypt = False,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """The value of a key; of a secret one the sealed text, without --decrypt."""
    query = {"scope": scope, "user": user, "decrypt": str(decrypt).lower()}
    found = connect(url, config, data).get("keys", name, query=query)
    emit_json(found) if as_json else say(found["value"])


@app.command("set")
def set_key(
    name: Name,
    value: Annotated[
        str | None, typer.Argument(metavar="[VALUE]", help="Left out: read from standard input.")
    ] = None,
    *,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", metavar="FILE", help="Take the value from a file.")
    ] = None,
    scope: Scope = "system",
    user: User = None,
    secret: Annotated[
        bool | None,
        typer.Option("--secret/--no-secret", "-e", help="Seal it; when left out a secret stays one."),
    ] = None,
    ttl: Annotated[
        str | None, typer.Option("--ttl", "-l", metavar="TIME", help="How long it lives: 90s, 15m, 2h.")
    ] = None,
    description: Annotated[str | None, typer.Option("--description", help="What it is for.")] = None,
    if_value: IfValue = None,
    if_absent: Annotated[bool, typer.Option("--if-absent", help="Only when there is no such key.")] = False,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Make or replace a key. With --if-value or --if-absent exit code 1 says that it was not so."""
    body: dict[str, Any] = {"name": name, "value": _given(value, file), "scope": scope}
    if user is not None:
        body["user"] = user
    if secret is not None:
        body["secret"] = secret
    if ttl is not None:
        body["ttl"] = max(1, round(seconds(ttl)))
    if description is not None:
        body["description"] = description
    if if_value is not None or if_absent:
        body["if_value"] = None if if_absent else if_value
    with _Conditional():
        made = connect(url, config, data).put("keys", name, body=body)
    emit_json(made) if as_json else say(f"{name}  set")


def _given(value: str | None, file: Path | None) -> str:
    if value is not None and file is not None:
        raise CommandError(Code.WRONG, "Give the value or a file, not both.")
    if value is not None:
        return value
    try:
        # A line break at the end is the editor's or the terminal's.
        text = sys.stdin.read() if file is None else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(Code.WRONG, f"The value cannot be read: {error}") from error
    value = text.removesuffix("\n").removesuffix("\r")
    if not value:
        raise CommandError(
            Code.WRONG,
            f"{'Standard input' if file is None else file} holds no value.",
            hint="A value that is meant to be empty is written as '' after the name.",
        )
    return value


class _Conditional:
    """A condition that did not hold is no wrong use."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, CommandError) and error.status == 409:
            raise CommandError(Code.FAILED, error.message, hint=error.hint) from error


@app.command("delete")
def delete_key(
    name: Name,
    *,
    scope: Scope = "system",
    user: User = None,
    if_value: IfValue = None,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Remove a key. With --if-value exit code 1 says that it was not so."""
    body = {} if if_value is None else {"if_value": if_value}
    with _Conditional():
        connect(url, config, data).delete("keys", name, query={"scope": scope, "user": user}, body=body)
    emit_json({"name": name, "deleted": True}) if as_json else say(f"{name}  deleted")


@app.command("load")
def load_keys(
    file: File,
    *,
    convert: Annotated[
        bool, typer.Option("--convert", "-c", help="Store values that are no text as JSON text.")
    ] = False,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Set the keys that a file names: name, value, scope, user, secret, ttl, description."""
    client = connect(url, config, data)
    _report([client.put("keys", body["name"], body=body) for body in bodies(file, convert=convert)], as_json)


@app.command("import")
def import_keys(
    file: File,
    *,
    st2_key: Annotated[
        Path | None,
        typer.Option("--st2-key", metavar="KEYFILE", help="StackStorm's key file, for encrypted values."),
    ] = None,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Take over what `st2 key list -n -1 --scope all -j` printed; encrypted values stay secrets.

    Without --st2-key the server opens them, with the file that its setting datastore.st2_key_file names.
    """
    client = connect(url, config, data)
    wanted = bodies(file, convert=True, st2_key=st2_key)
    _report([client.put("keys", body["name"], body=body) for body in wanted], as_json)


def _report(made: list[Any], as_json: bool) -> None:
    if as_json:
        emit_json(made)
        return
    secrets = sum(one["secret"] for one in made)
    say(f"{len(made)} keys set, {secrets} of them secret")


@app.command("rotate")
def rotate_key(
    leaked: Annotated[
        bool, typer.Option("--leaked", help="End sessions and the tokens of running actions at once.")
    ] = False,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Make a new secret key, and seal everything anew with it, while the server runs."""
    outcome = connect(url, config, data).post(
        "secret_key", "rotate", body={"leaked": leaked}, timeout_s=ROTATION_S
    )
    if as_json:
        emit_json(outcome)
    else:
        say(f"The new key is {outcome['key_id']}; {outcome['resealed']} secrets are sealed with it.")
    if outcome["failed"]:
        note(f"{outcome['failed']} secrets did not open and are left alone; the server's log names them.")
        raise typer.Exit(Code.FAILED)
