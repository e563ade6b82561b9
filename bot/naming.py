"""A reply with names in the place of ids; what is code or a file stays as it is."""

from dataclasses import replace

from bot import formatting
from bot.chat import Fields, Piece, Reply, Table, Text
from engine.names import Names


def named(reply: Reply, names: Names, *, chat: str) -> Reply:
    """As people of `chat` read it: `Reply.named` then has only what is of this chat."""
    texts = _Texts(names)
    shown = replace(
        reply,
        title=texts.of(reply.title),
        pretext=texts.of(reply.pretext),
        pieces=tuple(_piece(piece, texts) for piece in reply.pieces),
    )
    people = {name_in(known, names): account for known, account in reply.named.items()}
    found = {**texts.channels, **people}
    return replace(shown, named={name: one for name, one in found.items() if name and _is_of(one, chat)})


def name_in(name: str, names: Names) -> str:
    """A name from a record as it stands in a text of ours."""
    return names.in_text(" ".join(formatting.clean(name).split()))


class _Texts:
    def __init__(self, names: Names) -> None:
        self._names = names
        self.channels: dict[str, str] = {}

    def of(self, text: str) -> str:
        shown, channels = self._names.found_in(text)
        self.channels.update(channels)
        return shown


def _piece(piece: Piece, texts: _Texts) -> Piece:
    if isinstance(piece, Text):
        return replace(piece, text=texts.of(piece.text))
    if isinstance(piece, Fields):
        return replace(piece, rows=tuple((name, texts.of(value)) for name, value in piece.rows))
    if isinstance(piece, Table):
        return replace(piece, rows=tuple(tuple(map(texts.of, row)) for row in piece.rows))
    return piece


def _is_of(known: str, chat: str) -> bool:
    return known.startswith((f"{chat}.", f"{chat}:"))
