"""Puts up what a transcript is played on: a folder, the chat, the server; and takes it down again."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.sim.chats import Chat
from bot.sim.player import PATIENCE_S, Player
from bot.sim.site import Play, Site
from bot.sim.told import Failure
from bot.sim.transcript import Transcript
from bot.sim.web import WebChat
from engine.errors import BadContent
from engine.settings import Settings


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
    with _staged(backend, house, folder) as (site, chat):
        player = Player(transcript, chat, site=site, folder=files, patience_s=house.patience_s)
        return player.play()


@contextlib.contextmanager
def _staged(backend: str, house: House, folder: Path) -> Iterator[tuple[Site, Chat]]:
    if backend != "web":
        raise BadContent(f"Transcripts are not played in {backend} yet.", hint="Play it in the web chat.")
    with contextlib.ExitStack() as stack:
        site = Site(folder, Play(config=house.config, settings=house.settings))
        stack.callback(site.close)
        site.start()
        chat = WebChat(site.url, site.key)
        stack.callback(chat.close)
        yield site, chat
