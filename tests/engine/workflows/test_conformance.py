"""What Orquesta itself did with 869 workflows: the same inputs and steps, and the same outcome."""

import json
import re
from collections import Counter
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from engine.workflows.rehearse import Replay, replay
from tests.engine.workflows.differences import DIFFERENT

RECORDED = Path(__file__).parents[4] / "shared" / "conformance" / "orquesta"

# Texts of exceptions are those of the two expression languages: only their beginning counts.
_EXCEPTION = re.compile(r"^(\w+Exception): .*", re.DOTALL)
_RANDOM = re.compile(r"/tmp/\d+")
# The workflow's status after a step differs from the recorded one, and its outcome does not:
# questions hold only their branch (D7), and the output is rendered when the workflow ends.
_OTHER_ON_THE_WAY = {
    "examples/orquesta-ask-parallel": "D7",
    "probes/p21_pending": "D7",
    "examples/orquesta-fail-output-rendering": "output",
    "examples/orquesta-with-items": "output",
    "examples/orquesta-with-items-concurrency": "output",
    "examples/render_config_context": "output",
    "orquesta/with-items-remediate": "output",
    "probes/p22_timeout": "output",
}


def recorded() -> dict[str, dict[str, Any]]:
    """By `folder/file/script`."""
    if not RECORDED.is_dir():
        pytest.skip(f"{RECORDED} is not there: the recorded cases come with the design, not with the code")
    cases = {}
    for path in sorted(RECORDED.glob("*/*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        for case in document["cases"]:
            name = f"{path.parent.name}/{path.stem}/{case['script']}"
            cases[name] = case | {"definition": document["definition"], "context": document["context"]}
    return cases


def normal(outcome: dict[str, Any]) -> Any:
    """What can be compared: no random numbers, exceptions by name, errors and sets in any order."""
    plain = json.loads(_RANDOM.sub("/tmp/N", json.dumps(outcome, default=str)))
    plain["errors"] = sorted(
        (error | {"message": _EXCEPTION.sub(r"\1", error["message"])} for error in plain.get("errors") or ()),
        key=lambda error: json.dumps(error, sort_keys=True),
    )
    return plain


def wants(case: dict[str, Any]) -> bool:
    """Whether it runs at all: the others are about inspection."""
    return "load_error" not in case["expect"] and not case["expect"]["inspection"]


def test_every_case_has_the_recorded_outcome_or_the_one_that_we_give_instead() -> None:
    wrong, counts = [], Counter[str]()
    for name, case in recorded().items():
        expected = deepcopy(case["expect"])
        if name in DIFFERENT:
            DIFFERENT[name](expected)
        is_right = normal(replay(case)) == normal(expected)
        counts["another on purpose" if name in DIFFERENT else "the recorded outcome"] += is_right
        if not is_right:
            wrong.append(name)
    print(f"{sum(counts.values())} cases:", ", ".join(f"{count} {what}" for what, count in counts.items()))
    assert wrong == []


def test_every_listed_difference_is_one() -> None:
    cases = recorded()
    assert [name for name in DIFFERENT if normal(replay(cases[name])) == normal(cases[name]["expect"])] == []


def test_the_workflow_has_the_recorded_status_after_every_step() -> None:
    wrong = []
    for name, case in recorded().items():
        if not wants(case) or name in DIFFERENT or name.rpartition("/")[0] in _OTHER_ON_THE_WAY:
            continue
        replayed = Replay(case)
        replayed.outcome()
        if replayed.statuses != [step["workflow"] for step in case["steps"]]:
            wrong.append(name)
    assert wrong == []


def test_what_is_refused_is_refused_in_the_same_words() -> None:
    wrong = []
    for name, case in recorded().items():
        refused = [step["refused"] for step in case["steps"] if "refused" in step]
        if not refused or name in DIFFERENT or name.rpartition("/")[0] in _OTHER_ON_THE_WAY:
            continue
        replayed = Replay(case)
        replayed.outcome()
        if replayed.refused != refused:
            wrong.append((name, replayed.refused, refused))
    assert wrong == []
