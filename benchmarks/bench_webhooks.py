"""Webhook -> verified -> committed -> rule -> committed execution, through HTTP with full durability.

`python -m benchmarks.bench_webhooks [--seconds N] [--connections N] [--burst N]`: the server is a
process of its own, with 100 rules on other webhooks' events and one that fires; the load comes from
a third process over raw sockets, so that it takes no time from either.
"""

import argparse
import hashlib
import hmac
import json
import selectors
import socket
import subprocess
import sys
import tempfile
import time
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


def write_rules(folder: Path, *, on_hook: int, elsewhere: int, action: str = "core.noop") -> None:
    """A pack with one rule that fires, `on_hook` that do not, and `elsewhere` on other triggers."""
    write_site(folder)
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


def rate_of(seconds: float, connections: int, *, on_hook: int, elsewhere: int) -> tuple[float, Any, Any]:
    """Sustained deliveries a second, with how long they took; and the same at a low rate."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_rules(folder, on_hook=on_hook, elsewhere=elsewhere)
        with server(folder) as running:
            prepare(running)
            send(running.port, connections=connections, seconds=1)
            slow = send(running.port, connections=1, count=200, pause_s=0.02)
            fast = send(running.port, connections=connections, seconds=seconds)
    check(fast["statuses"], {"202"})
    return fast["statuses"]["202"] / fast["lasted_s"], fast["took_s"], slow["took_s"]


def check(statuses: dict[str, int], allowed: set[str]) -> None:
    if not set(statuses) <= allowed:
        raise RuntimeError(f"answers: {statuses}")


def burst(count: int, connections: int) -> None:
    """Every 202 is an event that was evaluated, and nothing else is one."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_rules(folder, on_hook=0, elsewhere=99)
        with server(folder) as running:
            prepare(running)
            found = send(running.port, connections=connections, count=count)
            check(found["statuses"], {"202", "429", "503"})
            accepted = found["statuses"].get("202", 0)
            connection = running.connect()
            events = total(connection, running.key, "/v1/webhookdeliveries?limit=1")
            started = total(connection, running.key, "/v1/executions?action=core.noop&limit=1")
            connection.close()
    report(f"webhooks: burst of {count}, accepted", accepted, "", "")
    report("webhooks: burst, accepted that are no event", accepted - events, "", "< 1")
    report("webhooks: burst, events without their execution", events - started, "", "< 1")
    report("webhooks: burst, p99", percentile(found["took_s"], 99) * 1000, "ms", "")


def total(connection: Any, key: str, path: str) -> int:
    connection.request("GET", path, headers={"St2-Api-Key": key})
    answer = connection.getresponse()
    answer.read()
    return int(answer.headers["X-Total-Count"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--connections", type=int, default=50)
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
    rate, took_s, slow_s = rate_of(chosen.seconds, chosen.connections, on_hook=0, elsewhere=99)
    report("webhooks: sustained, 100 rules", rate, "/s", "> 1500")
    report("webhooks: sustained, p99", percentile(took_s, 99) * 1000, "ms", "")
    report("webhooks: at a low rate, p50", percentile(slow_s, 50) * 1000, "ms", "< 4")
    burst(chosen.burst, chosen.connections)
    many, _, many_slow_s = rate_of(chosen.seconds, chosen.connections, on_hook=0, elsewhere=9_999)
    report("webhooks: 10,000 rules against 100, sustained", many / rate, "", "> 0.9")
    slower = percentile(many_slow_s, 50) / percentile(slow_s, 50)
    report("webhooks: 10,000 rules against 100, p50", slower, "", "< 1.1")


if __name__ == "__main__":
    main()
