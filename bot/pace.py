"""How often people may give commands: each person, and each channel of a chat."""

from collections.abc import Sequence
from dataclasses import replace

from bot import answers
from bot.asked import Asked
from bot.chat import Reply
from engine.errors import TooOften
from engine.rates import Rate
from engine.settings.limits import LimitSettings

# Whoever is too quick is told once in so long, and answered nothing in between, in seconds.
TOLD_EVERY_S = 10.0


class Pace:
    """For one chat; a restart forgives."""

    def __init__(self, settings: LimitSettings) -> None:
        self._people = Rate(per_s=settings.chat_user_per_s, burst=settings.chat_user_burst)
        self._channels = Rate(per_s=settings.chat_channel_per_s, burst=settings.chat_channel_burst)
        self._told = Rate(per_s=1 / TOLD_EVERY_S, burst=1)

    def refusal(self, asked: Asked) -> Sequence[Reply] | None:
        """What is said in place of the command, in private; None: it may go on."""
        try:
            self._people.check(asked.identity.user, "You give commands too quickly.")
            self._channels.check(asked.message.channel, "There are too many commands in this channel.")
        except TooOften as error:
            if self._told.wait_s(asked.identity.user) > 0:
                return []
            return [replace(answers.refusal(error), is_private=True)]
        return None
