"""A workflow that is written down and loaded after every step goes on as if it had never been."""

import random
from typing import Any, Literal

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import IllegalTransition
from tests.engine.workflows.conducting import Hand

_WHENS = (None, "<% succeeded() %>", "<% failed() %>", "<% completed() %>", "{{ ctx().n < 4 }}")
_STATUSES = ("succeeded", "succeeded", "succeeded", "succeeded", "failed", "timeout", "pending", "canceled")
_LARGE = "x" * 5000


def random_workflow(chance: random.Random) -> dict[str, Any]:
    """Splits, joins, items, retries, loops, commands: whatever comes, as long as it can start."""
    names = [f"t{number}" for number in range(chance.randint(2, 7))]
    tasks: dict[str, Any] = {}
    # A loop goes through one of these: it waits for an action in every round.
    waiting = [name for name in names[1:] if chance.random() < 0.85]
    for position, name in enumerate(names):
        task: dict[str, Any] = {"next": []}
        if name in waiting:
            task["action"] = "core.noop"
            task["input"] = {"n": "<% ctx().n %>", "who": "{{ ctx().who }}"}
            if chance.random() < 0.25:
                task["with"] = {"items": "i in <% ctx().list %>"}
                task["input"]["i"] = "<% item(i) %>"
                if chance.random() < 0.5:
                    task["with"]["concurrency"] = chance.randint(1, 2)
                    task["x-items"] = {"on-failure": chance.choice(("all", "fast")), "retry": {"count": 1}}
            if chance.random() < 0.2:
                task["x-timeout"] = chance.randint(1, 9)
            if chance.random() < 0.2:
                task["retry"] = {"count": chance.randint(1, 2), "delay": 1}
        if position and chance.random() < 0.3:
            task["join"] = chance.choice(("all", 1, 2))
        for _ in range(chance.randint(0, 2)):
            task["next"].append(_transition(chance, names, waiting, position))
        tasks[name] = task
    return {
        **({"x-finally": names[-1:], "x-timeout": 60} if chance.random() < 0.4 else {}),
        "version": 1.0,
        "input": ["who"],
        "vars": [{"n": 0}, {"list": ["a", "b", "c"]}, {"d": {"k": 0}}],
        "tasks": tasks,
        "output": [{"n": "<% ctx().n %>"}, {"d": "<% ctx().d %>"}],
    }


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


def played(document: dict[str, Any], seed: int, saves: Any) -> list[Any]:
    """Everything that could be seen from outside, step by step."""
    chance = random.Random(seed)
    hand = Hand(yaml.safe_dump(document), {"who": "ada" + _LARGE}, saves=saves)
    seen: list[Any] = [_view(hand, hand.work)]
    for _ in range(40):
        if not hand.open:
            break
        seen.append(_step(hand, chance))
    if (
        hand.status in ("failed", "succeeded", "canceled")
        and chance.random() < 0.5
        and hand.conductor.is_ended
    ):
        seen.append(_view(hand, hand.rerun()))
        seen.extend(_step(hand, chance) for _ in range(10) if hand.open)
    return seen


def _step(hand: Hand, chance: random.Random) -> Any:
    luck = chance.random()
    if luck < 0.05:
        return _asked(hand, "pause")
    if hand.status in ("paused", "pausing") and luck < 0.7:
        return _asked(hand, "resume")
    if luck < 0.07:
        return _asked(hand, "cancel")
    if luck > 0.9:
        return _view(hand, hand.wait(chance.randint(1, 5)))
    call = chance.choice(hand.open)
    status = chance.choice(_STATUSES)
    result = chance.choice((1, "text", {"stdout": "x"}, [1, 2], _LARGE + str(chance.randint(0, 3)), None))
    return _view(hand, hand.turn_call(call, status, None if status == "pending" else result))


def _asked(hand: Hand, wanted: Literal["pause", "resume", "cancel"]) -> Any:
    try:
        return _view(hand, hand.ask(wanted))
    except IllegalTransition as error:
        return error.message


def _view(hand: Hand, work: Any) -> Any:
    conductor = hand.conductor
    return (
        work,
        conductor.status,
        conductor.is_ended,
        conductor.result,
        conductor.errors,
        sorted(conductor.awaited()),
        conductor.tree(),
        hand.sequence,
    )


@given(st.integers(0, 10**9), st.integers(0, 10**9))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_it_makes_no_difference_whether_it_is_loaded_from_deltas(shape: int, seed: int) -> None:
    document = random_workflow(random.Random(shape))
    assert played(document, seed, "deltas") == played(document, seed, "never")


@given(st.integers(0, 10**9), st.integers(0, 10**9))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_it_makes_no_difference_whether_it_is_loaded_from_snapshots(shape: int, seed: int) -> None:
    document = random_workflow(random.Random(shape))
    assert played(document, seed, "snapshots") == played(document, seed, "never")
