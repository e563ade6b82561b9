"""Carries our messages into one network: as lines, and never the same line twice where that can be known."""

import logging

from bot.adapters.errbot import words
from bot.adapters.errbot.process import Child
from bot.adapters.errbot.protocol import Outcome
from bot.outbox import Carrier, Later, Letter, OutcomeUnknown, Refused

log = logging.getLogger(__name__)

_PAUSE_S = 1.0
DIRECT = "@"
"""Before the id of a person: the channel of what is said to them alone."""


class ErrbotCarrier(Carrier):
    """A message of such a network has no id: what we remember as its id says what stands there."""

    def __init__(self, child: Child, *, prefix: str, max_lines: int) -> None:
        self._child = child
        self._prefix = prefix
        self._max_lines = max_lines
        # Of messages that broke off: how many of their lines are there for certain.
        self._taken: dict[tuple[str, int], int] = {}

    async def post(self, letter: Letter) -> str:
        said = words.first(letter.reply, prefix=self._prefix_at(letter), max_lines=self._max_lines)
        await self._send(letter, said.lines)
        return said.mark

    async def edit(self, letter: Letter, message_id: str) -> str:
        said = words.news(letter.reply, message_id, prefix=self._prefix_at(letter), max_lines=self._max_lines)
        if said.lines:
            await self._send(letter, said.lines)
        return said.mark

    async def find(self, letter: Letter) -> str | None:
        """The child knows, where its network does; on IRC what was under way may be said again."""
        log.debug("whether %s stands in %s is for the child to know", letter.key, letter.place.channel)
        return None

    def _prefix_at(self, letter: Letter) -> str:
        return "" if letter.place.channel.startswith(DIRECT) else self._prefix

    async def _send(self, letter: Letter, lines: tuple[str, ...]) -> None:
        if not self._child.is_connected:
            await self._child.connected()
            # There may be a newer version by now.
            raise Later(0.0)
        channel = letter.place.channel
        key = (letter.id, letter.version)
        taken = self._taken.get(key, 0)
        done = await self._child.send(
            channel.removeprefix(DIRECT),
            lines[taken:],
            is_person=channel.startswith(DIRECT),
            token=f"{letter.id}-{letter.version}-{taken}",
        )
        if done.outcome is Outcome.SENT:
            self._taken.pop(key, None)
            return
        if done.outcome is Outcome.REFUSED:
            self._taken.pop(key, None)
            raise Refused(done.reason)
        self._taken[key] = taken + done.lines_taken
        if done.outcome is Outcome.LATER:
            raise Later(done.retry_after_s or _PAUSE_S, done.reason)
        raise OutcomeUnknown(done.reason or "the connection broke")
