"""What `pack check` says about criteria that load and never hold."""

from pathlib import Path

import pytest

from engine.criteria.lint import lint
from tests.engine.content.site import Site

SEARCH = "criteria:\n  trigger.a: {type: search, condition: any, pattern: "
RULE = "name: r\ntrigger: {{type: demo.t}}\naction: {{ref: core.noop}}\n{0}\n"


def said(root: Path, text: str) -> list[str]:
    site = Site(root)
    site.pack()
    site.write("packs/demo/rules/r.yaml", RULE.format(text))
    registry = site.load()
    assert registry.unavailable == ()
    return [f"{finding.where}: {finding.text}" for finding in lint(registry)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("criteria:\n  body.x: {type: eq, pattern: 1}", "body.x finds nothing"),
        ("criteria:\n  trigger.a b: {type: eq, pattern: 1}", "'trigger.a b' is not a JSONPath"),
        ("criteria:\n  trigger.a: {type: regex, pattern: '('}", "'(' is no regular expression"),
        ("criteria:\n  trigger.a: {type: eq, pattern: '{{ item.x }}'}", "its pattern names item"),
        ("criteria:\n  trigger.a: {type: eq, pattern: '{{ trigger.'}", "does not parse"),
        ("criteria:\n  trigger.a: {type: search, pattern: {}}", "the condition None of search"),
        ("x-match:\n  not: {body.x: {type: eq, pattern: 1}}", "body.x finds nothing"),
        (
            SEARCH + "{trigger.b: {type: eq, pattern: 1}}}",
            "trigger.b finds nothing: a path begins with item or system",
        ),
        (
            SEARCH + "{item.b: {type: is, pattern: 1}}}",
            "'is' is no operator",
        ),
    ],
)
def test_a_criterion_that_never_holds_is_found_with_its_line(
    tmp_path: Path, text: str, expected: str
) -> None:
    (found,) = said(tmp_path, text)
    assert found.startswith("demo/rules/r.yaml:5: ")
    assert expected in found


@pytest.mark.parametrize(
    "text",
    [
        "criteria: {trigger.a: {type: eq, pattern: '{{ trigger.b }} {{ st2kv.system.c }}'}}",
        "criteria: {\"trigger['a b']#1\": {type: matchregex, pattern: 'a+'}}",
        "criteria: {system.mode: {type: eq, pattern: on}}",
        "criteria: {$.trigger..x: {type: exists, pattern: true}}",
        "x-match: {any: [{trigger.a: {type: eq, pattern: 1}}]}",
    ],
)
def test_what_is_right_is_not_mentioned(tmp_path: Path, text: str) -> None:
    assert said(tmp_path, text) == []
