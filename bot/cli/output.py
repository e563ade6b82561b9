"""How the command line writes: tables that fit the terminal, local times, colour on a terminal only."""

import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import typer

from bot.cli.site import wants_colour

NARROWEST = 8
_COLOURS = {
    "succeeded": "green",
    "ok": "green",
    "failed": "red",
    "problem": "red",
    "error": "red",
    "timeout": "red",
    "abandoned": "red",
    "warning": "yellow",
    "canceled": "yellow",
    "canceling": "yellow",
    "running": "cyan",
    "waiting": "red",
    "stopped": "yellow",
    "ended": "yellow",
}


def put(text: str = "", *, nl: bool = True, err: bool = False) -> None:
    """As it is, at once. Who reads it may have gone, as `head` does: then the rest is for nobody, and
    what the command does and how it ends stays the same. Raises OSError for a full disk and the like."""
    try:
        typer.echo(text, nl=nl, err=err)
    except OSError as error:
        # Python writes what is left when it ends: that would fail once more.
        nobody = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nobody, (sys.stderr if err else sys.stdout).fileno())
        os.close(nobody)
        if not isinstance(error, BrokenPipeError):
            raise


def say(text: str = "") -> None:
    put(text)


def note(text: str) -> None:
    """Beside the answer: on standard error."""
    put(text, err=True)


def emit_json(value: Any) -> None:
    put(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def paint(word: str, *, err: bool = False, text: str | None = None) -> str:
    """`text` (or the word itself) in the colour of the word, when a person looks at it."""
    shown = word if text is None else text
    stream = sys.stderr if err else sys.stdout
    colour = _COLOURS.get(word)
    if colour is None or not wants_colour() or not stream.isatty():
        return shown
    return typer.style(shown, fg=colour)


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], *, whole: Sequence[str] = ()) -> None:
    """One line per row. Columns share the width of the terminal; those named in `whole` are never cut."""
    lines = [[_one_line(cell) for cell in row] for row in rows]
    if not lines:
        return
    widths = [max(len(header), *(len(line[i]) for line in lines)) for i, header in enumerate(headers)]
    _narrow(widths, [header in whole for header in headers], screen_width())
    say(_joined([header.upper() for header in headers], widths))
    for line in lines:
        cut = [_cut(cell, width) for cell, width in zip(line, widths, strict=True)]
        padded = _joined(cut, widths)
        for cell in cut:
            if cell in _COLOURS:
                # Painted after padding: the codes have no width.
                padded = padded.replace(f"  {cell}", f"  {paint(cell)}", 1)
        say(padded)


def _narrow(widths: list[int], fixed: list[bool], available: int) -> None:
    """Take from the widest column that may be cut, until the row fits or nothing is left to take."""
    while sum(widths) + 2 * (len(widths) - 1) > available:
        wide = [i for i, width in enumerate(widths) if not fixed[i] and width > NARROWEST]
        if not wide:
            return
        widths[max(wide, key=lambda i: widths[i])] -= 1


def _joined(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def fields(pairs: Mapping[str, Any]) -> None:
    """Name and value, one pair a line; empty values are left out."""
    shown = {name: value for name, value in pairs.items() if value not in (None, "", [], {})}
    width = max((len(name) for name in shown), default=0)
    for name, value in shown.items():
        text = (
            value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=str)
        )
        first, *rest = text.splitlines() or [""]
        say(f"{name.ljust(width)}  {printable(first)}")
        for line in rest:
            say(f"{' ' * width}  {printable(line)}")


def local_time(stamp: str | None, *, now: datetime | None = None) -> str:
    """StackStorm's UTC stamp as a short local time: 14:03:07 today, else Nov 21 14:03, or 2025-11-21."""
    if not stamp:
        return ""
    moment = datetime.fromisoformat(stamp).astimezone()
    today = now or datetime.now().astimezone()
    if moment.date() == today.date():
        return moment.strftime("%H:%M:%S")
    return moment.strftime("%b %d %H:%M" if moment.year == today.year else "%Y-%m-%d")


def duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def result_text(result: Any) -> str:
    """What a person wants to see of a result: what was printed, else the value as JSON."""
    if result is None:
        return ""
    if isinstance(result, str):
        return result
    if isinstance(result, dict) and "stdout" in result and result.get("result") in (None, "None"):
        parts = [part for part in (result.get("stdout"), result.get("stderr"), result.get("error")) if part]
        texts = [part if isinstance(part, str) else json.dumps(part, indent=2) for part in parts]
        return "\n".join(text.rstrip("\n") for text in texts)
    shown = (
        result["result"]
        if isinstance(result, dict) and result.get("result") not in (None, "None")
        else result
    )
    return shown if isinstance(shown, str) else json.dumps(shown, indent=2, ensure_ascii=False)


def _one_line(text: str) -> str:
    return printable(" ".join(str(text).split()))


def printable(text: str) -> str:
    """Without the control characters that a terminal would obey: some of it was written by strangers."""
    return text if text.isprintable() else "".join(one if one.isprintable() else " " for one in text)


def screen_width() -> int:
    return shutil.get_terminal_size((80, 24)).columns
