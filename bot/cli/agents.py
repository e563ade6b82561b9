"""`mcp`: actions as tools for an agent, by the Model Context Protocol on standard input and output."""

from typing import Annotated

import typer

from bot.cli.exits import Code, CommandError
from bot.cli.given import seconds
from bot.cli.site import Config, Data, Url, address


def mcp(
    actions: Annotated[
        list[str] | None,
        typer.Option("--action", metavar="GLOB", help="Offer only these, like 'deploy.*'; may be repeated."),
    ] = None,
    *,
    timeout: Annotated[
        str, typer.Option(metavar="TIME", help="How long a call waits for the end: 90s, 10m.")
    ] = "10m",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Offer so many actions at most.")] = 100,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Offer the actions that you may run to an agent; it speaks on standard input and output."""
    timeout_s = seconds(timeout)
    base, key = address(url, config, data)
    try:
        # Slow to import, and there only with the extra.
        from importlib import metadata  # noqa: PLC0415

        import anyio  # noqa: PLC0415

        from bot.agents.door import Address  # noqa: PLC0415
        from bot.agents.server import Options, serve  # noqa: PLC0415
    except ImportError as error:
        raise CommandError(
            Code.WRONG,
            f"The Model Context Protocol is not installed: {error.name} is missing.",
            hint="pip install 'stormcrow[mcp]'",
        ) from error
    options = Options(
        patterns=tuple(actions or ()), timeout_s=timeout_s, limit=limit, version=metadata.version("stormcrow")
    )
    anyio.run(serve, Address(url=base, key=key), options)
