"""What we say about an execution: that it began, that it runs, how it ended, what to do next."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot import formatting, workflows
from bot.chat import Button, Code, Link, Piece, Place, Reply, Text, Tone
from bot.port import ChatAdapter, Outgoing
from bot.results import cut_pieces, pieces_of_result
from bot.trees import ShownTask
from engine.alias_executions import AliasExecution, ResultText
from engine.clock import utcnow
from engine.errors import EngineError
from engine.policies.notes import first_of, policy_note, tries_of
from engine.records.comforts import Footprint
from engine.records.execution import Execution
from engine.service import Engine
from engine.status import FAILURES, FINISHED, Status

# How much of the reason stands where an execution is tried again, in characters.
_REASON_LIMIT = 600
_TONES = {
    Status.SUCCEEDED: Tone.GOOD,
    Status.CANCELED: Tone.WARNING,
    Status.FAILED: Tone.BAD,
    Status.TIMEOUT: Tone.BAD,
    Status.ABANDONED: Tone.BAD,
}


# From so many seconds on a scheduled run is said to be late.
LATE_S = 60


def tone_of(status: Status) -> Tone:
    return _TONES.get(status, Tone.RUNNING)


def key_of(execution: Execution) -> str:
    """Everything that is said about an execution in its thread is one message with this key; of one that
    a policy repeats it is the message of the first."""
    return f"execution:{first_of(execution.context, execution.id)}"


def place_of(execution: Execution) -> Place | None:
    """Where its command was given, in the chat that its context names; None when nobody waits there."""
    chat = execution.context.get("chat")
    if execution.parent_id is not None or not isinstance(chat, dict):
        return None
    return Place(
        channel=str(chat.get("channel") or ""), thread=chat.get("thread"), reply_to=chat.get("message")
    )


def footprint(adapter: ChatAdapter, execution: Execution, outgoing: Outgoing) -> Footprint:
    """That the execution belongs to the thread in which it is spoken of."""
    place = outgoing.place
    return Footprint(
        adapter=adapter.name,
        channel=place.channel,
        thread=place.thread or adapter.message_id(outgoing.key),
        person=execution.user,
        execution_id=execution.id,
    )


def thread_key_of(execution: Execution) -> str:
    """The notice in whose thread it is spoken of; empty: none."""
    chat = execution.context.get("chat")
    return str(chat.get("thread_key") or "") if isinstance(chat, dict) else ""


def is_silent(ack: AliasExecution | None) -> bool:
    """Whether the alias wants nothing said about a success."""
    return ack is not None and not ack.match.alias.result.enabled


def acknowledgement(
    engine: Engine,
    execution: Execution,
    ack: AliasExecution | None,
    *,
    tasks: Sequence[ShownTask] = (),
) -> Reply | None:
    """`Running x`, or what the alias says; None when the alias wants none.

    `ack` is not known after a restart, nor for a rerun: then the words are ours. `tasks`: of a workflow.
    """
    if ack is not None and not ack.ack_enabled:
        return None
    said = ack.message if ack else ""
    with_link = ack is None or ack.match.alias.ack.append_url
    pretext, text = formatting.split_pretext(said)
    return _about(
        execution,
        status=execution.status,
        pieces=(
            *formatting.pieces_of(text),
            *_so_far(engine, execution, execution.status),
            *_with_tasks(engine, tasks),
        ),
        pretext=formatting.clean(pretext),
        links=(_link(engine, execution),) if with_link else (),
        extra=dict(ack.extra) if ack else {},
        buttons=() if execution.status in FINISHED else _running_buttons(execution, execution.status, tasks),
    )


def progress(
    engine: Engine,
    execution: Execution,
    ack: AliasExecution | None,
    *,
    status: Status,
    tail: str,
    tasks: Sequence[ShownTask] = (),
) -> Reply:
    """The acknowledgement with the time that has passed, and the last lines of output or the tasks."""
    pretext, text = formatting.split_pretext(ack.message if ack else "")
    pieces: tuple[Piece, ...] = (*formatting.pieces_of(text), *_so_far(engine, execution, status))
    if tail.strip():
        pieces = (*pieces, Code(text=tail.rstrip("\n"), title="last lines"))
    pieces = (*pieces, *_with_tasks(engine, tasks))
    return _about(
        execution,
        status=status,
        pieces=pieces,
        pretext=formatting.clean(pretext),
        elapsed_s=(utcnow() - execution.requested_at).total_seconds(),
        links=(_link(engine, execution),),
        buttons=_running_buttons(execution, status, tasks),
    )


def _with_tasks(engine: Engine, tasks: Sequence[ShownTask]) -> tuple[Piece, ...]:
    """The tree of a workflow's tasks, and the words for the questions in it."""
    if not tasks:
        return ()
    return (workflows.tree(tasks), *workflows.questions(engine, tasks, prefix=engine.settings.chat.prefix))


