"""A pack whose actions write their number into a ledger, and what must hold of it in the end."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.durability.server import FINISHED, Server, processes_of, wait_until


def ledger_files(folder: Path) -> Mapping[str, str]:
    """Actions `ledger.append` (a script) and `ledger.note` (python), with an alias each."""
    ledger = folder / "ledger"
    return {
        "packs/ledger/pack.yaml": """
            ref: ledger
            name: ledger
            description: Effects that can be counted
            version: 1.0.0
            author: Tests
        """,
        "packs/ledger/actions/append.yaml": """
            name: append
            description: Append a number after a while
            runner_type: local-shell-script
            entry_point: append.sh
            parameters:
              number: {type: integer, required: true, position: 0}
              seconds: {type: number, default: 0.1, position: 1}
        """,
        "packs/ledger/actions/append.sh": f"""
            #!/bin/sh
            sleep "$2"
            echo "$1" >> '{ledger}'
            echo "appended $1"
        """,
        "packs/ledger/actions/note.yaml": """
            name: note
            description: The same in Python
            runner_type: python-script
            entry_point: note.py
            parameters:
              number: {type: integer, required: true, position: 0}
              seconds: {type: number, default: 0.1, position: 1}
        """,
        "packs/ledger/actions/note.py": f"""
            import os
            import time

            from st2common.runners.base_action import Action


            class Note(Action):
                def run(self, number, seconds):
                    time.sleep(seconds)
                    ledger = os.open({str(ledger)!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                    os.write(ledger, b"%d\\n" % number)
                    os.close(ledger)
                    return "noted %d" % number
        """,
        "aliases/append.yaml": """
            name: append
            description: Append a number
            action_ref: ledger.append
            formats: ["append {{number}} after {{seconds}}", "append {{number}}"]
        """,
        "aliases/note.yaml": """
            name: note
            description: Note a number
            action_ref: ledger.note
            formats: ["note {{number}}"]
        """,
    }


def ledger_of(folder: Path) -> Counter[int]:
    """How often each number stands in the ledger."""
    path = folder / "ledger"
    return Counter(int(line) for line in path.read_text().split()) if path.exists() else Counter()


def settle(server: Server) -> None:
    """Wait until nothing is under way."""

    def is_quiet() -> bool:
        return all(one["status"] in FINISHED for one in server.executions())

    wait_until(is_quiet)


def assert_answered_once(server: Server, message_ids: Iterable[str]) -> None:
    """Each command has one answer, and it is the result of an action that succeeded."""

    def answers() -> dict[str, list[str]]:
        found: dict[str, list[str]] = {one: [] for one in message_ids}
        for message in server.messages():
            if message["is_bot"]:
                found[message["body"]["reply_to"]].append(message["body"].get("status", "none"))
        return found

    # The announcer may be a moment behind the last end.
    wait_until(lambda: all(one and one[-1] in FINISHED for one in answers().values()))
    others = {key: one for key, one in answers().items() if one != ["succeeded"]}
    assert not others, others


def assert_sound(folder: Path) -> None:
    """The database of a server that is not running."""
    connection = sqlite3.connect(folder / "data" / "stormcrow.db")
    try:
        faults = connection.execute("PRAGMA integrity_check").fetchall()
        assert faults == [("ok",)], faults
        faults = connection.execute("PRAGMA foreign_key_check").fetchall()
        assert not faults, faults
    finally:
        connection.close()


def assert_nothing_left(folder: Path) -> None:
    """No process of the server, its shims and its actions lives on."""
    wait_until(lambda: not processes_of(folder))
