"""The criteria of a rule as a whole: paths, patterns, groups, and what makes them unanswerable."""

from typing import Any

import pytest

from engine.criteria.compile import compile_criteria
from tests.engine.criteria.world import TEMPLATES, system, verdict

EQUALS_1 = {"type": "equals", "pattern": 1}


def _eq(value: Any) -> dict[str, Any]:
    return {"type": "equals", "pattern": value}


def test_without_criteria_every_event_matches() -> None:
    assert verdict({}, {}).matched
    assert verdict({}, None).matched


def test_with_criteria_an_empty_payload_never_matches() -> None:
    assert not verdict({"trigger.a": {"type": "nexists", "pattern": True}}, {}).matched
    assert not verdict({}, {}, match={"not": {"trigger.a": EQUALS_1}}).matched


def test_all_criteria_must_hold() -> None:
    assert verdict({"trigger.a": _eq(1), "trigger.b": _eq(2)}, {"a": 1, "b": 2}).matched
    assert not verdict({"trigger.a": _eq(1), "trigger.b": _eq(2)}, {"a": 1, "b": 3}).matched


def test_a_criterion_without_type_never_holds_and_is_no_error() -> None:
    found = verdict({"trigger.a": {"pattern": 1}}, {"a": 1})
    assert (found.matched, found.error) == (False, "")


def test_an_unknown_operator_is_unanswerable() -> None:
    assert verdict({"trigger.a": {"type": "same", "pattern": 1}}, {"a": 1}).error == (
        "trigger.a: 'same' is no operator"
    )


def test_what_stands_before_does_not_hold_hides_what_cannot_be_answered() -> None:
    criteria = {"trigger.a": _eq(2), "trigger.b": {"type": "gt", "pattern": "x"}}
    assert verdict(criteria, {"a": 1, "b": 1}).error == ""
    assert verdict(criteria, {"a": 2, "b": 1}).error


def test_text_from_the_hash_on_only_tells_keys_apart() -> None:
    criteria = {"trigger.a#1": {"type": "gt", "pattern": 1}, "trigger.a#2": {"type": "lt", "pattern": 3}}
    assert verdict(criteria, {"a": 2}).matched
    assert not verdict(criteria, {"a": 3}).matched


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("trigger.a-b", 1),
        ("trigger['a.b']", 2),
        ('trigger["x"]', 3),
        ("trigger.'x'", 3),
        ("trigger.list[0]", 10),
        ("trigger.list[-1]", 12),
        ("trigger.list[*]", 10),
        ("trigger..deep", 7),
        ("trigger.missing", None),
        ("trigger.list[9]", None),
        ("trigger.x.y", None),
        ("body.x", None),
        ("trigger.headers['X-Github-Event']", "push"),
        ("$.trigger.x", 3),
        ("trigger.@type", "t"),
    ],
)
def test_a_path_finds_its_first_match(path: str, expected: Any) -> None:
    payload = {
        "a-b": 1,
        "a.b": 2,
        "x": 3,
        "list": [10, 11, 12],
        "in": {"deep": 7},
        "headers": {"X-Github-Event": "push"},
        "@type": "t",
    }
    (outcome,) = verdict({path: {"type": "exists", "pattern": True}}, payload, explain=True).outcomes
    assert (outcome.value, outcome.error) == (expected, "")


@pytest.mark.parametrize(
    "path",
    ["trigger.with space", "trigger.ä", "trigger.1st", "trigger[?(@.a==1)]", "trigger.", "", "trigger.where"],
)
def test_what_is_no_path_is_unanswerable(path: str) -> None:
    found = verdict({path: {"type": "exists", "pattern": True}}, {"with space": 1})
    assert "is not a JSONPath" in found.error
    assert not found.matched


def test_an_index_into_an_object_is_unanswerable() -> None:
    assert verdict({"trigger.a[0]": _eq(1)}, {"a": {"b": 1}}).error


def test_the_datastore_can_be_asked() -> None:
    assert verdict({"system.limit": _eq("5")}, {"a": 1}, keys={"limit": "5"}).matched
    assert verdict({"system.limit": {"type": "startswith", "pattern": ""}}, {"a": 1}).matched


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("{{ trigger.n }}", 5, True),
        ("{{trigger.n}}", "5", False),
        ("{{ trigger.list }}", [1, "x"], True),
        ("{{ trigger.text }}", "t", True),
        ("is {{ trigger.n }}", "is 5", True),
        ("{{ trigger.n }}{{ trigger.n }}", 55, True),
        ("{{ trigger.text }}{{ trigger.text }}", "tt", True),
        ("{% if trigger.n %}yes{% endif %}", "yes", True),
        ("{{ system.k }}", "v", True),
        ("{{ st2kv.system.k }}", "v", True),
        ("{{ st2kv.system.secret | decrypt_kv }}", "opened", True),
        ("plain\n", "plain", True),
        ("a\r\nb", "a\nb", True),
        ("{# nothing #}x", "x", True),
    ],
)
def test_a_pattern_keeps_the_type_of_what_it_names(pattern: str, value: Any, expected: bool) -> None:
    payload = {"v": value, "n": 5, "text": "t", "list": [1, "x"]}
    keys = {"k": "v", "secret": "cipher:opened"}
    found = verdict({"trigger.v": _eq(pattern)}, payload, keys=keys)
    assert found.matched is expected, found.error


