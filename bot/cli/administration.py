"""`up`, `chat`, `reload` and `config`: running the server and opening it to people."""

import gc
import signal
import sys
from dataclasses import replace
from types import FrameType
from typing import Annotated

import typer

from bot.cli.output import emit_json, note, say
from bot.cli.site import (
    Config,
    Data,
    Json,
    Url,
    address,
    config_file,
    connect,
    login_name,
    settings_of,
    systemd,
)
from engine.settings import local_url

settings_commands = typer.Typer(no_args_is_help=True, help="The settings.")

# Of StackStorm; its API is on 9101, as ours is.
AUTH_PORT = 9100
STREAM_PORT = 9102


def up(
    config: Config = None,
    data: Data = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="TCP port, over the setting.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on, over the setting.")] = None,
    *,
    compat_ports: Annotated[
        bool,
        typer.Option("--compat-ports", help="Also on 9100 (logins) and 9102 (stream), as StackStorm."),
    ] = False,
) -> None:
    """Start the server; it runs until it is stopped."""
    # A start makes many objects and drops few: the collector would walk through them for nothing.
    gc.disable()
    # The server needs everything, the other commands little.
    from bot.app import App, run  # noqa: PLC0415 - as said above
    from bot.systemd import Systemd  # noqa: PLC0415 - as said above

    # Code stands for good: the collector, which runs before the door opens, need not walk through it.
    gc.freeze()
    address, watchdog_s = systemd()

    def announce(app: App) -> None:
        """Where we are, on standard output; the key of the first start, this once, to a person only."""
        url = local_url(app.settings)
        say(url)
        note(f"Chat: {url}/chat   In a terminal: stormcrow chat   Stop: Ctrl-C")
        if app.engine.admin_key:
            kept = app.engine.folder / "admin.key"
            # What is not a terminal is a log, and others read it.
            if sys.stderr.isatty():
                note(f"The admin key, shown this once and kept in {kept}:")
                note(app.engine.admin_key)
            else:
                note(f"The admin key is in {kept}.")
        told = Systemd(
            address,
            watchdog_s=watchdog_s,
            is_alive=lambda: all(one.is_ok for one in app.engine.watching.health.alive()),
        )
        told.ready()
        app.at_stop("systemd", told.stopping)

    settings = settings_of(config, data)
    server = settings.server
    if port is not None:
        server = replace(server, port=port)
    if host is not None:
        server = replace(server, host=host)
    if compat_ports:
        server = replace(
            server,
            auth_port=server.auth_port or AUTH_PORT,
            stream_port=server.stream_port or STREAM_PORT,
        )
    # uvicorn raises a signal again once it has let go: this ends the command in order then, and at
    # any moment before it listens.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    run(replace(settings, server=server), announce=announce)


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def chat(
    user: Annotated[str | None, typer.Option(help="Name to chat as; your account's when left out.")] = None,
    channel: Annotated[str, typer.Option(help="Channel to write in.")] = "ops",
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Chat with the running server; piped lines are sent one by one."""
    from bot.adapters.terminal import run_terminal  # noqa: PLC0415 - only this command chats

    server, key = address(url, config, data)
    raise typer.Exit(run_terminal(server, key, user or login_name(), channel))


def reload(as_json: Json = False, url: Url = None, config: Config = None, data: Data = None) -> None:
    """Have the server read packs and aliases anew."""
    client = connect(url, config, data)
    counts = client.post("packs", "register")
    broken = client.get("unavailable", query={"limit": -1})
    if as_json:
        emit_json({**counts, "unavailable": broken})
        return
    known = ("packs", "actions", "aliases", "rules", "sensors", "triggers")
    say("  ".join(f"{counts[name]} {name}" for name in known))
    for one in broken:
        note(f"unavailable: {one['where']}: {one['reason']} {one['hint']}".rstrip())


@settings_commands.command("check")
def check_config(config: Config = None, as_json: Json = False) -> None:
    """Read the settings as the server would; exit code 2 when they are wrong. Needs no server."""
    settings_of(config)
    file = config_file(config)
    if as_json:
        emit_json({"ok": True, "file": str(file) if file else None})
        return
    say(f"{file}: ok" if file else "ok; there is no config.yaml here, so every key has its default")


@settings_commands.command("show")
def show_config(config: Config = None, as_json: Json = False) -> None:
    """The settings in force, secrets masked. Needs no server."""
    from engine.configuration import show  # noqa: PLC0415 - heavy

    text = show(settings_of(config))
    if not as_json:
        say(text.rstrip("\n"))
        return
    import yaml  # noqa: PLC0415 - heavy

    emit_json(yaml.safe_load(text))
