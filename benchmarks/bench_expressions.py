"""One expression of a workflow: CPU time beside the yaql package alone, in contexts of 1 KB to 1 MB."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.serving import report
from engine.settings.content import TemplateSettings
from engine.workflows.expressions import yaql_package
from engine.workflows.expressions.compile import compile_value
from engine.workflows.expressions.running import Run

ROWS = 1_000
EXPRESSIONS = {
    "ctx().x.y": "<% ctx().x.y %>",
    "succeeded() and ctx().x.y < 3": "<% succeeded() and ctx().x.y < 3 %>",
    "len(ctx().payload)": "<% len(ctx().payload) %>",
    "Jinja ctx().x.y": "{{ ctx().x.y }}",
}
QUERY = "ctx().rows.where($.size > 5).select($.name)"


class Scope:
    """A task that has just succeeded, with nothing around it."""

    status = "succeeded"
    is_timed_out = False
    item = None

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self.variables = variables

    def result(self) -> Any:
        return None

    def task_status(self, name: str, route: int | None) -> str | None:  # noqa: ARG002
        return None

    def task(self, name: str | None, route: int | None) -> Mapping[str, Any] | None:  # noqa: ARG002
        return None

    def key(self, name: str, *, decrypt: bool) -> str | None:  # noqa: ARG002
        return None


def scope_of(size_kb: int) -> Scope:
    payload = {f"key{number}": "v" * 100 for number in range(9 * size_kb)}
    rows = [{"name": f"n{number}", "size": number} for number in range(ROWS)]
    return Scope({"payload": payload, "x": {"y": 1}, "rows": rows})


def cost_us(work: Callable[[], Any], times: int) -> float:
    """CPU of one call, the best of five rounds: the machine is shared."""
    work()
    best = float("inf")
    for _ in range(5):
        started = time.process_time()
        for _ in range(times):
            work()
        best = min(best, (time.process_time() - started) / times)
    return best * 1e6


def package_us(expression: str, scope: Scope, times: int) -> float:
    """The same by the package alone, without copying the context as Orquesta does."""
    return cost_us(lambda: yaql_package.interpreted(expression, Run(TemplateSettings(), scope)), times)


def main() -> None:
    scopes = {size_kb: scope_of(size_kb) for size_kb in (1, 100, 1_000)}
    for name, text in EXPRESSIONS.items():
        compiled = compile_value(text)
        costs = {
            size_kb: cost_us(lambda compiled=compiled, scope=scope: compiled.evaluate(scope), 2_000)
            for size_kb, scope in scopes.items()
        }
        report(f"expression: {name}, 1 KB", costs[1], "us", "< 40")
        report("... 100 KB against 1 KB", costs[100] / costs[1], "x", "< 1.5")
        report("... 1 MB against 1 KB", costs[1_000] / costs[1], "x", "< 1.5")
        if not name.startswith("Jinja"):
            alone = package_us(name, scopes[1], 200)
            report("... times faster than the yaql package", alone / costs[1], "x", "> 20")
    query = compile_value(f"<% {QUERY} %>")
    ours = cost_us(lambda: query.evaluate(scopes[1]), 20) / ROWS
    report("expression: where and select, an element (yaql package 140)", ours, "us", "< 10")
    report(
        "... times faster than the yaql package", package_us(QUERY, scopes[1], 1) / ROWS / ours, "x", "> 20"
    )


if __name__ == "__main__":
    main()
