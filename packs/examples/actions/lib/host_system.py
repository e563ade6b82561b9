"""Failed services, kernel messages and the clock of this host.

Each function takes how many things to name and gives `(facts, findings)`; a finding is `(severity, text)`.
"""

import ctypes
import datetime as dt
import os
import struct
import subprocess
import time
from pathlib import Path

COMMAND_TIMEOUT_S = 5
# Kernel levels: 0 emergency ... 3 error, 4 warning.
ERROR_LEVEL = 3
CLOCK_UNSYNCHRONISED = 0x40


def distribution():
    """Its name with its version; an empty text where /etc/os-release is missing."""
    try:
        lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    named = dict(line.split("=", 1) for line in lines if "=" in line)
    return named.get("PRETTY_NAME", "").strip("\"'")


def services(top):
    """`{manager, failed: [unit], failed_count}`; `manager` is systemd, or None where it does not run."""
    if not Path("/run/systemd/system").is_dir():
        return {"manager": None, "failed": [], "failed_count": 0}, []
    text = output_of("systemctl", "list-units", "--state=failed", "--no-legend", "--plain", "--no-pager")
    failed = [line.split()[0] for line in text.splitlines() if line.strip()]
    facts = {"manager": "systemd", "failed": failed[:top], "failed_count": len(failed)}
    return facts, [("trouble", f"{unit} has failed") for unit in failed[:top]]


def output_of(*command):
    """What a command writes; ValueError with its own words when it fails or hangs."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=COMMAND_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise ValueError(f"{command[0]} did not answer within {COMMAND_TIMEOUT_S} s") from error
    if done.returncode:
        raise ValueError(done.stderr.decode("utf-8", "replace").strip() or f"{command[0]} failed")
    return done.stdout.decode("utf-8", "replace")


def kernel(top):
    """`{readable, reason, error_count, messages: [{age_s, level, text}]}`: errors and worse, newest last."""
    try:
        records = kernel_records()
    except OSError as error:
        return {"readable": False, "reason": error.strerror, "error_count": 0, "messages": []}, []
    errors = [record for record in records if record["level"] <= ERROR_LEVEL]
    facts = {"readable": True, "reason": None, "error_count": len(errors), "messages": errors[-top:]}
    fresh = [record for record in errors if record["age_s"] < 3600]
    if fresh:
        return facts, [("attention", f"{len(fresh)} errors from the kernel within the hour")]
    return facts, []


def kernel_records():
    """The kernel's ring buffer; OSError where this user may not read it."""
    now, records = time.clock_gettime(time.CLOCK_MONOTONIC), []
    device = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    try:
        while True:
            try:
                raw = os.read(device, 16384)
            except BlockingIOError:
                return records
            except BrokenPipeError:
                # The oldest record was overwritten while we read; the next read goes on behind it.
                continue
            if not raw:
                return records
            records.append(as_record(raw.decode("utf-8", "replace"), now))
    finally:
        os.close(device)


def as_record(line, now):
    """One record: `priority,sequence,microseconds,flags;text`. Facility and level share the priority."""
    head, _, text = line.partition(";")
    priority, _sequence, microseconds = head.split(",")[:3]
    age_s = now - int(microseconds) / 1e6
    return {"age_s": max(0, round(age_s)), "level": int(priority) & 7, "text": text.split("\n", 1)[0][:300]}


def clock(_top):
    """`{utc, timezone, up_s, synchronised, error_ms}`; the last two are None where nobody knows."""
    up_s = float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
    synchronised, error_ms = synchronisation()
    facts = {
        "utc": dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
        "timezone": time.tzname[0],
        "up_s": round(up_s),
        "synchronised": synchronised,
        "error_ms": error_ms,
    }
    if synchronised is False:
        return facts, [("attention", "the clock is not synchronised")]
    return facts, []


def synchronisation():
    """Whether something keeps the clock right, and its estimated error in ms: asked by adjtimex(2)."""
    # struct timex begins: int modes, long offset, freq, maxerror, esterror, int status. modes 0 only reads.
    buffer = ctypes.create_string_buffer(512)
    try:
        adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
    except (AttributeError, OSError):
        return None, None
    if adjtimex(buffer) < 0:
        return None, None
    _modes, _offset, _freq, _max_error, error_us, status = struct.unpack_from("@illlli", buffer)
    synchronised = not status & CLOCK_UNSYNCHRONISED
    return synchronised, round(error_us / 1000, 1) if synchronised else None
