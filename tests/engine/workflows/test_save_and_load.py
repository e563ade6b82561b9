"""A workflow that is written down and loaded after every step goes on as if it had never been."""

import random
from typing import Any, Literal

import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine.errors import IllegalTransition
from tests.engine.workflows.conducting import Hand
from tests.engine.workflows.random_workflows import random_workflow

_STATUSES = ("succeeded", "succeeded", "succeeded", "succeeded", "failed", "timeout", "pending", "canceled")
_LARGE = "x" * 5000


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
        seen.append(_run_again(hand))
        seen.extend(_step(hand, chance) for _ in range(10) if hand.open)
    return seen


@given(st.integers(0, 10**9), st.integers(0, 10**9))
# A pause while items run that all are to run, whatever fails: it never came to rest.
@example(1673, 117101646)
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_a_workflow_that_has_not_ended_waits_for_something(shape: int, seed: int) -> None:
    chance = random.Random(seed)
    hand = Hand(yaml.safe_dump(random_workflow(random.Random(shape))), {"who": "ada"})
    for _ in range(40):
        assert hand.open or hand.conductor.is_ended or hand.status == "paused"
        if hand.open:
            _step(hand, chance)


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
    if call.purpose == "ask" and status == "succeeded":
        answers = ({"choice": "retry"}, {"choice": "skip"}, {"choice": "edit", "parameters": {"n": 7}})
        return _view(hand, hand.turn_call(call, status, {"response": chance.choice(answers)}))
    result = chance.choice((1, "text", {"stdout": "x"}, [1, 2], _LARGE + str(chance.randint(0, 3)), None))
    return _view(hand, hand.turn_call(call, status, None if status == "pending" else result))


def _run_again(hand: Hand) -> Any:
    try:
        return _view(hand, hand.rerun())
    except IllegalTransition as error:
        return error.message


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
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_it_makes_no_difference_whether_it_is_loaded_from_deltas(shape: int, seed: int) -> None:
    document = random_workflow(random.Random(shape))
    assert played(document, seed, "deltas") == played(document, seed, "never")


@given(st.integers(0, 10**9), st.integers(0, 10**9))
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_it_makes_no_difference_whether_it_is_loaded_from_snapshots(shape: int, seed: int) -> None:
    document = random_workflow(random.Random(shape))
    assert played(document, seed, "snapshots") == played(document, seed, "never")
