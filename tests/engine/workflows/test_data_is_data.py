"""Texts of callers, results and the datastore are never evaluated, and large ones are stored once."""

from typing import Any

import orjson

from engine.workflows.calls import ActionChanged
from tests.engine.workflows.conducting import Hand

ATTACK = "<% ctx().secret %> {{ ctx().secret }} {{ 7*7 }}"
ECHO = """
version: 1.0
input: [name]
vars: [{secret: hidden}]
tasks:
  a:
    action: core.echo
    input: {m: <% ctx().name %>, kv: <% st2kv('system.evil') %>}
    next: [{publish: [{y: <% result().stdout %>}], do: b}]
  b: {action: core.echo, input: {m: <% ctx().y %>, j: "{{ ctx().y }}", t: <% task(a).result.stdout %>}}
output: [{y: <% ctx().y %>}]
"""


def attacked(text: str = ECHO) -> Hand:
    hand = Hand(text, {"name": ATTACK}, keys={"system.evil": ATTACK})
    hand.turn("a", "succeeded", {"stdout": ATTACK})
    hand.end("b")
    return hand


def test_an_input_is_not_evaluated() -> None:
    assert attacked().calls[0].input == {"m": ATTACK, "kv": ATTACK}


def test_a_result_is_not_evaluated() -> None:
    hand = attacked()
    assert hand.calls[1].input == {"m": ATTACK, "j": ATTACK, "t": ATTACK}
    assert hand.output == {"y": ATTACK}


def test_a_workflow_may_ask_for_the_old_behaviour() -> None:
    hand = Hand("x-evaluate-data: true" + ECHO, {"name": "<% 6 * 7 %>"}, keys={"system.evil": "x"})
    hand.turn("a", "succeeded", {"stdout": "<% ctx().secret %>"})
    assert hand.calls[0].input["m"] == 42
    assert hand.calls[1].input["m"] == "hidden"


def large(hand: Hand, result: Any) -> list[int]:
    """Bytes of the delta of each step."""
    sizes = [len(hand.conductor.delta().data)]
    while hand.open:
        call = hand.open.pop(0)
        hand.conductor.take(ActionChanged(execution_id=call.execution_id, status="succeeded", result=result))
        hand.open.extend(hand.conductor.work().calls)
        sizes.append(len(hand.conductor.delta().data))
    return sizes


LOOP = """
version: 1.0
input: [big]
vars: [{n: 0}]
tasks:
  start: {next: [{do: a}]}
  a:
    action: core.noop
    next: [{when: <% ctx().n < 60 %>, publish: [{n: <% ctx().n + 1 %>}, {copy: <% ctx().big %>}], do: a}]
"""


def test_what_is_written_for_an_event_does_not_grow_with_the_workflow() -> None:
    sizes = large(Hand(LOOP, {"big": "x" * 100_000}), None)
    assert len(sizes) > 60
    assert max(sizes[5:]) < 600
    assert max(sizes[-10:]) < 1.2 * max(sizes[5:15])


def test_a_large_value_is_given_to_the_host_once() -> None:
    hand = Hand(LOOP, {"big": "x" * 100_000}, saves="deltas")
    for _ in range(5):
        hand.end("a")
    assert [len(value) for value in hand.host.stored.values()] == [100_002]
    assert all(len(delta) < 2_000 for delta in hand.deltas)


def test_a_value_that_json_cannot_hold_becomes_one_that_it_can() -> None:
    hand = Hand(
        """
version: 1.0
tasks:
  a:
    action: core.noop
    next: [{publish: [{keys: "<% dict(b => 1, a => 2).keys() %>"}, {huge: <% result() %>}]}]
output: [{keys: <% ctx().keys %>}, {huge: <% ctx().huge %>}]
""",
        saves="deltas",
    )
    hand.turn("a", "succeeded", 2**70)
    assert sorted(hand.output["keys"]) == ["a", "b"]
    assert hand.output["huge"] == 2**70


def test_a_delta_is_json() -> None:
    assert isinstance(orjson.loads(Hand(ECHO, {"name": "x"}).conductor.delta().data), list)
