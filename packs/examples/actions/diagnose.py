"""examples.diagnose: what one would look at first on a host that misbehaves.

Result: `{host, checked_at, verdict, findings, sections}`. `verdict` is healthy, attention or trouble, the
worst of the findings. A finding is `{severity, section, text}`. `sections` holds one object for each section,
as the modules in lib/ describe it; a section that could not be read holds `{error}`.
"""

import datetime as dt
import platform
import socket

import host_activity
import host_resources
import host_system
from st2common.runners.base_action import Action

SECTIONS = {
    "load": host_resources.load,
    "memory": host_resources.memory,
    "disks": host_resources.disks,
    "processes": host_activity.processes,
    "services": host_system.services,
    "network": host_activity.network,
    "kernel": host_system.kernel,
    "clock": host_system.clock,
}
SEVERITIES = ("healthy", "attention", "trouble")


class DiagnoseAction(Action):
    def run(self, section="all", top=5):
        """The diagnosis as described at the top of the file."""
        wanted = list(SECTIONS) if section == "all" else [section]
        if section != "all" and section not in SECTIONS:
            raise ValueError(f"Unknown section {section!r}: use all, {', '.join(SECTIONS)}.")
        sections, findings = {}, []
        for name in wanted:
            self.logger.info("looking at %s", name)
            facts, found = look_at(name, top)
            sections[name] = facts
            findings += [{"severity": severity, "section": name, "text": text} for severity, text in found]
        return {
            "host": {
                "name": socket.gethostname(),
                "system": platform.system(),
                "kernel": platform.release(),
                "distribution": host_system.distribution(),
            },
            "checked_at": dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
            "verdict": worst(findings),
            "findings": sorted(findings, key=lambda one: -SEVERITIES.index(one["severity"])),
            "sections": sections,
        }


def look_at(name, top):
    """Facts and findings of one section; what cannot be read on this host spoils no other section."""
    try:
        return SECTIONS[name](top)
    except (OSError, ValueError, IndexError) as error:
        return {"error": f"{type(error).__name__}: {error}"}, []


def worst(findings):
    return max((one["severity"] for one in findings), key=SEVERITIES.index, default="healthy")
