"""Workflows as pictures."""

from engine.workflows.drawing import draw
from engine.workflows.reading import read

FLOW = read(
    """
version: 1.0
tasks:
  first:
    action: core.noop
    next:
      - when: <% succeeded() %>
        do: [left, right]
      - {x-else: true, do: fail}
  left: {action: core.echo, input: {message: hi}, next: [{do: meet}]}
  right: {with: '<% [1] %>', action: core.noop, next: [{do: meet}]}
  meet:
    join: all
    next:
      - when: <% ctx().n < 3 and "x" %>
        do: meet
"""
)


def test_in_the_terminal_each_task_stands_above_its_ways() -> None:
    assert draw(FLOW, "terminal").splitlines() == [
        "● first  core.noop",
        "  ├─ succeeded() → left",
        "  ├─ succeeded() → right",
        "  └─ else → fail  ■",
        "● left   core.echo",
        "  └─ → meet",
        "● right  core.noop  [for each item]",
        "  └─ → meet",
        "● meet   (no action)  [join all of left, right, meet]",
        '  └─ ctx().n < 3 and "x" → meet  ↺ back',
    ]


def test_mermaid_has_no_character_that_means_something() -> None:
    drawn = draw(FLOW, "mermaid")
    assert drawn.startswith("flowchart TD\n")
    assert 't3{{"meet<br/>join all"}}' in drawn
    assert "ctx().n #lt; 3 and #quot;x#quot;" in drawn


def test_dot_quotes_what_it_must() -> None:
    drawn = draw(FLOW, "dot")
    assert '"meet" -> "meet" [label="ctx().n < 3 and \\"x\\""];' in drawn
    assert drawn.endswith("}\n")


def test_a_backslash_ends_no_label() -> None:
    flow = read(
        r"""
version: 1.0
tasks:
  a:
    action: core.noop
    next:
      - when: <% ctx().path = 'C:\' %>
        do: fail
"""
    )
    assert r"""[label="ctx().path = 'C:\\'"];""" in draw(flow, "dot")


def test_a_workflow_without_tasks_is_an_empty_picture() -> None:
    assert draw(read("version: 1.0\ntasks: {}"), "terminal") == "\n"
