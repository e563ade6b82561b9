"""What is asked of an engine with many executions stored, in turns with one that has few."""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.serving import report
from engine.service import Engine, ExecutionFilter, ExecutionRequest
from engine.settings import Settings
from engine.settings.server import StoreSettings

FEW = 2_000
MANY = FEW + 10_000
TIMES = 300


def main() -> None:
    with ExitStack() as stack:
        few, many = (stack.enter_context(engine_with(count)) for count in (FEW, MANY))
        few_list, many_list = in_turns(few, many, list_50)
        few_request, many_request = in_turns(few, many, request)
        report(f"list of 50 among {FEW} executions", few_list, "ms", "")
        report(f"list of 50 among {MANY - FEW} more, against few", many_list / few_list, "x", "< 1.1")
        report(
            f"request with {MANY - FEW} more stored, against few", many_request / few_request, "x", "< 1.1"
        )


@contextmanager
def engine_with(count: int) -> Iterator[Engine]:
    """That many executions have run in it."""
    with TemporaryDirectory() as name:
        engine = Engine(Settings(root=Path(name), store=StoreSettings(data=Path(name) / "data")))
        engine.start()
        try:
            futures = [
                engine.submit(ExecutionRequest(action="core.noop", user="bench")) for _ in range(count)
            ]
            for future in futures:
                engine.wait(future.result().id, timeout_s=120)
            yield engine
        finally:
            engine.stop()


def in_turns(few: Engine, many: Engine, ask: Callable[[Engine], object]) -> tuple[float, float]:
    """Medians in milliseconds: the machine changes its speed, and so it does for both."""
    took: dict[Engine, list[float]] = {few: [], many: []}
    for _ in range(TIMES):
        for engine, times in took.items():
            started = time.perf_counter()
            ask(engine)
            times.append((time.perf_counter() - started) * 1000)
    return statistics.median(took[few]), statistics.median(took[many])


def list_50(engine: Engine) -> object:
    return engine.executions(ExecutionFilter(limit=50))


def request(engine: Engine) -> object:
    return engine.request(ExecutionRequest(action="core.noop", user="bench", delay_ms=3_600_000))


if __name__ == "__main__":
    main()
