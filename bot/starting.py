"""Commands become executions: an alias that matches, one that ran before, what was held back."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot import answers
from bot.allowed import where_of
from bot.announcer import Announcer
from bot.asked import Asked
from bot.chat import Reply
from bot.defaults import Defaults
from bot.trails import Trails
from engine.aliases.match import AliasMatch
from engine.errors import BadInput
from engine.pipelines.desk import NewPipeline
from engine.records.execution import Execution, Terms
from engine.service import AliasExecution, Engine


class Starting:
    """Of one adapter. What it starts is followed by the announcer, and is what its thread is about."""

    def __init__(self, engine: Engine, announcer: Announcer, trails: Trails) -> None:
        self._engine = engine
        self._announcer = announcer
        self.trails = trails
        self.defaults = Defaults(engine)

    def accepted(self, asked: Asked, execution: Execution, *, ack: AliasExecution | None = None) -> None:
        """It is committed."""
        self._announcer.accepted(execution, place=asked.message.answer_place, ack=ack)
        if ack is not None and not ack.ack_enabled:
            # Where something is said of it, its trail is written with that.
            self.trails.leave(asked, execution)

    def alias(self, asked: Asked) -> Sequence[Reply]:
        self.matched(asked, self._engine.match(asked.text))
        return []

    def pipeline(self, asked: Asked) -> bool:
        """Start the pipeline that the command is; False: it is none. Raises BadInput, Denied, NotFound."""
        stages = self._engine.pipelines.stages_of(asked.text)
        if stages is None:
            return False
        defaults = self.defaults.of(asked.message.adapter, asked.message.channel)
        self._engine.pipelines.start(
            NewPipeline(
                stages=stages,
                user=asked.identity.user,
                chat_user=asked.identity.chat_user,
                adapter=asked.message.adapter,
                context=asked.context(),
                key=asked.idempotency_key,
                defaults={one.name: one.value for one in defaults},
            )
        )
        return True

    def corrected(self, asked: Asked) -> str:
        """The command without its typing errors, where this person may run it; else empty."""
        meant = self._engine.corrected(asked.text)
        if not meant:
            return ""
        alias = self._engine.match(meant).alias
        where = where_of(asked.identity, asked.message.answer_place)
        user = asked.identity.user
        may = self._engine.rights.may_run(user, alias.action_ref, alias=alias.ref, where=where)
        return meant if may else ""

    def matched(self, asked: Asked, match: AliasMatch) -> None:
        message, identity = asked.message, asked.identity
        defaults = self.defaults.of(message.adapter, message.channel)
        context = asked.context()
        if defaults:
            match, used = self._engine.with_defaults(match, {one.name: one.value for one in defaults})
            if used:
                context["channel_defaults"] = used
        started = self._engine.run_alias(
            match,
            user=identity.user,
            chat_user=identity.chat_user,
            source_channel=message.channel,
            source_context={"user": identity.chat_user, "room": message.channel, "id": message.id},
            extra_context=context,
            terms=Terms(idempotency_key=asked.idempotency_key),
        )
        for one in started:
            self.accepted(asked, one.execution, ack=one)

    def rerun(
        self,
        first: Execution,
        asked: Asked,
        *,
        given: Mapping[str, str] | None = None,
        tasks: Sequence[str] = (),
    ) -> Execution:
        """`given`: parameters that change, as texts. `tasks`: of a workflow, which goes on from these."""
        parameters: Mapping[str, Any] = self._engine.changed_parameters(first, given) if given else {}
        alias = first.context.get("action_alias_ref")
        again = self._engine.rerun(
            first.id,
            user=asked.identity.user,
            parameters=parameters,
            context={
                **asked.context(),
                "api_user": asked.identity.chat_user,
                # The alias that words the result of the first one words this one's too.
                **({"action_alias_ref": alias} if alias else {}),
            },
            terms=Terms(idempotency_key=asked.idempotency_key),
            tasks=tasks,
        )
        self.accepted(asked, again)
        return again

    def plan(self, command: str, asked: Asked) -> None:
        """Run what says what `command` would do. Raises NoMatch, BadInput, Denied."""
        match = self._engine.match(command)
        defaults = self.defaults.of(asked.message.adapter, asked.message.channel)
        match, _ = self._engine.with_defaults(match, {one.name: one.value for one in defaults})
        request = self._engine.plan_request(
            match,
            user=asked.identity.user,
            chat_user=asked.identity.chat_user,
            source_channel=asked.message.channel,
            context=asked.context(),
        )
        self.accepted(asked, self._engine.request(replace(request, idempotency_key=asked.idempotency_key)))

    def anyway(self, rule: str, instance_id: str, asked: Asked) -> Sequence[Reply]:
        """What a gate held back."""
        made = self._engine.held.release(rule, instance_id, user=asked.identity.user, context=asked.context())
        for one in made:
            if one.execution_id is not None:
                self.accepted(asked, self._engine.execution(one.execution_id))
        failed = [one.failure_reason for one in made if one.execution_id is None]
        return [answers.refusal(BadInput(reason)) for reason in failed]

    def schedule(self, number: int, asked: Asked) -> None:
        """Run one now."""
        execution = self._engine.schedules.run(
            number,
            user=asked.identity.user,
            chat_user=asked.identity.chat_user,
            context=asked.context(),
            idempotency_key=asked.idempotency_key,
        )
        self.accepted(asked, execution)
