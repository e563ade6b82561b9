"""A chain that is written down and loaded after every step goes on as if it had never been."""

import random
from typing import Any, Literal

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import BadInput, BadParameter, IllegalTransition, NotFound
from tests.engine.workflows.chain_hand import ChainHand

_ENDS = ("succeeded", "succeeded", "succeeded", "failed", "timeout", "abandoned", "canceled")
_LARGE = "x" * 5000


def random_chain(chance: random.Random) -> dict[str, Any]:
    names = [f"c{number}" for number in range(chance.randint(1, 5))]
    nodes: list[dict[str, Any]] = []
    for name in names:
        node: dict[str, Any] = {"name": name, "ref": "core.noop"}
        for key in ("on-success", "on-failure"):
            if chance.random() < 0.7:
                node[key] = chance.choice(names)
        if chance.random() < 0.6:
            node["parameters"] = {
                "n": chance.choice(("{{ n }}", "{{ who }}", "{{ c0.n }}", 3)),
                "list": ["{{ big | length }}", {"k": "{{ __results | length }}"}],
            }
        if chance.random() < 0.5:
            node["publish"] = {
                "n": f"{{{{ {name}.n }}}}",
                "big": chance.choice(("{{ big }}", _LARGE, "small")),
            }
        nodes.append(node)
    return {"vars": {"n": 0, "big": "{{ who }}" + _LARGE}, "chain": nodes}


def outcome(seed: int, saves: Literal["never", "deltas", "snapshots"]) -> list[Any]:
    """What a random chain told after each of random events."""
    chance = random.Random(seed)
    hand = ChainHand(yaml.safe_dump(random_chain(chance), sort_keys=False), {"who": "ada"}, saves=saves)
    told: list[Any] = []
    for step in range(25):
        told.append((hand.status, [(call.task, call.input, call.note) for call in hand.calls], hand.result))
        told.append([(view.task, view.status, view.is_terminal) for view in hand.conductor.tree()])
        _something(hand, chance, step)
    return told


def _something(hand: ChainHand, chance: random.Random, step: int) -> None:
    what = chance.random()
    status = chance.choice(_ENDS)
    try:
        if hand.conductor.is_ended:
            hand.rerun(*chance.choice(((), ("c0",))))
        elif what < 0.2:
            hand.ask(chance.choice(("pause", "resume", "resume", "cancel")))
        elif not hand.conductor.awaited():
            hand.ask("resume")
        elif what < 0.35:
            hand.turn(chance.choice(("pending", "paused", "running")))
        elif what < 0.45:
            hand.refuse(chance.choice((BadParameter("no"), NotFound("gone"))))
        else:
            hand.turn(status, {"n": step, "text": _LARGE[:step]})
    except (IllegalTransition, BadInput):
        pass


@given(st.integers(0, 10**9))
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
def test_a_chain_is_the_same_whether_it_was_loaded_in_between_or_not(seed: int) -> None:
    straight = outcome(seed, "never")
    assert outcome(seed, "deltas") == straight
    assert outcome(seed, "snapshots") == straight


def test_what_is_written_per_step_does_not_grow_with_the_age_of_the_chain() -> None:
    hand = ChainHand(
        f"vars: {{big: {_LARGE}}}\n"
        "chain:\n"
        "  - name: a\n    ref: x.y\n    on-success: a\n"
        "    parameters: {p: '{{ big }}'}\n    publish: {last: '{{ big }}'}\n",
        saves="deltas",
    )
    for _ in range(200):
        hand.end({"big": _LARGE})
    sizes = [len(delta) for delta in hand.deltas]
    assert max(sizes[100:]) <= max(sizes[1:10]) + 2
    assert len(hand.host.stored) == 1


def test_a_large_value_is_stored_once() -> None:
    hand = ChainHand(
        "chain:\n  - {name: a, ref: x.y, publish: {b: '{{ big }}'}}\n", {"big": _LARGE}, saves="deltas"
    )
    hand.end({})
    assert hand.published == {"b": _LARGE}
    assert len(hand.host.stored) == 1
