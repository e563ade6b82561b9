"""The port that the adapter of every chat fills, in the words of `bot.chat`."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from bot.chat import Answer, Author, Message, Place, Prompt, Reply
from engine.chat_states import ChatState


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a chat can do; the wording follows it."""

    threads: bool = True
    edits: bool = True
    buttons: bool = True
    max_length: int = 100_000
    """Longest message, in characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One reply on its way. The same `key` is the same message: the newest reply stands."""

    key: str
    place: Place
    reply: Reply
    may_replace: bool = True
    """False: when the message is there already, it stays as it is."""
    only_for: str = ""
    """The id of the one person who may read it, now and later; empty: everybody at that place."""
    answers: str = ""
    """The execution whose end this tells. Once it stands in the chat, that is mentioned as SAID."""


def _no_problems(_button: str, _values: Mapping[str, str]) -> Mapping[str, str]:
    return {}


def _no_choices(_question: str, _typed: str) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question as it stands for one person, for a chat that asks it in a form of its own."""

    channel: str
    text: str
    prompt: Prompt
    title: str = ""
    """One line that stands for it."""
    problems: Callable[[str, Mapping[str, str]], Mapping[str, str]] = _no_problems
    """The button that was pressed and the values -> what is wrong: question's name -> a sentence.

    Quick, and without any effect; whether the answer counts is for `Respond` to say.
    """
    choices: Callable[[str, str], Sequence[str]] = _no_choices
    """The name of a question that `is_searched`, and what was typed -> what may be chosen.

    Within two seconds; raises EngineError where it cannot be found out.
    """


Receive = Callable[[Message], None]
Respond = Callable[[Answer], Reply]
Ask = Callable[[str, Author], Asked]
"""The id of a prompt, and who wants to answer it. Raises NotFound, BadInput, Denied, Conflict."""


class ChatAdapter(ABC):
    """One chat. Made once per server; its methods may be called from several threads.

    - It turns what people write into Messages and calls `receive`, which returns when the message
      and what it asks for are committed. Only then may the adapter acknowledge it to its chat. An
      exception means: not accepted; the chat may deliver it again, under the same delivery key.
    - It leaves out its own messages, and says what standing each author has. Where people can choose
      `author.id` themselves it leaves `is_vouched` False, and `engine_user` and `email` empty.
    - It gives what buttons and forms say to `respond`, and shows what that answers, or raises as an
      EngineError, to the person who answered and to nobody else. It keeps no value of a secret question.
    - It draws a Reply within the limits of its chat. Data stays inert: no mention, link preview,
      tag, escape sequence or code fence in a piece takes effect.
    - What it says are rows: `posting_job` writes them in the transaction of what they tell, and the same
      key is the same message. Messages of one thread keep the order of the transactions.
    """

    name: str
    capabilities: Capabilities = Capabilities()
    is_own = False
    """True: people read it in pages of ours, so what they say is shown from our rows too."""

    @abstractmethod
    def start(self, receive: Receive, respond: Respond, ask: Ask) -> None:
        """Begin to deliver messages, and answers to prompts. Returns when the chat is reached or tried."""

    @abstractmethod
    def stop(self) -> None:
        """Deliver nothing more; returns within its own time limit. Idempotent."""

    @abstractmethod
    def posting_job(self, outgoing: Sequence[Outgoing]) -> Callable[[Connection], object]:
        """The part of a transaction that posts all of these."""

    @abstractmethod
    def message_id(self, key: str) -> str:
        """Our own id of the message with this key; it also names the thread that the message starts."""

    def show(self, outgoing: Outgoing) -> None:
        """Show a passing state of a running execution; may be lost, and must not block."""

    def state(self) -> ChatState:
        """How it stands with the chat; asked from any thread, and answered at once."""
        return ChatState(name=self.name, is_up=True)

    def recheck(self, author: Author) -> Author:
        """The same person as the chat knows them now; asked before an answer to a question counts.

        Returns within a few seconds, with what was known where the chat cannot be asked.
        """
        return author

    def sees(self, author: Author, channel: str) -> bool:
        """Whether a channel is open to this person; of two people's direct channel only these two see it."""
        return not channel.startswith("@") or channel == f"@{author.id}"

    def channel_named(self, wanted: str) -> str:
        """A channel that somebody named, as this chat spells it; empty when it can be no channel."""
        return wanted
