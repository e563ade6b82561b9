"""From a message to what it asks for: a built-in command, or an alias that starts an action.

`help` is always ours. The other built-in words are ours in exactly the shape that help shows (`cancel ID`,
where an ID is hexadecimal or the word `last`); any other text that begins with such a word belongs to the
alias that matches it. What is said about an answer to a question is said to whoever gave it, in private.
"""

import re
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial

from sqlalchemy import Connection

from bot import answers, formatting, inquiries, reasons, schedules, workflows
from bot.announcer import Announcer
from bot.chat import Author, ChatAdapter, Message, Outgoing, Reply, Text
from bot.identities import Identities, Identity
from bot.responses import Responses
from engine.errors import BadInput, Denied, EngineError, NoMatch
from engine.expressions.masking import MASK
from engine.records.chat import NewChatMessage
from engine.schedules.book import NewSchedule
from engine.service import Engine
from engine.store import chat as store

_SHAPES: dict[str, re.Pattern[str]] = {
    "help": re.compile(r"help(?:\s+(?P<words>.+))?", re.DOTALL | re.IGNORECASE),
    "status": re.compile(r"status(?:\s+(?P<id>last|[0-9a-f]{6,24}))?", re.IGNORECASE),
    "output": re.compile(r"output\s+(?P<id>last|[0-9a-f]{6,24})", re.IGNORECASE),
    "cancel": re.compile(r"cancel\s+(?P<id>last|[0-9a-f]{6,24})", re.IGNORECASE),
    "schedule": schedules.SHAPE,
    "rerun": re.compile(r"rerun\s+(?P<id>last|[0-9a-f]{6,24})", re.IGNORECASE),
    "pause": re.compile(r"pause\s+(?P<id>last|[0-9a-f]{6,24})", re.IGNORECASE),
    "resume": re.compile(r"resume\s+(?P<id>last|[0-9a-f]{6,24})", re.IGNORECASE),
    "retry": re.compile(
        r"retry\s+(?P<id>last|[0-9a-f]{6,24})(?:\s+from\s+(?P<tasks>.+))?", re.IGNORECASE | re.DOTALL
    ),
    "why": re.compile(r"why\s+(?P<id>last|[0-9a-f]{6,24})", re.IGNORECASE),
    "inquiries": re.compile(r"inquiries(?:\s+(?P<all>all))?", re.IGNORECASE),
    "answer": re.compile(r"answer\s+(?P<id>[0-9a-f]{6,24})(?P<words>\s.*)?", re.IGNORECASE | re.DOTALL),
    "approve": re.compile(r"approve\s+(?P<id>[0-9a-f]{6,24})(?P<words>\s.*)?", re.IGNORECASE | re.DOTALL),
    "reject": re.compile(r"reject\s+(?P<id>[0-9a-f]{6,24})(?P<words>\s.*)?", re.IGNORECASE | re.DOTALL),
    "anyway": re.compile(r"anyway\s+(?P<rule>[\w.-]+)\s+(?P<id>[0-9a-f]{24})", re.IGNORECASE),
}

