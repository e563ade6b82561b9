"""From a message to what it asks for: a built-in command, or an alias that starts an action.

`help` is always ours. The other built-in words are ours in exactly the shape that help shows (`cancel ID`,
where an ID is hexadecimal or the word `last`, and may be left out in a thread); any other text that begins
with such a word belongs to the alias that matches it. What is said about an answer to a question is said to
whoever gave it, in private.
"""

import re
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial

from sqlalchemy import Connection

from bot import answers, formatting, links, offers, schedules, shapes
from bot.allowed import commands_for, where_of
from bot.announcer import Announcer
from bot.asked import Asked
from bot.built_ins import BuiltIns
from bot.chat import Message, Reply
from bot.command_forms import CommandForms
from bot.identities import Identities, account_of, actor_of
from bot.offers import Offers
from bot.pace import Pace
from bot.port import ChatAdapter, Outgoing
from bot.responses import Responses
from bot.starting import Starting
from bot.trails import Trails
from engine.acting import acting_as
from engine.aliases.help import help_strings
from engine.aliases.index import NoCommand
from engine.errors import BadInput, BadParameter, Denied, EngineError, NoMatch
from engine.expressions.masking import MASK
from engine.pipelines import text as pipes
from engine.records.chat import NewChatMessage
from engine.rights.place import Where
from engine.service import Engine
from engine.store import chat as store

_WITH_PAIRS = frozenset({"with", "rerun", "defaults"})
_NAMES = re.compile(r"([\w.-]+)=")


