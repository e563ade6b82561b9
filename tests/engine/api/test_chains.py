"""Action chains over REST: their documents, their children, and what may be asked of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.engine.api.running import Running, running
from tests.engine.world import wait_until

CHAIN = [
    {
        "name": "held",
        "ref": "core.local",
        "parameters": {"cmd": "while [ ! -e '{{ gate }}' ]; do sleep 0.05; done; echo open"},
        "publish": {"said": "{{ held.stdout }}"},
        "on-success": "last",
    },
    {"name": "last", "ref": "core.local", "parameters": {"cmd": "test -e '{{ gate }}.too'"}},
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("chains")
    actions = folder / "packs" / "probe" / "actions"
    actions.mkdir(parents=True)
    (actions / "held.chain").write_text(yaml.safe_dump({"chain": CHAIN}), encoding="utf-8")
    action = {"name": "held", "runner_type": "action-chain", "entry_point": "held.chain"}
    action["parameters"] = {"gate": {"type": "string"}}
    (actions / "held.yaml").write_text(yaml.safe_dump(action), encoding="utf-8")
    with running(folder, answer_wait_ms=0) as made:
        yield made


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """The chain's first task ends when this file is there, its last one succeeds when GATE.too is."""
    return tmp_path / "gate"


def started(server: Running, gate: Path) -> Any:
    """A chain whose first task runs."""
    made = server.start("probe.held", gate=str(gate))
    wait_until(lambda: [one["status"] for one in children(server, made)] == ["running"])
    return made


def children(server: Running, execution: Any) -> list[Any]:
    found: list[Any] = server.get(f"/executions/{execution['id']}/children").json()
    return found


def status(server: Running, execution: Any) -> str:
    return str(server.get(f"/executions/{execution['id']}").json()["status"])


def put(server: Running, execution: Any, wanted: str) -> Any:
    return server.ask("PUT", f"/executions/{execution['id']}", json={"status": wanted})


def test_the_result_names_executions_and_live_actions_of_the_children(server: Running, gate: Path) -> None:
    gate.touch()
    gate.with_suffix(".too").touch()
    done = server.run("probe.held", gate=str(gate))
    assert (done["status"], done["result"]["published"]) == ("succeeded", {"said": "open"})
    found = children(server, done)
    assert [child["context"]["chain"]["name"] for child in found] == ["held", "last"]
    told = done["result"]["tasks"]
    assert [task["execution_id"] for task in told] == [child["id"] for child in found]
    assert [task["liveaction_id"] for task in told] == [child["liveaction"]["id"] for child in found]
    assert found[0]["context"]["parent"]["execution_id"] == done["id"]
    (listed,) = server.get(f"/executions?id={done['id']}").json()
    assert listed["children"] == done["children"] == [child["id"] for child in found]


def test_a_chain_is_paused_and_resumed(server: Running, gate: Path) -> None:
    made = started(server, gate)
    answer = put(server, made, "pausing")
    assert (answer.status_code, answer.json()["status"]) == (200, "pausing")
    gate.touch()
    gate.with_suffix(".too").touch()
    wait_until(lambda: status(server, made) == "paused")
    assert len(children(server, made)) == 1
    assert put(server, made, "resuming").status_code == 200
    assert server.ended(made)["status"] == "succeeded"


def test_a_chain_is_cancelled(server: Running, gate: Path) -> None:
    made = started(server, gate)
    assert server.ask("DELETE", f"/executions/{made['id']}").status_code == 200
    gate.touch()
    done = server.ended(made)
    assert done["status"] == "canceled"
    assert [task["state"] for task in done["result"]["tasks"]] == ["succeeded"]


def test_a_chain_runs_again_from_a_task(server: Running, gate: Path) -> None:
    gate.touch()
    failed = server.run("probe.held", gate=str(gate))
    assert failed["status"] == "failed"
    gate.with_suffix(".too").touch()
    again = server.post(f"/executions/{failed['id']}/re_run", {"tasks": ["last"]})
    assert again.status_code == 201, again.text
    done = server.ended(again.json())
    assert (done["status"], done["result"]["published"]) == ("succeeded", {"said": "open"})
    assert [child["context"]["chain"]["name"] for child in children(server, done)] == ["last"]


def test_a_chain_does_not_run_again_from_a_task_that_it_has_not(server: Running, gate: Path) -> None:
    gate.touch()
    failed = server.run("probe.held", gate=str(gate))
    again = server.post(f"/executions/{failed['id']}/re_run", {"tasks": ["ghost"]})
    done = again.json() if again.status_code != 201 else server.ended(again.json())
    assert "one or more tasks is not found: ghost" in str(done)
