"""The installer as a program: the plan comes on descriptor 3, the result goes to descriptor 4."""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.installer.index import Index, read_index
from engine.installer.plan import Plan
from engine.installer.server import NoAnswer, Server, alias_conflicts
from engine.installer.work import Report, Work

_PLAN_FD, _RESULT_FD = 3, 4


def main() -> int:
    with os.fdopen(_PLAN_FD, encoding="utf-8") as file:
        plan = Plan.from_json(file.read())

    def index() -> Index:
        return read_index(plan.index_urls, cache=Path(plan.places.state))

    report = Work(plan, index, _say).run()
    if report.packs_list and plan.operation != "download" and plan.api_url:
        _register(plan, report)
    with os.fdopen(_RESULT_FD, "w", encoding="utf-8") as file:
        json.dump(_result(plan, report), file)
    return 1 if report.failures else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _register(plan: Plan, report: Report) -> None:
    """Have the server read its content anew, and tell what it finds odd in the packs."""
    _say("registering")
    server = Server(plan.api_url, plan.token, say=_say)
    try:
        server.reload()
        if plan.operation in ("install", "update"):
            report.conflict_list += alias_conflicts(server.aliases(), report.packs_list)
            for pack in report.packs_list:
                for one in server.unavailable(pack):
                    report.warning_list.append(f"{one['where']}: {one['reason']}")
    except NoAnswer as error:
        report.warning_list.append(f"The server did not reload its content: {error}. Say: stormcrow reload")


def _result(plan: Plan, report: Report) -> dict[str, Any]:
    done = {"install": "installed", "update": "updated", "uninstall": "removed", "download": "fetched"}
    word = done.get(plan.operation, "set up")
    names = ", ".join(report.packs_list)
    message = f"The following packs were {word}: {names}." if names else f"No pack was {word}."
    output = {**asdict(report), "message": message}
    failures = output.pop("failures")
    return {"output": output, **({"error": "\n".join(failures)} if failures else {})}


if __name__ == "__main__":
    sys.exit(main())
