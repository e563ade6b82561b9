"""kill -9 of the server while workflows run: each task's effect once, each join once, each outcome."""

import random
import sqlite3
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import orjson
import pytest

from tests.durability.ledger import assert_nothing_left, assert_sound, ledger_files, ledger_of
from tests.durability.server import FINISHED, Server, wait_until

WORKFLOWS = 300
KILLS = 6
# Numbers in the ledger: the workflow's own, times this, plus the task's.
SPACE = 100
MIXED = """
    version: 1.0
    input: [number]
    tasks:
      first:
        action: ledger.append number=<% ctx().number * 100 + 1 %> seconds=0
        next: [{when: <% succeeded() %>, do: [left, right, again, inside]}]
      left:
        with: {items: "<% [2, 3, 4] %>", concurrency: 2}
        action: core.noop
        next: [{publish: [{left: <% result().len() %>}], do: meet}]
      right:
        with: <% [5, 6] %>
        action: ledger.append number=<% ctx().number * 100 + item() %> seconds=0
        next: [{publish: [{right: <% result().len() %>}], do: meet}]
      again:
        action: ledger.once number=<% ctx().number * 100 + 7 %>
        retry: {count: 3}
        next: [{publish: [{again: <% result().stdout %>}], do: meet}]
      inside:
        action: ledger.inner number=<% ctx().number %>
        next: [{publish: [{inside: <% result().output.word %>}], do: meet}]
      meet:
        join: all
        action: ledger.append number=<% ctx().number * 100 + 8 %> seconds=0
    output:
      - told: <% [ctx().left, ctx().right, ctx().again, ctx().inside] %>
"""
ASKING = """
    version: 1.0
    input: [number]
    tasks:
      first:
        action: core.noop
        next: [{do: ask}]
      ask:
        action: core.ask
        next:
          - when: <% succeeded() %>
            publish: [{answer: <% result().response.continue %>}]
            do: last
      last:
        action: ledger.append number=<% ctx().number * 100 + 9 %> seconds=0
    output:
      - told: <% ctx().answer %>
"""
INNER = """
    version: 1.0
    input: [number]
    tasks:
      a: {action: core.noop, next: [{do: b}]}
      b:
        action: ledger.append number=<% ctx().number * 100 + 10 %> seconds=0
        next: [{publish: [{word: deep}]}]
    output:
      - word: <% ctx().word %>
"""


def files(folder: Path) -> Mapping[str, str]:
    made = dict(ledger_files(folder))
    for name, definition in (("mixed", MIXED), ("asking", ASKING), ("inner", INNER)):
        made[f"packs/ledger/actions/workflows/{name}.yaml"] = definition
        made[f"packs/ledger/actions/{name}.yaml"] = f"""
            name: {name}
            runner_type: orquesta
            entry_point: workflows/{name}.yaml
            parameters: {{number: {{type: integer, required: true}}}}
        """
    # Fails the first time that it is asked for a number, and has its effect the second time.
    made["packs/ledger/actions/once.yaml"] = """
        name: once
        runner_type: local-shell-script
        entry_point: once.sh
        parameters:
          number: {type: integer, required: true, position: 0}
    """
    made["packs/ledger/actions/once.sh"] = f"""
        #!/bin/sh
        mkdir '{folder}/tried-'"$1" 2>/dev/null && exit 1
        echo "$1" >> '{folder}/ledger'
        echo tried
    """
    return made


def answer_questions(server: Server) -> None:
    for inquiry in server.get("/inquiries?limit=-1"):
        body = {"id": inquiry["id"], "response": {"continue": True}}
        # Another try may have answered it just before the kill.
        server.ask("PUT", f"/inquiries/{inquiry['id']}", json=body)


def is_settled(server: Server) -> bool:
    answer_questions(server)
    path = "/executions?parent=null&limit=-1&include_attributes=status"
    return all(one["status"] in FINISHED for one in server.get(path))


def tasks_by_workflow(folder: Path) -> dict[str, Counter[str]]:
    """How often each task of each workflow was requested; items and tries apart."""
    connection = sqlite3.connect(folder / "data" / "stormcrow.db")
    try:
        rows = connection.execute("SELECT parent_id, context FROM execution WHERE parent_id IS NOT NULL")
        found: dict[str, Counter[str]] = {}
        for parent_id, context in rows:
            place = orjson.loads(context)["orquesta"]
            name = place["task_name"] + (f"[{place['item_id']}]" if "item_id" in place else "")
            found.setdefault(parent_id, Counter())[name] += 1
        return found
    finally:
        connection.close()


EXPECTED = Counter(
    {
        "first": 1,
        **{f"left[{item}]": 1 for item in range(3)},
        **{f"right[{item}]": 1 for item in range(2)},
        "again": 2,
        "inside": 1,
        "meet": 1,
    }
)


@pytest.mark.slow
def test_workflows_survive_kills_of_the_server(tmp_path: Path) -> None:
    chance = random.Random(seed := random.randrange(10**6))
    print(f"seed {seed}")
    server = Server(tmp_path, files=files(tmp_path), settings={"server": {"answer_wait_ms": 0}})
    made: dict[int, str] = {}
    try:
        server.start()
        moments = sorted(chance.sample(range(1, WORKFLOWS), KILLS - 1))
        for number in range(WORKFLOWS):
            action = "ledger.asking" if number % 5 == 0 else "ledger.mixed"
            made[number] = server.request(action, number=number)
            if number in moments:
                time.sleep(chance.uniform(0, 0.3))
                server.kill()
                server.start()
        server.kill()
        server.start()
        wait_until(lambda: is_settled(server), timeout_s=120)
        outcomes = {number: server.get(f"/executions/{one}") for number, one in made.items()}
        assert server.terminate() == 0
        assert_nothing_left(tmp_path)
        assert_sound(tmp_path)
        assert "Traceback" not in server.log_text
    finally:
        server.close()
    wrong = {n: (one["status"], one["result"]) for n, one in outcomes.items() if one["status"] != "succeeded"}
    assert wrong == {}
    told = {number: one["result"]["output"]["told"] for number, one in outcomes.items()}
    assert told == {number: True if number % 5 == 0 else [3, 2, "tried", "deep"] for number in made}
    requested = tasks_by_workflow(tmp_path)
    mixed = {number: requested[one] for number, one in made.items() if number % 5}
    assert {number: tasks for number, tasks in mixed.items() if tasks != EXPECTED} == {}
    effects = {
        number * SPACE + task: 1
        for number in made
        for task in ((9,) if number % 5 == 0 else (1, 5, 6, 7, 8, 10))
    }
    assert ledger_of(tmp_path) == effects


def test_a_question_pending_over_a_kill_is_answered_and_its_workflow_goes_on(tmp_path: Path) -> None:
    server = Server(tmp_path, files=files(tmp_path))
    try:
        server.start()
        made = server.request("ledger.asking", number=1)
        wait_until(lambda: len(server.get("/inquiries")) == 1)
        server.kill()
        server.start()
        answer_questions(server)
        done = server.ended(made)
        assert (done["status"], done["result"]) == ("succeeded", {"output": {"told": True}})
        assert ledger_of(tmp_path) == {109: 1}
    finally:
        server.close()
