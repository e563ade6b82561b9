"""An engine with actions that notify and announce, and rules that listen to the engine itself."""

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.notices import NOTICE
from engine.records.trigger import InstanceFilter, TriggerInstance
from engine.service import Engine
from engine.store import journal
from tests.engine import world
from tests.engine.world import wait_until

FILES = {
    "actions/loud.yaml": """
        name: loud
        runner_type: local-shell-cmd
        parameters:
          cmd: {default: "echo hello"}
          host: {type: string, default: web1}
          password: {type: string, secret: true, default: hunter2-hunter2}
        notify:
          on-complete:
            message: "{{ action_parameters.host }} {{ action_results.stdout }} {{ st2kv.system.site }}"
            data:
              host: "{{ action_parameters.host }}"
              user: "{{ action_context.user }}"
              password: "{{ action_parameters.password }}"
            routes: [complete, both]
          on-success: {routes: [success]}
          on-failure: {channels: [failure]}
    """,
    "actions/chatty.yaml": """
        name: chatty
        runner_type: local-shell-cmd
        parameters:
          cmd: {default: "echo hello"}
        notify:
          on-complete: {message: all is said, routes: [chat], channels: [deploys, "#Ops"]}
    """,
    "actions/wrong.yaml": """
        name: wrong
        runner_type: noop
        notify:
          on-complete: {message: "{{ nobody.knows }}", data: {a: 1}, routes: [wrong]}
    """,
    "actions/post.yaml": """
        name: post
        runner_type: announcement
        parameters:
          experimental: {immutable: true, default: true}
          route: {default: chatops}
          message: {type: string}
          channel: {type: string}
          user: {type: string}
          whisper: {type: boolean}
          extra: {type: object}
    """,
}


@contextmanager
def listening(folder: Path, *, url: str = "", routes: dict[str, str] | None = None) -> Iterator[Engine]:
    settings = world.settings(folder)
    for name, content in FILES.items():
        (folder / "packs" / "probe" / name).write_text(textwrap.dedent(content), encoding="utf-8")
    settings = replace(
        settings,
        store=replace(settings.store, url=url),
        chat=replace(settings.chat, routes=routes or {}),
    )
    engine = Engine(settings)
    engine.start()
    try:
        yield engine
    finally:
        engine.stop()


def listen(engine: Engine, trigger: str, *, action: str = "core.noop", **changed: Any) -> None:
    """An enabled rule on one of the engine's own triggers."""
    name = trigger.rpartition(".")[2]
    document = {"name": name, "enabled": True, "trigger": {"type": trigger}, "action": {"ref": action}}
    engine.stored.put("rule", {**document, **changed}, user="alice")


def fired(engine: Engine, trigger: str, count: int = 1) -> list[TriggerInstance]:
    """The first `count` instances of a trigger, oldest first."""

    def found() -> list[TriggerInstance]:
        return engine.history.instances(InstanceFilter(trigger_type=trigger, oldest_first=True))[0]

    wait_until(lambda: len(found()) >= count)
    return found()


def entries(engine: Engine, kind: str) -> list[Any]:
    with engine.database.read() as connection:
        return journal.entries_after(connection, 0, kinds=(kind,))


def notices(engine: Engine, count: int = 1) -> list[dict[str, Any]]:
    wait_until(lambda: len(entries(engine, NOTICE)) >= count)
    return [dict(entry.data) for entry in entries(engine, NOTICE)]


def passed(engine: Engine) -> None:
    """Everything that the engine has done so far was looked at by the reader of its triggers."""
    listen(engine, "core.st2.key_value_pair.delete")
    engine.datastore.put("system", "mark", "x")
    engine.datastore.remove("system", "mark")
    fired(engine, "core.st2.key_value_pair.delete")
