"""StackStorm's own command against us: `st2 run core.local true` beside `st2 --version`, in turns.

It is installed from PyPI into benchmarks/results, once. What both take is mostly the client's own start.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.serving import report, server

RELEASE = "st2client==3.9.0"
FOLDER = Path(__file__).with_name("results") / RELEASE.replace("==", "-")
TIMES = 15
LIMIT_S = 120


def main() -> None:
    command = installed()
    with server() as running:
        url = f"http://127.0.0.1:{running.port}"
        variables = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ST2_")},
            "ST2_API_URL": f"{url}/api/v1",
            "ST2_AUTH_URL": f"{url}/auth/v1",
            "ST2_STREAM_URL": f"{url}/stream/v1",
            "ST2_API_KEY": running.key,
            "PYTHONWARNINGS": "ignore",
        }
        # The first start compiles the client.
        took_ms([command, "--version"], variables)
        version, run = [], []
        for _ in range(TIMES):
            version.append(took_ms([command, "--version"], variables))
            run.append(took_ms([command, "run", "core.local", "true"], variables))
    report("st2 --version", statistics.median(version), "ms", "")
    report("st2 run core.local true", statistics.median(run), "ms", "")
    report("... against st2 --version", statistics.median(run) / statistics.median(version), "x", "< 1.5")


def installed() -> str:
    """The path of `st2`. Raises CalledProcessError where PyPI is not reached."""
    command = FOLDER / "bin" / "st2"
    if not command.exists():
        pip = [sys.executable, "-m", "pip", "--python", str(FOLDER / "bin" / "python")]
        subprocess.run(
            [sys.executable, "-m", "venv", "--without-pip", "--clear", str(FOLDER)],
            check=True,
            timeout=LIMIT_S,
        )
        subprocess.run(
            [*pip, "install", "--quiet", "--disable-pip-version-check", RELEASE], check=True, timeout=LIMIT_S
        )
    return str(command)


def took_ms(command: list[str], variables: Mapping[str, str]) -> float:
    """Of a command that must end well."""
    started = time.perf_counter()
    subprocess.run(command, env=variables, check=True, timeout=LIMIT_S, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    main()
