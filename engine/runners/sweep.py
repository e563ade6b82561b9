"""Ends what an action or a sensor has left running."""

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def kill_leftovers(name: str, noted: Mapping[str, Any] | None) -> None:
    """KILL every process of an entry of the spool.

    They are found by the session that the action led (`noted`: {"pid", "start", "boot"}), by
    ST2_ACTION_EXECUTION_ID in their environment, and by their parents. Returns when a look finds
    none, after a few at most.
    """
    marker = f"ST2_ACTION_EXECUTION_ID={name.partition('.')[0]}".encode()
    leader = int(noted["pid"]) if noted and noted["boot"] == _boot_id() else None
    if noted and leader and start_ticks(leader) not in (None, noted["start"]):
        leader = None
    kill_marked(leader, marker)


def kill_marked(leader: int | None, marker: bytes) -> int:
    """KILL every process of the session that `leader` leads, or with `marker` (NAME=VALUE) in its
    environment, or below one of these. Returns how many there were, when a look finds none any
    more, after a few at most."""
    killed: set[int] = set()
    for _ in range(5):
        found = _belonging(leader, marker)
        if not found:
            break
        killed.update(found)
        for pid in found:
            _kill(pid)
    return len(killed)


def kill_process(noted: Mapping[str, Any]) -> None:
    """KILL the process {"pid", "start", "boot"}, when it still is that one."""
    if noted and noted["boot"] == _boot_id() and start_ticks(noted["pid"]) == noted["start"]:
        _kill(noted["pid"])


def start_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None when there is none."""
    fields = _stat(pid)
    return fields[3] if fields else None


def _belonging(leader: int | None, marker: bytes) -> list[int]:
    """Parents before children: a shell whose `sleep` is ended first goes on with its next command."""
    stats = {pid: fields for pid in _pids() if (fields := _stat(pid)) is not None}
    found = {
        pid
        for pid, (_, session, _, _) in stats.items()
        if (leader is not None and leader in (pid, session)) or _has_marker(pid, marker)
    }
    grew = True
    while grew:
        below = {pid for pid, fields in stats.items() if fields[0] in found} - found
        found |= below
        grew = bool(below)
    found.discard(os.getpid())
    parents = {pid: fields[0] for pid, fields in stats.items()}
    alive = [pid for pid in found if stats[pid][2] not in "ZX"]
    return sorted(alive, key=lambda pid: (_depth(pid, parents), pid))


def _depth(pid: int, parents: Mapping[int, int]) -> int:
    """How many ancestors a process has. In a snapshot pids may be new ones: a circle is cut."""
    seen: set[int] = set()
    while pid in parents and pid not in seen:
        seen.add(pid)
        pid = parents[pid]
    return len(seen)


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _stat(pid: int) -> tuple[int, int, str, int] | None:
    """(parent, session, state, start), or None."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    fields = text[text.rindex(")") + 2 :].split()
    return int(fields[1]), int(fields[3]), fields[0], int(fields[19])


def _has_marker(pid: int, marker: bytes) -> bool:
    try:
        return marker in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        # Gone already, or not ours.
        return


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
