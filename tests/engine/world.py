"""An engine with a pack of its own, for tests that need the whole of it."""

import textwrap
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.records.execution import Execution
from engine.service import Engine, ExecutionRequest
from engine.settings import Settings
from engine.settings.actions import ActionSettings
from engine.settings.content import ContentSettings
from engine.settings.server import ServerSettings, StoreSettings

FILES = {
    "pack.yaml": "{name: probe, ref: probe, description: Actions for tests, version: 1.0.0, author: Tests}",
    "actions/sh.yaml": """
        name: sh
        runner_type: local-shell-cmd
        parameters:
          cmd: {required: true}
    """,
    "actions/nothing.yaml": """
        name: nothing
        runner_type: noop
        parameters:
          word: {type: string, default: fine}
          shout: {type: string, default: "{{ word | upper }}"}
    """,
    "actions/off.yaml": "{name: 'off', runner_type: noop, enabled: false}",
    "actions/secretive.yaml": """
        name: secretive
        runner_type: local-shell-cmd
        parameters:
          password: {type: string, secret: true, required: true}
          note: {type: string}
          cmd: {immutable: true, default: "echo the password is {{ password }}"}
    """,
    "actions/minted.yaml": """
        name: minted
        runner_type: python-script
        entry_point: minted.py
        output_schema:
          type: object
          properties:
            token: {type: string, secret: true}
            name: {type: string}
    """,
    "actions/minted.py": """
        from st2common.runners.base_action import Action
        class Minted(Action):
            def run(self):
                print("made tok-87654321")
                return {"token": "tok-87654321", "name": "ci"}
    """,
    "actions/untrue.yaml": """
        name: untrue
        runner_type: noop
        parameters:
          broken: {type: string, default: "{{ 1 / 0 }}"}
    """,
    "actions/lost.yaml": "{name: lost, runner_type: orquesta, entry_point: workflows/lost.yaml}",
    "actions/fetch.yaml": """
        name: fetch
        runner_type: http-request
        parameters:
          url: {default: "http://127.0.0.1:1/"}
    """,
    "actions/harmless.yaml": """
        name: harmless
        runner_type: http-request
        x-idempotent: true
        parameters:
          url: {default: "http://127.0.0.1:1/"}
    """,
}


def settings(folder: Path, **actions: Any) -> Settings:
    """A server's settings below `folder`; `actions` changes the section of that name."""
    for name, content in FILES.items():
        path = folder / "packs" / "probe" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(content), encoding="utf-8")
    return Settings(
        root=folder,
        server=ServerSettings(port=1, shutdown_s=1),
        store=StoreSettings(data=folder / "data"),
        content=ContentSettings(packs=["packs"]),
        actions=replace(ActionSettings(workers=8, kill_grace_s=0.3), **actions),
    )


def request(engine: Engine, action: str, *, user: str = "alice", **parameters: Any) -> Execution:
    return engine.request(ExecutionRequest(action=action, parameters=parameters, user=user))


def run(engine: Engine, action: str, **parameters: Any) -> Execution:
    """The execution after its end."""
    return engine.wait(request(engine, action, **parameters).id, timeout_s=60)


def wait_until(is_so: Callable[[], bool], *, timeout_s: float = 60) -> None:
    give_up_at = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < give_up_at, "it did not come true in time"
        time.sleep(0.01)
