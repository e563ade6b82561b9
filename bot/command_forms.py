"""Commands of which something is missing: a form made from the action's schema; sent, it is the command.

A form is a row, so that it outlives the server. Only the person who typed the command may fill it in; it is
checked by the content and the rights of the moment when it is sent, and runs once.
"""

from collections.abc import Mapping
from typing import Any

from bot import formatting, forms, offers, option_lists, port
from bot.allowed import where_of
from bot.asked import Asked
from bot.chat import Answer, Author, Fields, Message, Prompt, Question, Reply, Text, Tone
from bot.identities import Identities
from bot.offers import Offers
from bot.port import ChatAdapter
from bot.starting import Starting
from engine.aliases.command_forms import CommandForm
from engine.errors import Denied
from engine.expressions.masking import MASK
from engine.records.comforts import Offer, OfferKind
from engine.service import Engine

_FORMS: tuple[OfferKind, ...] = ("form",)


class CommandForms:
    """Of one adapter."""

    def __init__(self, engine: Engine, adapter: ChatAdapter, starting: Starting, made: Offers) -> None:
        self._engine = engine
        self._adapter = adapter
        self._identities = Identities(engine)
        self._starting = starting
        self._offers = made

    def form(self, asked: Asked) -> Reply | None:
        """The form for a command that cannot be run as it was typed; None: a form would not help.

        Raises Denied for whoever may not run it.
        """
        form = self._engine.command_form(asked.text)
        if form is None:
            return None
        message, place = asked.message, asked.message.answer_place
        self._engine.rights.check_run(
            asked.identity.user,
            form.action.ref,
            alias=form.alias.ref,
            where=where_of(asked.identity, place),
        )
        only_for = "" if self._adapter.is_own else message.author.id
        body = {
            "alias": form.alias.ref,
            "representation": form.representation,
            "given": dict(form.given),
            "shown": asked.shown,
            "options": option_lists.options_of(self._engine, form, asked),
            "message": {"id": message.id, "thread": message.thread, "is_direct": message.is_direct},
            "name": message.author.name,
            "key": offers.answer_key(asked),
            "place": {"channel": place.channel, "thread": place.thread, "reply_to": place.reply_to},
            "only_for": only_for,
        }
        offer = self._offers.make(asked, "form", body)
        head = formatting.clean(asked.shown)
        needs = f"{head} needs: {', '.join(form.missing)}."
        return Reply(
            title=form.display or head,
            pieces=(Text(text=needs), *_about(form)),
            tone=Tone.WARNING,
            prompt=self._prompt(offer, form, prefix=asked.prefix),
            is_private=bool(only_for),
        )

    # what answers may ask for

    def find(self, wanted: str) -> Offer | None:
        """The form with this id, or the end of one."""
        return self._offers.find(wanted, kinds=_FORMS)

    def secret_names(self, offer: Offer) -> frozenset[str]:
        return forms.secret_names(self._schema(offer, self._form(offer)))

    def asked(self, offer: Offer, author: Author) -> port.Asked:
        """What it asks, of the one person who may fill it in. Raises Denied, Conflict, NotFound, BadInput."""
        form = self._open(offer, author)
        needs = f"{formatting.clean(offer.body['shown'])} needs: {', '.join(form.missing)}."
        text = "\n".join((needs, *(piece.text for piece in _about(form))))
        return port.Asked(
            channel=offer.channel,
            text=text,
            prompt=self._prompt(offer, form, prefix=""),
            title=needs,
            problems=lambda _button, values: forms.problems(self._schema(offer, form), values),
        )

    def respond(self, offer: Offer, answer: Answer) -> Reply:
        """Runs the command. Raises BadAnswer, Denied, Conflict, NotFound, and what cannot be run."""
        form = self._open(offer, answer.author)
        return self._run(offer, form, forms.fill(self._schema(offer, form), answer.values), answer.author)

    def by_words(self, offer: Offer, words: str, author: Author) -> Reply:
        """`answer ID name=value ...`; without words it says what is asked. Raises as `respond` does."""
        form = self._open(offer, author)
        schema = self._schema(offer, form)
        if words.strip():
            return self._run(offer, form, forms.read_words(schema, words), author)
        prompt = self._prompt(offer, form, prefix="")
        rows = tuple((one.label, _facts(one)) for one in prompt.questions)
        pieces = (Fields(rows=rows), Text(text=f"Say: {prompt.answer_with}"))
        return Reply(title=form.display or "", pieces=pieces, tone=Tone.WARNING, is_private=True)

    def _open(self, offer: Offer, author: Author) -> CommandForm:
        if not offers.is_for(offer, author):
            raise Denied(
                f"This form is {formatting.clean(str(offer.body['name']))}'s.",
                hint="Type the command yourself, and you get your own.",
            )
        if offer.is_taken:
            raise offers.already(offer)
        offers.check_age(offer)
        return self._form(offer)

    def _form(self, offer: Offer) -> CommandForm:
        body = offer.body
        return self._engine.form_again(body["alias"], body["representation"], body["given"])

    def _schema(self, offer: Offer, form: CommandForm) -> Mapping[str, Any]:
        options = offer.body["options"]
        of_channel = {one.name: one.value for one in self._starting.defaults.of(offer.adapter, offer.channel)}
        properties: dict[str, Mapping[str, Any]] = {}
        for name, part in form.properties.items():
            # What the channel gives is filled in, and needs nobody to write it.
            given = {"default": of_channel[name]} if name in of_channel else {}
            properties[name] = _with_options({**part, **given}, options.get(name))
        return {"type": "object", "properties": properties}

    def _prompt(self, offer: Offer, form: CommandForm, *, prefix: str) -> Prompt:
        questions = forms.questions_of(self._schema(offer, form))
        said = f"{prefix}answer {formatting.short_id(offer.id)} {_example(questions)}"
        return Prompt(id=offer.id, questions=questions, answer_with=said)

    def _run(self, offer: Offer, form: CommandForm, values: Mapping[str, Any], author: Author) -> Reply:
        author = self._adapter.recheck(author)
        identity = self._identities.of(self._adapter.name, author)
        secret = self.secret_names(offer)
        shown = _shown(str(offer.body["shown"]), values, secret)
        typed = offer.body["message"]
        message = Message(
            adapter=self._adapter.name,
            id=typed["id"],
            channel=offer.channel,
            thread=typed["thread"],
            author=author,
            text=shown,
            is_direct=typed["is_direct"],
            # The key by which the command is one command, however often the form is sent.
            delivery_key=f"form-{offer.id}",
        )
        asked = Asked(text=shown, shown=shown, message=message, identity=identity, prefix="")
        self._starting.matched(asked, form.match(values, text=shown))
        self._offers.take(offer, asked)
        self._offers.close(offer, identity.chat_user, shown)
        said = Text(text=f"It runs: {formatting.clean(shown)}")
        return Reply(pieces=(said,), tone=Tone.GOOD, is_private=True)


