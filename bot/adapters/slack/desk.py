"""What Slack's modals and Home tab show of the engine, for one person."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bot import answers, formatting, inquiries, inquiry_facts
from bot.adapters.slack import home, menu, presses, views
from bot.adapters.slack.home import Entry
from bot.adapters.slack.menu import Choice
from bot.adapters.slack.presses import Pressed
from bot.adapters.slack.views import Form
from bot.allowed import commands_for
from bot.chat import Author, Place
from bot.identities import Identities
from bot.naming import name_in, named
from bot.port import Asked
from bot.responses import Responses
from engine.errors import Conflict, Denied
from engine.records.execution import ExecutionFilter
from engine.records.inquiry import Inquiry

if TYPE_CHECKING:
    from bot.adapters.slack.adapter import SlackAdapter

_STARTED = 20


class Desk:
    def __init__(self, adapter: "SlackAdapter") -> None:
        self._adapter = adapter
        self._engine = adapter.engine
        self._responses = Responses(adapter.engine, adapter)
        self._identities = Identities(adapter.engine)

    # forms and details

    def form_of(self, prompt_id: str, pressed: Pressed, asked: Asked, *, button: str = "") -> Form:
        """What a modal belongs to; away from any message, the place where the question stands."""
        return Form(
            prompt_id=prompt_id,
            button=button,
            channel=pressed.channel or asked.channel,
            thread=pressed.thread,
            home=presses.HOME if pressed.is_home else "",
        )

    def details(self, wanted: str, author: Author, pressed: Pressed) -> dict[str, Any]:
        """All about a question or an execution; with the form, for whoever may answer it.

        Raises NotFound, BadInput, Denied.
        """
        execution = self._engine.execution(wanted)
        inquiry = inquiries.of(self._engine, execution)
        if inquiry is None:
            self._identities.of(self._adapter.name, author)
            reply = answers.status(self._engine, execution.id, prefix=self._engine.settings.chat.prefix)
            shown = named(reply, self._engine.names, chat=self._adapter.name)
            return views.details(shown.pieces, title="Details")
        channel = pressed.channel or self._responses.seen_at(inquiry, author)
        about = self._responses.details(inquiry.id, author, channel=channel)
        try:
            asked = self._adapter.ask(inquiry.id, author)
        except (Denied, Conflict) as refused:
            note = " ".join(part for part in (refused.message, refused.hint) if part)
            note = self._engine.names.in_text(formatting.clean(note))
            return views.details(about.pieces, title="Details", note=note)
        return views.deciding(about.pieces, asked, self.form_of(inquiry.id, pressed, asked))

    # commands

    def commands(self, author: Author, place: Place | None) -> tuple[Choice, ...]:
        """What this person may say there; without a place: somewhere. Raises Denied."""
        identity = self._identities.of(self._adapter.name, author)
        aliases = self._engine.registry.aliases
        return menu.choices(
            [(entry, aliases.get(entry.alias)) for entry in commands_for(self._engine, identity, place)]
        )

    # the Home tab

    def home(self, author: Author) -> dict[str, Any]:
        try:
            user = self._identities.of(self._adapter.name, author).user
            waiting = self._responses.waiting(author, everything=False)
        except Denied as refused:
            return home.refused(self._engine.names.in_text(f"{refused.message} {refused.hint}".strip()))
        return home.view(
            waiting=[self._waits(one) for one in waiting],
            started=self._started(user),
            commands=self.commands(author, None),
            prefix=self._engine.settings.chat.prefix,
        )

    def _waits(self, inquiry: Inquiry) -> Entry:
        asked_by = name_in(inquiry.asked.origin.name, self._engine.names)
        until = inquiry_facts.until(inquiry)
        facts = f"{formatting.short_id(inquiry.id)} · asked by {asked_by} · until {until}"
        return Entry(id=inquiry.id, title=inquiries.headline(inquiry), facts=facts)

    def _started(self, user: str) -> Sequence[Entry]:
        """The newest first; what runs before what has ended."""
        wanted = ExecutionFilter(user=user, parent_id="null", limit=_STARTED, with_result=False)
        found = self._engine.executions(wanted)[0]
        found.sort(key=lambda execution: (execution.is_finished, -execution.requested_at.timestamp()))
        return [
            Entry(
                id=one.id,
                title=f"{formatting.clean(one.action)} · {formatting.status_word(one.status.value)}",
                facts=f"{formatting.short_id(one.id)} · {one.requested_at:%Y-%m-%d %H:%M} UTC",
            )
            for one in found
        ]
