"""Random workflows: splits, joins, items, retries, loops, commands and our extensions, whatever comes."""

import random
from typing import Any

_WHENS = (None, "<% succeeded() %>", "<% failed() %>", "<% completed() %>", "{{ ctx().n < 4 }}")


def random_workflow(chance: random.Random) -> dict[str, Any]:
    """One that can start, and that waits for an action in every round of a loop."""
    names = [f"t{number}" for number in range(chance.randint(2, 7))]
    # A loop goes through one of these.
    waiting = [name for name in names[1:] if chance.random() < 0.85]
    tasks: dict[str, Any] = {}
    for position, name in enumerate(names):
        task = _task(chance) if name in waiting else {}
        if position and chance.random() < 0.3:
            task["join"] = chance.choice(("all", 1, 2))
        count = chance.randint(0, 2)
        task["next"] = [_transition(chance, names, waiting, position) for _ in range(count)]
        tasks[name] = task
    return {
        **({"x-on-failure": "undo"} if chance.random() < 0.3 else {}),
        **({"x-finally": names[-1:], "x-timeout": 60} if chance.random() < 0.4 else {}),
        "version": 1.0,
        "input": ["who"],
        "vars": [{"n": 0}, {"list": ["a", "b", "c"]}, {"d": {"k": 0}}],
        "tasks": tasks,
        "output": [{"n": "<% ctx().n %>"}, {"d": "<% ctx().d %>"}],
    }


def _task(chance: random.Random) -> dict[str, Any]:
    task: dict[str, Any] = {
        "action": "core.noop",
        "input": {"n": "<% ctx().n %>", "who": "{{ ctx().who }}"},
    }
    if chance.random() < 0.25:
        task["with"] = {"items": "i in <% ctx().list %>"}
        task["input"]["i"] = "<% item(i) %>"
        if chance.random() < 0.5:
            task["with"]["concurrency"] = chance.randint(1, 2)
            task["x-items"] = {"on-failure": chance.choice(("all", "fast")), "retry": {"count": 1}}
    elif chance.random() < 0.2:
        task["x-approve"] = {"users": ["ann"]}
    extras: dict[str, Any] = {
        "x-on-failure": "ask",
        "x-undo": {"action": "core.noop", "input": {"r": "<% result() %>"}},
        "x-timeout": chance.randint(1, 9),
        "retry": {"count": chance.randint(1, 2), "delay": 1},
    }
    return task | {key: value for key, value in extras.items() if chance.random() < 0.2}


def _transition(chance: random.Random, names: list[str], waiting: list[str], position: int) -> dict[str, Any]:
    later = names[position + 1 :]
    targets = chance.sample(later, k=min(len(later), chance.randint(1, 2))) if later else ["noop"]
    if chance.random() < 0.15 and position and waiting:
        targets.append(chance.choice(waiting))
    if chance.random() < 0.15:
        targets.append(chance.choice(("continue", "noop", "fail")))
    transition: dict[str, Any] = {"do": targets, "publish": [{"n": "<% ctx().n + 1 %>"}]}
    when = chance.choice(_WHENS)
    if when is not None:
        transition["when"] = when
    if chance.random() < 0.4:
        key = f"k{position}"
        transition["publish"].append({"d": {key: "<% result() %>", "k": "<% ctx().n %>"}})
    return transition
