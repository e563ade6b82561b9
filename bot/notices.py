"""What the engine itself has to say, as messages of one chat, and where each of them stands.

The same key is the same message. A notice with a `thread_key` stands in the thread of the message
with that key, in whatever channel that is. All its texts are data.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from bot import formatting, inquiries, wording
from bot.chat import Button, Fields, Link, Piece, Place, Reply, Text, Tone
from bot.port import ChatAdapter, Outgoing
from bot.results import cut_pieces
from engine.errors import EngineError
from engine.notices import Notice
from engine.records.chat import NoticePosting
from engine.records.inquiry import Inquiry
from engine.service import Engine
from engine.store import chat as store

# Where nothing else is said in the settings.
_LAST_CHANNEL = "ops"
_WEB = ("http://", "https://")

Standing = Mapping[str, NoticePosting]


def message_key(notice: Notice) -> str:
    return f"notice:{notice.key}:{notice.generation}" if notice.generation else f"notice:{notice.key}"


def known_posting(notice: Notice, standing: Standing) -> NoticePosting | None:
    """Where this generation of the notice stands already."""
    known = standing.get(notice.key)
    return known if known is not None and known.generation == notice.generation else None


class Notices:
    """`chats`: the names of all chats that run, the first one first."""

    def __init__(self, engine: Engine, adapter: ChatAdapter, *, chats: Sequence[str]) -> None:
        self._engine = engine
        self._adapter = adapter
        self._chats = tuple(chats)

    def addressed(self, notice: Notice) -> Notice:
        """With the chat that its channel names, as in `irc#ops`; a channel without one is left as it is."""
        chat, hash_, channel = notice.channel.partition("#")
        if notice.adapter or not (chat and hash_):
            return notice
        return replace(notice, adapter=chat, channel=channel)

    def is_ours(self, wanted: str) -> bool:
        """Whether `wanted` is this chat; what names none is for the first."""
        return wanted == self._adapter.name or (not wanted and self._is_first)

    def takes(self, wanted: str) -> bool:
        """Whether what is for that chat is said here; the first also says what is for one that is not."""
        return self.is_ours(wanted) or (self.is_lost(wanted) and self._is_first)

    def is_lost(self, wanted: str) -> bool:
        """Whether a chat is named that does not run."""
        return wanted != "" and wanted not in self._chats

    @property
    def _is_first(self) -> bool:
        return self._chats[0] == self._adapter.name

    def standing(self, keys: Collection[str]) -> dict[str, NoticePosting]:
        """Where those of these notices stand that were posted."""
        if not keys:
            return {}
        with self._engine.database.read() as connection:
            return store.notices(connection, self._adapter.name, keys)

    def outgoing(self, notice: Notice, standing: Standing) -> Outgoing:
        reply = self._reply(notice)
        return Outgoing(key=message_key(notice), place=self._place(notice, standing), reply=reply)

    def channel(self, wanted: str) -> str:
        """The channel of that name, or the one for what names none."""
        settings = self._engine.settings
        for name in (wanted, settings.events.channel, *settings.chat.channels):
            found = self._adapter.channel_named(name)
            if found:
                return found
        return _LAST_CHANNEL

    def _place(self, notice: Notice, standing: Standing) -> Place:
        known = known_posting(notice, standing)
        if known is not None:
            # Where a chat cannot edit, what is new about it stands under it.
            thread = known.thread_id if self._adapter.capabilities.edits else known.thread
            return self.place_at(channel=known.channel, thread=thread)
        root = standing.get(notice.thread_key) if notice.thread_key else None
        if root is not None:
            return self.place_at(channel=root.channel, thread=root.thread)
        is_lost = notice.adapter not in ("", self._adapter.name)
        return self.place_at(channel=self.channel("" if is_lost else notice.channel), thread=None)

    def ids_of(self, people: Iterable[str]) -> tuple[str, ...]:
        """What this chat calls their accounts, where these were named or linked."""
        prefix = f"{self._adapter.name}."
        known = (name for person in people for name in self._engine.people.names(person))
        return tuple(
            name.removeprefix(prefix).partition(".")[2] for name in sorted(known) if name.startswith(prefix)
        )

    def called(self, inquiry: Inquiry) -> tuple[str, ...]:
        """The ids of those who may answer it, have not, and are few enough to be called by name."""
        return self.ids_of(inquiries.asked_people(inquiry, self._engine.people))

    def place_at(self, *, channel: str, thread: str | None) -> Place:
        return Place(channel=channel, thread=thread if self._adapter.capabilities.threads else None)

    def _reply(self, notice: Notice) -> Reply:
        end = self._end(notice.execution_id) if notice.execution_id else None
        if end is not None:
            rows = tuple(self._rows(notice, has_buttons=True))
            said = "\n".join(part for part in (notice.text, end.pretext) if part)
            return replace(end, pretext=formatting.clean(said), pieces=(*end.pieces, *rows))
        pieces, lines_left = cut_pieces(
            formatting.pieces_of(notice.text), self._engine.settings.chat.answer_limit
        )
        if lines_left:
            lines = "line" if lines_left == 1 else "lines"
            pieces = (*pieces, Text(text=f"{lines_left:,} more {lines} are left out here."))
        links = tuple(
            Link(label=formatting.clean(label), url=url)
            for label, url in notice.links
            if url.lower().startswith(_WEB)
        )
        has_buttons = self._adapter.capabilities.buttons
        return Reply(
            title=formatting.clean(notice.title),
            pieces=(*pieces, *self._rows(notice, has_buttons=has_buttons)),
            tone=Tone(notice.tone),
            links=links,
            buttons=tuple(
                Button(label=formatting.clean(label), command=command) for label, command in notice.commands
            )
            if has_buttons
            else (),
            mention=notice.mention,
            calls=self.ids_of(notice.people),
            named={one: one for one in notice.named},
        )

    def _end(self, execution_id: str) -> Reply | None:
        """How an execution ended; None where its alias wants no result told, or nobody knows it."""
        try:
            return wording.result(self._engine, self._engine.execution(execution_id))
        except EngineError:
            return None

    def _rows(self, notice: Notice, *, has_buttons: bool) -> Iterable[Piece]:
        rows = list(notice.fields)
        # A link of another kind (javascript:, file: ...) is shown and cannot be followed.
        rows += [(label, url) for label, url in notice.links if not url.lower().startswith(_WEB)]
        if notice.adapter and notice.adapter != self._adapter.name:
            rows.append(("meant for", f"{notice.adapter} {notice.channel}".rstrip()))
        if rows:
            yield Fields(
                rows=tuple((formatting.clean(name), formatting.clean(value)) for name, value in rows)
            )
        if notice.commands and not has_buttons:
            prefix = self._engine.settings.chat.prefix
            yield Fields(
                rows=tuple((formatting.clean(label), prefix + command) for label, command in notice.commands)
            )
