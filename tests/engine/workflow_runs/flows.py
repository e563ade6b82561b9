"""Workflows written into the pack `flow` of an engine that runs."""

import textwrap
from pathlib import Path
from typing import Any

from engine.records.execution import Execution
from engine.service import Engine, ExecutionRequest

PACK = "{name: flow, ref: flow, description: Workflows for tests, version: 1.0.0, author: Tests}"


def write_flow(engine: Engine, name: str, definition: str, *, parameters: str = "{}", more: str = "") -> str:
    """The ref of an action that is this workflow."""
    folder = engine.settings.root / "packs" / "flow"
    (folder / "actions" / "workflows").mkdir(parents=True, exist_ok=True)
    (folder / "pack.yaml").write_text(PACK, encoding="utf-8")
    _write(folder / "actions" / "workflows" / f"{name}.yaml", definition)
    _write(
        folder / "actions" / f"{name}.yaml",
        f"name: {name}\nrunner_type: orquesta\nentry_point: workflows/{name}.yaml\n"
        f"parameters: {parameters}\n{textwrap.dedent(more)}",
    )
    engine.reload()
    return f"flow.{name}"


def start(engine: Engine, action: str, *, user: str = "alice", **parameters: Any) -> Execution:
    return engine.request(ExecutionRequest(action=action, parameters=parameters, user=user))


def run_flow(engine: Engine, action: str, **parameters: Any) -> Execution:
    """The execution after its end."""
    return engine.wait(start(engine, action, **parameters).id, timeout_s=60)


def children(engine: Engine, execution: Execution) -> list[Execution]:
    return [engine.execution(child) for child in engine.children(execution.id)]


def tasks_of(engine: Engine, execution: Execution) -> list[str]:
    """The names of the tasks that were requested, in order."""
    return [child.context["orquesta"]["task_name"] for child in children(engine, execution)]


def _write(path: Path, text: str) -> None:
    path.write_text(textwrap.dedent(text).lstrip(), encoding="utf-8")
