"""The format of transcripts: one line is what somebody does, or words that the bot must say.

    on: web, slack, irc
    ann in #oncall> !disk clean db1
    Free 38 G on db1?
    digest {digest}
    bob presses [Reject] not on a Friday
    (to bob) Only group dba may answer.
    kill -9
    start
    ann presses [Approve]
    (once) disk.cleanup succeeded

Reading is pure; docs/reference/transcripts.md says what each line means.
"""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bot.sim.patterns import names_in, unknown_names
from engine.errors import BadContent

BACKENDS = ("web", "slack", "irc")
HERE = "#ops"
"""The channel until somebody speaks in another one."""

_ON = re.compile(r"on:(?P<names>.*)")
_SAID = re.compile(r"(?P<who>[a-z][\w.-]*)(?: in (?P<where>#[\w-]+|thread|private))?> (?P<words>.+)")
_PRESSED = re.compile(r"(?P<who>[a-z][\w.-]*) presses \[(?P<label>[^\]]+)\](?: (?P<words>.+))?")
_FILLED = re.compile(r"(?P<who>[a-z][\w.-]*) fills in(?P<values>(?: \S+)+)")
_STANDS = re.compile(r"(?P<who>[a-z][\w.-]*) is a (?P<standing>guest|stranger|bot)")
_POSTED = re.compile(r"webhook (?P<name>\S+) (?P<file>\S+)(?: unsigned)?(?: refused (?P<status>\d{3}))?")
_MARKED = re.compile(r"\((?P<marks>[^)]*)\) (?P<words>.+)")
_MARK = re.compile(
    r"once|never|in thread|in (?P<channel>#[\w-]+)|to (?P<who>[a-z][\w.-]*)|not on (?P<chat>web|slack|irc)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Where a step stands, and how it is written there."""

    number: int
    written: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Says(Line):
    who: str
    words: str
    place: str = ""
    """A channel as `#ops`, `thread` (of what was found last) or `private`; empty: where we are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Presses(Line):
    """The newest message that shows the button."""

    who: str
    label: str
    words: str = ""
    """The reason that goes with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fills(Line):
    """The form that is open for them, or else the newest one."""

    who: str
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stands(Line):
    """Somebody is no full member of the chat."""

    who: str
    standing: Literal["guest", "stranger", "bot"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Posts(Line):
    """The body in a file is posted to a webhook, signed as its sender does."""

    webhook: str
    file: str
    is_signed: bool = True
    status: int = 0
    """With which HTTP status it must be refused; 0: it is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kills(Line):
    """`kill -9` of the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Starts(Line):
    """The server starts again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs(Line):
    """A command of the shell, with our server's address and key."""

    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expects(Line):
    """Words that must come to stand in a message of the bot, or in what a command printed."""

    words: str
    how_often: Literal["", "once", "never"] = ""
    """once: in one message, and in no second one until the end of the transcript; never: in none."""
    channel: str = ""
    only_for: str = ""
    """A message for this person alone."""
    is_in_thread: bool = False
    not_on: tuple[str, ...] = ()
    """The chats in which it is passed over."""


Step = Says | Presses | Fills | Stands | Posts | Kills | Starts | Runs | Expects


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    name: str
    """As messages name it, usually its path."""
    backends: tuple[str, ...]
    """The chats that it is written for."""
    steps: tuple[Step, ...]

    def where(self, step: Line) -> str:
        return f"{self.name}:{step.number}"


def transcript_of(text: str, *, name: str, first: int = 1) -> Transcript:
    """`first`: the number of the text's first line in its file. Raises BadContent."""
    backends: tuple[str, ...] = BACKENDS
    steps: list[Step] = []
    known: set[str] = set()
    for number, raw in enumerate(text.splitlines(), start=first):
        written = " ".join(raw.split())
        if not written or written == "#" or written.startswith("# "):
            continue
        where = f"{name}:{number}"
        header = _ON.fullmatch(written)
        if header:
            if steps:
                raise BadContent("This stands at the beginning of a transcript.", where=where)
            backends = _backends(header["names"], where)
            continue
        step = _step(raw.strip(), number, where)
        _check_names(step, known, where)
        steps.append(step)
    return Transcript(name=name, backends=backends, steps=tuple(steps))


def people_in(transcript: Transcript) -> list[str]:
    """Everybody who does something, in the order of their first line."""
    found = (one.who for one in transcript.steps if isinstance(one, Says | Presses | Fills | Stands))
    return list(dict.fromkeys(found))


def standings_in(transcript: Transcript) -> dict[str, str]:
    """Of those who are no full members."""
    return {one.who: one.standing for one in transcript.steps if isinstance(one, Stands)}


def channels_in(transcript: Transcript) -> set[str]:
    """As `#ops`."""
    named = {one.place for one in transcript.steps if isinstance(one, Says)}
    named |= {one.channel for one in transcript.steps if isinstance(one, Expects)}
    return {HERE, *(one for one in named if one.startswith("#"))}


def _backends(names: str, where: str) -> tuple[str, ...]:
    found = tuple(one.strip() for one in names.split(","))
    wrong = [one for one in found if one not in BACKENDS]
    if wrong:
        raise BadContent(
            f"There is no chat {wrong[0]!r}.", where=where, hint=f"Known are {', '.join(BACKENDS)}."
        )
    return found


def _step(written: str, number: int, where: str) -> Step:
    for pattern, made in _SHAPES:
        found = pattern.fullmatch(written)
        if found:
            return made(found, Line(number=number, written=written), where)
    return _expects(written, number, where)


def _says(found: re.Match[str], line: Line, _where: str) -> Step:
    place = found["where"] or ""
    return Says(number=line.number, written=line.written, who=found["who"], words=found["words"], place=place)


def _presses(found: re.Match[str], line: Line, _where: str) -> Step:
    return Presses(
        number=line.number,
        written=line.written,
        who=found["who"],
        label=found["label"],
        words=found["words"] or "",
    )


def _fills(found: re.Match[str], line: Line, where: str) -> Step:
    try:
        pairs = [word.partition("=") for word in shlex.split(found["values"])]
    except ValueError as error:
        raise BadContent(f"The values cannot be read: {error}.", where=where) from error
    if not all(name and equals for name, equals, _ in pairs):
        raise BadContent("A form is filled in with NAME=VALUE ...", where=where)
    values = tuple((name, value) for name, _, value in pairs)
    return Fills(number=line.number, written=line.written, who=found["who"], values=values)


def _stands(found: re.Match[str], line: Line, _where: str) -> Step:
    standing: Literal["guest", "stranger", "bot"] = found["standing"]  # type: ignore[assignment] # the pattern
    return Stands(number=line.number, written=line.written, who=found["who"], standing=standing)


def _posts(found: re.Match[str], line: Line, _where: str) -> Step:
    return Posts(
        number=line.number,
        written=line.written,
        webhook=found["name"],
        file=found["file"],
        is_signed=" unsigned" not in line.written,
        status=int(found["status"] or 0),
    )


_SHAPES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], Line, str], Step]], ...] = (
    (_SAID, _says),
    (_PRESSED, _presses),
    (_FILLED, _fills),
    (_STANDS, _stands),
    (_POSTED, _posts),
    (re.compile("kill -9"), lambda _found, line, _where: Kills(number=line.number, written=line.written)),
    (re.compile("start"), lambda _found, line, _where: Starts(number=line.number, written=line.written)),
    (
        re.compile(r"\$ (?P<command>.+)"),
        lambda found, line, _where: Runs(number=line.number, written=line.written, command=found["command"]),
    ),
)


