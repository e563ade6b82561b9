"""From the command to /readyz, and what an idle server holds in memory."""

import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.serving import report, server

RUNS = 5


def main() -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        with server(folder) as first:
            report("start: the very first, with a new database", first.ready_s, "s", "")
        times, memory = [], []
        for _ in range(RUNS):
            with server(folder) as running:
                times.append(running.ready_s)
                time.sleep(1.0)
                memory.append(resident_mb(running.process.pid))
        report("start: stormcrow up to /readyz", statistics.median(times), "s", "< 1.5")
        report("idle memory of the server", statistics.median(memory), "MB", "< 130")


def resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    main()
