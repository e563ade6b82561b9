"""Workflows inside one engine, with full durability: items, chains, many at once, bytes per step."""

import gc
import statistics
import textwrap
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import text

from benchmarks.serving import percentile, report
from engine.records.execution import Execution
from engine.runners.base import RunControl, RunRequest, RunResult
from engine.service import Engine, ExecutionRequest
from engine.settings import Settings
from engine.settings.content import ContentSettings
from engine.settings.server import StoreSettings

ITEMS = 1000
LONG = 100
AT_ONCE = 100
LIMIT_S = 120
PACK = "{name: bench, ref: bench, description: For measuring, version: 1.0.0, author: Stormcrow}"
WITH_ITEMS = """
    version: 1.0
    input: [count]
    tasks:
      each:
        with: <% range(0, ctx().count).toList() %>
        action: core.noop
"""


def chain(length: int) -> str:
    """A task after the other; each publishes a word."""
    lines = ["version: 1.0", "tasks:"]
    for number in range(length):
        lines += [f"  t{number}:", "    action: core.noop"]
        if number + 1 < length:
            lines += [
                "    next:",
                "      - when: <% succeeded() %>",
                f"        publish: [{{last: {number}}}]",
                f"        do: t{number + 1}",
            ]
    return "\n".join(lines) + "\n"


def write_pack(folder: Path) -> None:
    flows = {"items": WITH_ITEMS, "chain": chain(LONG), "short": chain(10)}
    actions = folder / "packs" / "bench" / "actions"
    (actions / "workflows").mkdir(parents=True)
    (folder / "packs" / "bench" / "pack.yaml").write_text(PACK, encoding="utf-8")
    for name, definition in flows.items():
        (actions / "workflows" / f"{name}.yaml").write_text(textwrap.dedent(definition), encoding="utf-8")
        given = "{count: {type: integer}}" if name == "items" else "{}"
        (actions / f"{name}.yaml").write_text(
            f"name: {name}\nrunner_type: orquesta\nentry_point: workflows/{name}.yaml\nparameters: {given}\n",
            encoding="utf-8",
        )


def timed(engine: Engine, action: str, **parameters: object) -> tuple[float, Execution]:
    began = time.perf_counter()
    made = engine.request(ExecutionRequest(action=action, parameters=parameters, user="bench"))
    done = engine.wait(made.id, timeout_s=LIMIT_S)
    took_s = time.perf_counter() - began
    if done.status != "succeeded":
        raise RuntimeError(f"{action} is {done.status}: {done.result}")
    return took_s, done


class Stopwatch:
    """Around the noop runner: when each run of an action began and ended."""

    def __init__(self, engine: Engine) -> None:
        self.began: list[float] = []
        self.ended: list[float] = []
        runner = engine.runners.get("noop")
        self._run = runner.run
        runner.run = self.run  # type: ignore[method-assign]  # only here is it measured

    def run(self, request: RunRequest, control: RunControl) -> RunResult:
        self.began.append(time.perf_counter())
        result = self._run(request, control)
        self.ended.append(time.perf_counter())
        return result

    def steps_ms(self) -> list[float]:
        """From each end to the next beginning, committed in between."""
        pairs = zip(self.ended, self.began[1:], strict=False)
        return [(begun - ended) * 1000 for ended, begun in pairs]


def delta_sizes(engine: Engine) -> list[int]:
    """Bytes of the last workflow's deltas, in order; those in its snapshot are gone."""
    query = (
        "SELECT length(data) FROM workflow_delta WHERE workflow_id ="
        " (SELECT id FROM workflow ORDER BY id DESC LIMIT 1) ORDER BY version"
    )
    with engine.database.read() as connection:
        return list(connection.execute(text(query)).scalars())


def at_once(engine: Engine) -> float:
    """Executions per second of many workflows that run together."""
    began = time.perf_counter()
    made = [engine.request(ExecutionRequest(action="bench.short", user="bench")) for _ in range(AT_ONCE)]
    for one in made:
        engine.wait(one.id, timeout_s=LIMIT_S)
    return AT_ONCE * 10 / (time.perf_counter() - began)


def measure(engine: Engine) -> None:
    for _ in range(3):
        timed(engine, "bench.short")
    gc.collect()
    took_s, _ = timed(engine, "bench.items", count=ITEMS)
    report(f"workflow: {ITEMS:,} items of core.noop", took_s, "s", "< 3")
    watch = Stopwatch(engine)
    took_s, _ = timed(engine, "bench.chain")
    steps = watch.steps_ms()
    report(f"workflow: a chain of {LONG} core.noop", took_s, "s", "< 1")
    sizes = delta_sizes(engine)
    report("workflow: stored per step, early in the chain", statistics.median(sizes[5:15]), "B", "")
    report("workflow: stored per step, late in the chain", statistics.median(sizes[-15:-5]), "B", "")
    report("workflow: a task's end to the next one's start, p50", statistics.median(steps), "ms", "< 5")
    report("workflow: a task's end to the next one's start, p95", percentile(steps, 95), "ms", "")
    alone = 10 / timed(engine, "bench.short")[0]
    report("workflow: actions/s of one chain of 10", alone, "/s", "")
    report(f"workflow: actions/s of {AT_ONCE} chains of 10 at once", at_once(engine), "/s", "")


def main() -> None:
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_pack(folder)
        engine = Engine(
            Settings(
                root=folder,
                store=StoreSettings(data=folder / "data"),
                content=ContentSettings(packs=["packs"]),
            )
        )
        engine.start()
        try:
            measure(engine)
        finally:
            engine.stop()


if __name__ == "__main__":
    main()
