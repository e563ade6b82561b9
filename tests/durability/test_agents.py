"""A server is killed while an agent's call runs: the call goes on, once, and tells its outcome."""

from pathlib import Path
from typing import Any

import anyio

from tests.bot.agents.agent import agent, text_of
from tests.durability.server import Server, serving

FILES = {
    "packs/slow/pack.yaml": "{ref: slow, name: slow, description: Slow, version: 1.0.0, author: Tests}",
    "packs/slow/actions/work.yaml": """
        name: work
        runner_type: local-shell-cmd
        parameters:
          ledger: {type: string, required: true}
          cmd:
            immutable: true
            default: |
              echo once >> {{ ledger }}
              echo begun
              while [ ! -e {{ ledger }}.go ]; do sleep 0.1; done
              echo done
    """,
}


def test_a_call_outlives_a_kill_of_the_server_and_runs_once(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"

    async def whole(server: Server) -> tuple[Any, list[str], list[str]]:
        found: list[Any] = []
        async with agent(server.url, server.key, log=tmp_path / "mcp.log") as one:

            async def call() -> None:
                found.append(await one.call("slow__work", ledger=str(ledger)))

            with anyio.fail_after(90):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(call)
                    while "begun" not in one.told:
                        await anyio.sleep(0.05)
                    server.kill()
                    # While nobody answers the work ends.
                    (tmp_path / "ledger.go").touch()
                    await anyio.to_thread.run_sync(server.start)
                return found[0], one.told, await one.names()

    with serving(tmp_path / "site", files=FILES) as server:
        result, told, names = anyio.run(whole, server)
        executions = [one for one in server.executions() if one["action"]["ref"] == "slow.work"]
    assert not result.is_error, text_of(result)
    assert result.structured_content["status"] == "succeeded"
    assert "done" in text_of(result)
    assert ledger.read_text() == "once\n"
    assert [one["id"] for one in executions] == [result.structured_content["execution_id"]]
    assert told.count("begun") == 1
    assert "slow__work" in names
