"""Where the settings and the server of this command are: options, variables, config.yaml.

The one file of the command line that reads the environment.
"""

import os
import pwd
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from bot.cli.client import Client
from bot.cli.exits import Code, CommandError
from bot.cli.login_file import LoginFile
from engine.settings import Settings, local_url

if TYPE_CHECKING:
    from engine.records.audit import Actor

CONFIG_FILE = Path("config.yaml")

Config = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="config.yaml; ./config.yaml when it is there.")
]
Data = Annotated[Path | None, typer.Option("--data", metavar="DIR", help="Data folder, over the setting.")]
Url = Annotated[
    str | None, typer.Option("--url", help="Server; STORMCROW_URL, or this machine's when left out.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def settings_of(config: Path | None, data: Path | None = None) -> Settings:
    """The settings that this command works with. Raises BadSettings."""
    # Reading YAML is heavy; a command that has URL and key from the environment does without.
    from engine.configuration import read_settings  # noqa: PLC0415

    settings = read_settings(config_file(config), os.environ)
    if data is None:
        return settings
    return replace(settings, store=replace(settings.store, data=data.absolute()))


def config_file(config: Path | None) -> Path | None:
    """`config`, STORMCROW_CONFIG, ./config.yaml, or None when there is none of them."""
    named = config or Path(os.environ.get("STORMCROW_CONFIG", ""))
    if named != Path():
        return named
    return CONFIG_FILE if CONFIG_FILE.exists() else None


def connect(url: str | None = None, config: Path | None = None, data: Path | None = None) -> Client:
    """A client of the server that is meant. Raises CommandError when there is no key for it."""
    return Client(*address(url, config, data))


def address(url: str | None, config: Path | None, data: Path | None) -> tuple[str, str]:
    """URL and key, or the token of `stormcrow login`. Raises CommandError."""
    named = url or os.environ.get("STORMCROW_URL")
    key = os.environ.get("STORMCROW_API_KEY")
    if named and key:
        return named.rstrip("/"), key
    settings = settings_of(config, data)
    base = (named or running_url(settings)).rstrip("/")
    return base, key or LoginFile(logins_file()).token(base) or _admin_key(settings, base)


def logins_file() -> Path:
    """Where the tokens of `stormcrow login` are."""
    folder = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(folder).expanduser() / "stormcrow" / "logins.json"


def server_url(url: str | None, config: Path | None, data: Path | None) -> str:
    """The server's address alone, for those who need no key."""
    named = url or os.environ.get("STORMCROW_URL")
    return (named or running_url(settings_of(config, data))).rstrip("/")


def running_url(settings: Settings) -> str:
    """Where the server with this data folder listens; it says so there while it runs."""
    try:
        return (settings.data_folder / "server.url").read_text(encoding="utf-8").strip()
    except OSError:
        return local_url(settings)


def _admin_key(settings: Settings, base: str) -> str:
    if base != running_url(settings) and (urlsplit(base).hostname or "") not in (
        "127.0.0.1",
        "localhost",
        "::1",
    ):
        # The key of this machine's server is nothing for another machine to see.
        raise CommandError(
            Code.NO_SERVER,
            f"There is no API key for {base}.",
            hint="Set STORMCROW_API_KEY to one of its keys.",
        )
    path = settings.data_folder / "admin.key"
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError as error:
        raise CommandError(
            Code.NO_SERVER,
            f"There is no API key: {path} does not exist.",
            hint="Start the server once (stormcrow up), name its folder (--data), or set STORMCROW_API_KEY.",
        ) from error
    except OSError as error:
        raise CommandError(
            Code.NO_SERVER, f"{path} cannot be read: {error.strerror}.", hint="Set STORMCROW_API_KEY."
        ) from error


def variable(name: str) -> str:
    """Empty where it is not set."""
    return os.environ.get(name, "")


def systemd() -> tuple[str, float]:
    """The address at which systemd hears us, empty without one, and its watchdog's time in seconds, or 0."""
    watchdog = os.environ.get("WATCHDOG_USEC", "")
    meant = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    return os.environ.get("NOTIFY_SOCKET", ""), int(watchdog) / 1e6 if meant and watchdog.isdigit() else 0.0


def wants_colour() -> bool:
    """NO_COLOR, set to anything, turns colours off (no-color.org)."""
    return not os.environ.get("NO_COLOR")


def operator(via: str) -> "Actor":
    """The account of this machine that we run as, for the audit; with sudo, whose it was."""
    from engine.records.audit import Actor  # noqa: PLC0415 - heavy

    uid = os.getuid()
    try:
        account = pwd.getpwuid(uid).pw_name
    except KeyError:
        account = str(uid)
    # Only root could make it up, who can do anything.
    before = os.environ.get("SUDO_USER", "") if uid == 0 else ""
    return Actor(user=before or account, via=via, account=f"os.{account}")


def login_name() -> str:
    """The name of the account that we run as, for chat."""
    return os.environ.get("USER") or os.environ.get("LOGNAME") or "me"
