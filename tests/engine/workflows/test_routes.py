"""A task that several edges lead to, and that is no join, runs once per edge, on a route of its own."""

from tests.engine.workflows.conducting import Hand

SPLIT = """
version: 1.0
tasks:
  t0: {action: core.noop, next: [{do: [a, b]}]}
  a: {action: core.noop, next: [{publish: [{who: a}], do: s}]}
  b: {action: core.noop, next: [{publish: [{who: b}], do: s}]}
  s:
    action: core.noop
    input: {who: <% ctx().who %>}
    next:
      - publish: [{of_a: <% task_status(a) %>}, {of_t0: <% task_status(t0) %>}, {mine: <% task(s).result %>}]
        do: e
  e:
    action: core.noop
    input: {of_a: <% ctx().of_a %>, of_t0: <% ctx().of_t0 %>, who: <% ctx().who %>, mine: <% ctx().mine %>}
"""


def test_each_edge_makes_a_route() -> None:
    hand = Hand(SPLIT)
    hand.end("t0", "a", "b")
    assert [(call.task, call.route, call.input["who"]) for call in hand.open] == [
        ("s", 1, "a"),
        ("s", 2, "b"),
    ]
    assert hand.conductor.run.state.routes == [(), ("a__t0",), ("b__t0",)]


def test_what_follows_stays_on_the_route_and_sees_only_what_led_there() -> None:
    hand = Hand(SPLIT)
    hand.end("t0", "a", "b")
    hand.turn_call(hand.open[1], "succeeded", "second")
    assert hand.open[-1].route == 2
    assert hand.open[-1].input["who"] == "b"


def test_a_task_is_found_on_the_own_route_or_on_an_earlier_one() -> None:
    hand = Hand(SPLIT)
    hand.end("t0", "a", "b")
    hand.turn_call(hand.open[0], "succeeded", "first")
    assert hand.open[-1].input == {"of_a": "succeeded", "of_t0": "succeeded", "who": "a", "mine": "first"}


def test_a_loop_stays_on_its_route() -> None:
    hand = Hand(
        """
version: 1.0
vars: [{n: 0}]
tasks:
  start: {action: core.noop, next: [{do: a}]}
  a:
    action: core.noop
    next: [{when: <% ctx().n < 3 %>, publish: [{n: <% ctx().n + 1 %>}], do: a}]
output: [{n: <% ctx().n %>}]
"""
    )
    hand.end("start", "a", "a", "a", "a")
    assert {call.route for call in hand.calls} == {0}
    assert (hand.status, hand.output) == ("succeeded", {"n": 3})
