"""kill -9 of the server while chains run: each task's effect once, each outcome as without it."""

import random
import time
from collections.abc import Mapping
from pathlib import Path

from tests.durability.ledger import assert_nothing_left, assert_sound, ledger_files, ledger_of
from tests.durability.server import FINISHED, Server, wait_until

CHAINS = 16
KILLS = 3
# Numbers in the ledger: the chain's own, times this, plus the task's.
SPACE = 100
COUNTING = """
    vars: {n: 0}
    chain:
      - name: first
        ref: ledger.append
        parameters: {number: "{{ number * 100 + 1 }}", seconds: "0"}
        on-success: step
      - name: step
        ref: ledger.append
        parameters: {number: "{{ number * 100 + 10 + (n | int) }}", seconds: "0"}
        publish: {n: "{{ n | int + 1 }}"}
        on-success: again
      - name: again
        ref: core.local
        parameters: {cmd: "test {{ n }} -lt 3"}
        on-success: step
        on-failure: inside
      - name: inside
        ref: ledger.inner
        parameters: {number: "{{ number }}"}
        publish: {word: "{{ inside.published.word }}"}
        on-success: last
      - name: last
        ref: ledger.append
        parameters: {number: "{{ number * 100 + 2 }}", seconds: "0"}
"""
INNER = """
    chain:
      - {name: a, ref: core.noop, publish: {word: "deep {{ number }}"}, on-success: b}
      - name: b
        ref: ledger.append
        parameters: {number: "{{ number * 100 + 3 }}", seconds: "0"}
"""
ASKING = """
    chain:
      - {name: first, ref: core.noop, on-success: ask}
      - {name: ask, ref: core.ask, publish: {go: "{{ ask.response.continue }}"}, on-success: last}
      - name: last
        ref: ledger.append
        parameters: {number: "{{ number * 100 + 9 }}", seconds: "0"}
"""


def files(folder: Path) -> Mapping[str, str]:
    made = dict(ledger_files(folder))
    for name, chain in (("counting", COUNTING), ("inner", INNER), ("asking", ASKING)):
        made[f"packs/ledger/actions/chains/{name}.yaml"] = chain
        made[f"packs/ledger/actions/{name}.yaml"] = f"""
            name: {name}
            runner_type: action-chain
            entry_point: chains/{name}.yaml
            parameters: {{number: {{type: integer, required: true}}}}
        """
    return made


def is_settled(server: Server) -> bool:
    for inquiry in server.get("/inquiries?limit=-1"):
        body = {"id": inquiry["id"], "response": {"continue": True}}
        # Another try may have answered it just before the kill.
        server.ask("PUT", f"/inquiries/{inquiry['id']}", json=body)
    path = "/executions?parent=null&limit=-1&include_attributes=status"
    return all(one["status"] in FINISHED for one in server.get(path))


def test_chains_survive_kills_of_the_server(tmp_path: Path) -> None:
    chance = random.Random(seed := random.randrange(10**6))
    print(f"seed {seed}")
    server = Server(tmp_path, files=files(tmp_path), settings={"server": {"answer_wait_ms": 0}})
    made: dict[int, str] = {}
    try:
        server.start()
        moments = chance.sample(range(1, CHAINS), KILLS - 1)
        for number in range(CHAINS):
            made[number] = server.request(
                "ledger.asking" if number % 4 == 0 else "ledger.counting", number=number
            )
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
    ran = ["first", *["step", "again"] * 3, "inside", "last"]
    for number, outcome in outcomes.items():
        names = [task["name"] for task in outcome["result"]["tasks"]]
        published = outcome["result"]["published"]
        if number % 4:
            assert (names, published) == (ran, {"n": "3", "word": f"deep {number}"})
        else:
            assert (names, published) == (["first", "ask", "last"], {"go": "True"})
    effects = {
        number * SPACE + task: 1
        for number in made
        for task in ((1, 10, 11, 12, 3, 2) if number % 4 else (9,))
    }
    assert ledger_of(tmp_path) == effects
