"""Local and Python actions inside one engine, beside the bare way of doing the same in the same run."""

import statistics
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.serving import report
from engine.records.execution import Execution, new_id
from engine.runners.base import RunControl, RunRequest
from engine.service import Engine, ExecutionRequest
from engine.settings import Settings
from engine.settings.content import ContentSettings
from engine.settings.server import StoreSettings
from engine.status import Status

MANY = 1500
BARE = 300
PYTHON_RUNS = 60
WARM_UP = 5
COLD_RUNS = 8
IMPORTS = "import json, requests, yaml, jinja2"
FILES = {
    "pack.yaml": """
        {name: bench, ref: bench, description: For measuring, version: 1.0.0, author: Stormcrow}
    """,
    "actions/quick.yaml": """
        name: quick
        runner_type: local-shell-cmd
        parameters: {cmd: {default: /bin/true, immutable: true}}
    """,
    "actions/light.yaml": "{name: light, runner_type: python-script, entry_point: light.py}",
    "actions/light.py": """
        from st2common.runners.base_action import Action
        class Light(Action):
            def run(self):
                return 1
    """,
    "actions/laden.yaml": "{name: laden, runner_type: python-script, entry_point: laden.py}",
    "actions/laden.py": f"""
        {IMPORTS}
        from st2common.runners.base_action import Action
        class Laden(Action):
            def run(self):
                return 1
    """,
}


def main() -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        for path, content in FILES.items():
            target = folder / "packs" / "bench" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(textwrap.dedent(content), encoding="utf-8")
        # The pack's environment is our own interpreter: what it imports is there, and nothing is built.
        environment = folder / "data" / "virtualenvs" / "bench" / "bin"
        environment.mkdir(parents=True)
        (environment / "python").symlink_to(sys.executable)
        engine = Engine(
            Settings(
                root=folder,
                store=StoreSettings(data=folder / "data"),
                content=ContentSettings(packs=["packs"]),
            )
        )
        engine.start()
        try:
            local_actions(engine)
            python_actions(engine, folder)
        finally:
            engine.stop()


def local_actions(engine: Engine) -> None:
    run(engine, "bench.quick")
    before = bare_a_second()
    commits = engine.database.commits
    started = time.perf_counter()
    futures = [engine.submit(ExecutionRequest(action="bench.quick", user="bench")) for _ in range(MANY)]
    for future in futures:
        engine.wait(future.result().id, timeout_s=120)
    rate = MANY / (time.perf_counter() - started)
    bare = statistics.mean([before, bare_a_second()])
    report("local actions /bin/true, end to end", rate, "/s", "> 300")
    report("bare subprocess.run of the same shell command", bare, "/s", "")
    report("local actions, part of the bare loop", rate / bare, "", "> 0.5")
    report("commits for an execution, under load", (engine.database.commits - commits) / MANY, "", "< 4")
    started = time.perf_counter()
    hundred = [engine.submit(ExecutionRequest(action="bench.quick", user="bench")) for _ in range(100)]
    for future in hundred:
        engine.wait(future.result().id, timeout_s=60)
    report("100 executions of /bin/true at once", (time.perf_counter() - started) * 1000, "ms", "")


def bare_a_second() -> float:
    started = time.perf_counter()
    for _ in range(BARE):
        subprocess.run(["/bin/sh", "-c", "/bin/true"], capture_output=True, check=True)
    return BARE / (time.perf_counter() - started)


def python_actions(engine: Engine, folder: Path) -> None:
    light = median_ms(engine, "bench.light", PYTHON_RUNS)
    laden = median_ms(engine, "bench.laden", PYTHON_RUNS)
    script = folder / "laden.py"
    script.write_text(f"{IMPORTS}\nprint(1)\n", encoding="utf-8")
    cold = []
    for _ in range(COLD_RUNS):
        started = time.perf_counter()
        subprocess.run([sys.executable, str(script)], capture_output=True, check=True)
        cold.append((time.perf_counter() - started) * 1000)
    report("Python action, warm worker, by the runner", light, "ms", "< 6")
    report("Python action with requests, yaml, jinja2, by the runner", laden, "ms", "< 6")
    report("python file.py with the same imports", statistics.median(cold), "ms", "")
    report("warm worker, times faster than python file.py", statistics.median(cold) / laden, "x", "> 20")


def median_ms(engine: Engine, action: str, times: int) -> float:
    """What the runner takes, from being asked to the result."""
    spec = engine.registry.action(action)
    pack = engine.registry.pack(spec.pack)
    final = engine.plans.get(spec).final({}, scope=engine.preparation.scope(spec, {}))
    runner = engine.runners.get(spec.runner_type)
    took = []
    for number in range(times + WARM_UP):
        wanted = RunRequest(
            execution_id=new_id(),
            action=spec,
            pack=pack,
            runner_parameters=final.runner,
            action_parameters=final.action,
        )
        started = time.perf_counter()
        done = runner.run(wanted, RunControl())
        if number >= WARM_UP:
            took.append((time.perf_counter() - started) * 1000)
        runner.forget(wanted)
        if done.status is not Status.SUCCEEDED:
            raise RuntimeError(f"{action}: {done.result}")
    return statistics.median(took)


def run(engine: Engine, action: str) -> Execution:
    return engine.wait(engine.request(ExecutionRequest(action=action, user="bench")).id, timeout_s=60)


if __name__ == "__main__":
    main()
