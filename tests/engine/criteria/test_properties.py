"""What holds for every criterion and every event."""

import warnings
from typing import Any

import jsonpath_rw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.criteria.nodes import GROUPS
from engine.criteria.paths import compile_path, plain_steps
from engine.specs.rule import OPERATORS
from tests.engine.criteria.world import verdict

NAMES = st.sampled_from(["a", "b", "a-b", "x_1", "@t", "where", "*", "a.b", "é", "1"])
SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | st.text(max_size=4)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
PAYLOADS = st.dictionaries(NAMES, JSON, max_size=5)
STEPS = st.one_of(
    NAMES.map(lambda name: f".{name}"),
    NAMES.map(lambda name: f"['{name}']"),
    NAMES.map(lambda name: f'["{name}"]'),
    NAMES.map(lambda name: f"[{name}]"),
    st.integers(-2, 3).map(lambda index: f"[{index}]"),
    st.sampled_from(["..a", "[*]", "[0:1]", "[a,b]"]),
)
PATHS = st.lists(STEPS, max_size=4).map(lambda steps: "trigger" + "".join(steps))
OPERATOR = st.sampled_from(sorted(OPERATORS)) | st.just("none of them")
PATTERNS = SCALARS | st.lists(SCALARS, max_size=2) | st.sampled_from(["{{ trigger.a }}", "{{", "(a", "a|b"])
CRITERION = st.fixed_dictionaries(
    {"type": OPERATOR, "pattern": PATTERNS}, optional={"condition": st.sampled_from(["any", "all", "x"])}
)
CALM = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def _outcome(ask: Any) -> Any:
    """The repr of the answer, because NaN is not equal to itself, or that there is none."""
    try:
        return repr(ask())
    except Exception:  # noqa: BLE001  jsonpath_rw raises anything
        return "raises"


@CALM
@given(path=PATHS, payload=PAYLOADS)
def test_our_own_way_finds_what_jsonpath_rw_finds(path: str, payload: dict[str, Any]) -> None:
    context = {"trigger": payload, "system": {}}

    def theirs() -> Any:
        found = jsonpath_rw.parse(path).find(context)
        return found[0].value if found else None

    assert _outcome(lambda: compile_path(path)(context)) == _outcome(theirs)


@pytest.mark.parametrize(
    "path", ["trigger.a.b", "trigger.a[0]['x y'][-1].c-d", 'trigger["a.b"]', "trigger[a]"]
)
def test_plain_paths_take_our_own_way(path: str) -> None:
    assert plain_steps(path) is not None


@CALM
@given(criteria=st.dictionaries(PATHS, CRITERION, max_size=3), payload=PAYLOADS | JSON)
def test_evaluating_never_raises_and_explaining_agrees(criteria: dict[str, Any], payload: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quick = verdict(criteria, payload)
        whole = verdict(criteria, payload, explain=True)
    assert quick.matched == whole.matched
    assert bool(quick.error) == bool(whole.error)
    assert not (quick.matched and quick.error)


LEAVES = st.sampled_from([("p", True), ("q", False)]).map(
    lambda leaf: {f"trigger.{leaf[0]}": {"type": "equals", "pattern": True}}
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: {"any": parts}),
        st.lists(inner, max_size=3).map(lambda parts: {"all": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=10,
)


def _truth(tree: dict[str, Any], facts: dict[str, bool]) -> bool:
    ((key, inner),) = tree.items()
    if key not in GROUPS:
        return facts[key.removeprefix("trigger.")]
    if key == "not":
        return not _truth(inner, facts)
    return {"any": any, "all": all}[key](_truth(part, facts) for part in inner)


@CALM
@given(tree=TREES, p=st.booleans(), q=st.booleans())
def test_any_all_and_not_are_boolean_algebra(tree: dict[str, Any], p: bool, q: bool) -> None:
    facts = {"p": p, "q": q}
    assert verdict({}, facts, match=tree).matched is _truth(tree, facts)
    negated = {"not": tree}
    assert verdict({}, facts, match=negated).matched is not _truth(tree, facts)
