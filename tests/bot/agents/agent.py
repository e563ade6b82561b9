"""An agent for the tests: the real client of the protocol, and `stormcrow mcp` as its child."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp_types import CallToolResult, ServerNotification, TextContent


@dataclass
class Agent:
    client: Client
    log: Path
    told: list[str] = field(default_factory=list)
    """What was said while its calls ran."""
    notified: list[str] = field(default_factory=list)
    """The methods of what came unasked."""

    async def names(self) -> list[str]:
        return [tool.name for tool in (await self.client.list_tools()).tools]

    async def call(self, name: str, **arguments: Any) -> CallToolResult:
        async def progress(_done: float, _total: float | None, message: str | None) -> None:
            self.told.append(message or "")

        found = await self.client.call_tool(name, arguments, progress_callback=progress)
        assert isinstance(found, CallToolResult)
        return found


def text_of(result: CallToolResult) -> str:
    return "\n".join(one.text for one in result.content if isinstance(one, TextContent))


@asynccontextmanager
async def agent(url: str, key: str, *options: str, log: Path, mode: str = "legacy") -> AsyncIterator[Agent]:
    """`mode`: legacy (the handshake that clients use today) or 2026-07-28."""
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "bot.cli", "mcp", *options],
        env={"STORMCROW_URL": url, "STORMCROW_API_KEY": key},
        cwd=Path(__file__).resolve().parents[3],
    )
    notified: list[str] = []

    async def heard(message: Any) -> None:
        if isinstance(message, ServerNotification):
            notified.append(message.method)

    with log.open("w") as errors:
        client = Client(
            stdio_client(parameters, errlog=errors),
            mode=mode,
            message_handler=heard,
            read_timeout_seconds=60,
        )
        async with client:
            yield Agent(client, log, notified=notified)
