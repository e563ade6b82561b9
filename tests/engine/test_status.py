"""The state machine: which steps are legal, and that ends are ends."""

import pytest

from engine.errors import IllegalTransition
from engine.status import CANCELABLE, FAILURES, FINISHED, TRANSITIONS, Status, advance

WORDS = [
    "requested",
    "delayed",
    "scheduled",
    "running",
    "succeeded",
    "failed",
    "timeout",
    "abandoned",
    "canceling",
    "canceled",
    "pausing",
    "paused",
    "resuming",
    "pending",
]


def test_the_words_are_those_of_stackstorm() -> None:
    assert sorted(Status) == sorted(WORDS)


def test_every_status_says_where_it_may_go() -> None:
    assert set(TRANSITIONS) == set(Status)


@pytest.mark.parametrize("status", sorted(FINISHED))
def test_nothing_leaves_an_end(status: Status) -> None:
    assert TRANSITIONS[status] == frozenset()


@pytest.mark.parametrize("status", sorted(set(Status) - FINISHED))
def test_every_status_that_is_no_end_can_reach_one(status: Status) -> None:
    seen, ahead = {status}, [status]
    while ahead:
        for step in TRANSITIONS[ahead.pop()] - seen:
            seen.add(step)
            ahead.append(step)
    assert seen & FINISHED


def test_the_second_to_end_an_execution_is_told_so() -> None:
    with pytest.raises(IllegalTransition, match="succeeded cannot become failed"):
        advance(Status.SUCCEEDED, Status.FAILED)


def test_a_step_to_the_same_status_is_refused() -> None:
    with pytest.raises(IllegalTransition):
        advance(Status.RUNNING, Status.RUNNING)


def test_what_was_cancelled_stays_so() -> None:
    assert TRANSITIONS[Status.CANCELING] == {Status.CANCELED, Status.ABANDONED}


def test_an_inquiry_that_waits_cannot_be_cancelled_by_delete() -> None:
    assert Status.PENDING not in CANCELABLE


def test_failures_are_ends() -> None:
    assert FAILURES < FINISHED