def _running_buttons(execution: Execution, status: Status, tasks: Sequence[ShownTask]) -> tuple[Button, ...]:
    if workflows.is_workflow(execution):
        return workflows.buttons(execution, status, is_asking=any(workflows.waiting_ids(tasks)))
    return (_cancel(execution),)


def _so_far(engine: Engine, execution: Execution, status: Status) -> tuple[Piece, ...]:
    """What policies made of it: which try it is, and where it waits."""
    lines = []
    done = tries_of(execution.context)
    if done:
        lines.append(f"Try {done + 1}.")
    if status is Status.DELAYED:
        lines.append(waiting(engine, execution))
    return (Text(text=" ".join(lines)),) if any(lines) else ()


def waiting(engine: Engine, execution: Execution) -> str:
    """Where a delayed execution stands in the line of a policy, and behind whom."""
    place = engine.place_in_line(execution.id)
    if place is None:
        return ""
    said = f"Waits for policy {place.policy}: {ordinal(place.position)} of {place.waiting} in line"
    if place.behind:
        said += f", behind {', '.join(formatting.short_id(one) for one in place.behind)}"
    if place.until is not None:
        said += f", may start at {place.until:%H:%M:%S} UTC"
    return f"{said}."


def policy_facts(engine: Engine, execution: Execution) -> Iterator[tuple[str, str]]:
    """What policies did to it, for its details: (name, value)."""
    held = policy_note(execution.context, "cancel") or policy_note(execution.context, "delay")
    if held:
        yield ("policy", formatting.clean(str(held.get("reason"))))
    if execution.status is Status.DELAYED:
        yield ("line", waiting(engine, execution))
    earlier = policy_note(execution.context, "retry")
    if earlier:
        word = formatting.short_id(str(earlier.get("retried_execution_id")))
        yield ("try", f"{tries_of(execution.context) + 1}, after {word}")
    again = policy_note(execution.context, "retried")
    if again:
        yield ("tried again", f"as {formatting.short_id(str(again.get('execution_id')))}")


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th ... 11th ... 21st."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def result(engine: Engine, execution: Execution) -> Reply | None:
    """The rendered result, cut to what a chat bears; None for a success that the alias keeps quiet.

    Of one that is tried again: why, and when.
    """
    again = policy_note(execution.context, "retried")
    if again is not None:
        return _tried_again(engine, execution, again)
    rendered = _rendered(engine, execution)
    if not rendered.enabled and execution.status not in FAILURES:
        return None
    # A template speaks of what the action gave; where it never came to that, the error itself is said.
    has_words = _has_template(engine, execution) and not _is_bare_error(execution)
    pretext, text = formatting.split_pretext(rendered.text) if has_words else ("", "")
    whole = formatting.pieces_of(text) if has_words else pieces_of_result(execution.result)
    pieces, lines_left = cut_pieces(whole, engine.settings.chat.answer_limit)
    word = formatting.short_id(execution.id)
    prefix = engine.settings.chat.prefix
    if lines_left:
        lines = "line" if lines_left == 1 else "lines"
        pieces = (*pieces, Text(text=f"{lines_left:,} more {lines}: {prefix}output {word}"))
    pieces = (*pieces, *_tasks_of(engine, execution))
    failed_at = workflows.failed_at(engine, execution) if workflows.can_retry(execution) else ()
    if execution.status in FAILURES:
        pieces = (*pieces, Text(text=_next_step(execution, word, failed_at, prefix=prefix)))
    return _about(
        execution,
        status=execution.status,
        pieces=pieces,
        pretext=formatting.clean(pretext),
        elapsed_s=execution.elapsed_s,
        extra=dict(rendered.extra),
        links=(_link(engine, execution),),
        buttons=_buttons(execution, word, is_cut=bool(lines_left), failed_at=failed_at),
    )


def _tasks_of(engine: Engine, execution: Execution) -> tuple[Piece, ...]:
    """The tasks of a workflow that has ended: folded, unless they show where it failed."""
    if not workflows.is_workflow(execution):
        return ()
    tasks = workflows.WorkflowTrees(engine).tasks(execution.id)
    return (workflows.tree(tasks, is_folded=execution.status not in FAILURES),) if tasks else ()


def _tried_again(engine: Engine, execution: Execution, again: Mapping[str, Any]) -> Reply:
    """It is about the next try, which it names: that one can be cancelled."""
    pieces, lines_left = cut_pieces(pieces_of_result(execution.result), _REASON_LIMIT)
    more = f" {lines_left:,} more lines: output {formatting.short_id(execution.id)}." if lines_left else ""
    wait = f"in {again['delay']:g} s" if again["delay"] else "now"
    ended = "Took too long" if execution.status is Status.TIMEOUT else "Failed"
    said = f"{ended}, trying again {wait} ({again['retry_count']} of {again['max_retry_count']}).{more}"
    next_one = replace(execution, id=str(again["execution_id"]))
    return _about(
        next_one,
        status=Status.REQUESTED,
        pieces=(*pieces, Text(text=said)),
        links=(_link(engine, next_one),),
        buttons=(_cancel(next_one),),
    )


