"""Branches meet: which of them a join waits for, which variables it sees, and what a loop makes of it."""

import pytest

from tests.engine.workflows.conducting import Hand

MEETING = """
version: 1.0
vars: [{x: 0}, {y: 0}, {d: {k: 0}}]
tasks:
  t0: {action: core.noop, next: [{publish: [{x: 1}], do: [a, b]}]}
  a: {action: core.noop, next: [{publish: [{x: 2}, {d: {k: 1}}], do: j}]}
  b: {action: core.noop, next: [{publish: [{y: 5}, {d: {b: 1}}], do: j}]}
  j: {join: all, action: core.noop, input: {x: <% ctx().x %>, y: <% ctx().y %>, d: <% ctx().d %>}}
"""


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_a_join_sees_what_each_branch_wrote_whichever_came_first(order: tuple[str, str]) -> None:
    hand = Hand(MEETING)
    hand.end("t0", *order)
    assert hand.open[0].input == {"x": 2, "y": 5, "d": {"k": 1, "b": 1}}


@pytest.mark.parametrize(("order", "seen"), [(("a", "b"), "b"), (("b", "a"), "a")])
def test_when_both_wrote_the_same_variable_the_one_that_came_later_wins(
    order: tuple[str, str], seen: str
) -> None:
    hand = Hand(
        """
version: 1.0
tasks:
  t0: {action: core.noop, next: [{do: [a, b]}]}
  a: {action: core.noop, next: [{publish: [{x: a}], do: j}]}
  b: {action: core.noop, next: [{publish: [{x: b}], do: j}]}
  j: {join: all, action: core.noop, input: {x: <% ctx().x %>}}
"""
    )
    hand.end("t0", *order)
    assert hand.open[0].input == {"x": seen}


COUNTED = """
version: 1.0
tasks:
  t0: {action: core.noop, next: [{do: [a, b, c]}]}
  a: {action: core.noop, next: [{do: j}]}
  b: {action: core.noop, next: [{do: j}]}
  c: {action: core.noop, next: [{publish: [{late: 1}], do: j}]}
  j: {join: 2, action: core.noop, next: [{do: last}]}
  last: {action: core.noop}
output: [{late: <% ctx().late %>}]
"""


def test_a_join_of_two_goes_on_with_two_and_not_again_with_the_third() -> None:
    hand = Hand(COUNTED)
    hand.end("t0", "a", "b")
    assert hand.waiting == ["c", "j"]
    hand.end("c", "j", "last")
    assert hand.ran.count("j") == 1
    assert hand.status == "succeeded"


def test_what_a_late_branch_published_is_in_the_output() -> None:
    hand = Hand(COUNTED)
    hand.end("t0", "a", "b", "j", "last")
    assert hand.status == "running"
    hand.end("c")
    assert (hand.status, hand.output) == ("succeeded", {"late": 1})


UNEVEN = """
version: 1.0
vars: [{i: 0}]
tasks:
  init: {action: core.noop, next: [{do: fork}]}
  fork: {action: core.noop, next: [{do: [a, b]}]}
  a: {action: core.noop, next: [{do: j}]}
  b: {action: core.noop, next: [{do: b2}]}
  b2: {action: core.noop, next: [{do: j}]}
  j:
    join: all
    action: core.noop
    next: [{when: <% ctx().i < 2 %>, publish: [{i: <% ctx().i + 1 %>}], do: fork}]
"""


def test_a_join_in_a_loop_waits_for_all_branches_of_each_round() -> None:
    hand = Hand(UNEVEN)
    hand.end("init")
    for _ in range(3):
        hand.end("fork", "a", "b")
        assert "j" not in hand.waiting
        hand.end("b2", "j")
    assert hand.status == "succeeded"
    assert (hand.ran.count("fork"), hand.ran.count("j")) == (3, 3)


def test_a_join_of_one_in_a_loop_goes_on_with_whichever_branch_a_round_takes() -> None:
    hand = Hand(
        """
version: 1.0
vars: [{i: 0}]
tasks:
  init: {action: core.noop, next: [{do: pick}]}
  pick:
    action: core.noop
    next: [{when: <% ctx().i mod 2 = 0 %>, do: even}, {when: <% ctx().i mod 2 = 1 %>, do: odd}]
  even: {action: core.noop, next: [{do: j}]}
  odd: {action: core.noop, next: [{do: j}]}
  j:
    join: 1
    action: core.noop
    next: [{when: <% ctx().i < 3 %>, publish: [{i: <% ctx().i + 1 %>}], do: pick}]
"""
    )
    hand.end("init")
    for task in ("even", "odd", "even", "odd"):
        hand.end("pick", task, "j")
    assert hand.status == "succeeded"


def test_a_join_that_can_never_be_reached_fails_the_workflow() -> None:
    hand = Hand(
        "version: 1.0\ntasks: {a: {action: core.noop, next: [{do: j}]},"
        " b: {action: core.noop, next: [{when: <% failed() %>, do: j}]}, j: {join: all, action: core.noop}}"
    )
    hand.end("a", "b")
    assert hand.status == "failed"
    text = 'UnreachableJoinError: The join task|route "j|0" is partially satisfied but unreachable.'
    assert hand.errors == [{"type": "error", "message": text, "task_id": "j", "route": 0}]


def test_two_edges_from_the_same_task_are_one_branch() -> None:
    hand = Hand(
        """
version: 1.0
tasks:
  a: {action: core.noop, next: [{publish: [{x: 1}], do: j}, {publish: [{y: 2}], do: j}]}
  b: {action: core.noop, next: [{do: j}]}
  j: {join: all, action: core.noop, input: {x: <% ctx().x %>, y: <% ctx().y %>}}
"""
    )
    hand.end("a")
    assert hand.waiting == ["b"]
    hand.end("b")
    assert hand.open[0].input == {"x": 1, "y": 2}


def test_a_second_edge_of_the_branch_that_completes_a_join_is_seen_too() -> None:
    hand = Hand(
        "version: 1.0\ntasks: {a: {action: core.noop, next: [{publish: [{x: 1}], do: j},"
        " {publish: [{y: 2}], do: j}]},"
        " j: {join: 1, action: core.noop, input: {x: <% ctx().x %>, y: <% ctx().y %>}}}"
    )
    hand.end("a")
    assert [call.input for call in hand.open] == [{"x": 1, "y": 2}]


def test_variables_of_a_branch_that_ends_early_are_in_the_output() -> None:
    hand = Hand(
        """
version: 1.0
tasks:
  a: {action: core.noop, next: [{publish: [{x: 1}], do: a2}]}
  a2: {action: core.noop, next: [{when: <% failed() %>, do: noop}]}
  b: {action: core.noop}
output: [{x: <% ctx().x %>}]
"""
    )
    hand.end("a", "a2", "b")
    assert hand.output == {"x": 1}
