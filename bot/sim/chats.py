"""The port of a chat in which a transcript is played: what people do there, and what the bot has said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.errors import EngineError


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One message of the bot, as it stands now."""

    id: str
    text: str
    """All of its words, with line breaks; a button is its label in brackets."""
    channel: str = ""
    """As `#ops`; empty: for one person alone."""
    thread: str = ""
    """The message whose thread it stands in; empty: in none."""
    only_for: str = ""
    """The name of the one person who sees it; empty: everybody does."""
    buttons: tuple[str, ...] = ()
    begins_in: int | None = None
    """Where a chat knows only lines: words are looked for that begin in the first so many characters,
    and `text` goes on with the lines behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where somebody speaks."""

    channel: str
    """As `#ops`; empty: with the bot alone."""
    thread: str = ""


class CannotBe(EngineError):
    """Something of a transcript that this chat does not have."""


class Chat(Protocol):
    """One chat with everybody who speaks in it. Raises CannotBe for what it does not have."""

    name: str

    def join(self, who: str, standing: str = "member") -> None:
        """Somebody is there; nothing happens when they are already."""

    def say(self, who: str, words: str, spot: Spot) -> None:
        """Returns when the chat has taken it, also while the server is down."""

    def press(self, who: str, heard: Heard, label: str, words: str) -> None:
        """`words`: a reason that goes with it."""

    def fill(self, who: str, values: Mapping[str, str]) -> bool:
        """Send the form that is open for them, or the newest one. False: there is none yet."""

    def heard(self) -> Sequence[Heard]:
        """Everything that the bot has said, oldest first, each as it stands now."""

    def close(self) -> None: ...
