"""A reply as lines of plain text, for chats that have no threads, buttons or edits: pure.

Lines are dear there, so what is short shares one. An edit says only what was not there before, and
nothing where nothing changed that matters: times, counts and a tree's progress do not.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot import formatting
from bot.chat import Button, Code, Fields, Piece, Prompt, Question, Reply, Table, Text, Tone, Tree
from engine.status import FINISHED

_LINE = 320
"""How many characters short parts fill together."""
_BETWEEN = " · "
_SHORT = 120
_TONES = {Tone.WARNING: "⚠", Tone.BAD: "✕"}
# How much of a message is remembered, to tell what is new in it later.
_REMEMBERED = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One thing that is said."""

    text: str
    is_short: bool = False
    """May share its line with its neighbours."""
    counts: bool = True
    """False: alone it is no reason to say something again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    lines: tuple[str, ...]
    mark: str
    """What stands in the chat now, for the next version of the message."""


def first(reply: Reply, *, prefix: str, max_lines: int) -> Said:
    """All of it. `prefix`: what stands before a command there. A result is cut to `max_lines`."""
    parts = _parts(reply, prefix=prefix, max_lines=max_lines)
    return Said(lines=tuple(_lines(parts)), mark=_mark(reply, parts))


def news(reply: Reply, mark: str, *, prefix: str, max_lines: int) -> Said:
    """What is new since `mark`; no lines: nothing that matters."""
    parts = _parts(reply, prefix=prefix, max_lines=max_lines)
    now = _mark(reply, parts)
    matter, _, known = mark.partition(":")
    if now.partition(":")[0] == matter:
        return Said(lines=(), mark=now)
    before = set(known.split(","))
    # The first part says what it is about.
    fresh = [
        part
        for number, part in enumerate(parts)
        if number == 0
        or ((part.counts or _is_asked(reply) or _is_end(reply)) and _hash(part.text) not in before)
    ]
    return Said(lines=tuple(_lines(fresh)), mark=now)


def _mark(reply: Reply, parts: Sequence[Part]) -> str:
    """`what matters : all parts`, as short digests."""
    said = [part.text for part in parts if part.counts or _is_asked(reply)]
    if not reply.status:
        # In what a notice says, numbers are counters.
        said = [re.sub(r"\d+", "#", one) for one in said]
    matter = _hash("\n".join([reply.status, reply.tone, reply.execution_id, *said]), length=12)
    return f"{matter}:{','.join(_hash(part.text) for part in parts[:_REMEMBERED])}"


def _is_asked(reply: Reply) -> bool:
    """Of a question the fields count too: who may answer by now, and how many have."""
    return bool(reply.inquiry_id)


def _is_end(reply: Reply) -> bool:
    """Of a result the fields are what it gave."""
    return reply.status in FINISHED and not reply.inquiry_id


def _hash(text: str, *, length: int = 6) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]


# the parts


def _parts(reply: Reply, *, prefix: str, max_lines: int) -> list[Part]:
    said = [*_words(reply.pretext), *_head(reply), *_body(reply, prefix=prefix, max_lines=max_lines)]
    return [*said, *_ways_on(reply, said, prefix=prefix)]


def _body(reply: Reply, *, prefix: str, max_lines: int) -> Iterator[Part]:
    is_cut = bool(reply.status) and not reply.inquiry_id
    left = max_lines if is_cut else 10_000
    for piece in reply.pieces:
        made = list(_piece(piece))
        yield from made[:left]
        if len(made) > left:
            word = formatting.short_id(reply.execution_id)
            yield Part(text=f"… {len(made) - left:,} more lines: {prefix}output {word}")
        left = max(0, left - len(made))


def _head(reply: Reply) -> Iterator[Part]:
    if reply.title:
        yield Part(text=reply.title)
    if reply.status:
        word = formatting.short_id(reply.inquiry_id or reply.execution_id)
        facts = [formatting.status_sign(reply.status), reply.action, word]
        facts.append(formatting.status_word(reply.status))
        took = "" if reply.elapsed_s is None else f" after {formatting.duration(reply.elapsed_s)}"
        yield Part(text=f"{' '.join(filter(None, facts))}{took}", is_short=True)
    elif not reply.title and reply.pieces and reply.tone in _TONES:
        yield Part(text=_TONES[reply.tone], is_short=True)


def _piece(piece: Piece) -> Iterator[Part]:
    if isinstance(piece, Fields):
        yield from _fields(piece)
    elif isinstance(piece, Tree):
        if not piece.is_folded:
            yield from _unjoined(formatting.tree_text(piece))
        elif piece.title:
            yield Part(text=piece.title, is_short=True)
    elif isinstance(piece, Table):
        yield from _unjoined(formatting.columns(piece.rows, piece.columns))
    elif isinstance(piece, Text):
        yield from _words(piece.text)
    else:
        title = piece.title if isinstance(piece, Code) else ""
        yield from _unjoined(f"{title}:\n{piece.text}" if title else piece.text)


def _fields(piece: Fields) -> Iterator[Part]:
    if piece.title:
        yield Part(text=f"{piece.title}:", is_short=True, counts=False)
    for name, value in piece.rows:
        lines = value.split("\n")
        if len(lines) == 1:
            yield Part(text=f"{name}: {value}", is_short=len(value) <= _SHORT, counts=False)
        else:
            yield Part(text=f"{name}:", counts=False)
            yield from (Part(text=f"  {line}", counts=False) for line in lines)


def _words(text: str) -> Iterator[Part]:
    lines = [line.rstrip() for line in text.split("\n") if line.strip()]
    for line in lines:
        yield Part(text=line, is_short=len(lines) == 1 and len(line) <= _SHORT)


def _unjoined(text: str) -> Iterator[Part]:
    for line in text.split("\n"):
        yield Part(text=line.rstrip())


def _ways_on(reply: Reply, said: Sequence[Part], *, prefix: str) -> Iterator[Part]:
    """Buttons, links and questions, as words to type; those that are `said` are not said again."""
    if reply.prompt is not None:
        yield from _prompt(reply.prompt, prefix=prefix)
    is_fine = bool(reply.status) and reply.tone in (Tone.GOOD, Tone.RUNNING, Tone.NEUTRAL)
    buttons = [one for one in reply.buttons if not any(one.command in part.text for part in said)]
    if is_fine and not reply.inquiry_id:
        if reply.tone is Tone.RUNNING:
            yield from _buttons([one for one in buttons if one.command.startswith("cancel ")], prefix)
        return
    yield from _buttons(buttons, prefix)
    yield from (Part(text=f"{link.label}: {link.url}", counts=False) for link in reply.links)


def _buttons(buttons: Sequence[Button], prefix: str) -> Iterator[Part]:
    for button in buttons:
        if button.command:
            yield Part(text=f"{button.label}: {prefix}{button.command}", is_short=True, counts=False)


def _prompt(prompt: Prompt, *, prefix: str) -> Iterator[Part]:
    word = formatting.short_id(prompt.id)
    questions = [one for one in prompt.questions if not prompt.buttons or one.is_required]
    if any(one.is_secret for one in questions):
        # The words would tempt people to write it here.
        yield Part(text=f"{prefix}answer {word} (it has a secret: I ask you in private)", is_short=True)
        return
    if prompt.answer_with:
        yield Part(text=prompt.answer_with, is_short=True)
    if questions and not prompt.buttons:
        yield Part(text=f"or {prefix}answer {word}: I ask you one by one, in private", is_short=True)


def question(asked: Question, *, number: int, count: int, problem: str = "") -> tuple[str, ...]:
    """One question of a form, as it is asked in a direct message."""
    lines = [f"⚠ {problem}"] if problem else []
    head = f"({number}/{count}) {asked.label}"
    facts = [asked.about, "several: 1,3" if asked.type == "array" and asked.choices else ""]
    if asked.is_secret:
        facts.append("secret: I keep it sealed, and never show it")
    facts = [one for one in facts if one]
    lines.append(f"{head} – {_BETWEEN.join(facts)}" if facts else head)
    if asked.choices:
        numbered = [f"{place}) {choice}" for place, choice in enumerate(asked.choices, start=1)]
        lines += _lines([Part(text=one, is_short=True) for one in numbered])
    if asked.default:
        lines.append(f"-: {asked.default}")
    elif not asked.is_required:
        lines.append("-: leave it out")
    return tuple(lines)


def chosen(asked: Question, text: str) -> str:
    """What was answered to a question: numbers are choices, `-` is the default, or nothing."""
    plain = text.strip()
    if plain == "-":
        return asked.default
    if not asked.choices or plain in asked.choices:
        return plain
    numbers = [one.strip() for one in plain.split(",")] if asked.type == "array" else [plain]
    found = [
        asked.choices[int(one) - 1] if one.isdecimal() and 1 <= int(one) <= len(asked.choices) else one
        for one in numbers
    ]
    return ", ".join(found)


# the lines


def _lines(parts: Sequence[Part]) -> list[str]:
    """Short neighbours on one line, whatever is empty left out."""
    lines: list[str] = []
    is_open = False
    for part in parts:
        if not part.text.strip():
            continue
        if part.is_short and is_open and len(lines[-1]) + len(_BETWEEN) + len(part.text) <= _LINE:
            lines[-1] += _joint(lines[-1]) + part.text
        else:
            lines.append(part.text)
        is_open = part.is_short
    return lines


def _joint(line: str) -> str:
    return " " if line.endswith(":") or len(line) == 1 else _BETWEEN
