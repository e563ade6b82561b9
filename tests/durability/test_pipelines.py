"""Pipelines over kills: no stage runs twice, and none is lost."""

from collections import Counter
from pathlib import Path

import pytest

from tests.durability.ledger import ledger_files, ledger_of
from tests.durability.server import Server, wait_until

PIPELINES = 12


def files(folder: Path) -> dict[str, str]:
    return {
        **ledger_files(folder),
        "packs/ledger/actions/next.yaml": """
            name: next
            runner_type: local-shell-script
            entry_point: next.sh
            parameters:
              number: {type: integer, required: true, position: 0}
        """,
        "packs/ledger/actions/next.sh": f"""
            #!/bin/sh
            echo "$1" >> '{folder / "ledger"}'
            echo $(($1 + 1))
        """,
        "aliases/next.yaml": """
            name: next
            description: Note a number, and give the next one
            action_ref: ledger.next
            formats: ["next {{number}}"]
        """,
    }


@pytest.mark.slow
def test_each_stage_runs_once_over_kills(tmp_path: Path) -> None:
    server = Server(tmp_path, files=files(tmp_path))
    try:
        server.start()
        for number in range(PIPELINES):
            first = 100 * (number + 1)
            server.say(f"next {first} | next | first | next | next")
            if number % 4 == 3:
                server.kill()
                server.start()
        wanted = Counter(100 * (number + 1) + step for number in range(PIPELINES) for step in range(4))
        wait_until(lambda: ledger_of(tmp_path).total() >= wanted.total(), timeout_s=60)
        assert ledger_of(tmp_path) == wanted
    finally:
        server.close()
