"""A command as it was given: by whom, where, and what of it may be kept."""

from dataclasses import dataclass

from bot.chat import Message
from bot.identities import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A command, stripped of prefix and mention, and who gave it."""

    text: str
    shown: str
    """The command as it is kept, without the values of secret parameters."""
    message: Message
    identity: Identity
    prefix: str
    """What a person types before a command at this place."""

    def context(self, *, later: str | None = None) -> dict[str, object]:
        """All that the announcer needs after a restart, for the context of an execution.

        `later`: the command that is said at another time; its answer is a message of its own.
        """
        message = self.message
        place = message.answer_place
        chat: dict[str, object] = {
            "adapter": message.adapter,
            "channel": place.channel,
            "thread": place.thread if later is None else message.thread,
            "user": message.author.id,
            "verified": self.identity.is_verified,
            "command": self.shown if later is None else later,
        }
        if later is None:
            chat["message"] = message.id
        return {"source_channel": message.channel, "chat": chat}

    @property
    def idempotency_key(self) -> str:
        return f"chat:{self.message.key}"
