"""What buttons, menus, forms, shortcuts and the Home tab do.

A modal is opened as soon as the press is kept, because Slack allows that for three seconds only, and it
changes nothing. All that has an effect is done from the kept delivery, with keys that make a second one of
the same press the same command or answer. What is said about it is for whoever pressed, and nobody else.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot import answers, offers
from bot.adapters.slack import menu, presses, troubles, views
from bot.adapters.slack.actions import MENU_ACTION, CommandPress, DetailsPress, MenuPress, PromptPress
from bot.adapters.slack.deliveries import ACTION, HOME, SHORTCUT, SLASH, VIEW
from bot.adapters.slack.desk import Desk
from bot.adapters.slack.presses import Pressed
from bot.adapters.slack.views import Form
from bot.chat import Answer, Author, BadAnswer, Message, Place, Reply, Text, Tone
from bot.port import Asked, Outgoing
from engine.errors import EngineError
from engine.store import chat as store

if TYPE_CHECKING:
    from bot.adapters.slack.adapter import SlackAdapter

log = logging.getLogger(__name__)

# Slack's own three seconds, less what is needed to say so; what is asked of Slack may take longer.
ANSWER_S = 2.0
CALL_S = 10.0


class Interactions:
    """Of one adapter. Its methods are for threads of ours, any of them."""

    def __init__(self, adapter: "SlackAdapter") -> None:
        self._adapter = adapter
        self._desk = Desk(adapter)

    # at once: nothing here has an effect

    def opens(self, kind: str, payload: Mapping[str, Any]) -> None:
        """Open the modal that this asks for, if any. Called once, as soon as the delivery is kept."""
        try:
            self._open(kind, payload)
        except EngineError:
            # `handle` meets the same, and says it.
            log.debug("%s: no form for that press", self._adapter.name, exc_info=True)
        except (SlackClientError, *troubles.AWAY) as error:
            log.warning("%s: a form could not be opened: %s", self._adapter.name, troubles.in_words(error))
            self._say_closed(kind, payload)

    def _open(self, kind: str, payload: Mapping[str, Any]) -> None:
        if kind in (SLASH, SHORTCUT):
            form = _menu_form(kind, payload)
            if form is not None:
                self._show(str(payload.get("trigger_id")), menu.view(form))
            return
        pressed = presses.read(payload) if kind == ACTION else None
        if pressed is None:
            return
        view = self._view(pressed)
        if view is None:
            return
        if isinstance(pressed.press, MenuPress) and pressed.press.chosen:
            self._ask(lambda web: web.views_update(view_id=pressed.view, view=view))
        elif pressed.view and not pressed.is_home:
            self._ask(lambda web: web.views_push(trigger_id=pressed.trigger, view=view))
        else:
            self._show(pressed.trigger, view)

    def _view(self, pressed: Pressed) -> dict[str, Any] | None:
        """The modal that a press opens or changes; None: it opens none. Raises EngineError."""
        press = pressed.press
        if isinstance(press, PromptPress):
            return self._form(pressed, press)
        if isinstance(press, DetailsPress):
            return self._desk.details(press.id, self._soon(pressed.user), pressed)
        if isinstance(press, MenuPress):
            form = pressed.form or Form(prompt_id=menu.MENU, home=presses.HOME if pressed.is_home else "")
            author = self._soon(pressed.user) if press.chosen else None
            known = self._desk.commands(author, _place_of(form)) if author else ()
            return menu.view(form, next((one for one in known if one.value == press.chosen), None))
        return None

    def _form(self, pressed: Pressed, press: PromptPress) -> dict[str, Any] | None:
        author = self._soon(pressed.user)
        asked = self._adapter.ask(press.prompt_id, author)
        if not needs_form(asked, press.value):
            return None
        form = self._desk.form_of(press.prompt_id, pressed, asked, button=press.value)
        return views.answer(asked, form)

    def options(self, payload: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """The options of a menu, for what was typed into it."""
        typed = str(payload.get("value") or "")
        view = payload.get("view")
        try:
            author = self._soon(_user(payload))
            form = views.form_of(view) if isinstance(view, Mapping) else None
            if form is None:
                return []
            if payload.get("action_id") == MENU_ACTION:
                return menu.search(self._desk.commands(author, _place_of(form)), typed)
            return self._choices(form, payload, author, typed)
        except EngineError as error:
            return [views.option(f"⚠ {error.message}")]
        except (SlackClientError, *troubles.AWAY) as error:
            log.warning("%s: no options: %s", self._adapter.name, troubles.in_words(error))
            return []

    def _choices(
        self, form: Form, payload: Mapping[str, Any], author: Author, typed: str
    ) -> Sequence[Mapping[str, Any]]:
        asked = self._adapter.ask(form.prompt_id, author)
        question = views.searched(payload, asked.prompt)
        if question is None:
            return []
        if question.is_searched:
            return views.options(asked.choices(question.name, typed))
        return views.options([one for one in question.choices if typed.lower() in one.lower()])

    def problems(self, payload: Mapping[str, Any]) -> Mapping[str, str]:
        """What is wrong in a submitted form, by the id of its block; empty: it may be kept."""
        view = payload.get("view")
        form = views.form_of(view) if isinstance(view, Mapping) else None
        if form is None or not isinstance(view, Mapping):
            return {}
        if view.get("callback_id") == menu.RUN:
            return {}
        try:
            asked = self._adapter.ask(form.prompt_id, self._soon(_user(payload)))
            button, values = views.filled(view, asked.prompt, form)
            return views.errors(asked.problems(button, values), view, asked.prompt)
        except (EngineError, SlackClientError, *troubles.AWAY):
            # It is kept, and said in private why it does not count.
            return {}

    # from the kept delivery

    def handle(self, kind: str, payload: Mapping[str, Any]) -> None:
        if kind == ACTION:
            pressed = presses.read(payload)
            if pressed is not None:
                self._press(pressed)
        elif kind == VIEW:
            self._submit(payload)
        elif kind == HOME:
            self._draw_home(str((payload.get("event") or {}).get("user", "")))

    def _press(self, pressed: Pressed) -> None:
        press = pressed.press
        author = self._adapter.person(pressed.user)
        if isinstance(press, CommandPress):
            self._command(pressed, press.command, author)
            return
        place = self._place(pressed)
        try:
            if isinstance(press, PromptPress):
                self._decide(pressed, press, author, place)
            elif isinstance(press, DetailsPress):
                self._desk.details(press.id, author, pressed)
        except EngineError as error:
            self._whisper(pressed.key, place, author, answers.refusal(error))
        if pressed.is_home:
            self._draw_home(author.id)

    def _place(self, pressed: Pressed) -> Place:
        """Where something is said about a press."""
        is_somewhere = pressed.channel or (pressed.form is not None and pressed.form.channel)
        return pressed.place("" if is_somewhere else self._adapter.direct_channel(pressed.user))

    def _decide(self, pressed: Pressed, press: PromptPress, author: Author, place: Place) -> None:
        if not press.value:
            # It opens a form; whoever may not have one is told why.
            self._adapter.ask(press.prompt_id, author)
            return
        try:
            reply = self._answer(press.prompt_id, author, place, button=press.value, values={})
        except BadAnswer:
            if needs_form(self._adapter.ask(press.prompt_id, author), press.value):
                # One is open that asks for what is missing.
                return
            raise
        self._whisper(pressed.key, place, author, reply)

    def _submit(self, payload: Mapping[str, Any]) -> None:
        view = payload.get("view")
        form = views.form_of(view) if isinstance(view, Mapping) else None
        if form is None or not isinstance(view, Mapping):
            return
        author = self._adapter.person(_user(payload))
        channel = self._adapter.place_of(form.channel, author.id)
        place = Place(
            channel=channel, thread=form.thread if channel == form.channel and form.thread else None
        )
        key = f"{view.get('id')}:{view.get('hash')}"
        if view.get("callback_id") == menu.RUN:
            command = menu.said(view) or "help"
            message = self._message(command, author, place, at=f"menu-{key}", key=f"menu:{key}")
            self._adapter.receive(message)
            self.ask_rest(message, str(payload.get("trigger_id")))
        else:
            try:
                asked = self._adapter.ask(form.prompt_id, author)
                button, values = views.filled(view, asked.prompt, form)
                reply = self._answer(form.prompt_id, author, place, button=button, values=values)
            except EngineError as error:
                reply = answers.refusal(error)
            self._whisper(key, place, author, reply)
        if form.home:
            self._draw_home(author.id)

    def _answer(
        self, prompt_id: str, author: Author, place: Place, *, button: str, values: Mapping[str, str]
    ) -> Reply:
        answer = Answer(prompt_id=prompt_id, author=author, place=place, button=button, values=values)
        return self._adapter.respond(answer)

    # commands

    def _command(self, pressed: Pressed, command: str, author: Author) -> None:
        before, own = pressed.command_keys()
        place = self._place(pressed)
        message = self._message(command, author, place, at=f"press-{pressed.at}", key=own)
        twice = replace(message, delivery_key=before)
        with self._adapter.engine.database.read() as connection:
            is_twice = store.is_known(connection, twice.key)
        self._adapter.receive(twice if is_twice else message)

    def ask_rest(self, command: Message, trigger: str) -> None:
        """Open the form of what a command lacks, as long as Slack allows it; its button stays in any case."""
        try:
            prompt_id = offers.id_of(command, "form")
            asked = self._adapter.ask(prompt_id, command.author)
            form = Form(prompt_id=prompt_id, channel=command.channel, thread=command.thread or "")
            view = views.answer(asked, form)
            if view is not None:
                self._show(trigger, view)
        except EngineError:
            # Nothing is missing.
            return
        except (SlackClientError, *troubles.AWAY) as error:
            log.info("%s: no form for that command: %s", self._adapter.name, troubles.in_words(error))

    def _message(self, command: str, author: Author, place: Place, *, at: str, key: str) -> Message:
        """A command as if it had been written at that place."""
        return Message(
            adapter=self._adapter.name,
            id=at,
            channel=place.channel,
            thread=place.thread,
            author=author,
            text=command,
            # It needs no prefix; nobody else writes it.
            is_direct=True,
            delivery_key=key,
        )

    # saying and drawing

    def _whisper(self, key: str, place: Place, author: Author, reply: Reply) -> None:
        """For that person alone, once, and kept until Slack has it."""
        outgoing = Outgoing(
            key=f"press:{key}",
            place=place,
            reply=replace(reply, is_private=True),
            may_replace=False,
            only_for=author.id,
        )
        self._adapter.engine.database.submit(self._adapter.posting_job([outgoing])).result()

    def _say_closed(self, kind: str, payload: Mapping[str, Any]) -> None:
        """Slack let no form open: too late, or away."""
        user = _user(payload)
        pressed = presses.read(payload) if kind == ACTION else None
        place = pressed.place(user) if pressed else Place(channel=user)
        key = pressed.key if pressed else str(payload.get("trigger_id"))
        said = Text(
            text="Slack opened no form for that; it takes a moment too long now and then. Press again."
        )
        author = Author(id=user, name=user)
        self._whisper(f"{key}:form", place, author, Reply(pieces=(said,), tone=Tone.WARNING))

    def _draw_home(self, user_id: str) -> None:
        if not user_id:
            return
        view = self._desk.home(self._adapter.person(user_id))
        try:
            self._ask(lambda web: web.views_publish(user_id=user_id, view=view))
        except (SlackClientError, *troubles.AWAY) as error:
            # It is drawn again whenever it is opened.
            log.warning("%s: a Home tab is not drawn: %s", self._adapter.name, troubles.in_words(error))

    def _show(self, trigger: str, view: dict[str, Any]) -> None:
        self._ask(lambda web: web.views_open(trigger_id=trigger, view=view))

    def _ask(self, question: Callable[[AsyncWebClient], Awaitable[Any]]) -> None:
        self._adapter.ask_slack(question, timeout_s=CALL_S)

    def _soon(self, user_id: str) -> Author:
        """Somebody as they were known a moment ago, or as Slack says at once."""
        return self._adapter.ask_slack(
            lambda _web: self._adapter.directory.person(user_id), timeout_s=ANSWER_S
        )


def needs_form(asked: Asked, button: str) -> bool:
    """Whether that button opens a form: it has to where a press alone says too little."""
    return not button or bool(asked.problems(button, {}))


def _place_of(form: Form) -> Place | None:
    """Where a command from the menu would be said; None: in private."""
    return Place(channel=form.channel, thread=form.thread or None) if form.channel else None


def _user(payload: Mapping[str, Any]) -> str:
    user = payload.get("user")
    found = user.get("id") if isinstance(user, Mapping) else payload.get("user_id")
    return found if isinstance(found, str) else ""


def _menu_form(kind: str, payload: Mapping[str, Any]) -> Form | None:
    """Where a command from the menu is said. None: this asks for no menu."""
    channel = payload.get("channel")
    if kind == SLASH and payload.get("text"):
        return None
    if kind == SLASH:
        return Form(prompt_id=menu.MENU, channel=str(payload.get("channel_id") or ""))
    if payload.get("callback_id") == menu.HERE and isinstance(channel, Mapping):
        message = payload.get("message")
        given: Mapping[str, Any] = message if isinstance(message, Mapping) else {}
        thread = str(given.get("thread_ts") or payload.get("message_ts") or "")
        return Form(prompt_id=menu.MENU, channel=str(channel.get("id") or ""), thread=thread)
    return Form(prompt_id=menu.MENU) if payload.get("callback_id") == menu.RUN else None
