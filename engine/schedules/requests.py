"""What a schedule asks for when it runs: its command as if it were said now, or its action."""

from collections.abc import Callable, Mapping
from typing import Any

from engine.alias_executions import AliasExecutions
from engine.aliases.match import AliasMatch
from engine.content.registry import Content
from engine.errors import BadInput
from engine.expressions.params import Plans
from engine.records.execution import ExecutionRequest, Terms
from engine.records.schedule import Schedule
from engine.rights.place import Where
from engine.rights.room import Rights


class ScheduleRequests:
    """`match` finds the alias of a command."""

    def __init__(
        self,
        content: Content,
        aliases: AliasExecutions,
        plans: Plans,
        *,
        match: Callable[[str], AliasMatch],
        rights: Rights,
    ) -> None:
        self._content = content
        self._aliases = aliases
        self._plans = plans
        self._match = match
        self._rights = rights

    def request(
        self, schedule: Schedule, facts: Mapping[str, Any], *, idempotency_key: str | None = None
    ) -> ExecutionRequest:
        """`facts` go into the context. Raises NoMatch, BadParameter, BadInput, NotFound, Denied: when it is
        made, and each time it runs.
        """
        context = {**facts, **schedule.context}
        if not schedule.command:
            self._rights.check_run(schedule.user, schedule.action, where=Where.of(context))
            return ExecutionRequest(
                action=schedule.action,
                parameters=schedule.parameters,
                user=schedule.user,
                context={**context, "api_user": schedule.chat_user},
                idempotency_key=idempotency_key,
            )
        requests = self._aliases.requests(
            self._match(schedule.command),
            user=schedule.user,
            chat_user=schedule.chat_user,
            source_channel=str(schedule.context.get("source_channel") or ""),
            context=context,
            terms=Terms(idempotency_key=idempotency_key),
        )
        if len(requests) != 1:
            raise BadInput(
                f'"{schedule.command}" would start {len(requests)} executions.',
                hint="Schedule them one by one.",
            )
        return requests[0]

    def refuse_secrets(self, schedule: Schedule, request: ExecutionRequest) -> None:
        """Raises BadInput when the schedule would have to keep a secret."""
        secret = self._plans.get(self._content.current.action(request.action)).secret_names
        given = sorted(name for name in schedule.parameters if name in secret)
        if schedule.command:
            match = self._match(schedule.command)
            if self._aliases.concealed(match) != match.text:
                given = sorted(name for name in request.parameters if name in secret)
        if given:
            raise BadInput(
                f"A schedule keeps no secrets, and this one gives {', '.join(given)}.",
                hint="Put the secret into the datastore, and let the action's default read it from there.",
            )
