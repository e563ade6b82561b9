"""The middle of a Slack message: pieces of a reply as blocks, as long as there is room."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot import formatting
from bot.adapters.slack import limits, plans, rich
from bot.adapters.slack.mrkdwn import cut, head, size, visible
from bot.adapters.slack.rendered import File
from bot.chat import Code, Fields, LongText, Piece, Table, Text, Tree

# Less than this of a text is not begun.
_LEAST = 80
# Kept for the line that says where it goes on.
_MORE_TEXT, _MORE_JSON = 300, 600
_PREVIEW_LINES, _PREVIEW_WIDTH = 8, 200
_NAME = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What a workspace takes besides the blocks that all know."""

    plan: bool = True
    table: bool = True


class Page:
    """Takes pieces until it is full; the first that does not fit is cut, and all that follow are left out."""

    def __init__(
        self,
        features: Features,
        *,
        around: Sequence[Mapping[str, Any]],
        plan_title: str,
        named: Mapping[str, str],
    ) -> None:
        """`around`: the blocks before and after it, which need their room. `named`: `Reply.named`."""
        self._features = features
        self._named = named
        self._plan_title = plan_title
        self._used: set[str] = set()
        self.blocks: list[dict[str, Any]] = []
        self.files: list[File] = []
        self.is_cut = False
        self._text = limits.BLOCKS_TEXT - _MORE_TEXT - limits.text_of(around)
        self._json = limits.BLOCKS_JSON - _MORE_JSON - limits.json_of(around)
        self._count = limits.MESSAGE_BLOCKS - 1 - len(around)

    def add(self, piece: Piece) -> None:
        if isinstance(piece, LongText):
            self._add_file(piece)
        elif isinstance(piece, Text):
            self._add_lines(piece.text, is_fixed=False)
        elif isinstance(piece, Code):
            self._add_lines(piece.text, is_fixed=True, title=piece.title)
        elif isinstance(piece, Fields):
            self._add_fields(piece)
        elif isinstance(piece, Table):
            self._add_table(piece)
        else:
            self._add_tree(piece)

    def place(self, block: dict[str, Any]) -> bool:
        """Whether there was room for it."""
        text, length = limits.text_of(block), limits.json_of([block])
        if self.is_cut or self._count < 1 or text > self._text or length > self._json:
            return False
        self.blocks.append(block)
        self._text -= text
        self._json -= length
        self._count -= 1
        return True

    def _add_lines(self, text: str, *, is_fixed: bool, title: str = "") -> None:
        shown = visible(text).strip("\n")
        if not shown.strip() and not title:
            return
        heading = [rich.section([rich.run(title, bold=True)])] if title else []
        named = {} if is_fixed else self._named
        if self.place(_lines(shown, is_fixed, heading, named)):
            return
        room = min(self._text, self._json) - size(title)
        while not self.is_cut and room >= _LEAST:
            if self.place(_lines(_first_lines(shown, room), is_fixed, heading, named)):
                break
            # In JSON, quotes and line breaks take more room than they show.
            room = room * 3 // 4
        self.is_cut = True

    def _add_fields(self, piece: Fields) -> None:
        runs = [rich.run(f"{piece.title}\n", bold=True)] if piece.title else []
        runs += [run for name, value in piece.rows for run in _row(name, value, self._named)]
        if not runs:
            return
        runs[-1] = {**runs[-1], "text": runs[-1]["text"].rstrip("\n") or " "}
        if not self.place(rich.block([rich.section(runs)])):
            self._add_lines(formatting.columns(piece.rows), is_fixed=True, title=piece.title)

    def _add_table(self, piece: Table) -> None:
        if self._features.table and "table" not in self._used:
            block = _table(piece)
            if block is not None and self.place(block):
                self._used.add("table")
                return
        self._add_lines(formatting.columns(piece.rows, piece.columns), is_fixed=True)

    def _add_tree(self, piece: Tree) -> None:
        if self._features.plan and "plan" not in self._used:
            block = plans.block(piece, title=self._plan_title)
            if block is not None and self.place(block):
                self._used.add("plan")
                return
        self._add_lines(formatting.tree_text(piece), is_fixed=True)

    def _add_file(self, piece: LongText) -> None:
        self.files.append(File(name=cut(visible(piece.name), _NAME) or "text.txt", text=piece.text))
        said = rich.section([rich.run(cut(in_file(piece), 2 * _NAME), bold=True)])
        lines = [line[:_PREVIEW_WIDTH] for line in piece.text.split("\n", _PREVIEW_LINES)]
        preview = "\n".join(lines if len(lines) <= _PREVIEW_LINES else [*lines[:-1], "…"])
        if not self.place(rich.block([said, rich.fixed(preview)])):
            self.is_cut = not self.place(rich.block([said])) or self.is_cut


def in_file(piece: LongText) -> str:
    """What stands in the message for a file."""
    lines = piece.text.count("\n") + 1
    counted = f"{lines:,} lines" if lines > 1 else f"{len(piece.text):,} characters"
    return f"{piece.name} ({counted}, as a file)"


def _lines(
    text: str, is_fixed: bool, heading: list[dict[str, Any]], named: Mapping[str, str]
) -> dict[str, Any]:
    return rich.block([*heading, rich.fixed(text) if is_fixed else rich.section(rich.runs(text, named))])


def _first_lines(text: str, most: int) -> str:
    short = head(text, most)
    end = short.rfind("\n")
    return short[:end] if end > 0 else short


def _row(name: str, value: str, named: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    yield rich.run(f"{name}  ", bold=True)
    yield from rich.runs(f"{value}\n", named)


def _table(piece: Table) -> dict[str, Any] | None:
    """None when Slack's table does not take it."""
    rows = [piece.columns, *piece.rows]
    if len(rows) > limits.TABLE_ROWS or not 0 < len(piece.columns) <= limits.TABLE_COLUMNS:
        return None
    # A cell must not be empty.
    cells = [[{"type": "raw_text", "text": visible(cell).strip() or "—"} for cell in row] for row in rows]
    settings = [{"is_wrapped": True} for _ in piece.columns]
    block = {"type": "table", "rows": cells, "column_settings": settings}
    return block if limits.text_of(cells) <= limits.TABLE_TEXT else None
