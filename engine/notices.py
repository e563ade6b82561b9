"""What the engine has to say in a chat by itself: one journal entry each, posted by the bot."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from sqlalchemy import Connection

from engine.store import journal

Tone = Literal["neutral", "good", "warning", "bad", "running"]

# The journal's kind; its subject is the notice's key, its data the notice.
NOTICE = "notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One message of ours. All texts are data: no chat's markup has a meaning in them."""

    key: str
    """The same key is the same message: it is edited."""
    generation: str = ""
    """Another generation of a key is a new message; `thread_key` means the newest."""
    channel: str
    """Empty: the channel of the settings, `events.channel`."""
    text: str
    title: str = ""
    tone: Tone = "neutral"
    fields: tuple[tuple[str, str], ...] = ()
    """(name, value)"""
    links: tuple[tuple[str, str], ...] = ()
    """(label, URL)"""
    commands: tuple[tuple[str, str], ...] = ()
    """(label, chat command): buttons where the chat has them, words elsewhere."""
    adapter: str = ""
    """The chat; empty: the first one that runs."""
    thread_key: str = ""
    """It stands in the thread of the message with this key."""
    mention: str = ""
    """The one person this is for; empty: nobody is called."""
    people: tuple[str, ...] = ()
    """Users who are called by name where the chat knows their accounts."""
    named: tuple[str, ...] = ()
    """Users who stand in its texts as they are in records: a chat shows them by name."""
    execution_id: str = ""
    """The execution whose end it tells, shown with status and result below the text."""


def tell(connection: Connection, notice: Notice) -> None:
    """Have it posted: durable with this transaction."""
    journal.append(connection, NOTICE, notice.key, asdict(notice))


def of_data(data: Any) -> Notice:
    """A notice from the data of its journal entry."""
    pairs = {
        name: tuple((first, second) for first, second in data[name])
        for name in ("fields", "links", "commands")
    }
    lists = {name: tuple(data.get(name, ())) for name in ("people", "named")}
    return Notice(**{**data, **pairs, **lists})
