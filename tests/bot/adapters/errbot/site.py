"""An engine with a chat on a real server of IRC or XMPP, in this process."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from bot.adapters.errbot.adapter import ErrbotAdapter
from bot.announcer import Announcer
from bot.commands import Commands
from engine.networks import networks
from engine.service import Engine
from engine.settings import Settings
from engine.settings.chats import ErrbotSettings
from tests.bot.adapters.errbot.servers import Ngircd, until
from tests.bot.adapters.errbot.xmpp_server import DOMAIN, PASSWORD, Prosody
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
        "repeat_after_s": 1.0,
        **network,
    }
    return _settings(folder, "irc", written)


def xmpp_settings(folder: Path, server: Prosody, *, channels: Sequence[str], **network: Any) -> Settings:
    """The same whose chat `jabber` is on an XMPP server."""
    written = {
        "backend": "xmpp",
        "server": "127.0.0.1",
        "port": server.port,
        "ca_file": str(server.certificate),
        "account": f"crow@{DOMAIN}",
        "password": PASSWORD,
        "channels": list(channels),
        **network,
    }
    return _settings(folder, "jabber", written)


def _settings(folder: Path, name: str, network: Mapping[str, Any]) -> Settings:
    written = {"lines_per_s": 100, **network}
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(written), encoding="utf-8")
    return replace(make_settings(folder, web=False), errbot=ErrbotSettings(networks={name: f"{name}.yaml"}))


class ChatHouse:
    """The engine and its one chat; in its channels when it is made."""

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
