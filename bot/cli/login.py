"""`login` and `logout`: a token for this person on this machine, from an issuer or for a password."""

import base64
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.client import Client
from bot.cli.exits import Code, CommandError
from bot.cli.login_file import LoginFile
from bot.cli.output import emit_json, local_time, note, say
from bot.cli.site import Config, Data, Json, Url, logins_file, server_url, variable

if TYPE_CHECKING:
    pass


def login(
    with_: Annotated[
        str | None, typer.Option("--with", metavar="NAME", help="Of auth.oidc_logins, where it has several.")
    ] = None,
    user: Annotated[str | None, typer.Option(help="Log in with a password, as this user.")] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    device: Annotated[
        bool, typer.Option("--device", help="Show a code to type in on another machine, for ssh sessions.")
    ] = False,
    *,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Log in: from now on commands for that server run as you."""
    base = server_url(url, config, data)
    client = Client(base)
    if user is not None:
        pair = f"{user}:{_password(from_stdin=password_stdin)}"
        shown = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        shown = f"Bearer {_id_token(_way(client, with_), device=device)}"
    made = client.post("tokens", headers={"Authorization": shown})
    LoginFile(logins_file()).keep(base, token=made["token"], user=made["user"], expires_at=made["expiry"])
    if as_json:
        emit_json({"url": base, "user": made["user"], "expires_at": made["expiry"]})
        return
    say(f"{made['user']}  logged in at {base} until {local_time(made['expiry'])}")


def logout(as_json: Json = False, url: Url = None, config: Config = None, data: Data = None) -> None:
    """End the token of `login`, at the server and on this machine."""
    base = server_url(url, config, data)
    logins = LoginFile(logins_file())
    token = logins.last_token(base)
    trouble = _ended(base, token) if token else ""
    was_there = logins.drop(base)
    if as_json:
        emit_json({"url": base, "was_logged_in": was_there, "ended": bool(token) and not trouble})
        return
    say(f"{base}  logged out" if was_there else f"{base}  nobody was logged in here")
    if trouble:
        note(
            f"The token is forgotten here, but the server does not know: {trouble} It ends by itself in time."
        )


def _ended(base: str, token: str) -> str:
    """Why the server could not end it; empty: it did, or it was over."""
    try:
        Client(base, token).delete("tokens")
    except CommandError as error:
        return "" if error.status == 401 else error.message
    return ""


def _way(client: Client, name: str | None) -> dict[str, Any]:
    """The issuer that is meant. Raises CommandError."""
    ways: list[dict[str, Any]] = client.get("logins")
    found = [one for one in ways if name in (None, one["name"])]
    if len(found) == 1:
        return found[0]
    names = ", ".join(one["name"] for one in ways)
    if not ways:
        raise CommandError(
            Code.WRONG, "This server knows no issuer to log in with.", hint="With a password: --user NAME."
        )
    what = f"There is no way named {name!r}." if name else "There are several ways to log in."
    raise CommandError(Code.WRONG, what, hint=f"Say one: --with NAME, of {names}.")


def _id_token(way: dict[str, Any], *, device: bool) -> str:
    """Raises CommandError."""
    # OpenID Connect is heavy, and this is the one command that speaks it.
    from bot.cli.terminal_login import TerminalLogin  # noqa: PLC0415
    from engine.errors import Untrusted  # noqa: PLC0415

    asking = TerminalLogin(way["issuer"], client_id=way["client_id"], scopes=way["scopes"], tell=note)
    try:
        if device or (_is_far() and asking.knows_devices):
            return asking.by_device()
        return asking.by_browser()
    except Untrusted as error:
        raise CommandError(Code.NO_SERVER, f"{error.message}.", hint="stormcrow doctor logins") from error


def _is_far() -> bool:
    """Whether the browser is probably on another machine than we."""
    return bool(variable("SSH_CONNECTION")) and not variable("DISPLAY")


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise CommandError(Code.WRONG, "There is no terminal to ask for a password.", hint="--password-stdin")
    given: str = typer.prompt("Password", hide_input=True, err=True)
    return given