class Commands:
    """Takes the messages of one adapter; `receive` is what the adapter is started with."""

    def __init__(self, engine: Engine, adapter: ChatAdapter, announcer: Announcer) -> None:
        self._engine = engine
        self._adapter = adapter
        self._settings = engine.settings.chat
        self._identities = Identities(engine)
        self._starting = Starting(engine, announcer, Trails(engine, adapter))
        self._offers = Offers(engine, adapter)
        self._pace = Pace(engine.settings.limits)
        self._forms = CommandForms(engine, adapter, self._starting, self._offers)
        self.responses = Responses(engine, adapter, self._forms)
        self._built_ins = BuiltIns(engine, adapter, self.responses, self._starting)

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
        if message.is_edited:
            if text is not None:
                self._edited(text, message)
            return
        shown = text if text is None else self._concealed(text)
        kept = message if shown is None or shown == text else replace(message, text=shown)
        stored = self._engine.database.submit(partial(self._store, kept))
        if text is not None:
            self._answer(message, self._taken(text, shown or "", message))
        # Jobs are committed in their order: nearly always this one is by now.
        stored.result()

    def _edited(self, text: str, message: Message) -> None:
        """What was a message before is asked about, and run by nobody but whoever says yes."""
        with self._engine.database.read() as connection:
            before = store.messages(connection, [message.id])
        shown = self._concealed(text)
        if before and before[0].body.get("text") in (self._limited(message.text), self._limited(shown)):
            # Only its looks have changed.
            return
        try:
            asked = self._asked(text, shown, message)
        except Denied:
            return
        said = f"You edited your message. Run it now? {formatting.clean(shown)}"
        only_for = "" if self._adapter.is_own else message.author.id
        question = self._offers.question(
            asked, "edit", command=text, said=said, label="Run it", only_for=only_for
        )
        self._answer(message, [question])

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
        answer = shapes.SHAPES["answer"].fullmatch(text)
        if answer and answer["words"] and self.responses.concealed(answer["id"].lower()):
            return f"{text[: answer.start('words')]} {MASK}"
        secret = links.SHAPE.fullmatch(text)
        if secret and secret["code"]:
            return f"link {MASK}"
        found = shapes.shape_of(text)
        pairs = found[1]["pairs"] if found and found[0] in _WITH_PAIRS else ""
        if found and pairs:
            # Of which action these are is not known yet.
            is_secret = any(map(self._engine.may_be_secret, _NAMES.findall(pairs)))
            return f"{text[: found[1].start('pairs')]}{MASK}" if is_secret else text
        planned = shapes.SHAPES["plan"].fullmatch(text)
        if planned and self._engine.concealed(text) == text:
            return f"{text[: planned.start('command')]}{self._concealed(planned['command'])}"
        stages = self._stages(text)
        if stages:
            hidden = tuple(map(self._concealed, stages))
            return text if hidden == stages else " | ".join(hidden)
        command = schedules.command_in(self._engine, schedules.when_in(text))
        if not command:
            return self._engine.concealed(text)
        return text.removesuffix(command) + self._engine.concealed(command)

    def _stages(self, text: str) -> tuple[str, ...]:
        """Of a pipeline; empty where it is none."""
        try:
            return self._engine.pipelines.stages_of(text) or ()
        except BadInput:
            # It will not run, and may hold a secret in one of its parts, or in all of it.
            return pipes.split(text) if self._engine.concealed(text) == text else ()

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
            asked = self._asked(text, shown, message)
        except Denied as error:
            self._engine.denials.note(
                error,
                user=account_of(message.adapter, message.author).ref,
                name=message.author.name,
                where=Where(platform=message.adapter, channel=message.channel),
                verb="use",
                what=shown,
            )
            return [replace(answers.refusal(error), is_private=True)]
        return self._run(asked)

    def _asked(self, text: str, shown: str, message: Message) -> Asked:
        """Raises Denied for whoever may not use the bot at all."""
        identity = self._identities.of(message.adapter, message.author)
        prefix = "" if message.is_direct else self._settings.prefix
        return Asked(text=text, shown=shown, message=message, identity=identity, prefix=prefix)

    def _run(self, asked: Asked) -> Sequence[Reply]:
        refusal = self._pace.refusal(asked)
        if refusal is not None:
            return refusal
        with acting_as(actor_of(asked.identity)):
            return self._checked(asked)

    def _checked(self, asked: Asked) -> Sequence[Reply]:
        try:
            size = len(asked.text.encode())
            if size > self._settings.text_limit_bytes:
                raise BadInput(
                    f"That command has {size:,} bytes; I read {self._settings.text_limit_bytes:,} at most.",
                    hint="Put the data into a file or the datastore, and name it in the command.",
                )
            return self._do(asked)
        except Denied as error:
            return [self._denied(error, asked)]
        except EngineError as error:
            return [answers.refusal(error)]

    def _denied(self, error: Denied, asked: Asked) -> Reply:
        """Recorded, and told to nobody else."""
        self._engine.denials.note(
            error,
            user=asked.identity.user,
            name=asked.identity.chat_user,
            where=where_of(asked.identity, asked.message.answer_place),
            verb="run",
            what=asked.shown,
        )
        return replace(answers.refusal(error), is_private=True)

    def _do(self, asked: Asked) -> Sequence[Reply]:
        """Raises EngineErrors, which are answers too."""
        found = shapes.shape_of(asked.text)
        if found is not None:
            word, fits = found
            if word == "yes":
                return self._accept((fits["id"] or "").lower(), asked)
            return self._built_ins.answer(word, fits, asked)
        if self._starting.pipeline(asked):
            return []
        try:
            return self._starting.alias(asked)
        except NoMatch as error:
            return [self._forms.form(asked) or self._unknown(asked, error)]
        except BadParameter:
            form = self._forms.form(asked)
            if form is None:
                raise
            return [form]

    def _unknown(self, asked: Asked, error: NoMatch) -> Reply:
        """What the nearest commands are; and the one that was perhaps meant, to be run with one word."""
        # The nearest commands may be some that they are not to know of.
        shown = error if self._may_run_all(asked) else NoMatch(error.message)
        told = answers.no_match(asked.text, shown, prefix=asked.prefix)
        meant = ""
        if isinstance(error, NoCommand):
            meant = self._starting.corrected(asked) or shapes.corrected(asked.text)
        if not meant:
            return told
        said = f"Did you mean: {formatting.clean(self._concealed(meant))}"
        offer = self._offers.question(asked, "fix", command=meant, said=said, label="Run it")
        first, *others = told.pieces
        return replace(
            told, pieces=(first, *offer.pieces, *others[-1:]), buttons=(*offer.buttons, *told.buttons)
        )

    def _may_run_all(self, asked: Asked) -> bool:
        offered = commands_for(self._engine, asked.identity, asked.message.answer_place)
        return len(offered) == len(help_strings(self._engine.registry))

    def _accept(self, wanted: str, asked: Asked) -> Sequence[Reply]:
        """Runs what was offered, as whoever says yes."""
        offer = self._offers.open(asked, wanted)
        text = str(offer.body["command"])
        meant = replace(
            asked, text=text, shown=self._concealed(text), message=offers.answered_at(offer, asked.message)
        )
        self._offers.take(offer, asked)
        try:
            replies = self._do(meant)
        except Denied:
            self._offers.give_back(offer, asked)
            raise
        self._offers.close(offer, asked.identity.chat_user, meant.shown)
        return replies

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
