"""Webhook -> verified -> committed -> rule -> committed execution, through HTTP with full durability.

`python -m benchmarks.bench_webhooks [--seconds N] [--burst N] [--rounds N]`: the server is a
process of its own, with one rule that fires and others on other webhooks; the load comes from a
third process over raw sockets.
"""

import argparse
import hashlib
import hmac
import json
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from benchmarks.serving import Server, percentile, report, server, write_site

SECRET = "bench-secret"
BODY = json.dumps(
    {
        "action": "completed",
        "workflow_run": {"id": 9, "name": "ci", "head_branch": "main", "conclusion": "failure"},
        "repository": {"full_name": "o/r"},
        "sender": {"login": "ann"},
    }
).encode()
HOOK = """
preset: github
secrets: [bench.hook]
"""
RULE = """
name: {name}
enabled: true
trigger:
  type: core.st2.webhook
  parameters: {{url: {url}}}
criteria:
  trigger.body.workflow_run.conclusion: {{type: equals, pattern: {wanted}}}
action:
  ref: {action}
"""
# Longest time for one part of the load, in seconds.
LIMIT_S = 120.0
WORKERS = 2
CONNECTIONS = 50


def write_rules(folder: Path, *, elsewhere: int, on_hook: int = 0, action: str = "core.noop") -> None:
    """A pack with one rule that fires, `on_hook` that do not, and `elsewhere` on other triggers."""
    config = write_site(folder)
    config.write_text(f"content: {{packs: [packs]}}\nactions: {{workers: {WORKERS}}}\n", encoding="utf-8")
    rules = folder / "packs" / "bench" / "rules"
    rules.mkdir(parents=True)
    _write_rule(rules, "fires", url="bench", wanted="failure", action=action)
    for number in range(on_hook):
        _write_rule(rules, f"quiet_{number}", url="bench", wanted=f"never_{number}", action=action)
    for number in range(elsewhere):
        _write_rule(rules, f"other_{number}", url=f"other/{number}", wanted="failure", action=action)
    (folder / "webhooks").mkdir()
    (folder / "webhooks" / "bench.yaml").write_text(HOOK, encoding="utf-8")


def _write_rule(folder: Path, name: str, **values: str) -> None:
    (folder / f"{name}.yaml").write_text(RULE.format(name=name, **values), encoding="utf-8")


def prepare(running: Server) -> None:
    connection = running.connect()
    running.ask(
        connection, "PUT", "/v1/keys/bench.hook", {"name": "bench.hook", "value": SECRET, "secret": True}
    )
    connection.close()


def head(port: int) -> bytes:
    signature = hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()
    return (
        f"POST /v1/webhooks/bench HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: GitHub-Hookshot/1\r\n"
        f"Accept: */*\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\n"
        f"X-GitHub-Event: workflow_run\r\nX-Hub-Signature-256: sha256={signature}\r\nX-GitHub-Delivery: "
    ).encode()


# the sender: a process of its own


