"""The tasks of a workflow as Slack's plan block, with a card for each; the carrier edits it in place."""

from typing import Any

from bot import formatting
from bot.adapters.slack import limits, rich
from bot.adapters.slack.mrkdwn import cut, visible
from bot.chat import Branch, Tree
from engine.status import FAILURES, FINISHED, Status

_TITLE, _CARD = 200, 150
# What has not begun, or waits for somebody.
_WAITING = frozenset({Status.REQUESTED, Status.SCHEDULED, Status.DELAYED, Status.PENDING, Status.PAUSED})


def block(tree: Tree, *, title: str = "") -> dict[str, Any] | None:
    """None for a tree without tasks, or with more than a plan takes. `title`: stands before the counts."""
    tasks: list[dict[str, Any]] = []
    for branch in tree.branches:
        if branch.status:
            tasks.append(_card(branch, len(tasks)))
        elif tasks:
            # What is left out here is said in the card above it.
            _note(tasks[-1], branch.note)
    if not tasks or len(tasks) > limits.PLAN_TASKS:
        return None
    heading = " · ".join(part for part in (visible(title), visible(tree.title)) if part)
    return {"type": "plan", "title": cut(heading or "Tasks", _TITLE), "tasks": tasks}


def _card(branch: Branch, number: int) -> dict[str, Any]:
    facts = [formatting.status_word(branch.status), branch.note]
    facts.append("" if branch.elapsed_s is None else formatting.duration(branch.elapsed_s))
    facts.append(formatting.short_id(branch.execution_id))
    card = {
        "type": "task_card",
        "task_id": f"task_{number}",
        "title": cut(f"{'↳ ' * branch.depth}{visible(branch.name)}".strip() or "task", _CARD),
        "status": state(branch.status),
    }
    _note(card, " · ".join(fact for fact in facts if fact))
    return card


def _note(card: dict[str, Any], text: str) -> None:
    """One more line in the details of a card, which take a single section."""
    known = card.get("details")
    before = f"{known['elements'][0]['elements'][0]['text']}\n" if known else ""
    card["details"] = rich.words(before + text)


def state(status: str) -> str:
    """Slack's word for one of ours; the card says ours as well."""
    if status == Status.SUCCEEDED:
        return "complete"
    if status in FAILURES or status in FINISHED:
        return "error"
    return "pending" if status in _WAITING else "in_progress"
