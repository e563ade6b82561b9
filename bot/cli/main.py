"""The `stormcrow` command: every subcommand by name, and one place where errors become exit codes."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from bot.cli.exits import Code, CommandError
from bot.cli.on_demand import OnDemand
from bot.cli.output import note, say
from engine.errors import BadContent, BadInput, BadSettings, EngineError, NotFound, sentences

# The file of bot/cli and the name in it, in the order of the help. A command imports its own file, and
# not those of forty others: that was half the time of a short one.
PLACES = {
    "up": "administration:up",
    "chat": "administration:chat",
    "run": "running:run",
    "mcp": "agents:mcp",
    "sim": "sims:sim",
    "reload": "administration:reload",
    "login": "login:login",
    "logout": "login:logout",
    "purge": "purging:purge",
    "status": "status:status",
    "doctor": "doctor:doctor",
    "execution": "executions:app",
    "inquiry": "inquiries:app",
    "callback": "callbacks:app",
    "action": "content:actions",
    "alias": "content:aliases",
    "pack": "pack_commands:app",
    "sensor": "sensors:app",
    "webhook": "webhooks:app",
    "alert": "alerts:app",
    "trigger": "triggers:app",
    "schedule": "schedules:app",
    "workflow": "workflows:app",
    "policy": "policies:app",
    "trace": "traces:app",
    "rule": "rule_commands:app",
    "config": "administration:settings_commands",
    "key": "keys:app",
    "apikey": "api_keys:app",
    "user": "users:app",
    "account": "accounts:app",
    "rights": "rights:app",
    "audit": "audit:app",
    "slack": "slack:app",
    "import": "imports:app",
    "dev": "dev:app",
}


class Commands(TyperGroup):
    """Turns what a command raises into a message on standard error and an exit code."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = OnDemand(PLACES)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except CommandError as error:
            code, text = error.code, sentences(error.message, error.hint)
        except EngineError as error:
            code, text = code_for(error), str(error)
        except OSError as error:
            # Of a file or the network it is told where it happens; what is left is our own output.
            code, text = Code.WRONG, f"Not all could be written: {error.strerror or error}."
        except KeyboardInterrupt:
            code, text = Code.INTERRUPTED, ""
        if text:
            note(text.rstrip())
        raise typer.Exit(code)


def code_for(error: EngineError) -> Code:
    if isinstance(error, NotFound):
        return Code.NOT_FOUND
    return Code.WRONG if isinstance(error, BadSettings | BadInput | BadContent) else Code.NO_SERVER


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib import metadata  # noqa: PLC0415 - slow, and rarely asked for

        say(metadata.version("stormcrow"))
        raise typer.Exit


app = typer.Typer(
    cls=Commands,
    name="stormcrow",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="A chat bot standing on an embedded, StackStorm-compatible automation engine.",
    epilog="Exit codes: 0 ok, 1 failed, 2 wrong use or settings, 3 the action's time limit, "
    "4 canceled or abandoned, 5 rejected, 6 still running, 7 an approval is needed, 8 no server, "
    "9 not found, 130 interrupted. `run` says 2 for 8 and 9.",
)


@app.callback()
def whole(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version.")
    ] = False,
) -> None:
    """Options that stand before a command."""


def main() -> None:
    app()
