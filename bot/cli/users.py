"""`user`: who may log in with a password. All but `logout` need no server, only the data folder."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.exits import Code, CommandError
from bot.cli.output import emit_json, note, say
from bot.cli.site import Config, Data, Json, Url, connect, operator, settings_of
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.user_changes import UserChanges
    from engine.user_file import UserFile

app = typer.Typer(no_args_is_help=True, help="People who log in with a password.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The user.")]


@app.command("add")
def add(
    name: Name,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    as_json: Json = False,
    config: Config = None,
    data: Data = None,
) -> None:
    """Give somebody a password, or a new one, which ends the tokens of the old one."""
    changes = _changes(config, data)
    is_new = changes.put(name, _password(from_stdin=password_stdin))
    if as_json:
        emit_json({"user": name, "new": is_new})
        return
    say(f"{name}  {'may log in' if is_new else 'has a new password'}")


@app.command("list")
def list_users(as_json: Json = False, config: Config = None, data: Data = None) -> None:
    """Everybody who has a password."""
    names = _file(config, data).names()
    if as_json:
        emit_json([{"user": name} for name in names])
        return
    for name in names:
        say(name)


@app.command("remove")
def remove(name: Name, as_json: Json = False, config: Config = None, data: Data = None) -> None:
    """Take the password of somebody away; their tokens end, their API keys do not."""
    _changes(config, data).remove(name)
    emit_json({"user": name, "removed": True}) if as_json else say(f"{name}  removed")


@app.command("logout")
def end_logins(
    name: Name, as_json: Json = False, url: Url = None, config: Config = None, data: Data = None
) -> None:
    """End all that somebody has logged in for: tokens, and sessions of the web chat. Asks the server."""
    ended = connect(url, config, data).post("tokens", "end_all", body={"user": name})
    if as_json:
        emit_json(ended)
        return
    say(f"{name}  logged out everywhere; {ended['tokens']} tokens ended")
    note("API keys go on: stormcrow apikey list. Who still has the password can log in again.")


def _file(config: Config, data: Data) -> "UserFile":
    # It brings the ciphers along, which are heavy.
    from engine.user_file import UserFile  # noqa: PLC0415

    return UserFile(_settings(config, data).data_folder / "users")


def _changes(config: Config, data: Data) -> "UserChanges":
    from engine.user_changes import UserChanges  # noqa: PLC0415 - heavy

    return UserChanges(_settings(config, data), actor=operator("command line"))


def _settings(config: Config, data: Data) -> Settings:
    settings = settings_of(config, data)
    if not settings.data_folder.is_dir():
        raise CommandError(
            Code.WRONG,
            f"There is no data folder {settings.data_folder}.",
            hint="Start the server once (stormcrow up), or name its folder (--data).",
        )
    return settings


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise CommandError(Code.WRONG, "There is no terminal to ask for a password.", hint="--password-stdin")
    given: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return given
