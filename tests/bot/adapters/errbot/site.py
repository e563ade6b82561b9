"""A whole house with a chat on a real IRC server: settings, and the server in this process."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from bot.adapters.errbot.adapter import ErrbotAdapter
from bot.announcer import Announcer
from bot.commands import Commands
from engine.networks import networks
from engine.service import Engine
from engine.settings import ErrbotSettings, PeopleSettings, Settings
from tests.bot.adapters.errbot.servers import Ngircd, until
from tests.bot.conftest import make_settings


def irc_settings(
    folder: Path,
    server: Ngircd,
    *,
    nickname: str = "crow",
    channels: Sequence[str] = ("#ops",),
    **network: Any,
) -> Settings:
    """Settings of a site in `folder` whose chat `irc` is on that server."""
    written = {
        "backend": "irc",
        "server": "127.0.0.1",
        "port": server.port,
        "tls": False,
        "nickname": nickname,
        "channels": list(channels),
        "lines_per_s": 100,
        "repeat_after_s": 1.0,
        **network,
    }
    (folder / "irc.yaml").write_text(yaml.safe_dump(written), encoding="utf-8")
    return replace(
        make_settings(folder, web=False),
        errbot=ErrbotSettings(networks={"irc": "irc.yaml"}),
        people=PeopleSettings(),
    )


class IrcHouse:
    """The engine and the chat `irc`; in its channels when it is made."""

    def __init__(self, settings: Settings) -> None:
        self.engine = Engine(settings)
        self.engine.start()
        (self.network,) = networks(settings)
        self.adapter = ErrbotAdapter(self.engine, self.network)
        self._announcer = Announcer(self.engine, self.adapter)
        self._announcer.start()
        commands = Commands(self.engine, self.adapter, self._announcer)
        self.adapter.start(commands.receive, commands.responses.respond, commands.responses.asked)
        self.is_there()

    def is_there(self) -> None:
        """Wait until it is in all its channels."""
        until(lambda: set(self.network.channels) <= set(self.adapter.health().channels))

    def close(self) -> None:
        self._announcer.stop()
        self.adapter.stop()
        self.engine.stop()