def _about(form: CommandForm) -> tuple[Text, ...]:
    about = form.alias.description or form.action.description
    return (Text(text=formatting.clean(about)),) if about else ()


def _with_options(part: Mapping[str, Any], options: list[str] | None) -> Mapping[str, Any]:
    """A property that takes one of these only."""
    if not options:
        return part
    if part.get("type") == "array":
        return {**part, "items": {"type": "string", "enum": options}}
    kinds = {"integer": int, "number": float}
    make = kinds.get(str(part.get("type")), str)
    try:
        return {**part, "enum": [make(one) for one in options]}
    except ValueError:
        return part


def _example(questions: tuple[Question, ...]) -> str:
    """`version=... env=staging|prod`, also where there is but one question."""
    wanted = [one for one in questions if one.is_required] or list(questions[:1])
    return " ".join(f"{one.name}={'|'.join(one.choices[:4]) or '...'}" for one in wanted)


def _facts(question: Question) -> str:
    facts = [question.about, "one of " + ", ".join(question.choices) if question.choices else ""]
    facts += ["needed" if question.is_required else ""]
    facts += [f"default {question.default}" if question.default else ""]
    facts += ["secret: better given in the form, or in the terminal" if question.is_secret else ""]
    return " · ".join(fact for fact in facts if fact) or question.type


def _shown(command: str, values: Mapping[str, Any], secret: frozenset[str]) -> str:
    """The command with what was filled in, as it may be kept."""
    pairs = [f"{name}={MASK if name in secret else _quoted(value)}" for name, value in values.items()]
    return " ".join((command, *pairs))


def _quoted(value: Any) -> str:
    text = value if isinstance(value, str) else forms.as_text(value)
    if not text or any(one.isspace() for one in text):
        return f"'{text}'" if '"' in text else f'"{text}"'
    return text