def _has_template(engine: Engine, execution: Execution) -> bool:
    ref = execution.context.get("action_alias_ref") or {}
    alias = engine.registry.aliases.get(ref.get("id", ""))
    return alias is not None and alias.result.format is not None


def _is_bare_error(execution: Execution) -> bool:
    result = execution.result
    is_error = isinstance(result, dict) and "error" in result and result.keys() <= {"error", "traceback"}
    return is_error and execution.status in FAILURES


def full_text(engine: Engine, execution: Execution) -> str:
    """The whole of what `result` may have cut, without the part before {~}."""
    return formatting.split_pretext(_rendered(engine, execution).text)[1]


def _rendered(engine: Engine, execution: Execution) -> ResultText:
    try:
        return engine.result_text(execution)
    except EngineError as error:
        return ResultText(enabled=True, text=f"{execution.action}: {execution.status}. {error}", extra={})


def _next_step(execution: Execution, word: str, failed_at: Sequence[str], *, prefix: str) -> str:
    if failed_at:
        tasks = formatting.clean(", ".join(failed_at))
        return f"Go on from {tasks}: {prefix}retry {word} · all of it again: {prefix}rerun {word}"
    if execution.status is Status.ABANDONED:
        return (
            "Its worker was lost while it ran, so nobody knows how far it came. "
            f"Look, then start it again: {prefix}rerun {word}"
        )
    printed = f"What it printed: {prefix}output {word} · once more: {prefix}rerun {word}"
    return f"It took longer than it may. {printed}" if execution.status is Status.TIMEOUT else printed


def _buttons(
    execution: Execution, word: str, *, is_cut: bool, failed_at: Sequence[str] = ()
) -> tuple[Button, ...]:
    failed = execution.status in FAILURES
    buttons = []
    if failed_at:
        label = f"Retry from {formatting.clean(failed_at[0])}" if len(failed_at) == 1 else "Retry what failed"
        buttons.append(Button(label=label, command=f"retry {word}", style="primary"))
    if failed or is_cut:
        buttons.append(Button(label="Output", command=f"output {word}"))
    if failed or execution.status is Status.CANCELED:
        buttons.append(Button(label="Run again", command=f"rerun {word}"))
    return tuple(buttons)


def _cancel(execution: Execution) -> Button:
    return Button(label="Cancel", command=f"cancel {formatting.short_id(execution.id)}", style="danger")


def _link(engine: Engine, execution: Execution) -> Link:
    return Link(label="details", url=f"{engine.settings.public_url}/chat#execution/{execution.id}")


def schedule_text(execution: Execution) -> str:
    """`schedule 13 (20 min late)`; empty for what nobody scheduled."""
    schedule = execution.context.get("schedule")
    if not isinstance(schedule, dict) or not isinstance(schedule.get("number"), int):
        return ""
    late_s, missed = schedule.get("late_s"), schedule.get("missed")
    facts = []
    if isinstance(late_s, int | float) and late_s >= LATE_S:
        facts.append(f"{formatting.span(late_s)} late")
    if isinstance(missed, int) and missed > 0:
        facts.append(f"{missed} more missed")
    known = f"schedule {schedule['number']}"
    return f"{known} ({', '.join(facts)})" if facts else known


def _about(
    execution: Execution,
    *,
    status: Status,
    pieces: tuple[Piece, ...],
    pretext: str = "",
    elapsed_s: float | None = None,
    links: tuple[Link, ...] = (),
    buttons: tuple[Button, ...] = (),
    extra: dict[str, object] | None = None,
) -> Reply:
    scheduled = schedule_text(execution)
    return Reply(
        pieces=(*pieces, *_defaults_of(execution)),
        pretext="\n".join(text for text in (scheduled, _plan_of(execution), pretext) if text),
        tone=tone_of(status),
        status=status.value,
        execution_id=execution.id,
        action=execution.action,
        elapsed_s=elapsed_s,
        links=links,
        buttons=buttons,
        extra=extra or {},
    )


def _plan_of(execution: Execution) -> str:
    """Of what only says what a command would do."""
    planned = execution.context.get("plan_of")
    if not isinstance(planned, Mapping):
        return ""
    return f"plan of {formatting.clean(str(planned.get('action')))}: nothing of it is done"


def _defaults_of(execution: Execution) -> tuple[Piece, ...]:
    """The defaults of the channel that it was started with."""
    used = execution.context.get("channel_defaults")
    if not isinstance(used, Mapping) or not used:
        return ()
    pairs = ", ".join(f"{name}={value}" for name, value in used.items())
    return (Text(text=f"Defaults of this channel: {formatting.clean(pairs)}"),)
