"""Our plug-in in Errbot, the only one: what is heard goes out through an Outlet."""

from typing import Any, Protocol

from errbot import BotPlugin
from errbot.backends.base import Message, Room

from bot.adapters.errbot.addressing import addressed
from bot.adapters.errbot.protocol import Heard, Start, State


class Outlet(Protocol):
    """Where the bridge leads: the pipe to the server. Its methods may be called from any thread."""

    def hear(self, *, heard: Heard) -> None:
        """Something was said to us. Its key is made by the outlet where it is empty."""

    def tell(self, state: State) -> None: ...


class Bridge(BotPlugin):
    """Carries messages to Stormcrow and back."""

    def lead_to(self, outlet: Outlet, start: Start) -> None:
        """Before it is activated."""
        self._outlet = outlet
        self._start = start

    def callback_connect(self) -> None:
        """Errbot is connected. Backends of our own say more than that, and say it themselves."""
        if not getattr(self._bot, "speaks_for_itself", False):
            self._outlet.tell(State(is_connected=True, channels=tuple(self.bot_config.CHATROOM_PRESENCE)))

    def callback_message(self, message: Message) -> None:
        heard = message.extras.get("heard") or self._heard(message)
        if heard is not None:
            self._outlet.hear(heard=heard)

    def _heard(self, message: Message) -> Heard | None:
        """What backends that are not ours have heard; they vouch for nobody."""
        if message.delayed or not message.body:
            return None
        author: Any = message.frm
        room = getattr(author, "room", None) or (message.to if isinstance(message.to, Room) else None)
        text, is_called = str(message.body).strip(), False
        if room is not None:
            names = (self._start.nickname, *self._start.names)
            found = addressed(text, prefix=self._start.prefix, names=names)
            if found is None:
                return None
            text, is_called = found.text, found.is_called
        return Heard(
            key="",
            channel="" if room is None else str(room),
            person=str(getattr(author, "aclattr", "") or author.person),
            name=str(getattr(author, "nick", "") or author.person),
            is_called=is_called,
            text=text,
        )
