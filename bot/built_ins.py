"""The built-in commands: what each of them does, and what is said to it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from bot import answers, formatting, forms, inquiries, links, reasons, schedules, workflows
from bot.allowed import commands_for, where_of
from bot.asked import Asked
from bot.chat import Author, Reply, Text
from bot.port import ChatAdapter
from bot.responses import Responses
from bot.starting import Starting
from bot.trails import Meant
from engine.errors import BadInput, EngineError
from engine.schedules.book import NewSchedule
from engine.service import Engine

_RESPONSES = frozenset({"answer", "approve", "reject", "breakglass"})
_LOOKING = frozenset({"status", "output", "logs", "why"})


class BuiltIns:
    """Of one adapter. Every method raises EngineErrors, which are answers too."""

    def __init__(
        self, engine: Engine, adapter: ChatAdapter, responses: Responses, starting: Starting
    ) -> None:
        self._engine = engine
        self._adapter = adapter
        self._responses = responses
        self._starting = starting
        self._by_word: dict[str, Callable[[re.Match[str], Asked], Sequence[Reply]]] = {
            "help": self._help,
            "schedule": self._schedule,
            "at": self._schedule,
            "defaults": self._set_defaults,
            "inquiries": self._waiting,
            "link": self._link,
            "unlink": self._unlink,
            "anyway": self._anyway,
            "with": self._with,
            "rerun": self._rerun,
            "retry": self._retry,
            "plan": self._plan,
        }

    def answer(self, word: str, fits: re.Match[str], asked: Asked) -> Sequence[Reply]:
        """`word` and `fits`: as `shapes.shape_of` gives them."""
        if word in _RESPONSES:
            return [self._respond(word, fits, asked.message.author)]
        answers_it = self._by_word.get(word)
        if answers_it is not None:
            return answers_it(fits, asked)
        given = (fits["id"] or "").lower()
        if word == "status" and not given and asked.message.thread is None:
            return [self._running(asked)]
        return [self._about(word, fits, given, asked)]

    def _help(self, fits: re.Match[str], asked: Asked) -> Sequence[Reply]:
        entries = commands_for(self._engine, asked.identity, asked.message.answer_place)
        return [answers.explain(self._engine, fits["words"] or "", entries, prefix=asked.prefix)]

    def _set_defaults(self, fits: re.Match[str], asked: Asked) -> Sequence[Reply]:
        return [self._starting.defaults.answer(fits, asked)]

    def _link(self, fits: re.Match[str], asked: Asked) -> Sequence[Reply]:
        return [links.link(self._engine, self._adapter, fits["code"] or "", asked)]

    def _unlink(self, _fits: re.Match[str], asked: Asked) -> Sequence[Reply]:
        return [links.unlink(self._engine, asked)]

    def _anyway(self, fits: re.Match[str], asked: Asked) -> Sequence[Reply]:
        return self._starting.anyway(fits["rule"], fits["id"].lower(), asked)

    def _with(self, fits: re.Match[str], asked: Asked) -> Sequence[Reply]:
        return self._again("", asked, pairs=fits["pairs"])

    def _rerun(self, fits: re.Match[str], asked: Asked) -> Sequence[Reply]:
        return self._again((fits["id"] or "").lower(), asked, pairs=fits["pairs"] or "")

    # executions

    def _about(self, word: str, fits: re.Match[str], given: str, asked: Asked) -> Reply:
        """What is said about an execution, or done with it."""
        if word == "status":
            here = self._starting.trails.here(asked) if not given else None
            if not given and (here is None or here.is_guess):
                return self._running(asked)
        meant = self._starting.trails.meant(asked, given)
        if given and word in _LOOKING:
            # What is meant without an id stands in this thread, or is their own.
            where = where_of(asked.identity, asked.message.answer_place)
            self._engine.viewed(meant.execution.id, user=asked.identity.user, where=where)
        try:
            reply = self._of_execution(word, fits, meant.execution.id, asked)
        except EngineError as error:
            if not meant.is_guess:
                raise
            reply = answers.refusal(error)
        return _with_guess(reply, meant)

    def _of_execution(self, word: str, fits: re.Match[str], execution_id: str, asked: Asked) -> Reply:
        if word == "status":
            return answers.status(self._engine, execution_id, prefix=asked.prefix)
        if word in ("output", "logs"):
            lines = int(fits["lines"]) if word == "logs" and fits["lines"] else 0
            limit = self._adapter.capabilities.max_length
            return answers.output(self._engine, execution_id, limit=limit, lines=lines)
        if word == "why":
            return reasons.why(self._engine, execution_id, prefix=asked.prefix)
        return answers.steered(self._engine, word, execution_id, asked.identity)

    def _running(self, asked: Asked) -> Reply:
        """All that runs for this person, and what waits for them."""
        reply = answers.running(self._engine, asked.identity, prefix=asked.prefix)
        count = len(self._responses.waiting(asked.message.author, everything=False))
        if not count:
            return reply
        word = "question waits" if count == 1 else "questions wait"
        hint = Text(text=f"{count} {word} for your answer: {asked.prefix}inquiries")
        return replace(reply, pieces=(*reply.pieces, hint))

    def _again(self, given: str, asked: Asked, *, pairs: str) -> Sequence[Reply]:
        """`rerun`, also with other parameters."""
        changes: Mapping[str, str] = {}
        if pairs:
            found = forms.pairs_in(pairs)
            if found is None:
                raise BadInput(
                    "I read name=value pairs after `with`, and something else stands between them.",
                    hint='Text with spaces stands in quotes: with reason="disk is full"',
                )
            changes = found
        meant = self._starting.trails.meant(asked, given)
        self._starting.rerun(meant.execution, asked, given=changes)
        return [_once_more(meant)] if meant.is_guess else []

    def _retry(self, fits: re.Match[str], asked: Asked) -> Sequence[Reply]:
        meant = self._starting.trails.meant(asked, (fits["id"] or "").lower())
        wanted = workflows.retried_tasks(self._engine, meant.execution, fits["tasks"] or "")
        self._starting.rerun(meant.execution, asked, tasks=wanted)
        return [_once_more(meant)] if meant.is_guess else []

    def _plan(self, fits: re.Match[str], asked: Asked) -> Sequence[Reply]:
        """What a command would do; an alias may begin with the same word."""
        try:
            self._engine.match(asked.text)
        except EngineError:
            self._starting.plan(fits["command"], asked)
            return []
        return self._starting.alias(asked)

    # questions

    def _waiting(self, fits: re.Match[str], asked: Asked) -> Sequence[Reply]:
        everything = bool(fits["all"])
        found = self._responses.waiting(asked.message.author, everything=everything)
        return [inquiries.listed(found, mine=not everything, prefix=asked.prefix)]

    def _respond(self, word: str, fits: re.Match[str], author: Author) -> Reply:
        try:
            return self._responses.by_words(word, fits["id"].lower(), fits["words"] or "", author)
        except EngineError as error:
            return replace(answers.refusal(error), is_private=True)

    # schedules

    def _schedule(self, fits: re.Match[str], asked: Asked) -> Sequence[Reply]:
        engine, identity = self._engine, asked.identity
        when = schedules.when_in(asked.text)
        if fits["verb"]:
            verb, number = fits["verb"].lower(), int(fits["number"])
            if verb == "run":
                self._starting.schedule(number, asked)
                return []
            if verb == "show":
                return [schedules.shown(engine.schedules.get(number))]
            return [schedules.changed(engine, verb, number, user=identity.user)]
        if not when:
            return [schedules.listed(engine, with_ended=bool(fits["all"]), prefix=asked.prefix)]
        wanted = NewSchedule(
            when=when,
            zone=schedules.zone_of(asked.message.author),
            user=identity.user,
            chat_user=identity.chat_user,
            source_channel=asked.message.channel,
            context=asked.context(later=schedules.command_in(engine, when)),
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
                return self._starting.alias(asked)
            raise


def _named(meant: Meant) -> str:
    return f"{meant.execution.action} {formatting.short_id(meant.execution.id)}"


def _with_guess(reply: Reply, meant: Meant) -> Reply:
    """Says which one was meant, where the person has named none."""
    if not meant.is_guess:
        return reply
    said = Text(text=f"You named none, so this is your last here: {_named(meant)}.")
    return replace(reply, pieces=(said, *reply.pieces))


def _once_more(meant: Meant) -> Reply:
    return Reply(pieces=(Text(text=f"You named none, so I start your last here again: {_named(meant)}."),))
