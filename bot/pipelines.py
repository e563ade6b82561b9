"""A pipeline as one message: its stages, how far it is, what it gave, what to do next."""

from collections.abc import Iterator

from bot import formatting, wording
from bot.chat import Branch, Button, Code, Piece, Place, Reply, Table, Text, Tone, Tree
from bot.results import cut_pieces, pieces_of_result
from engine.errors import EngineError
from engine.pipelines.filters import text_of
from engine.records.comforts import Footprint
from engine.records.execution import Execution
from engine.records.pipeline import Pipeline, Stage
from engine.service import Engine
from engine.status import FAILURES, Status

# Over more columns a table of objects is read as lines.
_COLUMNS = 6
_ROWS = 50
_TONES = {"running": Tone.RUNNING, "succeeded": Tone.GOOD, "failed": Tone.BAD, "canceled": Tone.WARNING}


def key_of(pipeline: Pipeline) -> str:
    """Everything that is said about it is one message."""
    return f"pipeline:{pipeline.id}"


def place_of(pipeline: Pipeline) -> Place:
    chat = pipeline.plan.context["chat"]
    return Place(channel=str(chat["channel"]), thread=chat.get("thread"), reply_to=chat.get("message"))


def footprints(pipeline: Pipeline) -> Iterator[Footprint]:
    """Its executions, for commands in its thread that name none."""
    place = place_of(pipeline)
    for stage in pipeline.stages:
        if stage.execution_id:
            yield Footprint(
                adapter=pipeline.adapter,
                channel=place.channel,
                thread=place.thread or "",
                person=pipeline.plan.user,
                execution_id=stage.execution_id,
            )


def reply(engine: Engine, pipeline: Pipeline) -> Reply:
    """As it now is."""
    last = next((one for one in reversed(pipeline.stages) if one.execution_id), None)
    execution = _execution(engine, last)
    branches = tuple(
        Branch(
            name=formatting.clean(stage.shown),
            status=_status(stage, pipeline),
            note=formatting.clean(stage.note),
            execution_id=stage.execution_id,
        )
        for stage in pipeline.stages
    )
    elapsed_s = None
    if pipeline.ended_at is not None:
        elapsed_s = (pipeline.ended_at - pipeline.made_at).total_seconds()
    return Reply(
        pieces=(Tree(branches=branches), *_outcome(engine, pipeline, execution)),
        tone=_TONES[pipeline.state],
        status=pipeline.state,
        action="pipeline",
        execution_id=last.execution_id if last is not None else "",
        elapsed_s=elapsed_s,
        buttons=tuple(_buttons(pipeline, last)),
    )


def _status(stage: Stage, pipeline: Pipeline) -> str:
    if not stage.status:
        return "not begun" if pipeline.is_running else "left out"
    # A row of ours is written when a stage begins and when it ends.
    return "running" if stage.status == Status.REQUESTED else stage.status


def _execution(engine: Engine, stage: Stage | None) -> Execution | None:
    try:
        return engine.execution(stage.execution_id) if stage is not None else None
    except EngineError:
        return None


def _outcome(engine: Engine, pipeline: Pipeline, execution: Execution | None) -> Iterator[Piece]:
    if pipeline.is_running or execution is None:
        return
    word = formatting.short_id(execution.id)
    if pipeline.error:
        yield Text(text=formatting.clean(f"{pipeline.stages[pipeline.position].shown}: {pipeline.error}"))
        if pipeline.hint:
            yield Text(text=formatting.clean(pipeline.hint))
        yield Text(text="What came before it has run; nothing after it has.")
    elif pipeline.output is not None:
        yield from _items(pipeline.output)
    elif pipeline.stages[-1].execution_id or execution.status in FAILURES:
        rendered = wording.result(engine, execution)
        if rendered is not None and execution.status not in FAILURES:
            yield from rendered.pieces
        else:
            yield from cut_pieces(pieces_of_result(execution.result), engine.settings.chat.answer_limit)[0]
    if execution.status in FAILURES:
        yield Text(text=f"Nothing after it has run. why {word} · that stage once more: rerun {word}")


def _items(items: list[object]) -> Iterator[Piece]:
    """A table where all are objects with the same few members, else lines."""
    shown = items[:_ROWS]
    names = list(shown[0]) if shown and isinstance(shown[0], dict) else []
    is_table = 0 < len(names) <= _COLUMNS and all(
        isinstance(one, dict) and list(one) == names for one in shown
    )
    if is_table:
        rows = tuple(
            tuple(formatting.clean(text_of(value)) for value in one.values())
            for one in shown
            if isinstance(one, dict)
        )
        yield Table(columns=tuple(formatting.clean(str(name)) for name in names), rows=rows)
    elif shown:
        yield Code(text=formatting.clean("\n".join(text_of(one) for one in shown)))
    else:
        yield Text(text="Nothing was left.")
    if len(items) > len(shown):
        yield Text(text=f"{len(items) - len(shown):,} more.")


def _buttons(pipeline: Pipeline, last: Stage | None) -> Iterator[Button]:
    if last is None:
        return
    word = formatting.short_id(last.execution_id)
    if pipeline.is_running:
        yield Button(label="Cancel", command=f"cancel {word}", style="danger")
    elif pipeline.state != "succeeded":
        yield Button(label="Output", command=f"output {word}")
