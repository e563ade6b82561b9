"""Actions that print too much, print rubbish, or do not want to end."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.durability.server import Server, processes_of, text_of, wait_until

LIMIT_BYTES = 10 * 1024 * 1024
GROWTH_BYTES = 120 * 1024 * 1024


def resident_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


@contextmanager
def highest_memory(server: Server) -> Iterator[list[int]]:
    """[resident before, the highest until it is left]"""
    seen = [resident_bytes(server.pid), 0]
    is_over = threading.Event()

    def look() -> None:
        while not is_over.wait(0.01):
            seen[1] = max(seen[1], resident_bytes(server.pid))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        is_over.set()
        thread.join()


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", ["head -c 100000000 /dev/zero | tr '\\0' x", "yes 0123456789 | head -c 100000000"]
)
def test_a_hundred_megabytes_are_cut_visibly_and_cost_little_memory(server: Server, command: str) -> None:
    server.run("hostile.sh", cmd="head -c 20000 /dev/zero")
    with highest_memory(server) as memory:
        body = server.answer(f"sh {command}")
    execution = server.get(f"/executions/{body['execution_id']}")
    assert execution["status"] == "succeeded"
    printed = execution["result"]["stdout"]
    assert len(printed) < LIMIT_BYTES + 200
    assert "truncated" in printed[-200:]
    assert f"{100_000_000 - LIMIT_BYTES:,}".replace(",", "") in printed[-200:].replace(",", "")
    assert len(text_of(body)) < 10_000
    print(f"memory {memory[0] / 1e6:.0f} -> {memory[1] / 1e6:.0f} MB")
    assert memory[1] - memory[0] < GROWTH_BYTES


def test_bytes_that_are_no_text_survive_visibly(server: Server) -> None:
    execution = server.run("hostile.sh", cmd=r"printf 'a\377\376b\000c\033[31md\342\202\254'")
    assert execution["status"] == "succeeded"
    assert execution["result"]["stdout"] == "a\\xff\\xfeb\\x00c\x1b[31md€"
    body = server.answer(r"sh printf 'a\377b\000c\033[31md'")
    assert "\x1b" not in text_of(body)
    assert "\x00" not in text_of(body)


def test_a_million_lines_arrive_or_are_cut(server: Server) -> None:
    execution = server.run("hostile.sh", cmd="seq 1000000 | head -c 5000000; echo; echo end")
    assert execution["status"] == "succeeded"
    assert execution["result"]["stdout"].rstrip().endswith("end")


def test_an_action_that_ignores_term_is_killed_with_all_its_children(server: Server) -> None:
    command = "trap '' TERM; (trap '' TERM; setsid sh -c \"trap '' TERM; sleep 177.7\" &); sleep 177.7"
    execution_id = server.request("hostile.sh", cmd=command)
    wait_until(lambda: sleepers() >= 2)
    began = time.monotonic()
    assert server.ask("DELETE", f"/executions/{execution_id}").ok
    assert server.ended(execution_id)["status"] == "canceled"
    assert time.monotonic() - began < 60
    wait_until(lambda: sleepers() == 0, timeout_s=60)


def test_a_timeout_ends_the_whole_tree_too(server: Server) -> None:
    began = time.monotonic()
    command = "trap '' TERM; (setsid sleep 177.7 &); sleep 177.7"
    execution = server.run("hostile.sh", cmd=command, timeout=1)
    assert execution["status"] == "timeout"
    assert time.monotonic() - began < 60
    wait_until(lambda: sleepers() == 0, timeout_s=60)


def test_a_pipe_that_a_child_keeps_open_does_not_hold_the_slot(server: Server) -> None:
    began = time.monotonic()
    execution = server.run("hostile.sh", cmd="(sleep 47 >&1 &) ; echo done")
    assert execution["status"] == "succeeded"
    assert execution["result"]["stdout"].strip() == "done"
    assert time.monotonic() - began < 45


def sleepers() -> int:
    found = 0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += path.read_bytes() == b"sleep\x00177.7\x00"
        except OSError:
            continue
    return found


def test_the_server_still_works_after_all_this(server: Server) -> None:
    assert server.answer("sh echo fine")["status"] == "succeeded"
    assert processes_of(server.folder)