class Sender:
    """One connection, one delivery at a time."""

    def __init__(self, port: int, name: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._head = head(port)
        self._name = name
        self._count = 0
        self._answer = b""
        self.sent_at = 0.0

    def send(self) -> None:
        self._count += 1
        delivery = f"{self._name}-{self._count}\r\n\r\n".encode()
        self.sent_at = time.perf_counter()
        self.socket.sendall(self._head + delivery + BODY)

    def receive(self) -> int:
        """The status when the answer is complete, else 0."""
        self._answer += self.socket.recv(65_536)
        before, end, rest = self._answer.partition(b"\r\n\r\n")
        if not end:
            return 0
        length = next(
            int(line.partition(b":")[2])
            for line in before.lower().split(b"\r\n")
            if line.startswith(b"content-length:")
        )
        if len(rest) < length:
            return 0
        self._answer = b""
        return int(before.split(b" ", 2)[1])


def load(port: int, *, connections: int, seconds: float, count: int, pause_s: float) -> dict[str, Any]:
    """Sends until `seconds` are over, or `count` deliveries are answered; with a pause between."""
    stamp = time.time_ns()
    senders = [Sender(port, f"{stamp}-{number}") for number in range(connections)]
    selector = selectors.DefaultSelector()
    statuses: dict[int, int] = {}
    took_s: list[float] = []
    started = time.perf_counter()
    left = count or sys.maxsize
    for sender in senders[:left]:
        selector.register(sender.socket, selectors.EVENT_READ, sender)
        sender.send()
        left -= 1
    while selector.get_map() and time.perf_counter() - started < LIMIT_S:
        for key, _ in selector.select(1.0):
            sender = key.data
            status = sender.receive()
            if not status:
                continue
            now = time.perf_counter()
            took_s.append(now - sender.sent_at)
            statuses[status] = statuses.get(status, 0) + 1
            if left <= 0 or (seconds and now - started >= seconds):
                selector.unregister(sender.socket)
                sender.socket.close()
                continue
            if pause_s:
                time.sleep(pause_s)
            sender.send()
            left -= 1
    return {"took_s": took_s, "statuses": statuses, "lasted_s": time.perf_counter() - started}


def send(port: int, *, connections: int, seconds: float = 0, count: int = 0, pause_s: float = 0) -> Any:
    """`load` in a process of its own."""
    words = [str(port), str(connections), str(seconds), str(count), str(pause_s)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.bench_webhooks", "--send", *words],
        stdout=subprocess.PIPE,
        check=True,
        timeout=LIMIT_S + 30,
    )
    return json.loads(done.stdout)


# the numbers


@contextmanager
def serving(*, elsewhere: int, runs: bool = False) -> Iterator[Server]:
    """A warm server. `runs`: its actions are also run to their end; else its workers are busy."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_rules(folder, elsewhere=elsewhere)
        with server(folder) as running, nullcontext() if runs else busy(running):
            prepare(running)
            send(running.port, connections=CONNECTIONS, seconds=1)
            yield running


def rate(running: Server, seconds: float) -> tuple[float, list[float]]:
    """Sustained deliveries a second, and how long each took."""
    found = send(running.port, connections=CONNECTIONS, seconds=seconds)
    check(found["statuses"], {"202"})
    return found["statuses"]["202"] / found["lasted_s"], found["took_s"]


def slow(running: Server, count: int) -> list[float]:
    """How long deliveries take at a low rate."""
    took_s: list[float] = send(running.port, connections=1, count=count, pause_s=0.02)["took_s"]
    return took_s


def compare(rounds: int) -> None:
    """Many rules against few: both servers are up, and take turns, so that both have the same weather."""
    rates: tuple[list[float], list[float]] = ([], [])
    waits: tuple[list[float], list[float]] = ([], [])
    with serving(elsewhere=99) as few, serving(elsewhere=9_999) as many:
        for _ in range(rounds):
            for number, running in enumerate((few, many)):
                rates[number].append(rate(running, 1.5)[0])
                waits[number].extend(slow(running, 25))
    report("webhooks: 10,000 rules against 100, sustained", _ratio(rates), "", "> 0.9")
    report("webhooks: 10,000 rules against 100, p50", _ratio(waits), "", "< 1.1")


def _ratio(pair: tuple[list[float], list[float]]) -> float:
    return statistics.median(pair[1]) / statistics.median(pair[0])


@contextmanager
def busy(running: Server) -> Iterator[None]:
    """Every worker has something to do, so that what is committed waits."""
    connection = running.connect()
    body = {"action": "core.local", "parameters": {"cmd": "sleep 600", "timeout": 900}}
    workers = [running.ask(connection, "POST", "/v1/executions", body)["id"] for _ in range(WORKERS)]
    try:
        yield
    finally:
        connection.close()
        connection = running.connect()
        for worker in workers:
            running.ask(connection, "DELETE", f"/v1/executions/{worker}")
        connection.close()


def check(statuses: dict[str, int], allowed: set[str]) -> None:
    if not set(statuses) <= allowed:
        raise RuntimeError(f"answers: {statuses}")


def burst(count: int) -> None:
    """Every 202 is an event that was evaluated, and nothing else is one."""
    with serving(elsewhere=99, runs=True) as running:
        connection = running.connect()
        before = totals(connection, running.key)
        found = send(running.port, connections=CONNECTIONS, count=count)
        check(found["statuses"], {"202", "429", "503"})
        after = totals(connection, running.key)
        connection.close()
    accepted = found["statuses"].get("202", 0)
    events, started = (new - old for old, new in zip(before, after, strict=True))
    report(f"webhooks: burst of {count}, accepted", accepted, "", "")
    report("webhooks: burst, accepted that are no event", accepted - events, "", "< 1")
    report("webhooks: burst, events without their execution", events - started, "", "< 1")
    report("webhooks: burst, p99", percentile(found["took_s"], 99) * 1000, "ms", "")


def totals(connection: Any, key: str) -> tuple[int, int]:
    """How many deliveries and executions there are."""
    found = []
    for path in ("/v1/webhookdeliveries?limit=1", "/v1/executions?action=core.noop&limit=1"):
        connection.request("GET", path, headers={"St2-Api-Key": key})
        answer = connection.getresponse()
        answer.read()
        found.append(int(answer.headers["X-Total-Count"]))
    return found[0], found[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--rounds", type=int, default=6, help="of comparing many rules with few")
    parser.add_argument("--burst", type=int, default=10_000)
    parser.add_argument("--send", nargs=5, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.send:
        port, connections, seconds, count, pause_s = chosen.send
        found = load(
            int(port),
            connections=int(connections),
            seconds=float(seconds),
            count=int(count),
            pause_s=float(pause_s),
        )
        print(json.dumps(found))
        return
    with serving(elsewhere=99) as running:
        reached, took_s = rate(running, chosen.seconds)
        report("webhooks: to the committed execution, 100 rules", reached, "/s", "> 1500")
        report("webhooks: to the committed execution, p99", percentile(took_s, 99) * 1000, "ms", "")
        report("webhooks: at a low rate, p50", percentile(slow(running, 200), 50) * 1000, "ms", "< 4")
    with serving(elsewhere=99, runs=True) as running:
        report("webhooks: while the actions also run", rate(running, chosen.seconds)[0], "/s", "")
    burst(chosen.burst)
    compare(chosen.rounds)


if __name__ == "__main__":
    main()
