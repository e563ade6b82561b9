"""What a registry's policies mean: which are asked, in which order, and what is tried again."""

from typing import Any

import pytest

from engine.content.registry import Registry
from engine.policies.table import PolicyTable, span_words
from engine.specs.policy import PolicySpec
from engine.specs.policy_type import attributes_key, policy_type
from engine.status import Status

LIMIT = {"threshold": 2, "action": "delay"}
RETRY = {"retry_on": "failure", "max_retry_count": 2, "delay": 0}


def policy(kind: str, name: str, *, enabled: bool = True, **parameters: Any) -> PolicySpec:
    defaults = policy_type(kind).defaults
    return PolicySpec(
        pack="p",
        name=name,
        enabled=enabled,
        resource_ref="p.act",
        policy_type=kind,
        parameters={**defaults, **parameters},
    )


def table(*policies: PolicySpec) -> PolicyTable:
    return PolicyTable(Registry(policies={one.ref: one for one in policies}))


def test_limits_are_asked_in_the_stated_order() -> None:
    made = table(
        policy("action.rate_limit", "a", threshold=1, interval=60),
        policy("action.concurrency.attr", "b", threshold=1, attributes=["host"]),
        policy("action.concurrency", "d", threshold=1),
        policy("action.concurrency", "c", threshold=1),
        policy("action.rate_limit", "z", threshold=1, interval=1, action="cancel"),
        policy("action.retry", "r", retry_on="failure"),
    )
    assert [limit.policy for limit in made.limits["p.act"]] == ["p.z", "p.c", "p.d", "p.b", "p.a"]
    assert made.has_windows


def test_what_is_disabled_is_not_asked() -> None:
    assert table(policy("action.concurrency", "c", enabled=False, threshold=1)).limits == {}


def test_the_first_retry_for_the_end_that_has_tries_left_is_taken() -> None:
    made = table(
        policy("action.retry", "a", retry_on="failure", max_retry_count=1),
        policy("action.retry", "b", retry_on="failure", max_retry_count=3, delay=5),
        policy("action.retry", "c", retry_on="timeout", max_retry_count=2),
    )

    def taken(ended: Status, done: int) -> str:
        found = made.next_try("p.act", ended, {"policies": {"retry": {"retry_count": done}}})
        return found.policy if found else ""

    assert [taken(Status.FAILED, done) for done in range(4)] == ["p.a", "p.b", "p.b", ""]
    assert [taken(Status.TIMEOUT, done) for done in range(3)] == ["p.c", "p.c", ""]


@pytest.mark.parametrize("ended", [Status.SUCCEEDED, Status.CANCELED, Status.ABANDONED])
def test_other_ends_are_never_tried_again(ended: Status) -> None:
    assert table(policy("action.retry", "a", retry_on="failure")).next_try("p.act", ended, {}) is None


@pytest.mark.parametrize("context", [{}, {"policies": "?"}, {"policies": {"retry": []}}])
def test_a_context_that_somebody_wrote_does_no_harm(context: dict[str, Any]) -> None:
    found = table(policy("action.retry", "a", retry_on="failure")).next_try("p.act", Status.FAILED, context)
    assert found is not None
    assert found.number == 1


def test_tables_of_the_same_policies_say_the_same() -> None:
    first = table(policy("action.concurrency", "c", threshold=1))
    assert first.says_the_same_as(table(policy("action.concurrency", "c", threshold=1)))
    assert not first.says_the_same_as(table(policy("action.concurrency", "c", threshold=2)))
    assert not first.says_the_same_as(table())


def test_words_for_people() -> None:
    made = table(
        policy("action.concurrency", "c", threshold=2),
        policy("action.rate_limit", "r", threshold=3, interval=90, attributes=["host", "port"]),
    )
    assert [limit.words for limit in made.limits["p.act"]] == [
        "at most 2 at once",
        "at most 3 within 90 s with the same host, port",
    ]
    assert [span_words(seconds) for seconds in (0.5, 60, 90, 7200)] == ["0.5 s", "1 min", "90 s", "2 h"]


@pytest.mark.parametrize(
    ("live", "key"),
    [
        ({"a": 1, "b": {"c": 2}}, {"a": 1, "b.c": 2}),
        ({"a": None}, {"a": None}),
        ({"b": {"d": 2}}, {}),
        ({"b": "c"}, {}),
    ],
)
def test_the_key_of_attributes(live: dict[str, Any], key: dict[str, Any]) -> None:
    assert attributes_key(["a", "b.c"])(live) == key