def _expects(written: str, number: int, where: str) -> Expects:
    marked = _MARKED.fullmatch(written)
    marks = [one.strip() for one in marked["marks"].split(",")] if marked else []
    found = [_MARK.fullmatch(one) for one in marks]
    if marked is None or not all(found):
        words = written.removeprefix("< ")
        return Expects(number=number, written=written, words=words)
    how_often: Literal["", "once", "never"] = ""
    if "once" in marks or "never" in marks:
        how_often = "once" if "once" in marks else "never"
    if "once" in marks and "never" in marks:
        raise BadContent("Something is said once or never.", where=where)
    named = [one for one in found if one is not None]
    return Expects(
        number=number,
        written=written,
        words=marked["words"],
        how_often=how_often,
        channel=next((one["channel"] for one in named if one["channel"]), ""),
        only_for=next((one["who"] for one in named if one["who"]), ""),
        is_in_thread="in thread" in marks,
        not_on=tuple(one["chat"] for one in named if one["chat"]),
    )


def _check_names(step: Step, known: set[str], where: str) -> None:
    """What people say knows only names that an answer above has given."""
    if isinstance(step, Expects):
        fresh = names_in(step.words)
        if step.how_often == "never" and not known.issuperset(fresh):
            raise BadContent("What is never said can give nothing a name.", where=where)
        known |= fresh
        return
    words: tuple[str, ...] = ()
    if isinstance(step, Says | Presses):
        words = (step.words,)
    elif isinstance(step, Fills):
        words = tuple(value for _, value in step.values)
    elif isinstance(step, Runs):
        words = (step.command,)
    for name in (name for text in words for name in unknown_names(text, known)):
        raise BadContent(f"No answer above has given {{{name}}} a value.", where=where)
