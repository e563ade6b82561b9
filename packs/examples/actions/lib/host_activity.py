"""Processes and listening ports of this host, read from /proc.

Each function takes how many things to name and gives `(facts, findings)`; a finding is `(severity, text)`.
"""

import os
import socket
import struct
import time
from pathlib import Path

SAMPLE_S = 0.4
LISTENING = "0A"


def processes(top):
    """`{count, zombies, uninterruptible, by_cpu: [...], by_memory: [...]}`.

    A process is `{pid, name, cpu_percent, memory_bytes}`; the CPU share is measured over 0.4 s and counts one
    core as 100 %.
    """
    before, began = snapshot(), time.monotonic()
    time.sleep(SAMPLE_S)
    now, ticks = snapshot(), os.sysconf("SC_CLK_TCK") * (time.monotonic() - began)
    rows = [
        {
            "pid": pid,
            "name": one["name"],
            "cpu_percent": round(100 * (one["ticks"] - before[pid]["ticks"]) / ticks, 1)
            if pid in before
            else 0.0,
            "memory_bytes": one["memory_bytes"],
        }
        for pid, one in now.items()
    ]
    zombies = [pid for pid, one in now.items() if one["state"] == "Z"]
    # Only what waits in both looks is stuck; a short wait for a disk is normal.
    stuck = [
        pid for pid, one in now.items() if one["state"] == "D" and before.get(pid, {}).get("state") == "D"
    ]
    facts = {
        "count": len(now),
        "zombies": len(zombies),
        "uninterruptible": len(stuck),
        "by_cpu": sorted(rows, key=lambda row: -row["cpu_percent"])[:top],
        "by_memory": sorted(rows, key=lambda row: -row["memory_bytes"])[:top],
    }
    findings = []
    if len(zombies) >= 20:
        findings.append(("attention", f"{len(zombies)} zombie processes"))
    if stuck:
        findings.append(("attention", f"{len(stuck)} processes wait for a device and cannot be interrupted"))
    return facts, findings


def snapshot():
    """pid -> `{name, state, ticks, memory_bytes}` of every process that is still there while we look."""
    found = {}
    page = os.sysconf("SC_PAGE_SIZE")
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            text = (folder / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        # The name stands in parentheses and may hold blanks and parentheses itself.
        head, _, tail = text.rpartition(")")
        fields = tail.split()
        found[int(folder.name)] = {
            "name": head.partition("(")[2],
            "state": fields[0],
            "ticks": int(fields[11]) + int(fields[12]),
            "memory_bytes": int(fields[21]) * page,
        }
    return found


def network(top):
    """`{listening: [{address, port, protocol, process}], listening_count, established_count, interfaces}`.

    `process` is `name/pid`, None where it belongs to somebody else. The first `top` ports are named.
    An interface is `{name, up, errors}`.
    """
    owners = socket_owners()
    listening, established = [], 0
    for protocol in ("tcp", "tcp6"):
        for state, address, port, inode in sockets(protocol):
            if state == LISTENING:
                row = {"address": address, "port": port, "protocol": protocol, "process": owners.get(inode)}
                listening.append(row)
            elif state == "01":
                established += 1
    listening.sort(key=lambda row: (row["port"], row["protocol"]))
    cards = interfaces()
    facts = {
        "listening": listening[:top],
        "listening_count": len(listening),
        "established_count": established,
        "interfaces": cards,
    }
    bad = [card for card in cards if card["up"] and card["errors"] > 1000]
    return facts, [("attention", f"{card['errors']} transmission errors on {card['name']}") for card in bad]


def sockets(protocol):
    """`(state, address, port, inode)` of every socket; none where the kernel lacks the protocol."""
    try:
        lines = Path("/proc/net", protocol).read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return
    for line in lines:
        fields = line.split()
        address, _, port = fields[1].partition(":")
        yield fields[3], readable(address), int(port, 16), fields[9]


def readable(address):
    """The kernel's hexadecimal address (32-bit words in the order of this machine) as people write it."""
    words = [int(address[start : start + 8], 16) for start in range(0, len(address), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    return socket.inet_ntop(socket.AF_INET if len(words) == 1 else socket.AF_INET6, packed)


def socket_owners():
    """inode -> "name/pid", of the processes that we may look into."""
    owners = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            name = (folder / "comm").read_text(encoding="utf-8", errors="replace").strip()
            # Path.readlink came with Python 3.9; this must run on 3.8.
            targets = [os.readlink(entry) for entry in (folder / "fd").iterdir()]  # noqa: PTH115
        except OSError:
            continue
        for target in targets:
            if target.startswith("socket:["):
                owners[target[8:-1]] = f"{name}/{folder.name}"
    return owners


def interfaces():
    cards = []
    for folder in sorted(Path("/sys/class/net").glob("*")):
        try:
            up = (folder / "operstate").read_text(encoding="ascii").strip() in ("up", "unknown")
            counters = [folder / "statistics" / name for name in ("rx_errors", "tx_errors")]
            errors = sum(int(counter.read_text(encoding="ascii")) for counter in counters)
        except OSError:
            continue
        cards.append({"name": folder.name, "up": up, "errors": errors})
    return cards
