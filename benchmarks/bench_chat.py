"""A chat line until its answer is there: over HTTP in, over the event stream out, as a page does it."""

import json
import queue
import threading
import time

from benchmarks.serving import Server, percentile, report, server

LINES = 300
WARM_UP = 20


def follow(running: Server, answers: "queue.Queue[str]", ready: threading.Event) -> None:
    """Put the id of each command into `answers` when its final answer has come."""
    connection = running.connect()
    connection.request("GET", "/chat/events?after=0", headers={"St2-Api-Key": running.key})
    stream = connection.getresponse()
    ready.set()
    while line := stream.readline():
        if not line.startswith(b"data: "):
            continue
        event = json.loads(line[6:])
        body = event.get("body") or {}
        if event.get("is_bot") and body.get("reply_to") and body.get("status") == "succeeded":
            answers.put(body["reply_to"])


def main() -> None:
    with server() as running:
        answers: queue.Queue[str] = queue.Queue()
        ready = threading.Event()
        threading.Thread(target=follow, args=(running, answers, ready), daemon=True).start()
        if not ready.wait(10):
            raise RuntimeError("the event stream did not open")
        connection = running.connect()
        took = []
        for number in range(WARM_UP + LINES):
            body = {"channel": "ops", "text": "!quick", "name": "bench", "delivery_key": f"line-{number:08}"}
            started = time.perf_counter()
            sent = running.ask(connection, "POST", "/chat/messages", body)["id"]
            while answers.get(timeout=30) != sent:
                pass
            if number >= WARM_UP:
                took.append((time.perf_counter() - started) * 1000)
        report("chat line to posted answer, /bin/true, p50", percentile(took, 50), "ms", "< 12")
        report("chat line to posted answer, /bin/true, p99", percentile(took, 99), "ms", "< 40")


if __name__ == "__main__":
    main()
