"""The shipped content as the loader reads it, and a way to run one of its Python actions."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.content.loader import load_registry
from engine.content.registry import Registry
from engine.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PACKS = ROOT / "packs"
RUNTIME = ROOT / "engine" / "pack_runtime"

# Runs in a process of its own, like a pack's code always does.
RUN_ACTION = """
import importlib.util, inspect, json, sys
entry, parameters = sys.argv[1], json.loads(sys.stdin.read())
sys.path[:0] = sys.argv[2:]
spec = importlib.util.spec_from_file_location("entry_point", entry)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
made = [one for _, one in inspect.getmembers(module, inspect.isclass) if one.__module__ == "entry_point"]
result = made[0](config={}).run(**parameters)
sys.stdout.write("\\n" + json.dumps(result))
"""


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """Only what ships: the settings stand in an empty folder beside the site's aliases."""
    site = tmp_path_factory.mktemp("site")
    (site / "aliases").symlink_to(ROOT / "aliases")
    return load_registry(Settings(root=site), shipped=PACKS, generation=1)


@pytest.fixture(scope="session")
def run_action(registry: Registry) -> Callable[..., Any]:
    """run_action("pack.name", parameter=value, ...) gives what run() returned."""

    def run(ref: str, *, environment: dict[str, str] | None = None, **parameters: Any) -> Any:
        entry = registry.action(ref).entry_path
        actions = next(folder for folder in entry.parents if folder.name == "actions")
        paths = [str(actions / "lib"), str(entry.parent), str(RUNTIME)]
        done = subprocess.run(
            [sys.executable, "-c", RUN_ACTION, str(entry), *paths],
            input=json.dumps(parameters),
            capture_output=True,
            text=True,
            timeout=60,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **(environment or {})},
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.rpartition("\n")[2])

    return run
