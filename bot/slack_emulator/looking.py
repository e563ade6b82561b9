"""What is to be seen in this Slack, as tests ask it; and waiting for it."""

import time
from collections.abc import Callable
from typing import TypeVar

from bot.slack_emulator.deliveries import Delivery
from bot.slack_emulator.loop import on_loop
from bot.slack_emulator.modals import stack
from bot.slack_emulator.part import Part
from bot.slack_emulator.seen import Person, Seen, SeenView, seen, seen_view, standing

T = TypeVar("T")


class Looking(Part):
    """A part of the class `Emulator`."""

    @on_loop
    def messages(self, channel: str, *, user: str = "") -> list[Seen]:
        """Everything in a channel, threads too; `@stormcrow`: the direct message of `user` with the bot."""
        place = self._channel(channel, self._user(user) if user else None)
        return [seen(each) for each in place.messages.values()]

    @on_loop
    def thread(self, message: Seen | str, channel: str = "") -> list[Seen]:
        """A thread, its first message first."""
        ts = (message.thread_ts or message.ts) if isinstance(message, Seen) else message
        place = self._channel(message.channel if isinstance(message, Seen) else channel)
        return [seen(each) for each in self._site.world.replies(place, ts)]

    @on_loop
    def message(self, wanted: Seen) -> Seen:
        """The same message as it is now. Raises LookupError when it is gone."""
        return seen(self._message(wanted)[1])

    @on_loop
    def at(self, channel: str, ts: str) -> Seen:
        """The message at that moment, also one that only somebody sees. Raises LookupError."""
        return seen(self._message(Seen(ts=ts, channel=self._channel(channel).id, user="", text=""))[1])

    @on_loop
    def direct_messages(self, user: str) -> list[Seen]:
        """What the bot and this person say to each other."""
        person = self._user(user)
        bot = self._site.world.bot_of(person.team)
        return [
            seen(each) for each in self._site.world.direct(person.team, [person.id, bot.id]).messages.values()
        ]

    @on_loop
    def ephemerals(self, user: str, channel: str = "") -> list[Seen]:
        """What only this person sees, the oldest first."""
        person = self._user(user)
        place = self._channel(channel, person).id if channel else ""
        return [
            seen(each)
            for each in self._site.world.ephemerals
            if each.only_for == person.id and place in ("", each.channel)
        ]

    @on_loop
    def views(self, user: str) -> list[SeenView]:
        """The modals that somebody has open; the last is on top."""
        return [seen_view(each) for each in stack(self._site.world, self._user(user).id)]

    @on_loop
    def home(self, user: str) -> SeenView | None:
        """The Home tab, when the app has published one."""
        person = self._user(user)
        found = self._site.world.homes.get((person.team, person.id))
        return seen_view(found) if found else None

    @on_loop
    def names(self) -> dict[str, str]:
        """What people call each other, channels and groups: id -> @ada, #ops."""
        world = self._site.world
        called = {user.id: f"@{user.name}" for user in world.users.values()}
        called |= {group.id: f"@{group.handle}" for group in world.groups.values()}
        for channel in world.channels.values():
            others = [called[each] for each in channel.members if each in called]
            called[channel.id] = f"#{channel.name}" if channel.name else " and ".join(others)
        return called

    @on_loop
    def people(self) -> list[Person]:
        """Everybody, with our bot and other bots."""
        return [
            Person(
                id=user.id,
                name=user.name,
                team=self._site.world.teams[user.team].name,
                standing=standing(user, self._team().id),
            )
            for user in self._site.world.users.values()
        ]

    @on_loop
    def members(self, channel: str, *, user: str = "") -> list[str]:
        """The ids of those who are in a channel, or in the direct message of `user`."""
        return list(self._channel(channel, self._user(user) if user else None).members)

    @on_loop
    def places(self, user: str) -> list[str]:
        """The ids of the channels and direct messages that somebody is in."""
        person = self._user(user)
        return [each.id for each in self._site.world.channels.values() if person.id in each.members]

    @on_loop
    def file(self, file_id: str) -> tuple[str, bytes]:
        """Name and content of an uploaded file."""
        found = self._site.world.files[file_id]
        return found.name, found.content or b""

    @on_loop
    def calls(self, method: str = "") -> list[tuple[str, str]]:
        """The calls of the Web API in their order: method, and `ok` or the error."""
        return [each for each in self._site.calls if method in ("", each[0])]

    @on_loop
    def deliveries(self, kind: str = "") -> list[Delivery]:
        """What the app was told, in order; `kind` is Slack's word, for example `interactive` or `message`."""
        return [each for each in self._site.deliveries.sent if kind in ("", each.kind, each.type)]

    @property
    def socket_count(self) -> int:
        """How many sockets the app has open."""
        return self._sockets.count

    @property
    def is_app_there(self) -> bool:
        """Does anything take deliveries, over sockets or HTTP?"""
        return self.socket_count > 0 or bool(self._site.deliveries.over_http)

    @property
    def version(self) -> int:
        """Another number after each change."""
        return self._thread.version

    def wait_for_change(self, since: int, timeout_s: float) -> None:
        self._thread.wait_for_change(since, timeout_s)

    def wait_for(self, look: Callable[[], T], *, timeout_s: float = 40.0) -> T:
        """What `look` gives as soon as that is something; asked again after each change here.

        Raises AssertionError after `timeout_s`.
        """
        end = time.monotonic() + timeout_s
        while True:
            version, began = self._thread.version, time.monotonic()
            found = look()
            if found:
                return found
            # A costly look is not repeated at once: the rest of this process wants to work too.
            time.sleep(min(time.monotonic() - began, 0.1))
            left_s = end - time.monotonic()
            if left_s <= 0:
                raise AssertionError(f"it did not happen within {timeout_s:.0f} s: {look}")
            # What is waited for may also lie outside of this Slack.
            self._thread.wait_for_change(version, min(left_s, 0.2))
