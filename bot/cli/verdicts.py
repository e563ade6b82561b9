"""How an execution went, as an exit code and a sentence: a rejected approval is no ordinary failure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.cli.exits import CODE_OF, Code, CommandError

_HIGHEST = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`execution`: as it is at the end of the waiting. `sentence`: who decided what; empty: nobody had to."""

    execution: Mapping[str, Any]
    code: int
    sentence: str = ""
    inquiries: Sequence[Mapping[str, Any]] = field(default=())
    tasks: Sequence[Mapping[str, Any]] = field(default=())


def verdict_on(
    execution: Mapping[str, Any],
    *,
    inquiries: Sequence[Mapping[str, Any]] = (),
    tasks: Sequence[Mapping[str, Any]] = (),
) -> Verdict:
    """Of an execution that has ended, or goes on."""
    code = CODE_OF.get(execution["status"], Code.STILL_WAITING)
    decided = sorted(
        (one for one in inquiries if one.get("outcome")), key=lambda one: str(one["outcome"]["at"])
    )
    no = _no_of(execution, decided) if code is Code.FAILED else None
    said = no or (decided[-1] if decided else None)
    return Verdict(
        execution=execution,
        code=Code.REJECTED if no is not None else code,
        sentence=str(said["outcome"]["text"]) if said is not None else "",
        inquiries=inquiries,
        tasks=tasks,
    )


def _no_of(execution: Mapping[str, Any], decided: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The decision because of which it failed: a workflow says which; a question by itself is its own."""
    named = execution.get("context", {}).get("rejected_by") or execution["id"]
    return next((one for one in decided if one["id"] == named and one["state"] != "expired"), None)


def passed_through(verdict: Verdict, path: str) -> int:
    """The number that stands at `path` in the execution, where it ended by itself; never 0 for a failure.

    Raises CommandError where there is no such number.
    """
    if verdict.code not in (Code.OK, Code.FAILED):
        return verdict.code
    value: Any = verdict.execution
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, int):
        raise CommandError(
            Code.WRONG,
            f"--exit-code-from {path}: there is no number in the execution.",
            hint="For example result.return_code, or result.output.exit_code of a workflow.",
        )
    if verdict.code is Code.FAILED and not 0 < value <= _HIGHEST:
        return Code.FAILED
    return value if 0 <= value <= _HIGHEST else Code.FAILED
