"""kill -9 while executions stand in line and a retry waits: each effect once, in order, and all end."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.durability.ledger import ledger_files, ledger_of
from tests.durability.server import Server, wait_until

POLICIES = {
    "packs/ledger/policies/one.yaml": """
        name: one
        resource_ref: ledger.append
        policy_type: action.concurrency
        parameters: {threshold: 1}
    """,
    "packs/ledger/policies/again.yaml": """
        name: again
        resource_ref: ledger.flaky
        policy_type: action.retry
        parameters: {retry_on: failure, max_retry_count: 3, delay: 1}
    """,
}


def files(folder: Path) -> dict[str, str]:
    """The ledger, and an action that fails twice before it succeeds."""
    tries = folder / "tries"
    return {
        **ledger_files(folder),
        **POLICIES,
        "packs/ledger/actions/flaky.yaml": """
            name: flaky
            runner_type: local-shell-script
            entry_point: flaky.sh
        """,
        "packs/ledger/actions/flaky.sh": f"""
            #!/bin/sh
            echo try >> '{tries}'
            test "$(wc -l < '{tries}')" -gt 2
        """,
    }


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path, files=files(tmp_path))
    made.start()
    yield made
    made.close()


def all_ended(server: Server) -> bool:
    return all(one.get("end_timestamp") for one in server.executions())


@pytest.mark.slow
def test_lines_and_retries_survive_kills(server: Server, tmp_path: Path) -> None:
    numbers = list(range(8))
    for number in numbers:
        server.request("ledger.append", number=number, seconds=0.3)
    first = server.request("ledger.flaky")
    assert server.ended(first)["status"] == "failed"
    for _ in range(2):
        server.kill()
        server.start()
        done = len(ledger_of(tmp_path))
        wait_until(lambda done=done: len(ledger_of(tmp_path)) > done or all_ended(server), timeout_s=60)
    wait_until(lambda: all_ended(server), timeout_s=60)
    written = [int(line) for line in (tmp_path / "ledger").read_text().split()]
    assert written == numbers
    assert (tmp_path / "tries").read_text().split() == ["try"] * 3
    ends = [one["status"] for one in server.executions() if one["action"]["ref"] == "ledger.flaky"]
    assert sorted(ends) == ["failed", "failed", "succeeded"]
    assert "Traceback" not in server.log_text
