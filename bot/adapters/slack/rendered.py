"""What is posted for one reply: the message, and the files that hold what does not fit into it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.adapters.slack import limits
from bot.adapters.slack.mrkdwn import code, head, inert, size

_TEXT = limits.MESSAGE_TEXT - 200
_PART = 3_500


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """To be uploaded into the thread of the message."""

    name: str
    text: str
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    text: str
    """What notifications, searches and screen readers get; parsed by Slack, so it is inert already."""
    plain: str
    """All of it as plain words, not escaped; with the commands that the buttons say."""
    blocks: tuple[Mapping[str, Any], ...] = ()
    attachments: tuple[Mapping[str, Any], ...] = ()
    files: tuple[File, ...] = ()
    mention: str = ""
    """`<@U1> <@U2>`, or empty."""
    file_name: str = "message.txt"

    def arguments(self) -> dict[str, Any]:
        """For chat.postMessage, chat.postEphemeral and chat.update, besides channel, thread and ts."""
        made: dict[str, Any] = {"text": self.text, "parse": "none", "link_names": False}
        made["blocks"] = list(self.blocks)
        made["attachments"] = list(self.attachments)
        return made

    def fallback(self) -> "Rendered":
        """In words alone, for a Slack that refuses the blocks; what does not fit is a file."""
        said = f"{self.mention} {inert(self.plain)}".strip()
        files = self.files
        if size(said) > _TEXT:
            said = f"{_whole(said, _TEXT - 100)}\n… all of it: {inert(self.file_name)}"
            if all(one.text != self.plain for one in files):
                files = (*files, File(name=self.file_name, text=self.plain))
        return Rendered(
            text=said,
            plain=self.plain,
            files=files,
            mention=self.mention,
            file_name=self.file_name,
        )

    def continued(self) -> tuple[str, ...]:
        """The files as the texts of further messages, for a place that takes no file."""
        return tuple(part for one in self.files for part in _parts(one))


def _parts(one: File) -> list[str]:
    """Each within the limit also when all of it must be escaped."""
    found: list[str] = []
    rest = one.text
    while rest:
        piece = _lines(rest, _PART)
        while size(code(piece)) > limits.MESSAGE_TEXT:
            piece = _lines(piece, max(1, len(piece) * 3 // 4))
        found.append(code(piece.strip("\n")))
        rest = rest[len(piece) :]
    return found


def _lines(text: str, most: int) -> str:
    """The beginning, whole lines where there are any."""
    if size(text) <= most:
        return text
    short = head(text, most)
    end = short.rfind("\n")
    return short[: end + 1] if end > 0 else short


def _whole(escaped: str, most: int) -> str:
    """The beginning of an escaped text, not cut within `&amp;`."""
    short = head(escaped, most)
    start = short.rfind("&", max(0, len(short) - 5))
    return short[:start] if start >= 0 and ";" not in short[start:] else short
