"""The `stormcrow` command: every subcommand by name, and one place where errors become exit codes."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from bot.cli import (
    accounts,
    administration,
    agents,
    alerts,
    api_keys,
    audit,
    callbacks,
    content,
    dev,
    doctor,
    executions,
    imports,
    inquiries,
    keys,
    login,
    pack_configs,
    packs_installed,
    policies,
    purging,
    rights,
    rules,
    rules_written,
    running,
    schedules,
    sensors,
    sims,
    slack,
    status,
    traces,
    triggers,
    users,
    webhooks,
    workflows,
)
from bot.cli.exits import Code, CommandError
from bot.cli.output import note, say
from engine.errors import BadContent, BadInput, BadSettings, EngineError, NotFound


class Commands(TyperGroup):
    """Turns what a command raises into a message on standard error and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except CommandError as error:
            code, text = error.code, f"{error.message} {error.hint}"
        except EngineError as error:
            code, text = code_for(error), str(error)
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
app.command()(administration.up)
app.command()(administration.chat)
app.command()(running.run)
app.command()(agents.mcp)
app.add_typer(executions.app, name="execution")
app.add_typer(inquiries.app, name="inquiry")
app.add_typer(callbacks.app, name="callback")
app.add_typer(content.actions, name="action")
app.add_typer(content.aliases, name="alias")
content.packs.add_typer(pack_configs.app, name="config")
packs_installed.add_to(content.packs)
app.add_typer(content.packs, name="pack")
app.add_typer(sensors.app, name="sensor")
app.add_typer(webhooks.app, name="webhook")
app.add_typer(alerts.app, name="alert")
app.add_typer(triggers.app, name="trigger")
app.add_typer(schedules.app, name="schedule")
app.add_typer(workflows.app, name="workflow")
app.add_typer(policies.app, name="policy")
app.command()(sims.sim)
app.add_typer(traces.app, name="trace")
rules_written.add_to(rules.rules)
app.add_typer(rules.rules, name="rule")
app.add_typer(administration.settings_commands, name="config")
app.command()(administration.reload)
app.add_typer(keys.app, name="key")
app.add_typer(api_keys.app, name="apikey")
app.add_typer(users.app, name="user")
app.command()(login.login)
app.command()(login.logout)
app.add_typer(accounts.app, name="account")
app.add_typer(rights.app, name="rights")
app.add_typer(audit.app, name="audit")
app.command()(purging.purge)
app.add_typer(slack.app, name="slack")
app.add_typer(imports.app, name="import")
app.command()(status.status)
app.command()(doctor.doctor)
app.add_typer(dev.app, name="dev")


@app.callback()
def whole(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version.")
    ] = False,
) -> None:
    """Options that stand before a command."""


def main() -> None:
    app()