_RESPONSES = frozenset({"answer", "approve", "reject"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A command, stripped of prefix and mention, and who gave it."""

    text: str
    shown: str
    """The command as it is kept, without the values of secret parameters."""
    message: Message
    identity: Identity


class Commands:
    """Takes the messages of one adapter; `receive` is what the adapter is started with."""

    def __init__(self, engine: Engine, adapter: ChatAdapter, announcer: Announcer) -> None:
        self._engine = engine
        self._adapter = adapter
        self._announcer = announcer
        self._settings = engine.settings.chat
        self._identities = Identities(engine)
        self.responses = Responses(engine, adapter)

    def receive(self, message: Message) -> None:
        """Returns when the message and what it asks for are committed.

        The same delivery key is one command, however often it comes. Raises StoreFailure when
        nothing can be stored; every other error of the engine is an answer in the chat.
        """
        if message.author.is_bot and not self._identities.admits(message.adapter, message.author):
            return
        text = self.command_in(message)
        if text is None and not self._adapter.is_own:
            return
        shown = text if text is None else self._concealed(text)
        kept = message if shown is None or shown == text else replace(message, text=shown)
        stored = self._engine.database.submit(partial(self._store, kept))
        if text is not None:
            self._answer(message, self._taken(text, shown or "", message))
        # Jobs are committed in their order: nearly always this one is by now.
        stored.result()

    def command_in(self, message: Message) -> str | None:
        """The command of a message without its prefix or mention; None when it is not for us."""
        text = formatting.straight(message.text).strip()
        prefix = self._settings.prefix
        if prefix and text.startswith(prefix) and text[len(prefix) :].strip():
            return text[len(prefix) :].strip()
        for name in self._settings.names:
            called = re.match(rf"@{re.escape(name)}\b[:,]?|{re.escape(name)}[:,]", text, re.IGNORECASE)
            if called:
                return text[called.end() :].strip() or "help"
        return text if message.is_direct and text else None

    def _concealed(self, text: str) -> str:
        """The command as it may be kept, without the values of secret parameters."""
        answer = _SHAPES["answer"].fullmatch(text)
        if answer and answer["words"] and self.responses.concealed(answer["id"].lower()):
            return f"{text[: answer.start('words')]} {MASK}"
        later = schedules.SHAPE.fullmatch(text)
        command = schedules.command_in(self._engine, later["when"]) if later and later["when"] else ""
        if not command:
            return self._engine.concealed(text)
        return text.removesuffix(command) + self._engine.concealed(command)

    def _store(self, message: Message, connection: Connection) -> None:
        new = NewChatMessage(
            id=message.id,
            adapter=message.adapter,
            channel=message.channel,
            thread_id=message.thread,
            author=message.author.id,
            is_bot=False,
            body={
                "text": self._limited(message.text),
                "name": message.author.name,
                "key": message.delivery_key,
            },
            delivery_key=message.key,
        )
        store.add(connection, new, is_shown=self._adapter.is_own)

    def _limited(self, text: str) -> str:
        """What is kept of a text that is longer than a command may be."""
        return text.encode()[: self._settings.text_limit_bytes].decode(errors="ignore")

    # answering

    def _taken(self, text: str, shown: str, message: Message) -> Sequence[Reply]:
        try:
            identity = self._identities.of(message.adapter, message.author)
        except Denied as error:
            return [replace(answers.refusal(error), is_private=True)]
        return self._run(Asked(text=text, shown=shown, message=message, identity=identity))

    def _run(self, asked: Asked) -> Sequence[Reply]:
        try:
            size = len(asked.text.encode())
            if size > self._settings.text_limit_bytes:
                raise BadInput(
                    f"That command has {size:,} bytes; I read {self._settings.text_limit_bytes:,} at most.",
                    hint="Put the data into a file or the datastore, and name it in the command.",
                )
            for word, shape in _SHAPES.items():
                fits = shape.fullmatch(asked.text)
                if fits:
                    return self._built_in(word, fits, asked)
            return self._alias(asked)
        except NoMatch as error:
            return [answers.no_match(asked.text, error, prefix=self._prefix(asked.message))]
        except EngineError as error:
            return [answers.refusal(error)]

    def _built_in(self, word: str, fits: re.Match[str], asked: Asked) -> Sequence[Reply]:
        if word == "help":
            return [answers.explain(self._engine, fits["words"] or "", prefix=self._prefix(asked.message))]
        if word == "schedule":
            return self._schedule(fits, asked)
        if word == "inquiries":
            return [self._waiting(asked.message, everything=bool(fits["all"]))]
        if word in _RESPONSES:
            return [self._respond(word, fits, asked.message.author)]
        given = (fits["id"] or "").lower()
        if word == "anyway":
            return self._anyway(fits["rule"], given, asked)
        if word == "rerun":
            self._rerun(given, asked)
            return []
        if word == "retry":
            first = self._engine.execution(given)
            self._rerun(given, asked, tasks=workflows.retried_tasks(self._engine, first, fits["tasks"] or ""))
            return []
        return [self._about(word, given, asked)]

    def _about(self, word: str, execution_id: str, asked: Asked) -> Reply:
        """What is said about an execution, or done with it; without an id about all that run."""
        prefix = self._prefix(asked.message)
        if word == "status":
            if execution_id:
                return answers.status(self._engine, execution_id, prefix=prefix)
            running = answers.running(self._engine, asked.identity, prefix=prefix)
            return self._with_questions(running, asked.message)
        if word == "output":
            limit = self._adapter.capabilities.max_length
            return answers.output(self._engine, execution_id, limit=limit)
        if word == "why":
            return reasons.why(self._engine, execution_id, prefix=prefix)
        return answers.steered(self._engine, word, execution_id, asked.identity)

    def _with_questions(self, reply: Reply, message: Message) -> Reply:
        """And what waits for the person who asks."""
        count = len(self.responses.waiting(message.author, everything=False))
        if not count:
            return reply
        word = "question waits" if count == 1 else "questions wait"
        hint = Text(text=f"{count} {word} for your answer: {self._prefix(message)}inquiries")
        return replace(reply, pieces=(*reply.pieces, hint))

    def _waiting(self, message: Message, *, everything: bool) -> Reply:
        found = self.responses.waiting(message.author, everything=everything)
        return inquiries.listed(found, mine=not everything, prefix=self._prefix(message))

    def _respond(self, word: str, fits: re.Match[str], author: Author) -> Reply:
        try:
            return self.responses.by_words(word, fits["id"].lower(), fits["words"] or "", author)
        except EngineError as error:
            return replace(answers.refusal(error), is_private=True)

    def _rerun(self, execution_id: str, asked: Asked, *, tasks: Sequence[str] = ()) -> None:
        """`tasks`: of a workflow, which goes on from these."""
        first = self._engine.execution(execution_id)
        alias = first.context.get("action_alias_ref")
        again = self._engine.rerun(
            first.id,
            user=asked.identity.user,
            parameters={},
            context={
                **self._context(asked),
                "api_user": asked.identity.chat_user,
                # The alias that words the result of the first one words this one's too.
                **({"action_alias_ref": alias} if alias else {}),
            },
            idempotency_key=self._idempotency_key(asked.message),
            tasks=tasks,
        )
        self._announcer.accepted(again, place=asked.message.answer_place)

    def _anyway(self, rule: str, instance_id: str, asked: Asked) -> Sequence[Reply]:
        made = self._engine.held.release(
            rule, instance_id, user=asked.identity.user, context=self._context(asked)
        )
        for one in made:
            if one.execution_id is not None:
                started = self._engine.execution(one.execution_id)
                self._announcer.accepted(started, place=asked.message.answer_place)
        failed = [one.failure_reason for one in made if one.execution_id is None]
        return [answers.refusal(BadInput(reason)) for reason in failed]

    def _schedule(self, fits: re.Match[str], asked: Asked) -> Sequence[Reply]:
        engine, identity = self._engine, asked.identity
        if fits["verb"]:
            verb, number = fits["verb"].lower(), int(fits["number"])
            if verb == "run":
                self._run_schedule(number, asked)
                return []
            if verb == "show":
                return [schedules.shown(engine.schedules.get(number))]
            return [schedules.changed(engine, verb, number, user=identity.user)]
        if not fits["when"]:
            prefix = self._prefix(asked.message)
            return [schedules.listed(engine, with_ended=bool(fits["all"]), prefix=prefix)]
        wanted = NewSchedule(
            when=fits["when"],
            user=identity.user,
            chat_user=identity.chat_user,
            source_channel=asked.message.channel,
            context=self._context(asked, later=schedules.command_in(engine, fits["when"])),
            delivery_key=asked.message.key,
        )
        try:
            return [schedules.added(engine.schedules.add(wanted))]
        except BadInput:
            # An alias may begin with the same words; where none fits, the time is what is wrong.
            try:
                engine.match(asked.text)
            except EngineError:
                pass
            else:
                return self._alias(asked)
            raise

    def _run_schedule(self, number: int, asked: Asked) -> None:
        execution = self._engine.schedules.run(
            number,
            user=asked.identity.user,
            chat_user=asked.identity.chat_user,
            context=self._context(asked),
            idempotency_key=self._idempotency_key(asked.message),
        )
        self._announcer.accepted(execution, place=asked.message.answer_place)

    def _alias(self, asked: Asked) -> Sequence[Reply]:
        message, identity = asked.message, asked.identity
        match = self._engine.match(asked.text)
        started = self._engine.run_alias(
            match,
            user=identity.user,
            chat_user=identity.chat_user,
            source_channel=message.channel,
            source_context={"user": identity.chat_user, "room": message.channel, "id": message.id},
            extra_context=self._context(asked),
            idempotency_key=self._idempotency_key(message),
        )
        for one in started:
            self._announcer.accepted(one.execution, place=message.answer_place, ack=one)
        return []

    def _context(self, asked: Asked, *, later: str | None = None) -> dict[str, object]:
        """All that the announcer needs after a restart.

        `later`: the command that is said at another time; its answer is a message of its own.
        """
        message = asked.message
        place = message.answer_place
        chat: dict[str, object] = {
            "adapter": message.adapter,
            "channel": place.channel,
            "thread": place.thread if later is None else message.thread,
            "user": message.author.id,
            "verified": asked.identity.is_verified,
            "command": asked.shown if later is None else later,
        }
        if later is None:
            chat["message"] = message.id
        return {"source_channel": message.channel, "chat": chat}

    @staticmethod
    def _idempotency_key(message: Message) -> str:
        return f"chat:{message.key}"

    def _prefix(self, message: Message) -> str:
        """What a person types before a command at this place."""
        return "" if message.is_direct else self._settings.prefix

    def _answer(self, message: Message, replies: Sequence[Reply]) -> None:
        outgoing = [
            Outgoing(
                key=f"answer:{message.key}:{number}",
                place=message.answer_place,
                reply=reply,
                may_replace=False,
                only_for=message.author.id if reply.is_private else "",
            )
            for number, reply in enumerate(replies)
        ]
        if not outgoing:
            return
        done: Future[object] = self._engine.database.submit(self._adapter.posting_job(outgoing))
        done.result()
