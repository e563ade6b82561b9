"""How many events a second one sensor dispatches, each committed before `dispatch` returns.

`python -m benchmarks.bench_sensors [--seconds N]`. The sensor measures itself, and prints its numbers.
"""

import argparse
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

from benchmarks.serving import report, server

LIMIT_S = 120.0
FILES = {
    "packs/bench/sensors/fast.yaml": """
        class_name: Fast
        entry_point: fast.py
        trigger_types: [{name: event, payload_schema: {type: object, properties: {n: {type: integer}}}}]
    """,
    "packs/bench/sensors/fast.py": """
        import threading, time
        from st2reactor.sensor.base import Sensor

        class Fast(Sensor):
            def setup(self): pass
            def cleanup(self): pass
            def add_trigger(self, trigger): pass
            def update_trigger(self, trigger): pass
            def remove_trigger(self, trigger): pass

            def run(self):
                service = self.sensor_service
                payload = {"n": 1, "text": "x" * 200}
                self.measure("one after the other", lambda: service.dispatch("bench.event", payload), 1)
                many = [payload] * 200
                self.measure("dispatch_many", lambda: service.dispatch_many("bench.event", many), 200)
                self.in_threads(lambda: service.dispatch("bench.event", payload), 16)
                print("RATE done 0", flush=True)
                while True: time.sleep(60)

            def measure(self, name, work, each):
                count, began = 0, time.perf_counter()
                while time.perf_counter() - began < SECONDS:
                    work()
                    count += each
                print("RATE %s %f" % (name, count / (time.perf_counter() - began)), flush=True)

            def in_threads(self, work, number):
                counts = [0] * number
                def loop(index):
                    while time.perf_counter() < until:
                        work()
                        counts[index] += 1
                until = time.perf_counter() + SECONDS
                threads = [threading.Thread(target=loop, args=(index,)) for index in range(number)]
                for thread in threads: thread.start()
                for thread in threads: thread.join()
                print("RATE from %d threads %f" % (number, sum(counts) / SECONDS), flush=True)
    """,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, text in FILES.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text).replace("SECONDS", str(seconds)), encoding="utf-8")
        venv = folder / "data" / "virtualenvs" / "bench"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
        with server(folder) as running:
            connection = running.connect()
            give_up_at = time.monotonic() + LIMIT_S
            lines: list[str] = []
            while not any(line.startswith("RATE done") for line in lines):
                if time.monotonic() > give_up_at:
                    raise RuntimeError("the sensor does not come to its end")
                time.sleep(0.5)
                lines = [one["text"] for one in running.ask(connection, "GET", "/sensors/bench.Fast/logs")]
    for line in lines:
        if line.startswith("RATE ") and not line.startswith("RATE done"):
            name, _, rate = line.removeprefix("RATE ").rpartition(" ")
            goal = "> 1000" if name == "dispatch_many" else ""
            report(f"sensors: events of one sensor, {name}", float(rate), "/s", goal)


if __name__ == "__main__":
    main()
