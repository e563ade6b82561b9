"""Runs an ended workflow again from some of its tasks; what they need is there from before."""

from collections.abc import Iterable, Sequence

from engine.errors import BadInput, IllegalTransition
from engine.workflows.ending import obey
from engine.workflows.entries import Entry
from engine.workflows.run import Run
from engine.workflows.statuses import ABENDED, COMPLETED


def rerun(run: Run, names: Sequence[str], reset: Sequence[str]) -> None:
    """`names`: empty for those that failed; `reset`: those of them whose items all run again.

    Raises IllegalTransition, BadInput.
    """
    state = run.state
    if state.status not in COMPLETED:
        raise IllegalTransition(
            "Unable to rerun workflow because it is not in a completed state.",
            hint=f"It is {state.status}. Cancel it first, or wait for its end.",
        )
    if state.was_undone:
        raise IllegalTransition(
            "What this workflow had done was undone, so it cannot go on from the middle.",
            hint="Start it anew.",
        )
    surplus = sorted(set(reset) - set(names))
    if surplus:
        raise BadInput(
            f"These tasks are to be reset but not run again: {', '.join(surplus)}.",
            hint="Name them in `tasks` too.",
        )
    following = _following(state.sequence)
    chosen = _without_implied(_named(run, names) if names else _failed(run), following)
    commands = [entry for entry in chosen if run.plan.tasks[entry.task].is_command]
    for entry in sorted(chosen, key=lambda one: (one.task, one.route)):
        if entry not in commands:
            _repeat(run, entry, entry.task in reset, following)
    # Branches that ended because the workflow had failed go on by themselves.
    for entry in state.sequence:
        if entry.is_terminal and entry.went_on:
            state.apply("mark", entry.number, "is_terminal", False)
    state.apply("output", None, [])
    state.apply("broken", False)
    only_final_failed = bool(state.outcome) and not chosen
    run.set_status(state.outcome if only_final_failed else "resuming")
    if state.outcome:
        state.apply("outcome", "", "")
    for entry in commands:
        state.apply("mark", entry.number, "is_terminal", False)
        obey(run, entry.previous[0], entry.task, entry.route, entry.context.number)


def _failed(run: Run) -> list[Entry]:
    """Those that the workflow ended with; of a cancelled one those that were cancelled, too."""
    ended = ABENDED | {"canceled"} if run.state.status == "canceled" else ABENDED
    last = set(run.state.last.values())
    return [
        entry
        for entry in run.state.sequence
        if entry.is_terminal and entry.status in ended and entry.number in last and not entry.is_final
    ]


def _named(run: Run, names: Sequence[str]) -> list[Entry]:
    """The last run on every route."""
    state = run.state
    found: list[Entry] = []
    unknown = []
    for name in dict.fromkeys(names):
        entries = [state.sequence[number] for (task, _), number in state.last.items() if task == name]
        found.extend(entries)
        if not entries:
            unknown.append(name)
    if unknown:
        ran = sorted({task for task, _ in state.last})
        raise BadInput(
            f"Unable to rerun workflow because one or more tasks is not found: {','.join(unknown)}",
            hint=f"Tasks that ran: {', '.join(ran)}.",
        )
    return found


def _without_implied(found: Sequence[Entry], following: Sequence[Iterable[int]]) -> list[Entry]:
    """Those that follow from another one of them will run anyway."""
    implied: set[int] = set()
    for entry in found:
        implied |= _behind(entry.number, following)
    return [entry for entry in found if entry.number not in implied]


def _following(sequence: Sequence[Entry]) -> list[list[int]]:
    """By entry: those that it led to."""
    following: list[list[int]] = [[] for _ in sequence]
    for entry in sequence:
        for number in entry.previous:
            following[number].append(entry.number)
    return following


def _behind(number: int, following: Sequence[Iterable[int]]) -> set[int]:
    found: set[int] = set()
    waiting = list(following[number])
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting.extend(following[one])
    return found


def _repeat(run: Run, entry: Entry, is_whole: bool, following: Sequence[Iterable[int]]) -> None:
    state = run.state
    state.apply("forgive", entry.task)
    for number in {entry.number, *_behind(entry.number, following)}:
        if state.sequence[number].is_terminal:
            state.apply("mark", number, "is_terminal", False)
        if state.sequence[number].left:
            state.apply("stay", number)
    state.apply("rerun", entry.number, is_whole)
