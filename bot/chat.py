"""The neutral vocabulary of every chat; the port that an adapter fills is in `bot.port`.

What people say comes in as a `Message` (or as an `Answer` to a `Prompt`); what we say goes out as a
`Reply`: pieces that each chat draws as well as it can. Everything in a piece is data: an adapter
shows it and never lets it act, so a mention or a tag in an action's output stays text.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from engine.errors import BadInput


class Standing(StrEnum):
    """What somebody is in the workspace or network that we are in."""

    MEMBER = "member"
    GUEST = "guest"
    """Invited to some channels only."""
    STRANGER = "stranger"
    """Of another workspace, in a channel that both share."""
    BOT = "bot"
    DEACTIVATED = "deactivated"
    """Was a member once: nothing of theirs counts, not even a button that they press late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who wrote. `id` is the chat's own stable id; `name` is what people read, and only a hint."""

    id: str
    name: str
    standing: Standing = Standing.MEMBER
    team: str = ""
    """The workspace or network that the id belongs to, of a stranger theirs; empty where there is but one."""
    is_vouched: bool = False
    """The chat itself vouches that `id` is this person's, and nobody else's, now and later."""
    email: str = ""
    """Only where the chat has verified it; lower case."""
    engine_user: str = ""
    """The user of the engine that the adapter has authenticated; empty: it has not."""
    zone: str = ""
    """The person's time zone as the chat says it, for example Europe/Zurich; only a hint. Empty: unknown."""

    @property
    def is_bot(self) -> bool:
        return self.standing is Standing.BOT


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where to say something."""

    channel: str
    thread: str | None = None
    """The id of the message that started the thread; None: in the channel itself."""
    reply_to: str | None = None
    """The id of the message that is answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a person, as it arrived."""

    adapter: str
    id: str
    channel: str
    thread: str | None = None
    author: Author
    text: str
    is_direct: bool = False
    """Said to us alone: it needs no prefix."""
    is_edited: bool = False
    """It was said before, in other words: its `id` is known. It runs only after a question."""
    delivery_key: str = ""
    """The sender's own id of the delivery: the same key is the same message. Empty: `id` is it."""

    @property
    def key(self) -> str:
        """Unique over all adapters and authors."""
        return f"{self.adapter}:{self.author.team}:{self.author.id}:{self.delivery_key or self.id}"

    @property
    def answer_place(self) -> Place:
        """The thread of the message; a message in the channel starts one."""
        return Place(channel=self.channel, thread=self.thread or self.id, reply_to=self.id)


# What a reply is made of


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Plain words, with line breaks; no markup of any chat has a meaning in it."""

    text: str
    kind: Literal["text"] = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """Text of fixed width, as it is."""

    text: str
    title: str = ""
    kind: Literal["code"] = "code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """Names and values, one under the other."""

    rows: tuple[tuple[str, str], ...]
    title: str = ""
    kind: Literal["fields"] = "fields"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under headings; every row has as many cells as there are columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    kind: Literal["table"] = "table"


@dataclass(frozen=True, slots=True, kw_only=True)
class LongText:
    """What is too long to be read in passing: a file, or folded up."""

    name: str
    text: str
    kind: Literal["file"] = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One line of a tree."""

    name: str
    depth: int = 0
    status: str = ""
    """StackStorm's word; empty: the line only says in `note` what is left out here."""
    note: str = ""
    elapsed_s: float | None = None
    since: str = ""
    """While it runs: the moment from which its time counts, as ISO 8601."""
    execution_id: str = ""
    """Whose output belongs to it; empty where several executions or none did it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The tasks of a workflow with those of its sub-workflows below them, in the order of their start."""

    branches: tuple[Branch, ...]
    title: str = ""
    """How many there are of each status."""
    is_folded: bool = False
    """Only the title shows until somebody asks for the rest, where a chat can do that."""
    kind: Literal["tree"] = "tree"


Piece = Text | Code | Fields | Table | LongText | Tree


class Tone(StrEnum):
    """The colour of a reply. It never stands alone: words or a sign say the same."""

    NEUTRAL = "neutral"
    RUNNING = "running"
    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    label: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """Something to press: it says `command` for the person who presses, or answers a prompt.

    Where a chat has no buttons, the command is shown as words to type.
    """

    label: str
    command: str = ""
    value: str = ""
    """What an Answer carries when the button belongs to a prompt."""
    style: Literal["normal", "primary", "danger"] = "normal"


# Questions to people


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One field of a form, from one property of a JSON schema."""

    name: str
    """Empty: the answer is this one value itself, and not an object."""
    label: str
    about: str = ""
    type: Literal["string", "integer", "number", "boolean", "array", "object", "any"] = "string"
    choices: tuple[str, ...] = ()
    """What may be chosen; of an array several of them."""
    default: str = ""
    is_required: bool = False
    is_secret: bool = False
    """Never asked for in a channel, never shown again."""
    is_long: bool = False
    """Several lines may be written."""
    is_searched: bool = False
    """Its choices are found when somebody asks for them: `Asked.choices`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """Something that waits for a person: an inquiry."""

    id: str
    questions: tuple[Question, ...] = ()
    """A form, with one button that sends it; where there are `buttons` it belongs to them."""
    buttons: tuple[Button, ...] = ()
    answer_with: str = ""
    """The words that answer it where there are no buttons, for example `approve 7f3a1c`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One message of ours."""

    pieces: tuple[Piece, ...] = ()
    pretext: str = ""
    """Stands before the pieces, outside their frame (the part of a template before {~})."""
    title: str = ""
    tone: Tone = Tone.NEUTRAL
    status: str = ""
    """The execution's status in StackStorm's word, or the state of the question that it is about."""
    execution_id: str = ""
    action: str = ""
    elapsed_s: float | None = None
    buttons: tuple[Button, ...] = ()
    links: tuple[Link, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What an alias says for one chat in particular, by the chat's name; others ignore it."""
    mention: str = ""
    """The id of the one person this is for; empty: nobody is called."""
    calls: tuple[str, ...] = ()
    """The ids of others who are called, where a chat can do that."""
    named: Mapping[str, str] = field(default_factory=dict)
    """People and channels that stand in its texts by name -> what they are in records: `slack.T1.U7`,
    `slack:C1`. A chat may draw these as mentions."""
    inquiry_id: str = ""
    """The question that it is about, also when that is over."""
    prompt: Prompt | None = None
    """What it asks for; gone as soon as that is answered."""
    is_private: bool = False
    """For the person who asked, and nobody else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a person gave to a prompt; not yet checked."""

    prompt_id: str
    author: Author
    place: Place
    values: Mapping[str, str] = field(default_factory=dict)
    """Question's name -> what was written; several choices as a list in JSON."""
    button: str = ""
    """The `value` of the button that was pressed."""


class BadAnswer(BadInput):
    """Values of an answer do not fit; `problems` says what is wrong: question's name -> a sentence."""

    def __init__(self, problems: Mapping[str, str], *, hint: str = "") -> None:
        said = " ".join(f"{name}: {problem}" if name else problem for name, problem in problems.items())
        super().__init__(said, hint=hint)
        self.problems = dict(problems)
