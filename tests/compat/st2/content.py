"""The pack `cli`: what the commands of `st2` are tried on."""

import textwrap
from pathlib import Path

PACK = {
    "pack.yaml": """
        ref: cli
        name: cli
        description: For the commands of st2
        version: 1.0.0
        author: Tests
        email: tests@example.com
    """,
    "config.schema.yaml": """
        region:
          type: string
          description: Where
    """,
    "actions/wf.yaml": """
        name: wf
        description: A workflow
        runner_type: orquesta
        entry_point: workflows/wf.yaml
        parameters:
          who: {type: string, default: you}
          n: {type: integer, default: 1}
          items: {type: array, default: []}
          opts: {type: object, default: {}}
          "yes": {type: boolean, default: false}
          x: {type: number, default: 1.0}
    """,
    "actions/workflows/wf.yaml": """
        version: 1.0
        input: [who, n, items, opts, "yes", x]
        tasks:
          t1:
            action: core.local cmd="echo hello <% ctx(who) %>"
            next:
              - when: <% succeeded() %>
                publish: said=<% result().stdout %>
                do: t2
          t2:
            action: core.noop
        output:
          - said: <% ctx(said) %>
          - n: <% ctx(n) %>
          - items: <% ctx(items) %>
    """,
    "actions/slow_wf.yaml": """
        name: slow_wf
        runner_type: orquesta
        entry_point: workflows/slow_wf.yaml
        parameters:
          file: {type: string, required: true, description: Its first task waits for it}
    """,
    "actions/workflows/slow_wf.yaml": """
        version: 1.0
        input: [file]
        tasks:
          first:
            action: core.local
            input:
              cmd: while [ ! -e "<% ctx(file) %>" ]; do sleep 0.1; done
            next:
              - do: second
          second:
            action: core.noop
    """,
    "actions/count.yaml": """
        name: count
        description: Prints a line a moment
        runner_type: local-shell-cmd
        parameters:
          cmd:
            default: "echo one; sleep 1; echo two"
            immutable: true
    """,
    "aliases/hello.yaml": """
        name: hello
        description: Says hello
        action_ref: core.local
        formats:
          - "say hello to {{who}}"
        immutable_parameters:
          cmd: "echo hello"
    """,
    "aliases/quietly.yaml": """
        name: quietly
        pack: cli
        action_ref: core.local
        formats: ["quietly {{cmd}}"]
        result: {enabled: false}
    """,
    "aliases/shout.yaml": """
        name: shout
        description: Runs a command
        action_ref: core.local
        formats:
          - display: "shout <cmd>"
            representation: ["shout {{cmd}}"]
    """,
    "rules/on_hook.yaml": """
        name: on_hook
        description: On a hook
        enabled: true
        trigger:
          type: core.st2.webhook
          parameters: {url: sample}
        criteria: {}
        action:
          ref: core.local
          parameters: {cmd: "echo {{ trigger.body.word }}"}
    """,
    "rules/every_day.yaml": """
        name: every_day
        description: Every day
        enabled: true
        trigger:
          type: core.st2.IntervalTimer
          parameters: {unit: days, delta: 1}
        action:
          ref: core.noop
    """,
    "policies/one.yaml": """
        name: one
        description: One at a time
        enabled: true
        resource_ref: cli.count
        policy_type: action.concurrency
        parameters: {threshold: 5}
    """,
    "sensors/look.yaml": """
        class_name: Look
        entry_point: look.py
        description: Looks
        enabled: false
        trigger_types:
          - name: seen
            description: Something was seen
            payload_schema: {type: object}
    """,
    "sensors/look.py": """
        from st2reactor.sensor.base import Sensor


        class Look(Sensor):
            def setup(self): pass
            def run(self): pass
            def cleanup(self): pass
            def add_trigger(self, trigger): pass
            def update_trigger(self, trigger): pass
            def remove_trigger(self, trigger): pass
    """,
}


def write_content(folder: Path) -> None:
    """The pack below `folder`, and a role for somebody."""
    for name, text in PACK.items():
        path = folder / "packs" / "cli" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
    assignment = folder / "rbac" / "assignments" / "st2admin.yaml"
    assignment.parent.mkdir(parents=True)
    assignment.write_text("{username: st2admin, roles: [observer]}\n", encoding="utf-8")
