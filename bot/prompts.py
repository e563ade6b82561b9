"""The messages of inquiries in one chat: where each stands, its edits, and the calls in its thread."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bot import inquiries
from bot.chat import Fields, Place, Reply
from bot.notices import Notices, Standing
from bot.port import Outgoing
from engine.records.inquiry import AskedPlace, Inquiry, inquiry_of
from engine.records.journal import JournalEntry

# Changes that call people again.
_CALLS = ("reminder", "escalation")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedInquiry:
    """What the journal told of one inquiry, newest state last."""

    inquiry: Inquiry
    changes: tuple[tuple[int, str], ...]
    """(version, what happened), in order."""


def changed(entry: JournalEntry, before: ChangedInquiry | None) -> ChangedInquiry:
    """`before`: what earlier entries of the same batch told of it."""
    inquiry = inquiry_of(entry.data)
    earlier = before.changes if before is not None else ()
    return ChangedInquiry(inquiry=inquiry, changes=(*earlier, (inquiry.version, str(entry.data["change"]))))


class Prompts:
    def __init__(self, notices: Notices, *, prefix: str, has_edits: bool) -> None:
        """`notices`: of the same chat, they know its places. `prefix`: before a command in a channel."""
        self._notices = notices
        self._prefix = prefix
        self._has_edits = has_edits

    def takes(self, entry: JournalEntry) -> bool:
        return any(self._notices.takes(adapter) for adapter in entry.data.get("adapters", ()))

    def keys(self, inquiry: Inquiry) -> set[str]:
        """The names of places that must be known."""
        own = {inquiries.key_of(inquiry, number) for number in range(len(inquiry.places))}
        return own | {place.thread_key for place in inquiry.places if place.thread_key}

    def messages(self, told: ChangedInquiry, standing: Standing) -> Iterator[Outgoing]:
        """The message at each place in this chat as it now is; its key is also the name of its place."""
        inquiry = told.inquiry
        seen: set[str] = set()
        for number, asked in enumerate(inquiry.places):
            if not self._notices.takes(asked.adapter):
                continue
            key = inquiries.key_of(inquiry, number)
            place = self._place(asked, key, standing)
            if place.channel in seen:
                # It stands in that channel already.
                continue
            seen.add(place.channel)
            is_said = key in standing and all(change in _CALLS for _, change in told.changes)
            if is_said and not self._has_edits:
                # What it said already is not said again: the call in its thread is.
                continue
            yield Outgoing(key=key, place=place, reply=self._reply(inquiry, asked))

    def calls(self, told: ChangedInquiry, standing: Standing) -> Iterator[Outgoing]:
        """Reminders and escalations, in the threads of its messages; nothing once it is over."""
        inquiry = told.inquiry
        for number in range(len(inquiry.places) if inquiry.is_pending else 0):
            key = inquiries.key_of(inquiry, number)
            stands = standing.get(key)
            for version, change in told.changes if stands is not None else ():
                reply = inquiries.nudge(inquiry, change, prefix=self._prefix)
                if reply is not None and stands is not None:
                    reply = replace(reply, calls=self._notices.called(inquiry))
                    place = self._notices.place_at(channel=stands.channel, thread=stands.thread)
                    name = f"{key}:{change}:{version}"
                    yield Outgoing(key=name, place=place, reply=reply, may_replace=False)

    def _place(self, asked: AskedPlace, key: str, standing: Standing) -> Place:
        known = standing.get(key)
        if known is not None:
            thread = known.thread_id if self._has_edits else known.thread
            return self._notices.place_at(channel=known.channel, thread=thread)
        root = standing.get(asked.thread_key) if asked.thread_key else None
        if root is not None:
            return self._notices.place_at(channel=root.channel, thread=root.thread)
        is_lost = self._notices.is_lost(asked.adapter)
        channel = self._notices.channel("" if is_lost else asked.channel)
        return self._notices.place_at(channel=channel, thread=None if is_lost else asked.thread)

    def _reply(self, inquiry: Inquiry, asked: AskedPlace) -> Reply:
        reply = inquiries.reply(inquiry, prefix=self._prefix)
        if inquiry.is_pending:
            reply = replace(reply, calls=self._notices.called(inquiry))
        if not self._notices.is_lost(asked.adapter):
            return reply
        meant = Fields(rows=(("meant for", f"{asked.adapter} {asked.channel}".rstrip()),))
        return replace(reply, pieces=(*reply.pieces, meant))
