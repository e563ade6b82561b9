"""What /proc and prctl say and do: which processes belong to an action, and how they end."""

import os
import signal

PR_SET_CHILD_SUBREAPER = 36


def become_subreaper():
    """Orphans below this process become its children, not those of process 1.

    False where the system does not allow it; then an orphan that made a session of its own and
    emptied its environment is not found.
    """
    try:
        import ctypes

        return ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    except (ImportError, OSError, AttributeError):
        return False


def start_ticks(pid):
    """When a process started, in clock ticks since boot; None when there is none.

    Together with the pid this names a process for good: a pid is used again, with another start.
    """
    fields = _stat(pid)
    return fields[3] if fields else None


def _stat(pid):
    """(parent, session, state, start) of a process, or None."""
    try:
        with open("/proc/%s/stat" % pid, "rb") as file:
            text = file.read()
    except OSError:
        return None
    # The name, in parentheses, may hold anything, also spaces and parentheses.
    fields = text[text.rindex(b")") + 2 :].split()
    return int(fields[1]), int(fields[3]), fields[0], int(fields[19])


def snapshot():
    """{pid: (parent, session, state, start)} of every process."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = _stat(name)
            if fields is not None:
                found[int(name)] = fields
    return found


def members(root, marker, within=None):
    """The pids that belong to an action and still run, parents before children; zombies are left out.

    `root`: its first process, which leads a session (None: not known). `marker`: bytes
    `NAME=VALUE` that stand in the environment of what it started. `within`: only descendants of
    that pid are asked for the marker; None: every process.
    """
    processes = snapshot()
    children = {}
    for pid, fields in processes.items():
        children.setdefault(fields[0], []).append(pid)
    candidates = processes if within is None else _below([within], children)
    seeds = {pid for pid, fields in processes.items() if root is not None and fields[1] == root}
    if root in processes:
        seeds.add(root)
    seeds.update(pid for pid in candidates if pid not in seeds and _has_marker(pid, marker))
    belonging = seeds | _below(seeds, children)
    belonging.discard(os.getpid())
    belonging.discard(within)
    alive = [pid for pid in belonging if processes[pid][2] not in (b"Z", b"X")]
    return sorted(alive, key=lambda pid: (_depth(pid, processes), pid))


def _depth(pid, processes):
    """How many ancestors a process has. In a snapshot pids may be new ones: a circle is cut."""
    seen = set()
    while pid in processes and pid not in seen:
        seen.add(pid)
        pid = processes[pid][0]
    return len(seen)


def _below(roots, children):
    found = set()
    waiting = list(roots)
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return found


def _has_marker(pid, marker):
    try:
        with open("/proc/%d/environ" % pid, "rb") as file:
            return marker in file.read().split(b"\0")
    except OSError:
        return False


def send(pids, number):
    """Signal each, in this order; those that are gone or not ours are passed over.

    Parents come first: a shell whose `sleep` is ended before itself goes on with its next command.
    """
    for pid in pids:
        try:
            os.kill(pid, number)
        except OSError:
            pass


def kill_group(pid):
    """KILL the whole process group that `pid` leads."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:
        pass
