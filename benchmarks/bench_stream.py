"""How soon many readers of the event stream hear of something, and what it takes to read executions.

`python -m benchmarks.bench_stream [--readers N] [--events N] [--stored N]` opens the streams here.
"""

import argparse
import asyncio
import http.client
import json
import time

from benchmarks.bench_requests import request
from benchmarks.serving import Server, percentile, report, server

PAUSE_S = 0.25


async def open_stream(running: Server) -> asyncio.StreamReader:
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    head = (
        f"GET /stream/v1/stream?events=st2.execution__create HTTP/1.1\r\nHost: 127.0.0.1:{running.port}\r\n"
        f"St2-Api-Key: {running.key}\r\n\r\n"
    )
    writer.write(head.encode())
    answer = await reader.readuntil(b"\r\n\r\n")
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(f"refused: {answer.decode()}")
    # The writer must live as long as the reader.
    reader.writer = writer  # type: ignore[attr-defined]
    return reader


async def hear(reader: asyncio.StreamReader, heard_at: list[float]) -> None:
    while True:
        line = await reader.readline()
        if not line:
            return
        if line.startswith(b"event: "):
            heard_at.append(time.perf_counter())


async def deliver(running: Server, *, readers: int, events: int) -> list[float]:
    """For each event: from the moment when it was asked for until the last reader heard of it, in seconds."""
    heard: list[list[float]] = [[] for _ in range(readers)]
    streams = [await open_stream(running) for _ in range(readers)]
    tasks = [asyncio.create_task(hear(stream, into)) for stream, into in zip(streams, heard, strict=True)]
    message = request(running.port, running.key, {"action": "core.noop", "delay": 3_600_000})
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    took_s = []
    for number in range(1, events + 1):
        started = time.perf_counter()
        writer.write(message)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
        while any(len(one) < number for one in heard):
            await asyncio.sleep(0.001)
        took_s.append(max(one[number - 1] for one in heard) - started)
        await asyncio.sleep(PAUSE_S)
    for task in tasks:
        task.cancel()
    for stream in streams:
        stream.writer.close()  # type: ignore[attr-defined]
    return took_s


def ask(running: Server, connection: http.client.HTTPConnection, path: str, *, times: int) -> list[float]:
    """How long each answer took, in seconds."""
    took_s = []
    for _ in range(times):
        started = time.perf_counter()
        running.ask(connection, "GET", path)
        took_s.append(time.perf_counter() - started)
    return took_s


async def fill(running: Server, stored: int) -> None:
    message = request(running.port, running.key, {"action": "core.noop", "delay": 3_600_000})

    async def one(count: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        for _ in range(count):
            writer.write(message)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
            await reader.readexactly(int(length.partition(b":")[2]))
        writer.close()

    await asyncio.gather(*(one(stored // 50) for _ in range(50)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=200)
    parser.add_argument("--events", type=int, default=20)
    parser.add_argument("--stored", type=int, default=20_000)
    chosen = parser.parse_args()
    with server() as running:
        took_s = asyncio.run(deliver(running, readers=chosen.readers, events=chosen.events))
        name = f"stream: asked for -> heard by {chosen.readers} readers"
        report(f"{name}, p50", percentile(took_s, 50) * 1000, "ms", "< 100")
        report(f"{name}, p99", percentile(took_s, 99) * 1000, "ms", "")
        asyncio.run(fill(running, chosen.stored))
        connection = running.connect()
        newest = running.ask(connection, "GET", "/executions?limit=1")[0]["id"]
        one_s = ask(running, connection, f"/executions/{newest}", times=100)
        report("requests: GET of one execution, p50", percentile(one_s, 50) * 1000, "ms", "< 5")
        list_s = ask(running, connection, "/executions?limit=50", times=20)
        report(
            f"requests: list of 50 among {chosen.stored:,}, p50", percentile(list_s, 50) * 1000, "ms", "< 30"
        )
        listed = json.dumps(running.ask(connection, "GET", "/executions?limit=50"))
        report("requests: size of that list", len(listed) / 1024, "KiB", "")
        connection.close()


if __name__ == "__main__":
    main()
