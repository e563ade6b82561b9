"""How soon many readers of the event stream hear of something, and what it takes to read executions.

`python -m benchmarks.bench_stream [--readers N] [--events N] [--stored N]` opens the streams here.
"""

import argparse
import asyncio
import http.client
import json
import sqlite3
import time
from contextlib import closing

from benchmarks.bench_requests import request
from benchmarks.serving import Server, percentile, report, server

PAUSE_S = 0.25
LISTS = {
    "/executions?limit=50": "list of 50",
    # As `st2 execution list` asks.
    "/executions/?limit=50&parent=null&sort_desc=True"
    "&include_attributes=id,action.ref,context.user,status,start_timestamp,end_timestamp": "st2's list of 50",
    "/executions?limit=50&status=succeeded&action=bench.quick": "list of 50 of one action",
}


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


def fill(running: Server, stored: int) -> str:
    """So many executions more, ended long ago, a third of them tasks of others; the id of one of them.

    Written beside the server, as copies of one that really ran: so many requests would take minutes.
    """
    connection = running.connect()
    body = {"action": "bench.quick"}
    model = running.ask(connection, "POST", "/executions?wait=30", body)["id"]
    connection.close()
    with closing(sqlite3.connect(running.folder / "data" / "stormcrow.db", timeout=60)) as database, database:
        names = [row[1] for row in database.execute("PRAGMA table_info(execution)") if row[1] != "seq"]
        changed = {
            "id": "printf('%024x', n)",
            "parent_id": "CASE WHEN n % 3 = 0 THEN printf('%024x', n - 1) END",
            "requested_at": "requested_at - n * 1000000",
            "idempotency_key": "NULL",
        }
        columns = ", ".join(f'"{name}"' for name in names)
        values = ", ".join(changed.get(name, f'"{name}"') for name in names)
        database.execute(
            f"WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?) "
            f"INSERT INTO execution ({columns}) SELECT {values} FROM number, execution WHERE id = ?",
            (stored, model),
        )
    return str(model)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=200)
    parser.add_argument("--events", type=int, default=20)
    parser.add_argument("--stored", type=int, default=100_000)
    chosen = parser.parse_args()
    with server() as running:
        took_s = asyncio.run(deliver(running, readers=chosen.readers, events=chosen.events))
        name = f"stream: asked for -> heard by {chosen.readers} readers"
        report(f"{name}, p50", percentile(took_s, 50) * 1000, "ms", "< 100")
        report(f"{name}, p99", percentile(took_s, 99) * 1000, "ms", "")
        one = fill(running, chosen.stored)
        connection = running.connect()
        one_s = ask(running, connection, f"/executions/{one}", times=100)
        report("requests: GET of one execution, p50", percentile(one_s, 50) * 1000, "ms", "< 5")
        for path, what in LISTS.items():
            list_s = ask(running, connection, path, times=20)
            name = f"requests: {what} among {chosen.stored:,}, p50"
            report(name, percentile(list_s, 50) * 1000, "ms", "< 30")
        listed = json.dumps(running.ask(connection, "GET", "/executions?limit=50"))
        report("requests: size of that list", len(listed) / 1024, "KiB", "")
        connection.close()


if __name__ == "__main__":
    main()
