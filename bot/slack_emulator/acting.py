"""What people do in this Slack, as tests say it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.slack_emulator import posting
from bot.slack_emulator.deliveries import Delivery
from bot.slack_emulator.loop import on_loop
from bot.slack_emulator.part import Part
from bot.slack_emulator.seen import Seen, SeenView, seen
from bot.slack_emulator.typed import rich_text, typed
from bot.slack_emulator.world import Channel, Json, Message, User, View


class Acting(Part):
    """A part of the class `Emulator`.

    People and channels go by name or id. What asks the app for something waits until that is acknowledged or
    too late (Slack's three seconds), and gives the delivery; with `is_awaited=False` it returns at once.
    """

    # writing

    @on_loop
    def say(
        self, user: str, channel: str, text: str, *, thread: str | Seen = "", is_broadcast: bool = False
    ) -> Seen:
        """Type a message: @names, #channels and addresses become what Slack makes of them.

        `channel` may be `@stormcrow`, the direct message with the bot.
        """
        author = self._user(user)
        place = self._channel(channel, author)
        self._check_inside(author, place)
        words = typed(self._site.world, author.team, text)
        return self._post(
            author, place, words, thread=thread, blocks=rich_text(words), is_broadcast=is_broadcast
        )

    @on_loop
    def say_raw(
        self,
        user: str,
        channel: str,
        text: str,
        *,
        thread: str | Seen = "",
        subtype: str = "",
        blocks: Sequence[Json] = (),
    ) -> Seen:
        """A message whose text arrives just so, for example one that another app has sent."""
        author = self._user(user)
        place = self._channel(channel, author)
        return self._post(author, place, text, thread=thread, subtype=subtype, blocks=list(blocks))

    def _check_inside(self, author: User, place: Channel) -> None:
        if author.id not in place.members:
            raise LookupError(f"{author.name} is not in {place.name or place.id}")

    def _post(self, author: User, place: Channel, text: str, *, thread: str | Seen, **more: Any) -> Seen:
        thread_ts = thread.thread_ts or thread.ts if isinstance(thread, Seen) else thread
        message = Message(
            ts=self._site.world.new_ts(),
            channel=place.id,
            user=author.id,
            bot_id=author.bot_id,
            app_id=author.app_id,
            text=text,
            thread_ts=thread_ts,
            **more,
        )
        posting.post(self._site, place, message)
        return seen(message)

    @on_loop
    def edit(self, message: Seen, text: str) -> Seen:
        """Its author writes something else."""
        channel, found = self._message(message)
        words = typed(self._site.world, self._user(found.user).team, text)
        posting.change(self._site, channel, found, text=words, blocks=rich_text(words), attachments=[])
        return seen(found)

    @on_loop
    def delete(self, message: Seen) -> None:
        channel, found = self._message(message)
        posting.delete(self._site, channel, found)

    @on_loop
    def react(self, user: str, message: Seen, name: str) -> None:
        channel, found = self._message(message)
        posting.react(self._site, channel, found, user=self._user(user).id, name=name)

    # pressing, choosing, filling in

    def click(
        self,
        user: str,
        where: Seen | SeenView,
        action: str,
        value: Any = None,
        *,
        fields: Mapping[str, Any] | None = None,
        is_awaited: bool = True,
    ) -> Delivery:
        """Press a button or choose in a menu, by action_id, value or label.

        `value`: what is chosen. `fields`: what stands in the other fields meanwhile.
        """
        return self._awaited(lambda: self._press(user, where, action, value, fields or {}), is_awaited)

    def _press(
        self, user: str, where: Seen | SeenView, action: str, value: Any, fields: Mapping[str, Any]
    ) -> Delivery:
        person = self._user(user)
        if isinstance(where, SeenView):
            return self._interactions.press_in_view(person, self._view(where), action, value, given=fields)
        channel, message = self._message(where)
        self._check_inside(person, channel)
        return self._interactions.press_in_message(person, message, action, value, given=fields)

    def submit(
        self, user: str, view: SeenView, values: Mapping[str, Any] | None = None, *, is_awaited: bool = True
    ) -> Delivery:
        """Send a modal; values by block_id, action_id or label. `views(user)[-1].errors` says what is wrong.

        Raises NotSent where Slack's client itself refuses, KeyError for a field that is not there.
        """
        return self._awaited(
            lambda: self._interactions.submit(self._user(user), self._view(view), values or {}), is_awaited
        )

    @on_loop
    def close(self, user: str, view: SeenView, *, is_cleared: bool = False) -> None:
        """Close a modal without sending it; `is_cleared`: and all below it."""
        self._interactions.close(self._user(user), self._view(view), is_cleared=is_cleared)

    def command(self, user: str, channel: str, line: str, *, is_awaited: bool = True) -> Delivery:
        """A slash command with what stands after it: `/storm deploy api`."""
        return self._awaited(lambda: self._command(user, channel, line), is_awaited)

    def _command(self, user: str, channel: str, line: str) -> Delivery:
        person = self._user(user)
        word, _, text = line.partition(" ")
        place = self._channel(channel, person)
        return self._interactions.command(
            person, place, word, typed(self._site.world, person.team, text.strip())
        )

    def shortcut(self, user: str, callback_id: str, *, is_awaited: bool = True) -> Delivery:
        """A global shortcut."""
        return self._awaited(lambda: self._interactions.shortcut(self._user(user), callback_id), is_awaited)

    def message_shortcut(
        self, user: str, message: Seen, callback_id: str, *, is_awaited: bool = True
    ) -> Delivery:
        def begin() -> Delivery:
            channel, found = self._message(message)
            return self._interactions.message_shortcut(self._user(user), channel, found, callback_id)

        return self._awaited(begin, is_awaited)

    def options(
        self, user: str, where: Seen | SeenView, action: str, typed_text: str = ""
    ) -> list[tuple[str, str]]:
        """What an external menu offers: label and value; empty when the app did not answer."""

        def begin() -> Delivery:
            found: Message | View = (
                self._view(where) if isinstance(where, SeenView) else self._message(where)[1]
            )
            return self._interactions.suggest(self._user(user), found, action, typed_text)

        answer = self._awaited(begin, True).answer
        groups = (answer or {}).get("option_groups") or [answer or {}]
        return [
            (option["text"]["text"], option["value"])
            for group in groups
            for option in group.get("options") or ()
        ]

    def open_home(self, user: str, *, is_awaited: bool = True) -> Delivery:
        """Look at the Home tab of the app."""
        return self._awaited(lambda: self._interactions.open_home(self._user(user)), is_awaited)

    # what no honest client does

    def deliver(self, kind: str, payload: Json, *, is_awaited: bool = True) -> Delivery:
        """Any payload as Slack's delivery: `interactive`, `slash_commands`, or `events_api`."""
        return self._awaited(
            lambda: self._site.deliveries.send(kind, payload, accepts_answer=kind != "events_api"), is_awaited
        )

    def _awaited(self, begin: Callable[[], Delivery], is_awaited: bool) -> Delivery:
        async def work() -> Delivery:
            delivery = begin()
            if is_awaited:
                await delivery.settled.wait()
            return delivery

        return self._thread.wait(work())
