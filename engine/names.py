"""How people and channels are shown that a chat knows by ids: the one place that decides it.

Records, the API and the audit keep the ids (`slack.T1.U7`, `slack:C012345`), which nobody can choose. What
people read has names: `ann (slack)`, with the chat's name, so that nobody looks like the user `ann` by
calling themselves so. Names are data: one short line, without anything that turns, hides or marks up text.
"""

import re
import threading
import unicodedata
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

_MOST = 20_000
_LONGEST = 60
# Of one text; what more ids stand in it are left as they are.
_MOST_IN_TEXT = 20
# The name before it is known, where it stands in brackets.
_ID = re.compile(
    r"(?P<before>\()?(?<![\w.~@/-])~?(?P<chat>[a-z][\w-]*)"
    r"(?:\.(?P<team>[\w-]*)\.(?P<person>\w[\w@-]*(?:\.[\w@-]+)*)|:(?P<channel>[CDG][A-Z0-9]{6,30}))"
    r"(?![\w@-])(?P<after>\))?"
)


class Chat(Protocol):
    """One whose people or channels have ids. Asked from any thread, it answers within a few seconds."""

    def is_account(self, team: str, person_id: str) -> bool:
        """Whether it can be an id of that chat; asks nobody."""

    def person_called(self, person_id: str) -> str:
        """Empty: nobody knows, or not now."""

    def channel_called(self, channel_id: str) -> str:
        """`#ops`; empty as above."""


class Names:
    """May be asked from any thread."""

    def __init__(self) -> None:
        self._chats: dict[str, Chat] = {}
        self._known: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def join(self, name: str, chat: Chat) -> Callable[[], None]:
        """What it returns is called when that chat can be asked no more."""
        self._chats = {**self._chats, name: chat}

        def leave() -> None:
            self._chats = {one: known for one, known in self._chats.items() if one != name}

        return leave

    def learn(self, account: str, name: str) -> None:
        """That the account `slack.T1.U7` is called so there."""
        if not name or self._known.get(account) == name:
            return
        with self._lock:
            self._known[account] = name
            self._known.move_to_end(account)
            while len(self._known) > _MOST:
                self._known.popitem(last=False)

    def in_text(self, text: str) -> str:
        """With names in the place of all ids that are known."""
        return self.found_in(text)[0]

    def found_in(self, text: str) -> tuple[str, dict[str, str]]:
        """The same, and the channels in it as they stand there: `#ops` -> `slack:C012345`."""
        shown: dict[str, str] = {}
        channels: dict[str, str] = {}

        def name(match: re.Match[str]) -> str:
            whole, chat = match[0], self._chats.get(match["chat"])
            if chat is None or (whole not in shown and len(shown) >= _MOST_IN_TEXT):
                return whole
            if whole not in shown:
                shown[whole] = _shown(match, self._called(match, chat))
                if match["channel"]:
                    # Also one that has no name now: a chat may draw it by its id.
                    channels[shown[whole].strip("()")] = f"{match['chat']}:{match['channel']}"
            return shown[whole]

        if not any(chat in text for chat in self._chats):
            return text, {}
        return _ID.sub(name, text), channels

    def _called(self, match: re.Match[str], chat: Chat) -> str:
        """Empty: it can be no id, or nobody knows its name."""
        if match["channel"]:
            return plain(chat.channel_called(match["channel"]))
        if not chat.is_account(match["team"], match["person"]):
            return ""
        if match["before"] and match["after"]:
            return str(match["chat"])
        account = f"{match['chat']}.{match['team']}.{match['person']}"
        name = plain(self._known.get(account) or chat.person_called(match["person"]))
        return f"{name} ({match['chat']})" if name else ""


def _shown(match: re.Match[str], name: str) -> str:
    return f"{match['before'] or ''}{name}{match['after'] or ''}" if name else match[0]


def plain(name: str) -> str:
    """A name that somebody chose, as one short line of harmless characters."""
    shown = "".join(one if _is_harmless(one) else " " for one in name)
    return " ".join(shown.split())[:_LONGEST].strip()


def _is_harmless(character: str) -> bool:
    # No controls, direction or hidden marks, nor what Slack, Markdown or HTML read as markup.
    return unicodedata.category(character)[0] not in "CZ" and character not in "<>`*~|\\"
