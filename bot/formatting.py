"""From the texts of actions and templates to pieces of a reply: cleaned, split, cut."""

import re
from dataclasses import dataclass

from bot.chat import Branch, Code, Fields, LongText, Piece, Reply, Table, Text, Tree

# CSI, OSC (ended by BEL or ST), and the other escape sequences of terminals.
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-_]")
_CONTROLS = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\n\t"} | {0x7F: "\u2421"}
# What turns or hides text; the joiners U+200C and U+200D stay, scripts and emoji need them.
_HIDDEN = {
    code: f"\u2039U+{code:04X}\u203a"
    for code in (0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
}
_HARMLESS = str.maketrans(_CONTROLS | _HIDDEN)
_FENCE = re.compile(
    r"^[ \t]*```[^\n`]*\n(.*?)(?:^[ \t]*```[ \t]*$|\Z)|```([^\n]+?)```", re.DOTALL | re.MULTILINE
)
# Phones and word processors write these for quotes and spaces: English, German, French, Swedish, Japanese.
_DOUBLE = "\u201c\u201d\u201e\u201f\u275d\u275e\uff02"
_SINGLE = "\u2018\u2019\u201a\u201b\u2039\u203a\u275b\u275c\uff07"
_SPACES = "\u00a0\u202f\u2007\u3000"
_TYPOGRAPHY = str.maketrans(
    {**dict.fromkeys(_DOUBLE, '"'), **dict.fromkeys(_SINGLE, "'"), **dict.fromkeys(_SPACES, " ")}
)
# « French » and »German« angle quotes.
_ANGLES = re.compile(r"«([^«»\n]*)»|»([^«»\n]*)«")
# What stands in straight quotes that open and close as quotes do is a value, and stays as it is.
_STRAIGHT = re.compile(r"""(?<![^\s=(\[{,:|])("[^"]*"|'[^']*')(?![^\s)\]},:|])""")

# Columns: words that stand three or more spaces apart.
_COLUMNS = re.compile(r"\S {3,}\S|\S\t+\S")

# A sign and a word for each status; what is not here is its own word.
_STATUSES = {
    "succeeded": ("✓", "succeeded"),
    "failed": ("✕", "failed"),
    "timeout": ("⏱", "timed out"),
    "abandoned": ("⚠", "abandoned"),
    "canceled": ("⊘", "cancelled"),
    "canceling": ("◌", "cancelling"),
    "paused": ("Ⅱ", "paused"),
    "pending": ("?", "waits for an answer"),
    "running": ("●", "running"),
    "answered": ("✓", "answered"),
    "approved": ("✓", "approved"),
    "rejected": ("✕", "rejected"),
    "expired": ("⏱", "expired"),
}

PRETEXT_MARK = "{~}"
SHORT_ID_LENGTH = 6


def straight(text: str) -> str:
    """A command with the quotes and spaces that aliases know; in straight quotes nothing changes."""
    parts = _STRAIGHT.split(text)
    # Every second part is one that stands in straight quotes.
    return "".join(part if number % 2 else _plain(part) for number, part in enumerate(parts))


def _plain(text: str) -> str:
    return _ANGLES.sub(_in_straight_quotes, text).translate(_TYPOGRAPHY)


def _in_straight_quotes(match: re.Match[str]) -> str:
    # The spaces inside of French quotes belong to the marks.
    return f'"{(match[1] if match[1] is not None else match[2]).strip()}"'


def clean(text: str) -> str:
    """Text that only shows: no escape sequence, control or direction mark takes effect.

    A line that a program wrote over with carriage returns shows what stood there last.
    """
    text = _ESCAPES.sub("", text.replace("\r\n", "\n"))
    if "\r" in text:
        text = "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.split("\n"))
    return text.encode("utf-8", "replace").decode().translate(_HARMLESS)


def short_id(execution_id: str) -> str:
    """The end of an id, which commands take as the whole of it."""
    return execution_id[-SHORT_ID_LENGTH:]


def duration(seconds: float) -> str:
    """0.42 s, 12 s, 3 min 5 s, 2 h 10 min."""
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def status_word(status: str) -> str:
    """A status as people read it."""
    return _STATUSES.get(status, ("", status))[1]


def status_sign(status: str) -> str:
    return _STATUSES.get(status, ("◌", ""))[0]


def span(seconds: float) -> str:
    """How far away something is, roughly: 40 s, 20 min, 3 h 5 min, 2 d 4 h."""
    minutes = round(max(seconds, 0) / 60)
    if minutes < 1:
        return f"{max(seconds, 0):.0f} s"
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{hours // 24} d {hours % 24} h" if hours % 24 else f"{hours // 24} d"


def split_pretext(text: str) -> tuple[str, str]:
    """(pretext, text) around the first {~}; what follows a second one is left out, as ever."""
    parts = text.split(PRETEXT_MARK)
    if len(parts) == 1:
        return "", text
    return parts[0].strip(), parts[1].strip("\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    text: str
    lines_left: int
    """0: nothing was cut."""


def cut(text: str, limit: int) -> Cut:
    """The first `limit` characters at most, whole lines where there are any."""
    if len(text) <= limit:
        return Cut(text=text, lines_left=0)
    end = text.rfind("\n", 0, limit + 1)
    shown = text[: end if end > 0 else limit]
    return Cut(text=shown, lines_left=max(1, text[len(shown) :].strip("\n").count("\n") + 1))


def last_lines(text: str, count: int, *, width: int = 200) -> str:
    """The last lines that say something, each cut at `width`."""
    lines = [line for line in clean(text).split("\n") if line.strip()]
    return "\n".join(line[:width] for line in lines[-count:])


def pieces_of(text: str) -> tuple[Piece, ...]:
    """Words and fenced code. A fence that is never closed ends with the text."""
    pieces: list[Piece] = []
    position = 0
    for match in _FENCE.finditer(text):
        _add_text(pieces, text[position : match.start()])
        block = match[1] if match[1] is not None else match[2]
        if block.strip():
            pieces.append(Code(text=clean(block.strip("\n"))))
        position = match.end()
    _add_text(pieces, text[position:])
    return tuple(pieces)


def _add_text(pieces: list[Piece], text: str) -> None:
    stripped = text.strip("\n")
    if not stripped.strip():
        return
    text = clean(stripped)
    # What was laid out in columns only reads in a font of fixed width.
    pieces.append(Code(text=text) if _COLUMNS.search(text) else Text(text=text))


def columns(rows: tuple[tuple[str, ...], ...], headings: tuple[str, ...] = ()) -> str:
    """Rows as text of fixed width, columns two spaces apart."""
    everything = ((headings,) if headings else ()) + rows
    if not everything:
        return ""
    widths = [max(len(row[i]) for row in everything) for i in range(len(everything[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in everything
    ]
    return "\n".join(line.rstrip() for line in lines)


def as_text(reply: Reply) -> str:
    """The reply for chats that only know lines of text."""
    parts = [reply.pretext, reply.title, *(_piece_text(piece) for piece in reply.pieces)]
    parts += [f"{link.label}: {link.url}" for link in reply.links]
    if reply.prompt is not None:
        parts.append(reply.prompt.answer_with)
    return "\n".join(part for part in parts if part)


def _piece_text(piece: Piece) -> str:
    if isinstance(piece, Fields):
        return "\n".join(part for part in (piece.title, columns(piece.rows)) if part)
    if isinstance(piece, Table):
        return columns(piece.rows, piece.columns)
    if isinstance(piece, Tree):
        return tree_text(piece)
    if isinstance(piece, Code) and piece.title:
        return f"{piece.title}\n{piece.text}"
    if isinstance(piece, Text | Code | LongText):
        return piece.text
    return ""


def tree_text(tree: Tree) -> str:
    """A line for each task, in columns: sign and name, status, notes, time, the end of its id."""
    laid_out = iter(columns(tuple(map(_branch_cells, filter(_is_task, tree.branches)))).split("\n"))
    lines = [
        next(laid_out) if _is_task(branch) else f"{'  ' * branch.depth}{branch.note}"
        for branch in tree.branches
    ]
    return "\n".join(part for part in (tree.title, *lines) if part)


def _is_task(branch: Branch) -> bool:
    return bool(branch.status)


def _branch_cells(branch: Branch) -> tuple[str, ...]:
    return (
        f"{'  ' * branch.depth}{status_sign(branch.status)} {branch.name}",
        status_word(branch.status),
        branch.note,
        "" if branch.elapsed_s is None else duration(branch.elapsed_s),
        short_id(branch.execution_id),
    )
