"""Puts up what a transcript is played on: a folder, the chat, the server; and takes it down again."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from bot.sim.chats import Chat
from bot.sim.player import PATIENCE_S, Player
from bot.sim.site import Play, Site
from bot.sim.told import Failure
from bot.sim.transcript import Transcript
from bot.sim.web import WebChat
from engine.configuration import PREFIX
from engine.settings import Settings
from engine.yaml_reader import read_file


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The site whose content is played with."""

    config: Path | None
    settings: Settings
    patience_s: float = PATIENCE_S


def play(transcript: Transcript, backend: str, house: House, *, folder: Path, files: Path) -> Failure | None:
    """`folder`: empty, for the server; `files`: where the transcript's own files are.

    What went otherwise than it is written; None: nothing. Raises BadContent for what cannot be
    played, StoreFailure when the server does not start.
    """
    with contextlib.ExitStack() as stack:
        site, chat = _STAGES[backend](transcript, house, folder, stack)
        player = Player(transcript, chat, site=site, folder=files, patience_s=house.patience_s)
        return player.play()


def _in_web(
    _transcript: Transcript, house: House, folder: Path, stack: contextlib.ExitStack
) -> tuple[Site, Chat]:
    site = _site(house, folder, {}, stack)
    chat = WebChat(site.url, site.key)
    stack.callback(chat.close)
    return site, chat


def _in_slack(
    transcript: Transcript, house: House, folder: Path, stack: contextlib.ExitStack
) -> tuple[Site, Chat]:
    from bot.sim.slack import SlackChat  # noqa: PLC0415 - heavy

    chat = SlackChat(transcript, _channels(house.settings))
    chat.start()
    stack.callback(chat.close)
    return _site(house, folder, chat.settings(house.settings.people.linked), stack), chat


def _in_irc(
    transcript: Transcript, house: House, folder: Path, stack: contextlib.ExitStack
) -> tuple[Site, Chat]:
    from bot.sim.irc import IrcChat  # noqa: PLC0415 - rarely wanted

    chat = IrcChat(transcript, _channels(house.settings), prefix=house.settings.chat.prefix)
    stack.callback(chat.close)
    chat.start(folder)
    return _site(house, folder, chat.settings(house.settings.people.linked), stack), chat


_Stage = Callable[[Transcript, House, Path, contextlib.ExitStack], tuple[Site, Chat]]
_STAGES: Mapping[str, _Stage] = MappingProxyType({"web": _in_web, "slack": _in_slack, "irc": _in_irc})


def _site(house: House, folder: Path, variables: Mapping[str, str], stack: contextlib.ExitStack) -> Site:
    environment = {f"{PREFIX}{name}": value for name, value in variables.items()}
    site = Site(folder, Play(config=house.config, settings=house.settings, environment=environment))
    stack.callback(site.close)
    site.start()
    return site


def _channels(settings: Settings) -> list[str]:
    """Where the site says something of itself: of its chats, its events, its webhooks."""
    folder = settings.path(settings.content.webhooks)
    hooks = [read_file(path, name=str(path))[1].value for path in sorted(folder.glob("*.yaml"))]
    named = [str(one.get("channel") or "") for one in hooks if isinstance(one, dict)]
    found = [*settings.chat.channels, settings.events.channel, settings.sensors.channel, *named]
    return [f"#{name.removeprefix('#')}" for name in found if name]
