"""`stormcrow dev`: what helps while trying things out and writing packs."""

import signal
from types import FrameType
from typing import Annotated

import typer

from bot.cli.exits import Code, CommandError
from bot.cli.output import note, say

app = typer.Typer(help="For trying things out.", no_args_is_help=True)

# Not secret, and the same at every start: who can reach the port is on this machine already.
_SECRET = "for-trying-things-out"  # noqa: S105

Port = Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.")]
As = Annotated[str, typer.Option("--as", metavar="NAME", help="Who you are: ada, ben, cyd, gus or eve.")]
Channel = Annotated[str, typer.Option(help="Where you are at first.")]


@app.callback()
def whole() -> None:
    """For trying things out."""


@app.command()
def slack(port: Port = 8065, user: As = "ada", channel: Channel = "ops") -> None:
    """A Slack of your own, in this terminal: no account, no internet. It forgets everything at its end."""
    from bot.slack_emulator.desk.scene import PEOPLE, furnish  # noqa: PLC0415 - aiohttp is heavy; only this needs it
    from bot.slack_emulator.desk.terminal import Terminal  # noqa: PLC0415 - as above
    from bot.slack_emulator.emulator import Emulator  # noqa: PLC0415 - as above

    if user not in PEOPLE:
        raise CommandError(Code.WRONG, f"Nobody is called {user!r}.", hint=f"There are: {', '.join(PEOPLE)}.")
    made = Emulator(port=port, secret=_SECRET)
    try:
        made.start()
    except OSError as error:
        raise CommandError(
            Code.WRONG,
            f"127.0.0.1:{port} cannot be listened on ({error.strerror}).",
            hint="Another one may be running there; --port 0 takes a free port.",
        ) from error
    signal.signal(signal.SIGTERM, _leave)
    try:
        furnish(made)
        say(made.url)
        note("")
        note("Start Stormcrow in another terminal, with these lines:")
        note("")
        note(f"    export STORMCROW_SLACK__BOT_TOKEN={made.bot_token}")
        note(f"    export STORMCROW_SLACK__APP_TOKEN={made.app_token}")
        note(f"    export STORMCROW_SLACK__BASE_URL={made.url}")
        note("    stormcrow up")
        note("")
        note(f"You are {user}, in #{channel}. Say !help to the bot; :help shows what you can do here.")
        Terminal(made, user=user, channel=channel.removeprefix("#")).run()
    finally:
        made.stop()


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
