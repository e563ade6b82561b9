"""Load, memory and disks of this host, read from /proc and statvfs.

Each function takes how many things to name and gives `(facts, findings)`; a finding is `(severity, text)`.
"""

import os
from pathlib import Path

# Below these shares of free space a disk wants attention, or is in trouble; in percent.
DISK_ATTENTION, DISK_TROUBLE = 15.0, 5.0
# fmt: off
PSEUDO_FILESYSTEMS = frozenset({
    "autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs",
    "debugfs", "devpts", "devtmpfs", "efivarfs", "fuse.lxcfs", "fusectl",
    "hugetlbfs", "mqueue", "nsfs", "proc", "pstore", "ramfs",
    "rpc_pipefs", "securityfs", "squashfs", "sysfs", "tracefs",
})
# fmt: on


def load(_top):
    """`{one, five, fifteen, cpus, per_cpu, pressure_percent}`; pressure over the last 10 s."""
    one, five, fifteen = os.getloadavg()
    cpus = os.cpu_count() or 1
    per_cpu = round(five / cpus, 2)
    facts = {
        "one": round(one, 2),
        "five": round(five, 2),
        "fifteen": round(fifteen, 2),
        "cpus": cpus,
        "per_cpu": per_cpu,
        "pressure_percent": {kind: pressure(kind) for kind in ("cpu", "io", "memory")},
    }
    if per_cpu >= 2:
        return facts, [("trouble", f"load {five:.1f} on {cpus} CPUs over five minutes")]
    if per_cpu >= 1:
        return facts, [("attention", f"load {five:.1f} on {cpus} CPUs over five minutes")]
    return facts, []


def pressure(kind):
    """Share of the last 10 s in which some task waited for `kind`, in percent; None where unknown."""
    try:
        first = Path("/proc/pressure", kind).read_text(encoding="ascii").split("\n", 1)[0]
        return float(first.split("avg10=")[1].split()[0])
    except (OSError, IndexError, ValueError):
        return None


def memory(_top):
    """Sizes `total_bytes, available_bytes, swap_total_bytes, swap_used_bytes`, and `used_percent`.

    `out_of_memory_kills` counts since the kernel started.
    """
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    sizes = {key: int(rest.split()[0]) * 1024 for key, _, rest in (line.partition(":") for line in lines)}
    total, available = sizes["MemTotal"], sizes.get("MemAvailable", sizes["MemFree"])
    kills = out_of_memory_kills()
    facts = {
        "total_bytes": total,
        "available_bytes": available,
        "used_percent": round(100 * (total - available) / total, 1),
        "swap_total_bytes": sizes.get("SwapTotal", 0),
        "swap_used_bytes": sizes.get("SwapTotal", 0) - sizes.get("SwapFree", 0),
        "out_of_memory_kills": kills,
    }
    findings = []
    if facts["used_percent"] >= 95:
        findings.append(("trouble", f"{facts['used_percent']:.0f} % of the memory is in use"))
    elif facts["used_percent"] >= 85:
        findings.append(("attention", f"{facts['used_percent']:.0f} % of the memory is in use"))
    if kills:
        findings.append(("attention", f"the kernel killed {kills} processes for memory since it started"))
    return facts, findings


def out_of_memory_kills():
    """Kills since the kernel started; None where the kernel does not count them."""
    for line in Path("/proc/vmstat").read_text(encoding="ascii").splitlines():
        name, _, count = line.partition(" ")
        if name == "oom_kill":
            return int(count)
    return None


def disks(_top):
    """`{mounts: [...]}`, the fullest first.

    A mount is `{path, filesystem, size_bytes, free_bytes, used_percent, inodes_used_percent, read_only}`.
    """
    mounts = sorted(mounted(), key=lambda mount: -mount["used_percent"])
    findings = []
    for mount in mounts:
        free = 100 - max(mount["used_percent"], mount["inodes_used_percent"] or 0)
        what = "space" if mount["used_percent"] >= (mount["inodes_used_percent"] or 0) else "inodes"
        if mount["read_only"] or free >= DISK_ATTENTION:
            continue
        severity = "trouble" if free < DISK_TROUBLE else "attention"
        findings.append((severity, f"{mount['path']} has {free:.0f} % of its {what} left"))
    return {"mounts": mounts}, findings


def mounted():
    """Real file systems, each device once."""
    seen = set()
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines():
        _device, path, filesystem, options = line.split()[:4]
        # The kernel writes blanks in paths as octal escapes.
        path = path.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
        if (
            filesystem in PSEUDO_FILESYSTEMS
            or path.startswith(("/sys/", "/proc/"))
            or not Path(path).is_dir()
        ):
            continue
        try:
            space, device = os.statvfs(path), Path(path).stat().st_dev
        except OSError:
            continue
        # Mounts of less than 1 MiB (credentials, name service) can only hold their own few files.
        if space.f_blocks * space.f_frsize < 2**20 or device in seen:
            continue
        seen.add(device)
        yield as_mount(path, filesystem, space, "ro" in options.split(","))


def as_mount(path, filesystem, space, read_only):
    # As df does: what root alone may use is counted as used.
    usable = space.f_blocks - space.f_bfree + space.f_bavail
    used = 100 * (space.f_blocks - space.f_bfree) / usable if usable else 100.0
    inodes = 100 * (space.f_files - space.f_ffree) / space.f_files if space.f_files else None
    return {
        "path": path,
        "filesystem": filesystem,
        "size_bytes": space.f_blocks * space.f_frsize,
        "free_bytes": space.f_bavail * space.f_frsize,
        "used_percent": round(used, 1),
        "inodes_used_percent": None if inodes is None else round(inodes, 1),
        "read_only": read_only,
    }
