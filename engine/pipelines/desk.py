"""Pipelines: read, started, and carried on, one execution after the other.

How far a pipeline is, is a row. The end of a stage comes through the journal, and the next execution is
written in the transaction that moves our cursor: killed at any moment, no stage runs twice and none is lost.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sqlalchemy import Connection

from engine.alias_executions import AliasExecutions
from engine.aliases.command_forms import CommandForm
from engine.aliases.corrections import is_like
from engine.aliases.index import AliasIndex
from engine.clock import utcnow
from engine.content.registry import Content
from engine.errors import BadInput, EngineError, NoMatch, NotFound
from engine.executions import Executions
from engine.pipelines import filters, text
from engine.pipelines.values import items_of, taken
from engine.policies.notes import policy_note
from engine.records.execution import Execution, ExecutionRequest
from engine.records.journal import JournalEntry
from engine.records.pipeline import Pipeline, PipelinePlan, PipelineState, PlannedStage, Stage
from engine.status import FINISHED, Status
from engine.store import pipelines as store
from engine.store.database import Database
from engine.store.reader import nothing
from engine.store.vault import Vault

READER = "pipelines"
# How many items of the last filter are kept to be shown.
_SHOWN_ITEMS = 200
Job = Callable[[Connection], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPipeline:
    """What somebody wants to run. `context` goes into that of each execution."""

    stages: tuple[str, ...]
    user: str
    chat_user: str
    adapter: str
    context: Mapping[str, Any]
    key: str
    """The same key is the same pipeline."""
    defaults: Mapping[str, str]
    """Of the channel."""


class Pipelines:
    def __init__(
        self,
        database: Database,
        vault: Vault,
        content: Content,
        executions: Executions,
        aliases: AliasExecutions,
        *,
        index: Callable[[], AliasIndex],
    ) -> None:
        self._database = database
        self._vault = vault
        self._content = content
        self._executions = executions
        self._aliases = aliases
        self._index = index

    # reading

    def stages_of(self, command: str) -> tuple[str, ...] | None:
        """The stages of a command that is a pipeline; None: it is none.

        Raises BadInput where it begins with a command, and a later stage is nothing that we know: unless
        an alias takes all of it as its text, and nothing in it is even like a stage.
        """
        parts = text.split(command)
        if len(parts) < 2 or not all(parts):
            return None
        whole = self._match(command)
        if whole is not None and text.is_own_text(
            whole, self._content.current.actions.get(whole.alias.action_ref)
        ):
            return None
        if not self._is_command(parts[0]):
            return None
        unknown = next((part for part in parts[1:] if not self._is_stage(part)), None)
        if unknown is None:
            return parts
        # A mistyped stage must not become a value.
        if whole is not None and not any(
            self._is_stage(part) or self._is_like_one(part) for part in parts[1:]
        ):
            return None
        raise BadInput(
            f"I know no stage {unknown!r}.",
            hint=f"A stage is a command, or a filter: {', '.join(filters.SHAPES)}. In quotes | is text.",
        )

    def _match(self, command: str) -> Any:
        try:
            return self._index().match(command)
        except EngineError:
            return None

    def _is_stage(self, part: str) -> bool:
        return filters.filter_in(part) is not None or self._is_command(part)

    def _is_command(self, part: str) -> bool:
        """Also one that is not complete."""
        return self._match(part) is not None or self._index().beginning(part) is not None

    def _is_like_one(self, part: str) -> bool:
        """Whether it may be a stage with a typing error."""
        word = part.split(maxsplit=1)[0]
        return is_like(word, filters.SHAPES) or is_like(word, self._index().first_words)

    # starting

    def start(self, wanted: NewPipeline) -> Pipeline:
        """Committed when it returns, with the execution of its first stage.

        Raises BadInput, Denied, NotFound for what cannot be run, before anything has run.
        """
        if len(wanted.stages) > text.MOST_STAGES:
            raise BadInput(
                f"A pipeline has {text.MOST_STAGES} stages at most; this has {len(wanted.stages)}."
            )
        plan = PipelinePlan(
            user=wanted.user,
            chat_user=wanted.chat_user,
            context=wanted.context,
            stages=tuple(self._planned(number, part, wanted) for number, part in enumerate(wanted.stages)),
        )
        pipeline = Pipeline(
            id=hashlib.sha256(f"pipeline:{wanted.user}:{wanted.key}".encode()).hexdigest()[:24],
            adapter=wanted.adapter,
            state="running",
            version=0,
            position=0,
            plan=plan,
            stages=tuple(Stage(shown=one.shown) for one in plan.stages),
            made_at=utcnow(),
        )
        self._check_rights(pipeline)
        prepared = self._executions.prepare(self._request(pipeline, 0, []))
        pipeline = _with(pipeline, 0, status=Status.REQUESTED, execution_id=prepared.execution.id)

        def work(connection: Connection) -> None:
            if store.add(connection, self._vault, pipeline):
                prepared.insert(connection)

        self._database.write(work)
        return self.get(pipeline.id)

    def _planned(self, number: int, part: str, wanted: NewPipeline) -> PlannedStage:
        if number and filters.filter_in(part) is not None:
            return PlannedStage(text=part, shown=part, given={})
        form = self._form(part)
        match, _ = self._aliases.with_defaults(form.match({}, text=part), wanted.defaults)
        given = dict(match.parameters[0])
        shown = self._aliases.concealed_beginning(form, part)
        parameter = self._piped(shown, form, given) if number else ""
        left = [name for name in form.missing if name not in given and name != parameter]
        if left:
            raise BadInput(f"{shown} needs also: {', '.join(left)}.", hint="Give it in the stage: name=value")
        return PlannedStage(
            text=part,
            shown=shown,
            alias=form.alias.ref,
            representation=form.representation,
            given=given,
            parameter=parameter,
        )

    def _form(self, part: str) -> CommandForm:
        try:
            match = self._index().match(part)
        except NoMatch:
            found = self._index().beginning(part)
            if found is None:
                raise
            return self._aliases.form(found.entry.alias.ref, found.entry.representation, found.given)
        if len(match.parameters) != 1:
            raise BadInput(f"A stage would start {len(match.parameters)} executions.")
        given = {name: value for name, value in match.parameters[0].items() if value is not None}
        return self._aliases.form(match.alias.ref, match.representation, given)

    def _piped(self, shown: str, form: CommandForm, given: Collection[str]) -> str:
        """The parameter that takes what the stage before gives."""
        said = form.alias.extensions.get(text.KEY) or form.action.extensions.get(text.KEY)
        if isinstance(said, str) and said:
            return said
        found = next((name for name in form.missing if name not in given), "")
        if not found:
            raise BadInput(
                f"{shown} says everything itself, so it takes nothing from a pipe.",
                hint=f"Leave out the value that is to come, or have the alias say {text.KEY}: NAME",
            )
        return found

    def _check_rights(self, pipeline: Pipeline) -> None:
        """Each stage is asked about before the first one runs, and again when its turn comes."""
        for stage in pipeline.plan.stages:
            if stage.alias:
                self._aliases.check(stage.alias, user=pipeline.plan.user, context=pipeline.plan.context)

    # going on

    def get(self, pipeline_id: str) -> Pipeline:
        """Raises NotFound."""
        with self._database.read() as connection:
            found = store.get(connection, self._vault, pipeline_id)
        if found is None:
            raise NotFound(f"There is no pipeline {pipeline_id}.")
        return found

    @staticmethod
    def wants(entry: JournalEntry) -> bool:
        return "pipeline" in entry.data and entry.data.get("status") in FINISHED

    def handle(self, entries: list[JournalEntry]) -> Job:
        """What goes on with pipelines of which a stage has ended; done with the move of the cursor."""
        jobs = [job for entry in entries if self.wants(entry) and (job := self._step(entry)) is not None]
        return partial(_all, jobs) if jobs else nothing

    def _step(self, entry: JournalEntry) -> Job | None:
        ended = self._executions.get(entry.subject)
        told = ended.context.get("pipeline")
        if ended.parent_id is not None or not isinstance(told, Mapping):
            return None
        with self._database.read() as connection:
            pipeline = store.get(connection, self._vault, str(told.get("id")))
        is_next = pipeline is not None and pipeline.is_running and told.get("stage") == pipeline.position
        if pipeline is None or not is_next or policy_note(ended.context, "retried") is not None:
            return None
        now, request = self._after(pipeline, ended)
        prepared = None if request is None else self._executions.prepare(request)
        if prepared is not None:
            now = _with(now, now.position, status=Status.REQUESTED, execution_id=prepared.execution.id)
        if not now.is_running:
            now = replace(now, ended_at=utcnow())
        version = pipeline.version

        def work(connection: Connection) -> None:
            is_ours = store.step(connection, replace(now, version=version + 1), version=version)
            if is_ours and prepared is not None:
                prepared.insert(connection)

        return work

    def _after(self, pipeline: Pipeline, ended: Execution) -> tuple[Pipeline, ExecutionRequest | None]:
        """How it stands after the end of a stage, and what is to run next."""
        pipeline = _with(pipeline, pipeline.position, status=ended.status, execution_id=ended.id)
        if ended.status is not Status.SUCCEEDED:
            state: PipelineState = "canceled" if ended.status is Status.CANCELED else "failed"
            return replace(pipeline, state=state), None
        items: list[Any] = []
        try:
            items = items_of(ended.result)
            pipeline = _with(pipeline, pipeline.position, note=_counted(items))
            for number in range(pipeline.position + 1, len(pipeline.stages)):
                pipeline = replace(pipeline, position=number)
                stage = pipeline.plan.stages[number]
                if stage.alias:
                    if not items:
                        return _stopped(pipeline), None
                    return pipeline, self._request(pipeline, number, items)
                items = filters.filtered(stage.text, items)
                note = _counted(items)
                pipeline = _with(pipeline, number, status=Status.SUCCEEDED, note=note)
        except EngineError as error:
            pipeline = _with(pipeline, pipeline.position, status=Status.FAILED)
            return replace(pipeline, state="failed", error=error.message, hint=error.hint), None
        is_filter = not pipeline.plan.stages[-1].alias
        output = items[:_SHOWN_ITEMS] if is_filter else None
        return replace(pipeline, state="succeeded", output=output), None

    def _request(self, pipeline: Pipeline, number: int, items: list[Any]) -> ExecutionRequest:
        """Raises what cannot be run, also what this person may not run any more."""
        plan, stage = pipeline.plan, pipeline.plan.stages[number]
        form = self._aliases.form(stage.alias, stage.representation, stage.given)
        values = {}
        if stage.parameter:
            values[stage.parameter] = taken(
                items, stage.parameter, self._aliases.parameter(form, stage.parameter)
            )
        context = {**plan.context, "pipeline": {"id": pipeline.id, "stage": number}}
        (request,) = self._aliases.requests(
            form.match(values, text=stage.shown),
            user=plan.user,
            chat_user=plan.chat_user,
            source_channel=str(plan.context.get("source_channel") or ""),
            context=context,
        )
        return request


def _with(pipeline: Pipeline, number: int, **changes: str) -> Pipeline:
    stages = list(pipeline.stages)
    stages[number] = replace(stages[number], **changes)
    return replace(pipeline, stages=tuple(stages))


def _stopped(pipeline: Pipeline) -> Pipeline:
    """Nothing is left, so nothing more is done: an empty list is never `all of them`."""
    pipeline = _with(pipeline, pipeline.position, note="not started: nothing was left")
    return replace(pipeline, state="succeeded")


def _counted(items: list[Any]) -> str:
    return "1 item" if len(items) == 1 else f"{len(items):,} items"


def _all(jobs: list[Job], connection: Connection) -> None:
    for job in jobs:
        job(connection)
