"""Workflows in a site's own pack `flow`, with an alias for each: for what people see of them."""

import textwrap
from pathlib import Path
from typing import Any

import yaml

PACK = "{name: flow, ref: flow, description: Workflows for tests, version: 1.0.0, author: Tests}"

FLOWS: dict[str, str] = {
    "chain": """
        version: 1.0
        tasks:
          first:
            action: core.local cmd="echo one"
            next: [{when: <% succeeded() %>, do: second}]
          second:
            action: core.local cmd="sleep 0.6; echo two"
            next:
              - when: <% succeeded() %>
                publish: said=<% result().stdout %>
        output:
          - said: <% ctx().said %>
        """,
    "broken": """
        version: 1.0
        tasks:
          first:
            action: core.noop
            next: [{do: second}]
          second:
            action: core.local
            input: {cmd: "test -e MARK && echo mended || { echo no mark >&2; false; }"}
        """,
    "undoing": """
        version: 1.0
        x-on-failure: undo
        tasks:
          first:
            action: core.noop
            x-undo: {action: core.noop}
            next: [{when: <% succeeded() %>, do: second}]
          second:
            action: core.noop
            x-undo: {action: core.local, input: {cmd: "false"}}
            next: [{when: <% succeeded() %>, do: third}]
          third:
            action: core.local cmd="false"
        """,
    "outer": """
        version: 1.0
        tasks:
          before:
            action: core.noop
            next: [{do: inside}]
          inside:
            action: flow.chain
        """,
    "gate": """
        version: 1.0
        tasks:
          before:
            action: core.noop
            next: [{do: ask}]
          ask:
            action: core.ask
            input:
              text: Deploy it?
              schema: {type: object, properties: {approved: {type: boolean}}}
              users: [admin, ann, "~ann"]
              x-separate: false
              approves: {action: core.local, parameters: {cmd: echo deployed}}
            next: [{when: <% succeeded() %>, do: after}]
          after:
            action: core.local cmd="echo deployed"
        """,
    "items": """
        version: 1.0
        tasks:
          each:
            with: {items: '<% list(1, 2, 3, 4, 5, 6) %>', concurrency: 2}
            action: core.local cmd="sleep 0.3"
        """,
    "slow": """
        version: 1.0
        tasks:
          first:
            action: core.local cmd="sleep 1"
            next: [{do: second}]
          second:
            action: core.local cmd="sleep 1"
            next: [{do: third}]
          third:
            action: core.noop
        """,
}


def write_flows(folder: Path, more: dict[str, str] | None = None) -> None:
    """Aliases `flow NAME` of these workflows, into a site. MARK in them is a file of the site."""
    actions = folder / "packs" / "flow" / "actions"
    (actions / "workflows").mkdir(parents=True, exist_ok=True)
    (folder / "aliases").mkdir(exist_ok=True)
    (actions.parent / "pack.yaml").write_text(PACK, encoding="utf-8")
    for name, text in {**FLOWS, **(more or {})}.items():
        definition = textwrap.dedent(text).lstrip().replace("MARK", str(folder / "mark"))
        (actions / "workflows" / f"{name}.yaml").write_text(definition, encoding="utf-8")
        _write(
            actions / f"{name}.yaml",
            {"name": name, "runner_type": "orquesta", "entry_point": f"workflows/{name}.yaml"},
        )
        _write(
            folder / "aliases" / f"flow_{name}.yaml",
            {
                "name": f"flow_{name}",
                "description": f"Run {name}.",
                "action_ref": f"flow.{name}",
                "formats": [f"flow {name}"],
            },
        )


def _write(path: Path, value: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(value), encoding="utf-8")


def branches(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The lines of the tree in a message."""
    return [line for piece in body.get("pieces", []) if piece["kind"] == "tree" for line in piece["branches"]]