def test_a_pattern_that_does_not_render_is_unanswerable() -> None:
    found = verdict({"trigger.v": _eq("{{ trigger.nothing }}")}, {"v": 1})
    assert "nothing" in found.error


def test_what_the_event_holds_is_never_rendered() -> None:
    payload = {"v": "{{ 1 + 1 }}", "w": "{{ 1 + 1 }}"}
    assert verdict({"trigger.v": _eq("{{ trigger.w }}")}, payload).matched
    assert not verdict({"trigger.v": _eq("2")}, payload).matched


def test_a_pattern_has_the_limits_of_every_template() -> None:
    found = verdict({"trigger.v": _eq("{{ range(10000000) | list }}")}, {"v": 1})
    assert "range" in found.error


def test_the_explanation_names_every_criterion_with_value_and_rendered_pattern() -> None:
    criteria = {"trigger.a": _eq(1), "trigger.b": _eq("{{ trigger.a }}"), "trigger.c": _eq(3)}
    found = verdict(criteria, {"a": 2, "b": 2, "c": 3}, explain=True)
    shown = [(part.key, part.operator, part.value, part.pattern, part.is_met) for part in found.outcomes]
    assert shown == [
        ("trigger.a", "equals", 2, 1, False),
        ("trigger.b", "equals", 2, 2, True),
        ("trigger.c", "equals", 3, 3, True),
    ]
    assert not found.matched


def test_the_explanation_of_an_empty_payload_does_not_match() -> None:
    found = verdict({"trigger.a": {"type": "nexists", "pattern": True}}, {}, explain=True)
    assert not found.matched
    assert found.outcomes[0].is_met


def test_the_explanation_hides_what_was_decrypted() -> None:
    criteria = {"trigger.a": _eq("{{ st2kv.system.secret | decrypt_kv }}")}
    found = verdict(criteria, {"a": "opened-secret"}, keys={"secret": "cipher:opened-secret"}, explain=True)
    assert found.matched
    assert "opened-secret" not in repr(found)


def test_any_all_and_not_nest() -> None:
    match = {
        "any": [
            {"trigger.severity": _eq("critical")},
            {
                "all": [{"trigger.severity": _eq("warning")}, {"trigger.team": _eq("db")}],
                "not": {"trigger.silenced": _eq(True)},
            },
        ]
    }
    for payload, expected in (
        ({"severity": "critical"}, True),
        ({"severity": "warning", "team": "db"}, True),
        ({"severity": "warning", "team": "db", "silenced": True}, False),
        ({"severity": "warning", "team": "web"}, False),
    ):
        assert verdict({}, payload, match=match).matched is expected, payload


def test_match_and_criteria_must_both_hold() -> None:
    match = {"any": [{"trigger.a": _eq(1)}]}
    assert verdict({"trigger.b": _eq(1)}, {"a": 1, "b": 1}, match=match).matched
    assert not verdict({"trigger.b": _eq(1)}, {"a": 2, "b": 1}, match=match).matched


def test_not_of_what_cannot_be_answered_does_not_hold() -> None:
    match = {"not": {"trigger.a": {"type": "gt", "pattern": 1}}}
    found = verdict({}, {"a": "x"}, match=match)
    assert not found.matched
    assert "trigger.a gt 1" in found.error


def test_any_holds_when_one_part_does_whatever_the_others_say() -> None:
    broken = {"trigger.a": {"type": "gt", "pattern": 1}}
    assert verdict({}, {"a": "x"}, match={"any": [broken, {"trigger.a": _eq("x")}]}).matched
    assert verdict({}, {"a": "x"}, match={"any": [broken, {"trigger.a": _eq("y")}]}).error


def test_one_compiled_rule_serves_many_events() -> None:
    compiled = compile_criteria({"trigger.a": EQUALS_1}, where="rules/a.yaml")
    answers = [
        compiled.evaluate({"a": n}, system=system(), templates=TEMPLATES).matched for n in (0, 1, 2, 1)
    ]
    assert answers == [False, True, False, True]
    assert compiled.where == "rules/a.yaml"
