"""A matched alias becomes executions, and a finished one becomes a text for people."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.aliases.channel_defaults import with_defaults
from engine.aliases.command_forms import CommandForm, command_form
from engine.aliases.match import AliasMatch, check_changes
from engine.aliases.templates import AliasTemplates
from engine.aliases.view import alias_view, execution_view
from engine.content.registry import Content
from engine.errors import BadInput, NotFound
from engine.executions import PLAIN_TERMS, Executions
from engine.expressions.jinja import Templates
from engine.expressions.lookups import KeyValues, key_lookups
from engine.expressions.masking import MASK, ValueMasker
from engine.expressions.params import Plans
from engine.records.execution import Execution, ExecutionRequest, Terms, new_id
from engine.rights.place import Where
from engine.rights.room import Rights
from engine.specs.action import ActionSpec
from engine.specs.alias import AliasSpec
from engine.specs.parameter import ParameterSpec

PLAN_KEY = "x-plan"


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasExecution:
    """A chat command that became an execution."""

    execution: Execution
    match: AliasMatch
    message: str
    """The rendered acknowledgement; empty: the chat side words one."""
    extra: Mapping[str, Any]
    ack_enabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultText:
    """The rendered result of an execution. `enabled` False: its alias wants nothing posted."""

    enabled: bool
    text: str
    extra: Mapping[str, Any]


class AliasExecutions:
    def __init__(
        self,
        content: Content,
        executions: Executions,
        plans: Plans,
        templates: Templates,
        keys: KeyValues,
        *,
        rights: Rights,
        web_url: str,
    ) -> None:
        self._content = content
        self._executions = executions
        self._plans = plans
        self._templates = templates
        self._keys = keys
        self._rights = rights
        self._texts = AliasTemplates(templates)
        self._web_url = web_url

    def run(
        self,
        match: AliasMatch,
        *,
        user: str,
        chat_user: str,
        source_channel: str,
        context: Mapping[str, Any],
        notify_route: str = "",
        terms: Terms = PLAIN_TERMS,
    ) -> list[AliasExecution]:
        """One execution per set of parameters (several only with match_multiple), all committed.

        `user` is who asks the engine, `chat_user` whom the chat names; `context` is merged into each
        execution's context. `notify_route` is told of each end, with what its bot needs to answer.
        `terms`: the id is that of the first execution; the callback is told of each.
        Raises Denied, BadInput, BadParameter, NotFound, BadTemplate.
        """
        requests = self.requests(
            match,
            user=user,
            chat_user=chat_user,
            source_channel=source_channel,
            context=context,
            notify_route=notify_route,
            terms=terms,
        )
        action = self._content.current.action(match.alias.action_ref)
        # All are on their way before the first is waited for: they share a commit.
        waiting = [self._executions.submit(wanted) for wanted in requests]
        return [self._acknowledged(match, future.result(), action) for future in waiting]

    def requests(
        self,
        match: AliasMatch,
        *,
        user: str,
        chat_user: str,
        source_channel: str,
        context: Mapping[str, Any],
        notify_route: str = "",
        terms: Terms = PLAIN_TERMS,
    ) -> list[ExecutionRequest]:
        """What `run` would ask for. Raises Denied, BadInput, BadParameter, NotFound."""
        alias = match.alias
        action = self._content.current.action(alias.action_ref)
        self._rights.check_run(user, action.ref, alias=alias.ref, where=Where.of(context))
        full_context = {
            **context,
            "action_alias_ref": {"id": alias.ref, "name": alias.name},
            "api_user": chat_user,
            "source_channel": source_channel,
        }
        plan = self._plans.get(action)
        if "source_context" in full_context:
            # Bots repeat the text of the command there.
            full_context["source_context"] = self._without_secrets(match, full_context["source_context"])
        if notify_route:
            names = ("source_channel", "source_context")
            data = {"user": chat_user, **{name: full_context.get(name) for name in names}}
            full_context["notify"] = {"on-complete": {"routes": [notify_route], "data": data}}
        secrets: list[str] = []
        given = [
            self._with_immutable(alias, parameters, user=user, context=full_context, secrets=secrets)
            for parameters in match.parameters
        ]
        return [
            ExecutionRequest(
                action=action.ref,
                parameters=plan.cast_text(parameters),
                secrets=tuple(secrets),
                user=user,
                context=full_context,
                idempotency_key=kept.idempotency_key,
                fingerprint=kept.fingerprint,
                execution_id=kept.execution_id,
                callback=kept.callback,
            )
            for parameters, kept in zip(given, _one_by_one(terms, len(given)), strict=True)
        ]

    def changes(self, execution: Execution, given: Mapping[str, str]) -> dict[str, Any]:
        """Parameters with which an execution is to be run again, from the texts of a chat.

        Raises BadParameter, BadInput for what a chat may not give, NotFound.
        """
        action = self._content.current.action(execution.action)
        ref = execution.context.get("action_alias_ref") or {}
        alias = self._content.current.aliases.get(ref.get("id", ""))
        if alias is None or alias.action_ref != action.ref:
            alias = AliasSpec(pack=action.pack, name=action.name, action_ref=action.ref)
        check_changes(alias, action, given)
        return self._plans.get(action).cast_text(given)

    def form(self, alias_ref: str, representation: str, given: Mapping[str, str | None]) -> CommandForm:
        """What may still be said of a command. Raises NotFound, BadInput."""
        registry = self._content.current
        alias = registry.aliases.get(alias_ref)
        if alias is None:
            raise NotFound(f"There is no alias {alias_ref} any more.", hint="Type the command again.")
        return command_form(
            alias,
            registry.action(alias.action_ref),
            self._plans,
            representation=representation,
            given=given,
        )

    def plan(
        self, match: AliasMatch, *, user: str, chat_user: str, source_channel: str, context: Mapping[str, Any]
    ) -> ExecutionRequest:
        """The action that says what the command would do, named by `x-plan` of the alias or the action.

        It takes those of the command's parameters that it has too. Raises BadInput where there is none, and
        as `requests` does.
        """
        action = self._content.current.action(match.alias.action_ref)
        named = match.alias.extensions.get(PLAN_KEY) or action.extensions.get(PLAN_KEY)
        if not isinstance(named, str) or not named:
            raise BadInput(
                f"{action.ref} cannot say beforehand what it would do.",
                hint=f"Its author can name an action that does: {PLAN_KEY}: PACK.ACTION",
            )
        foretelling = self._content.current.action(named)
        self._rights.check_run(user, foretelling.ref, where=Where.of(context))
        (wanted, *_) = self.requests(
            match, user=user, chat_user=chat_user, source_channel=source_channel, context=context
        )
        known = self._plans.get(foretelling).parameters
        told = {name: value for name, value in wanted.context.items() if name != "action_alias_ref"}
        return replace(
            wanted,
            action=foretelling.ref,
            parameters={name: value for name, value in wanted.parameters.items() if name in known},
            context={**told, "plan_of": {"alias": match.alias.ref, "action": action.ref}},
        )

    def check(self, alias_ref: str, *, user: str, context: Mapping[str, Any]) -> None:
        """Raises Denied for whoever may not run it there, NotFound."""
        alias = self._content.current.aliases.get(alias_ref)
        if alias is None:
            raise NotFound(f"There is no alias {alias_ref} any more.")
        self._rights.check_run(user, alias.action_ref, alias=alias.ref, where=Where.of(context))

    def parameter(self, form: CommandForm, name: str) -> ParameterSpec | None:
        """A parameter of the action or its runner; None: there is none of this name."""
        return self._plans.get(form.action).parameters.get(name)

    def with_defaults(
        self, match: AliasMatch, defaults: Mapping[str, str]
    ) -> tuple[AliasMatch, dict[str, str]]:
        """The match with the defaults of a channel, and those that were used. Raises NotFound."""
        return with_defaults(match, self._content.current.action(match.alias.action_ref), defaults)

    def may_be_secret(self, name: str) -> bool:
        """Whether any action keeps a parameter of this name secret."""
        return any(
            name in self._plans.get(action).secret_names for action in self._content.current.actions.values()
        )

    def concealed(self, match: AliasMatch) -> str:
        """The text of a match with ******** in place of the values of secret parameters.

        Where a value does not stand in the text as it is (quoted, escaped), only the first word stays.
        """
        hidden = self._secrets(match)
        if not hidden:
            return match.text
        if any(value not in match.text for value in hidden):
            return f"{match.text.split(maxsplit=1)[0]} {MASK}"
        longest_first = sorted(hidden, key=len, reverse=True)
        return re.sub("|".join(map(re.escape, longest_first)), MASK, match.text)

    def concealed_beginning(self, form: CommandForm, text: str) -> str:
        """The text of a command that stops too early, as `concealed` gives it."""
        return self.concealed(form.match({}, text=text))

    def _secrets(self, match: AliasMatch) -> set[str]:
        """The values that the text gives to secret parameters."""
        action = self._content.current.action(match.alias.action_ref)
        secret = self._plans.get(action).secret_names
        return {
            value for given in match.parameters for name, value in given.items() if value and name in secret
        }

    def _without_secrets(self, match: AliasMatch, value: Any) -> Any:
        hidden = self._secrets(match)
        return (
            _replaced(ValueMasker(hidden).value(value), match.text, self.concealed(match))
            if hidden
            else value
        )

    def result_text(self, execution: Execution) -> ResultText:
        """The alias' result template, or the default one, rendered for a finished execution."""
        registry = self._content.current
        ref = execution.context.get("action_alias_ref") or {}
        alias = registry.aliases.get(ref.get("id", ""))
        view = execution_view(execution, registry.actions.get(execution.action), web_url=self._web_url)
        enabled, text, extra = self._texts.result(alias, execution=view)
        return ResultText(enabled=enabled, text=text, extra=extra)

    def _with_immutable(
        self,
        alias: AliasSpec,
        given: Mapping[str, Any],
        *,
        user: str,
        context: Mapping[str, Any],
        secrets: list[str],
    ) -> dict[str, Any]:
        """`secrets` is given what the alias' own templates decrypted."""
        if not alias.immutable_parameters:
            return dict(given)
        clash = sorted(set(alias.immutable_parameters) & set(given))
        if clash:
            raise BadInput(f"Immutable arguments cannot be overriden: {','.join(clash)}")
        visible = {"st2kv": key_lookups(self._keys, user=user), **context, "user": user}
        rendered = self._templates.render_values(dict(alias.immutable_parameters), visible, decrypted=secrets)
        return {**given, **rendered}

    def _acknowledged(self, match: AliasMatch, execution: Execution, action: ActionSpec) -> AliasExecution:
        alias = match.alias
        view = execution_view(execution, action, web_url=self._web_url)
        message, extra = self._texts.ack(alias, execution=view, actionalias=alias_view(alias))
        return AliasExecution(
            execution=execution, match=match, message=message, extra=extra, ack_enabled=alias.ack.enabled
        )


def _one_by_one(terms: Terms, count: int) -> list[Terms]:
    """The terms of each execution of a command."""
    key, callback = terms.idempotency_key, terms.callback
    return [
        replace(
            terms,
            idempotency_key=f"{key}:{number}" if key else None,
            execution_id="" if number else terms.execution_id,
            callback=replace(callback, id=f"msg_{new_id()}") if callback and number else callback,
        )
        for number in range(count)
    ]


def _replaced(value: Any, old: str, new: str) -> Any:
    """A copy with every text in it changed."""
    if isinstance(value, str):
        return value.replace(old, new)
    if isinstance(value, Mapping):
        return {key: _replaced(inner, old, new) for key, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner, old, new) for inner in value]
    return value
