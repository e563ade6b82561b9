"""The action chains that ship, run for real."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.records.execution import Execution
from engine.service import Engine
from tests.engine import world
from tests.engine.workflow_runs.flows import run_flow


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = Engine(world.settings(tmp_path))
    made.start()
    try:
        yield made
    finally:
        made.stop()


def said(engine: Engine, execution: Execution) -> str:
    alias = engine.content.current.aliases["examples.examples_disk_room"]
    return engine.templates.render(
        alias.result.format,
        {"execution": {"status": execution.status.value, "result": execution.result}},
        lenient=True,
    ).strip()


def names(execution: Execution) -> list[str]:
    return [task["name"] for task in execution.result["tasks"]]


def test_a_disk_with_room_is_told_as_such(engine: Engine) -> None:
    done = run_flow(engine, "examples.disk_room", folder="/", limit=101)
    assert names(done) == ["measure", "compare", "calm"]
    assert said(engine, done).startswith("There is room: the disk of / is ")


def test_a_full_disk_is_told_with_its_largest_files(engine: Engine, tmp_path: Path) -> None:
    # Larger than the files of the engine, which are in that folder too.
    (tmp_path / "large.log").write_bytes(b"x" * 20_000_000)
    done = run_flow(engine, "examples.disk_room", folder=str(tmp_path), limit=0)
    assert done.status == "succeeded"
    assert names(done) == ["measure", "compare", "largest"]
    assert "large.log" in said(engine, done)


def test_what_people_type_is_no_command(engine: Engine, tmp_path: Path) -> None:
    done = run_flow(
        engine, "examples.disk_room", folder=f"/$(touch {tmp_path}/made)'\"; touch {tmp_path}/made"
    )
    assert done.status == "failed"
    assert not (tmp_path / "made").exists()
    assert "No such file" in said(engine, done)
