"""Forms as questions, one by one in a direct message; where somebody stands in one is a row.

`answer ID` without more begins one, and so does a form that is meant for one person. What comes in
private then, and does not begin with the prefix, answers the question that was asked last; `stop`
ends it. Values are sealed in the row, and stand nowhere else.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

from sqlalchemy import Connection

from bot import formatting
from bot.adapters.errbot import words
from bot.adapters.errbot.carrier import DIRECT
from bot.chat import Answer, BadAnswer, Message, Place, Question, Reply, Text, Tone
from bot.port import Ask, Asked, Outgoing, Respond
from engine.clock import utcnow
from engine.errors import EngineError
from engine.records.dialogue import Dialogue
from engine.service import Engine
from engine.store import dialogues as store

PostingJob = Callable[[Sequence[Outgoing]], Callable[[Connection], object]]
# What is said after so long is no answer any more.
_LIFE = timedelta(hours=1)
_STOP = "stop"
_BEGIN = re.compile(r"answer\s+(?P<id>[0-9a-f]{6,24})\s*", re.IGNORECASE)


class Dialogues:
    """`take` every message first; it gives back what is not its own."""

    def __init__(
        self, engine: Engine, name: str, *, posting_job: PostingJob, respond: Respond, ask: Ask
    ) -> None:
        """`name`: of the chat."""
        self._engine = engine
        self._name = name
        self._prefix = engine.settings.chat.prefix
        self._posting_job = posting_job
        self._respond = respond
        self._ask = ask

    def take(self, message: Message) -> bool:
        """Whether it belongs to a form; returns when what comes of it is committed.

        The same delivery again changes nothing.
        """
        text = formatting.straight(message.text).strip()
        is_command = bool(self._prefix) and text.startswith(self._prefix)
        command = text.removeprefix(self._prefix).strip() if is_command else text
        begun = _BEGIN.fullmatch(command)
        if begun is not None and (is_command or message.is_direct):
            return self._begin(begun["id"].lower(), message)
        if not message.is_direct or is_command:
            return False
        standing = self._standing(message.author.id)
        if standing is None:
            return False
        if standing.delivery_key != message.key:
            self._answer(standing, message)
        return True

    def _standing(self, person: str) -> Dialogue | None:
        with self._engine.database.read() as connection:
            found = store.get(connection, self._engine.vault, self._name, person)
        return found if found is not None and utcnow() - found.changed_at < _LIFE else None

    # beginning

    def _begin(self, prompt_id: str, message: Message) -> bool:
        standing = self._standing(message.author.id)
        if standing is not None and standing.delivery_key == message.key:
            return True
        try:
            asked = self._ask(prompt_id, message.author)
        except EngineError:
            # The command says why not.
            return False
        if not asked.prompt.questions or asked.prompt.buttons:
            return False
        dialogue = Dialogue(
            adapter=self._name,
            person=message.author.id,
            prompt_id=asked.prompt.id,
            channel=asked.channel,
            values={},
            step=0,
            delivery_key=message.key,
            changed_at=utcnow(),
        )
        self._ask_next(dialogue, asked, message, intro=asked.text.split("\n")[0])
        return True

    def job(self, outgoing: Sequence[Outgoing]) -> Sequence[Callable[[Connection], object]]:
        """Forms for one person among these begin at once: parts of the transaction that posts them."""
        return [partial(self._begin_posted, one) for one in outgoing if _is_form_for_one(one)]

    def _begin_posted(self, outgoing: Outgoing, connection: Connection) -> None:
        prompt = outgoing.reply.prompt
        known = store.get(connection, self._engine.vault, self._name, outgoing.only_for)
        if prompt is None or (known is not None and known.prompt_id == prompt.id):
            return
        dialogue = Dialogue(
            adapter=self._name,
            person=outgoing.only_for,
            prompt_id=prompt.id,
            channel=outgoing.place.channel,
            values={},
            step=0,
            delivery_key=outgoing.key,
            changed_at=utcnow(),
        )
        self._write(connection, dialogue, self._question(dialogue, prompt.questions, key=outgoing.key))

    # answering

    def _answer(self, standing: Dialogue, message: Message) -> None:
        text = message.text.strip()
        if text.lower() == _STOP:
            self._end(standing, message, Reply(pieces=(Text(text="Stopped; nothing was given."),)))
            return
        try:
            asked = self._ask(standing.prompt_id, message.author)
        except EngineError as error:
            self._end(standing, message, _refusal(error))
            return
        questions = asked.prompt.questions
        question = questions[min(standing.step, len(questions) - 1)]
        given = words.chosen(question, text)
        problem = _problem(question, given)
        now = replace(standing, delivery_key=message.key, changed_at=utcnow())
        if problem:
            self._ask_next(now, asked, message, problem=problem)
            return
        now = replace(now, values={**standing.values, question.name: given})
        step = _next_step(questions, now.values, after=standing.step)
        if step is not None:
            self._ask_next(replace(now, step=step), asked, message)
            return
        self._give(now, asked, message)

    def _give(self, dialogue: Dialogue, asked: Asked, message: Message) -> None:
        """All is answered: it counts, or what is wrong is asked again."""
        answer = Answer(
            prompt_id=dialogue.prompt_id,
            author=message.author,
            place=Place(channel=dialogue.channel),
            values={name: value for name, value in dialogue.values.items() if value},
        )
        try:
            reply = self._respond(answer)
        except BadAnswer as error:
            questions = asked.prompt.questions
            names = [one.name for one in questions]
            wrong = [name for name in names if name in error.problems]
            if not wrong:
                self._end(dialogue, message, _refusal(error))
                return
            left = {name: value for name, value in dialogue.values.items() if name not in wrong}
            again = replace(dialogue, values=left, step=names.index(wrong[0]))
            self._ask_next(again, asked, message, problem=error.problems[wrong[0]])
        except EngineError as error:
            self._end(dialogue, message, _refusal(error))
        else:
            self._end(dialogue, message, reply)

    # saying

    def _ask_next(
        self, dialogue: Dialogue, asked: Asked, message: Message, *, problem: str = "", intro: str = ""
    ) -> None:
        question = self._question(
            dialogue, asked.prompt.questions, key=message.key, problem=problem, intro=intro
        )
        self._engine.database.write(partial(self._write, dialogue=dialogue, question=question))

    def _write(self, connection: Connection, dialogue: Dialogue, question: Outgoing) -> None:
        store.put(connection, self._engine.vault, dialogue)
        self._posting_job([question])(connection)

    def _question(
        self,
        dialogue: Dialogue,
        questions: Sequence[Question],
        *,
        key: str,
        problem: str = "",
        intro: str = "",
    ) -> Outgoing:
        asked = questions[dialogue.step]
        lines = words.question(asked, number=dialogue.step + 1, count=len(questions), problem=problem)
        if not dialogue.values and not problem:
            lines = (*([intro] if intro else []), f"Answer here, one by one; {_STOP} ends it.", *lines)
        return self._said(dialogue.person, key, Reply(pieces=(Text(text="\n".join(lines)),)))

    def _end(self, dialogue: Dialogue, message: Message, reply: Reply) -> None:
        said = self._said(dialogue.person, message.key, reply)

        def work(connection: Connection) -> None:
            store.end(connection, self._name, dialogue.person)
            self._posting_job([said])(connection)

        self._engine.database.write(work)

    def _said(self, person: str, key: str, reply: Reply) -> Outgoing:
        return Outgoing(
            key=f"dialogue:{key}",
            place=Place(channel=f"{DIRECT}{person}"),
            reply=reply,
            may_replace=False,
            only_for=person,
        )


def _is_form_for_one(outgoing: Outgoing) -> bool:
    prompt = outgoing.reply.prompt
    return bool(outgoing.only_for and prompt is not None and prompt.questions and not prompt.buttons)


def _problem(question: Question, given: str) -> str:
    """What is wrong with an answer at first sight; the rest is checked with all of them."""
    if not given and question.is_required:
        return "This is needed."
    many = [one.strip() for one in given.split(",")] if question.type == "array" else [given]
    if given and question.choices and any(one not in question.choices for one in many):
        return "Answer with one of the numbers."
    return ""


def _next_step(questions: Sequence[Question], values: Mapping[str, str], *, after: int) -> int | None:
    """The next question without an answer; None: there is none."""
    order = [*range(after + 1, len(questions)), *range(after)]
    return next((number for number in order if questions[number].name not in values), None)


def _refusal(error: EngineError) -> Reply:
    said = [formatting.clean(error.message), formatting.clean(error.hint)]
    return Reply(pieces=(Text(text=" ".join(filter(None, said))),), tone=Tone.WARNING)
