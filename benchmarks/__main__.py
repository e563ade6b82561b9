"""`make bench`: every benchmark in its own process, one after the other, as a table and as JSON."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PARTS = (
    "bench_yardstick",
    "bench_start",
    "bench_aliases",
    "bench_rules",
    "bench_expressions",
    "bench_conductor",
    "bench_chat",
    "bench_slack",
    "bench_actions",
    "bench_ssh",
    "bench_stored",
    "bench_requests",
    "bench_stream",
    "bench_st2",
    "bench_webhooks",
    "bench_sensors",
    "bench_watching",
    "bench_workflows",
    "bench_yardstick",
)
LIMIT_S = 300
RESULTS = Path(__file__).with_name("results") / "latest.json"


def main() -> int:
    numbers: list[dict[str, Any]] = []
    for part in PARTS:
        done = subprocess.run(
            [sys.executable, "-m", f"benchmarks.{part}"],
            stdout=subprocess.PIPE,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        for line in done.stdout.splitlines():
            number = json.loads(line)
            numbers.append(number)
            print(shown(number), flush=True)
        if done.returncode != 0:
            print(f"{part} failed with {done.returncode}", file=sys.stderr)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    print(f"As JSON: {RESULTS}")
    return 0


def shown(number: dict[str, Any]) -> str:
    mark = {True: "reached", False: "MISSED", None: ""}[is_reached(number)]
    goal = f"goal {number['goal']}" if number["goal"] else ""
    return f"{number['name']:<62} {number['value']:>12,.3f} {number['unit']:<4} {goal:<12} {mark}"


def is_reached(number: dict[str, Any]) -> bool | None:
    """None for a number without a goal."""
    if not number["goal"]:
        return None
    word, limit = str(number["goal"]).split()
    value = float(number["value"])
    return value < float(limit) if word == "<" else value > float(limit)


if __name__ == "__main__":
    sys.exit(main())
