"""How it stands with one workspace of Slack: what works, and since when something does not."""

import logging
from dataclasses import dataclass
from datetime import datetime

from slack_sdk.errors import SlackApiError

from bot.adapters.slack import troubles
from engine.clock import utcnow

log = logging.getLogger(__name__)

# Where nothing helps but a person.
PAUSE_FOR_PEOPLE_S = 15.0


@dataclass(slots=True, kw_only=True)
class Health:
    """Written in the loop, read anywhere."""

    chat: str
    sockets_wanted: int = 0
    """0: deliveries come over HTTP."""
    sockets_up: int = 0
    app_id: str = ""
    """As the sockets' hello says."""
    last_event_at: datetime | None = None
    trouble: str = ""
    """What keeps us from Slack now; empty: nothing."""
    trouble_since: datetime | None = None

    def failed(self, error: Exception) -> float:
        """Slack could not be asked: said once in the log; the least seconds to wait."""
        code = troubles.code_of(error) if isinstance(error, SlackApiError) else ""
        needs_people = code in troubles.WRONG_TOKEN
        self.is_wrong(troubles.in_words(error), needs_people=needs_people)
        if needs_people:
            return PAUSE_FOR_PEOPLE_S
        return (troubles.retry_after_s(error) or 0.0) if isinstance(error, SlackApiError) else 0.0

    def is_wrong(self, words: str, *, needs_people: bool) -> None:
        if words == self.trouble:
            return
        if not self.trouble:
            self.trouble_since = utcnow()
        self.trouble = words
        log.log(
            logging.ERROR if needs_people else logging.WARNING, "%s: %s; we keep trying", self.chat, words
        )

    def mended(self) -> None:
        if self.trouble:
            log.info("%s: Slack is reached again", self.chat)
        self.trouble, self.trouble_since = "", None
