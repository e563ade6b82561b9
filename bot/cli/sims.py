"""`sim`: transcripts of a chat, played with a server of their own."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.exits import Code
from bot.cli.output import note
from bot.cli.site import Config, Json, config_file, settings_of


class Backend(StrEnum):
    WEB = "web"
    SLACK = "slack"
    IRC = "irc"


def sim(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Transcripts, or their folders.")],
    *,
    on: Annotated[
        list[Backend] | None,
        typer.Option("--on", help="The chat; may be repeated. Left out: the first that a transcript names."),
    ] = None,
    patience_s: Annotated[
        float, typer.Option("--patience", min=0.1, help="How long an expected answer may take, in seconds.")
    ] = 30.0,
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="DIR", help="Keep the servers' data and logs there.")
    ] = None,
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Write the results as JUnit's XML.")
    ] = None,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Play transcripts of a chat with this site's aliases and packs; exit code 1 when one goes otherwise."""
    from bot.cli import outcomes, transcripts  # noqa: PLC0415 - heavy
    from bot.sim.staging import House  # noqa: PLC0415 - heavy

    house = House(config=config_file(config), settings=settings_of(config), patience_s=patience_s)
    results = []
    for path in outcomes.files_of(files, suffixes=(".chat",), kind="transcript (*.chat)"):
        for one in transcripts.tried(path, [chat.value for chat in on or ()], house, keep=keep):
            results.append(one)
            if not as_json:
                outcomes.tell(one)
    failed = outcomes.report(
        results, suite="stormcrow sim", case="transcript", junit_file=junit, as_json=as_json
    )
    if not results and not as_json:
        note("None of them is written for this chat.")
    elif len(results) > 1 and not as_json:
        note(f"{len(results)} played, {failed} failed.")
    if failed:
        raise typer.Exit(Code.WRONG if any(one.error for one in results) else Code.FAILED)
