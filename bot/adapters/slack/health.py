"""How it stands with one workspace of Slack: what works, and since when something does not."""

import logging
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from slack_sdk.errors import SlackApiError

from bot.adapters.slack import troubles
from engine.chat_states import ChatState
from engine.clock import isoformat, utcnow

log = logging.getLogger(__name__)

# Where nothing helps but a person.
PAUSE_FOR_PEOPLE_S = 15.0

Part = Literal["sockets", "questions", "messages"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    words: str
    since: datetime


@dataclass(slots=True, kw_only=True)
class Health:
    """Written in the loop and by workers, read anywhere."""

    chat: str
    sockets_wanted: int = 0
    """0: deliveries come over HTTP."""
    sockets_up: int = 0
    app_id: str = ""
    """As the sockets' hello says."""
    last_event_at: datetime | None = None
    troubles: dict[Part, Trouble] = field(default_factory=dict)
    """What keeps us from Slack now."""

    @property
    def trouble(self) -> str:
        """Empty: there is none."""
        return "; ".join(dict.fromkeys(one.words for one in list(self.troubles.values())))

    def state(self) -> ChatState:
        """Heard are people as long as one way in is open."""
        is_up = bool(self.sockets_up) if self.sockets_wanted else not self.troubles
        parts = (
            [f"{self.sockets_up} of {self.sockets_wanted} sockets"] if self.sockets_wanted else ["over HTTP"]
        )
        if self.last_event_at is not None:
            parts.append(f"last delivery {isoformat(self.last_event_at)}")
        since = min((one.since for one in list(self.troubles.values())), default=None)
        return ChatState(
            name=self.chat,
            is_up=is_up,
            about=", ".join(parts),
            trouble=self.trouble,
            since=since,
            connections=self.sockets_up,
            connections_wanted=self.sockets_wanted,
        )

    def failed(self, part: Part, error: Exception) -> float:
        """Slack could not be asked: said once in the log; the least seconds to wait."""
        code = troubles.code_of(error) if isinstance(error, SlackApiError) else ""
        needs_people = code in troubles.WRONG_TOKEN
        self.is_wrong(part, troubles.in_words(error), needs_people=needs_people)
        if needs_people:
            return PAUSE_FOR_PEOPLE_S
        return (troubles.retry_after_s(error) or 0.0) if isinstance(error, SlackApiError) else 0.0

    def is_wrong(self, part: Part, words: str, *, needs_people: bool) -> None:
        known = self.troubles.get(part)
        if known is not None and known.words == words:
            return
        self.troubles[part] = Trouble(words=words, since=known.since if known is not None else utcnow())
        log.log(
            logging.ERROR if needs_people else logging.WARNING, "%s: %s; we keep trying", self.chat, words
        )

    def mended(self, part: Part) -> None:
        if self.troubles.pop(part, None) is not None:
            log.info("%s: Slack is reached again", self.chat)
