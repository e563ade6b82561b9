"""How many POST /executions a second a real server accepts, with full durability.

`python -m benchmarks.bench_requests [--seconds N] [--connections N]` loads the server from this
process over kept-alive connections.
"""

import argparse
import asyncio
import json
import time

from benchmarks.serving import percentile, report, server

HOUR_MS = 3_600_000
CASES: tuple[tuple[str, dict[str, object]], ...] = (
    ("requests: accepted, core.noop run at once", {"action": "core.noop"}),
    ("requests: accepted, due in an hour", {"action": "core.noop", "delay": HOUR_MS}),
)


def request(port: int, key: str, body: dict[str, object]) -> bytes:
    raw = json.dumps(body).encode()
    head = (
        f"POST /api/v1/executions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nSt2-Api-Key: {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(raw)}\r\n\r\n"
    )
    return head.encode() + raw


async def one_client(port: int, message: bytes, until: float, took_s: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < until:
        started = time.perf_counter()
        writer.write(message)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 201 "):
            raise RuntimeError(f"refused: {head.decode()}")
        length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
        took_s.append(time.perf_counter() - started)
    writer.close()


async def load(port: int, message: bytes, *, seconds: float, connections: int) -> tuple[float, list[float]]:
    """Requests answered a second, and how long each took, in seconds."""
    took_s: list[float] = []
    started = time.perf_counter()
    until = started + seconds
    await asyncio.gather(*(one_client(port, message, until, took_s) for _ in range(connections)))
    return len(took_s) / (time.perf_counter() - started), took_s


def measure(name: str, body: dict[str, object], *, seconds: float, connections: int) -> None:
    """One case, on a server of its own: work that is left over would slow the next one."""
    with server() as running:
        message = request(running.port, running.key, body)
        asyncio.run(load(running.port, message, seconds=1, connections=connections))
        rate, took_s = asyncio.run(load(running.port, message, seconds=seconds, connections=connections))
    report(name, rate, "/s", "> 800")
    report(f"{name}: p50", percentile(took_s, 50) * 1000, "ms", "")
    report(f"{name}: p99", percentile(took_s, 99) * 1000, "ms", "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--connections", type=int, default=64)
    chosen = parser.parse_args()
    for name, body in CASES:
        measure(name, body, seconds=chosen.seconds, connections=chosen.connections)


if __name__ == "__main__":
    main()
