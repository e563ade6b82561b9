"""The engine's door to aliases: match, complete, run, and word the result."""

from collections.abc import Mapping
from typing import Any

from engine.alias_executions import AliasExecution, AliasExecutions, ResultText
from engine.aliases.command_forms import CommandForm
from engine.aliases.index import AliasIndex
from engine.aliases.match import AliasMatch
from engine.errors import EngineError, NoMatch
from engine.executions import PLAIN_TERMS
from engine.expressions.masking import MASK
from engine.records.execution import Execution, ExecutionRequest, Terms


class AliasCalls:
    """What the engine's callers may do with aliases; a part of class Engine, which makes these."""

    alias_index: AliasIndex
    _aliases: AliasExecutions

    def match(self, text: str) -> AliasMatch:
        """Raises NoMatch (none, or several), with the nearest commands in the hint; BadParameter."""
        return self.alias_index.match(text)

    def corrected(self, text: str) -> str:
        """The command without its typing errors; empty where none is found that fits."""
        return self.alias_index.corrected(text)

    def command_form(self, text: str) -> CommandForm | None:
        """What is missing of a command; None: it is none, or nothing is missing."""
        try:
            form = self._form(text)
        except EngineError:
            return None
        return form if form is not None and form.missing else None

    def _form(self, text: str) -> CommandForm | None:
        try:
            match = self.alias_index.match(text)
        except NoMatch:
            found = self.alias_index.beginning(text)
            if found is None:
                return None
            return self._aliases.form(found.entry.alias.ref, found.entry.representation, found.given)
        if len(match.parameters) != 1:
            return None
        given = {name: value for name, value in match.parameters[0].items() if value is not None}
        return self._aliases.form(match.alias.ref, match.representation, given)

    def form_again(self, alias_ref: str, representation: str, given: Mapping[str, str | None]) -> CommandForm:
        """As `command_form` made it, by the content of now. Raises NotFound, BadInput."""
        return self._aliases.form(alias_ref, representation, given)

    def concealed(self, text: str) -> str:
        """A command as it may be kept: the values of secret parameters are ********."""
        try:
            return self._aliases.concealed(self.alias_index.match(text))
        except EngineError:
            pass
        form = self.command_form(text)
        if form is not None:
            return self._aliases.concealed_beginning(form, text)
        meant = self.corrected(text)
        if meant and self.concealed(meant) != meant:
            return f"{text.split(maxsplit=1)[0]} {MASK}"
        # Nothing will be run, and nobody knows what in it would be secret.
        return text

    def run_alias(
        self,
        match: AliasMatch,
        *,
        user: str,
        chat_user: str,
        source_channel: str,
        source_context: Mapping[str, Any],
        extra_context: Mapping[str, Any] | None = None,
        notify_route: str = "",
        terms: Terms = PLAIN_TERMS,
    ) -> list[AliasExecution]:
        """One execution per match (several only with match_multiple), all committed.

        `notify_route`: who is told of each end. `terms`: as of AliasExecutions.run.
        """
        context = {
            **(extra_context or {}),
            **({"source_context": dict(source_context)} if source_context else {}),
        }
        return self._aliases.run(
            match,
            user=user,
            chat_user=chat_user,
            source_channel=source_channel,
            context=context,
            notify_route=notify_route,
            terms=terms,
        )

    def with_defaults(
        self, match: AliasMatch, defaults: Mapping[str, str]
    ) -> tuple[AliasMatch, dict[str, str]]:
        """The match with the defaults of a channel, and those that were used. Raises NotFound."""
        return self._aliases.with_defaults(match, defaults)

    def plan_request(
        self, match: AliasMatch, *, user: str, chat_user: str, source_channel: str, context: Mapping[str, Any]
    ) -> ExecutionRequest:
        """What says what a command would do. Raises BadInput where nothing does, Denied, NotFound."""
        return self._aliases.plan(
            match, user=user, chat_user=chat_user, source_channel=source_channel, context=context
        )

    def changed_parameters(self, execution: Execution, given: Mapping[str, str]) -> dict[str, Any]:
        """What a chat gives to run it again, cast. Raises BadParameter, BadInput, NotFound."""
        return self._aliases.changes(execution, given)

    def may_be_secret(self, name: str) -> bool:
        """Whether any action keeps a parameter of this name secret."""
        return self._aliases.may_be_secret(name)

    def result_text(self, execution: Execution) -> ResultText:
        """The alias' result template, or the default one, rendered for a finished execution."""
        return self._aliases.result_text(execution)
