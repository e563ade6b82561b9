"""A release that people must approve, for the tests of CI: the pack, and somebody who answers."""

import threading
from typing import Any

from tests.engine.api.running import Running
from tests.engine.world import wait_until

FLOW = {
    "packs/release/pack.yaml": """
        ref: release
        name: release
        description: A gate
        version: 1.0.0
        author: Tests
        email: tests@example.com
    """,
    "packs/release/actions/gate.yaml": """
        name: gate
        runner_type: orquesta
        entry_point: workflows/gate.yaml
        parameters:
          sha: {type: string, default: abc123}
          env: {type: string, default: prod}
    """,
    "packs/release/actions/workflows/gate.yaml": """
        version: 1.0
        input: [sha, env]
        tasks:
          build:
            action: core.local
            input: {cmd: "echo built <% ctx().sha %>"}
            next: [{when: <% succeeded() %>, do: approve}]
          approve:
            action: core.ask
            input: {text: "Release <% ctx().sha %>?", x-quorum: 1}
            next: [{when: <% succeeded() %>, do: release}]
          release:
            action: core.local
            input: {cmd: "echo released"}
    """,
}


class Decider:
    """Answers the next question that is asked, from a thread of its own."""

    def __init__(self, server: Running, decision: str, reason: str = "") -> None:
        self._server, self._decision, self._reason = server, decision, reason
        self._thread = threading.Thread(target=self._decide)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_error: object) -> None:
        self._thread.join(30)

    def _decide(self) -> None:
        pending: list[Any] = []

        def is_asked() -> bool:
            pending[:] = self._server.get("/inquiries").json()
            return bool(pending)

        wait_until(is_asked, timeout_s=60)
        body = {"decision": self._decision, "reason": self._reason}
        answer = self._server.ask("PUT", f"/inquiries/{pending[0]['id']}", json=body)
        assert answer.status_code == 200, answer.text
