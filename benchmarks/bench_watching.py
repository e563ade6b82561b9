"""What it costs to be watched: a scrape of /metrics and a look at /readyz beside 100,000 executions.

`python -m benchmarks.bench_watching [--executions N]`
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

from sqlalchemy import Connection, text

import engine.health as looking
import engine.metrics.board as metrics
from benchmarks.serving import report
from engine.records.execution import ExecutionRequest, new_id
from engine.service import Engine
from engine.settings import Settings
from engine.settings.server import StoreSettings

ROUNDS = 15
# One of so many waits for another hour; the others have ended.
WAITS = 50
_COPY = text(
    "INSERT INTO execution (id, action, runner, pack, status, user, requested_at, not_before, delay_ms,"
    " attempt, parameters, context, result_size, log)"
    " SELECT :id, action, runner, pack, :status, user, requested_at, not_before + :later, delay_ms,"
    " attempt, parameters, context, result_size, log FROM execution WHERE id = :first"
)


def fill(engine: Engine, executions: int) -> None:
    """Copies of one execution, under other ids."""
    first = engine.submit(ExecutionRequest(action="core.noop", user="bench", delay_ms=3_600_000)).result()
    rows = [
        {
            "id": new_id(),
            "status": "succeeded" if number % WAITS else "requested",
            "later": number,
            "first": first.id,
        }
        for number in range(executions)
    ]

    def write(connection: Connection) -> None:
        connection.execute(_COPY, rows)

    engine.database.write(write)


def median_ms(work: Callable[[], object]) -> float:
    took_s: list[float] = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        took_s.append(time.perf_counter() - started)
    return median(took_s) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--executions", type=int, default=100_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        settings = Settings(root=Path(name))
        engine = Engine(replace(settings, store=StoreSettings(data=Path(name) / "data")))
        engine.start()
        try:
            fill(engine, chosen.executions)
            board, health = engine.watching.metrics, engine.watching.health
            board.text("")
            # What was found a moment ago would cost nothing: each round looks anew.
            metrics.FRESH_S = looking.FRESH_S = -1.0
            count = f"{chosen.executions:,}"
            report(f"scrape of /metrics, {count} executions", median_ms(lambda: board.text("")), "ms", "< 50")
            report(f"look at /readyz, {count} executions", median_ms(health.ready), "ms", "< 50")
        finally:
            engine.stop()


if __name__ == "__main__":
    main()
