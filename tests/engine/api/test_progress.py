"""How far a workflow has come: answered at once, and when there is news."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.engine.api.running import Running
from tests.engine.workflow_runs.flows import write_flow
from tests.engine.world import wait_until

GATE = """
    version: 1.0
    tasks:
      ask: {action: core.ask, next: [{when: <% succeeded() %>, do: after}]}
      after: {action: core.noop}
"""


@pytest.fixture
def asked(server: Running) -> str:
    """A workflow that waits for an answer."""
    made = str(server.start(write_flow(server.engine, "gate", GATE))["id"])
    wait_until(lambda: server.engine.execution(made).status == "paused", timeout_s=60)
    return made


def test_it_tells_all_that_is_below(server: Running, asked: str) -> None:
    found = server.get(f"/executions/{asked}/progress").json()
    assert found["status"] == "paused"
    (part,) = found["parts"]
    assert (part["task"], part["action"], part["status"]) == ("ask", "core.ask", "pending")
    assert (part["parent"], part["item"], part["elapsed_seconds"]) == (asked, None, None)
    server.ask("DELETE", f"/executions/{asked}")


def test_who_waits_is_answered_when_there_is_news(server: Running, asked: str) -> None:
    before = server.get(f"/executions/{asked}/progress").json()
    (question,) = before["parts"]
    with ThreadPoolExecutor(1) as people:
        waiting = people.submit(server.get, f"/executions/{asked}/progress?wait=60&seen={before['seen']}")
        server.ask("PUT", f"/inquiries/{question['id']}", json={"response": {"continue": True}})
        now = waiting.result(60).json()
    assert now["seen"] != before["seen"]
    wait_until(lambda: server.engine.execution(asked).is_finished, timeout_s=60)
    end = server.get(f"/executions/{asked}/progress?wait=60&seen={now['seen']}").json()
    assert [(part["task"], part["status"]) for part in end["parts"]] == [
        ("ask", "succeeded"),
        ("after", "succeeded"),
    ]
    # After the end nobody waits.
    assert server.get(f"/executions/{asked}/progress?wait=60&seen={end['seen']}").json() == end


def test_without_news_it_says_so_when_the_time_is_over(server: Running, asked: str) -> None:
    before = server.get(f"/executions/{asked}/progress").json()
    assert server.get(f"/executions/{asked}/progress?wait=1&seen={before['seen']}").json() == before
    server.ask("DELETE", f"/executions/{asked}")
