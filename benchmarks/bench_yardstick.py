"""What this machine does at best, just now: goals were set where these figures were the ones named.

Shared machines change their speed from minute to minute; a number without its yardstick says little.
"""

import os
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.serving import report

SPAWNS = 200
COMMITS = 1000


def main() -> None:
    pythons = [
        _seconds(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True)) for _ in range(20)
    ]
    report("yardstick: python -c pass (16 where goals were set)", statistics.median(pythons) * 1000, "ms", "")
    spawns = [_seconds(_spawn) for _ in range(SPAWNS)]
    report("yardstick: posix_spawn /bin/true (0.72)", statistics.median(spawns) * 1000, "ms", "")
    report("yardstick: SQLite one-row commits, full durability (4,400)", COMMITS / _commits_s(), "/s", "")


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _spawn() -> None:
    os.waitpid(os.posix_spawn("/bin/true", ["/bin/true"], {}), 0)


def _commits_s() -> float:
    with TemporaryDirectory() as folder:
        connection = sqlite3.connect(Path(folder) / "test.db", isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE t (a, b)")
        started = time.perf_counter()
        for number in range(COMMITS):
            connection.execute("INSERT INTO t VALUES (?, 'x')", (number,))
        took_s = time.perf_counter() - started
        connection.close()
    return took_s


if __name__ == "__main__":
    main()
