"""The conductor alone: CPU per finished action, whatever the workflow's age, width and context.

The same workflows as those that Orquesta 1.6 was measured with (one live conductor, asked for the
next tasks after each action). Its figures stand in the names. They are milliseconds of CPU per action
on the same kind of machine; where its run was stopped early, they are those of the part that ran.
"""

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import yaml

from benchmarks.serving import report
from engine.workflows.calls import ActionChanged
from engine.workflows.compile import plan_of
from engine.workflows.conduct import Conductor
from engine.workflows.inspect import inspect
from engine.workflows.reading import read
from engine.workflows.rehearse import RehearsalHost

Document = dict[str, Any]

# Orquesta 1.6.0, ms of CPU per action by workflow and size, 1 KB of context.
ORQUESTA_MS = {
    "chain": {10: 3.8, 100: 15.0, 1000: 90},
    "fan-out": {10: 3.3, 100: 13.2, 1000: None},
    "items": {10: 9.2, 100: 132, 1000: 12_900, 10_000: None},
    "items, 10 at once": {1000: 11_800, 10_000: None},
    "loop": {10: 4.2, 100: 16.8, 1000: 94},
}
# And with 100 KB of context against 1 KB: how many times as much.
ORQUESTA_100_KB = {"chain": 121 / 15.0, "fan-out": 148 / 13.2, "items": 6_600 / 132, "loop": 153 / 16.8}
ORQUESTA_INSPECTION_MS = 12_728
_GOAL_MS = "< 0.2"
_RESULT = {"stdout": "hello", "stderr": "", "return_code": 0, "succeeded": True, "failed": False}


def _document(tasks: Document, **more: Any) -> Document:
    return {
        "version": 1.0,
        "input": ["x", "payload"],
        "tasks": tasks,
        "output": [{"x": "<% ctx().x %>"}],
    } | more


def _task(name: str, publish: dict[str, Any], do: Any) -> Document:
    del name
    following = {"when": "<% succeeded() %>", "publish": [publish], "do": do}
    return {"action": "core.noop", "input": {"message": "<% ctx().x %>"}, "next": [following]}


def chain(size: int) -> Document:
    names = [f"t{number}" for number in range(size)]
    following = [*names[1:], "noop"]
    published = {"x": "<% result().stdout %>"}
    return _document({name: _task(name, published, do) for name, do in zip(names, following, strict=True)})


def fan_out(size: int) -> Document:
    names = [f"b{number}" for number in range(size)]
    tasks: Document = {name: _task(name, {f"v_{name}": "<% result().stdout %>"}, "join") for name in names}
    tasks["start"] = {"action": "core.noop", "next": [{"do": names}]}
    tasks["join"] = {"join": "all", "action": "core.noop"}
    return _document(tasks)


def items(size: int, concurrency: int | None = None) -> Document:
    items_of: Document = {"items": "i in <% ctx().list %>"}
    if concurrency is not None:
        items_of["concurrency"] = concurrency
    task = {
        "with": items_of,
        "action": "core.noop",
        "input": {"message": "<% item(i) %>"},
        "next": [{"when": "<% succeeded() %>", "publish": [{"r": "<% result() %>"}]}],
    }
    return _document({"task": task}, vars=[{"list": list(range(size))}])


def loop(size: int) -> Document:
    tasks = {
        "start": {"action": "core.noop", "next": [{"do": "again"}]},
        "again": {
            "action": "core.noop",
            "input": {"message": "<% ctx().x %>"},
            "next": [
                {
                    "when": f"<% succeeded() and ctx().i < {size} %>",
                    "publish": [{"i": "<% ctx().i + 1 %>"}, {"x": "<% result().stdout %>"}],
                    "do": "again",
                }
            ],
        },
    }
    return _document(tasks, vars=[{"i": 0}])


@dataclass(frozen=True, slots=True)
class Run:
    ms: float
    """CPU per finished action."""
    delta_bytes: list[int]
    """Of each step."""


def run(document: Document, *, context_kb: int = 1) -> Run:
    """From its beginning to its end; every action succeeds, and each delta is taken."""
    plan = plan_of(read(yaml.safe_dump(document)))
    payload = {f"key{number}": "v" * 100 for number in range(9 * context_kb)}
    host = RehearsalHost()
    gc.collect()
    started = time.process_time()
    conductor = Conductor.begin(plan, context={"st2": {}}, inputs={"x": "hi", "payload": payload}, host=host)
    calls = list(conductor.work().calls)
    sizes = [len(conductor.delta().data)]
    for call in calls:
        host.ended[call.execution_id] = _RESULT
        conductor.take(ActionChanged(execution_id=call.execution_id, status="succeeded", result=_RESULT))
        # The list grows while it is walked: what is requested now ends later.
        calls.extend(conductor.work().calls)
        sizes.append(len(conductor.delta().data))
    elapsed_s = time.process_time() - started
    assert conductor.status == "succeeded", conductor.errors
    return Run(ms=elapsed_s / len(calls) * 1e3, delta_bytes=sizes)


def best(document: Document, *, context_kb: int = 1, times: int = 3) -> float:
    """Of several runs: the machine is shared."""
    return min(run(document, context_kb=context_kb).ms for _ in range(times))


def main() -> None:
    run(chain(10))
    shapes: dict[str, Callable[[int], Document]] = {
        "chain": chain,
        "fan-out": fan_out,
        "items": items,
        "items, 10 at once": lambda size: items(size, 10),
        "loop": loop,
    }
    for name, shape in shapes.items():
        for size, theirs in ORQUESTA_MS[name].items():
            beside = "" if theirs is None else f" (Orquesta {theirs:,})"
            times = 1 if size > 1000 else 3
            report(f"conductor: {name} {size:,}{beside}", best(shape(size), times=times), "ms", _GOAL_MS)
    for name, theirs in ORQUESTA_100_KB.items():
        document = shapes[name](100)
        ratios = [run(document, context_kb=100).ms / run(document).ms for _ in range(5)]
        text = f"conductor: {name} 100, 100 KB of context against 1 KB (Orquesta {theirs:.0f})"
        report(text, statistics.median(ratios), "x", "< 1.5")
    written = run(chain(1_000)).delta_bytes
    report("conductor: bytes written for an event, at task 10", statistics.mean(written[8:13]), "B", "")
    report("conductor: ... at task 990, against task 10", written[990] / written[10], "x", "< 1.1")
    text = yaml.safe_dump(chain(400))
    inspect(text)
    begun = time.process_time()
    inspect(text)
    elapsed_ms = (time.process_time() - begun) * 1e3
    report(f"inspection of 400 tasks (Orquesta {ORQUESTA_INSPECTION_MS:,})", elapsed_ms, "ms", "< 50")


if __name__ == "__main__":
    main()
