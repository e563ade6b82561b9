"""What is said about each thing of the old box, and what became of it."""

from dataclasses import dataclass
from enum import StrEnum


class Weight(StrEnum):
    """How much a remark says; the heaviest one is the verdict on its item."""

    LOOK = "look"
    """It runs; somebody should look at it."""
    DIFFERS = "differs"
    """It runs, and not quite as in StackStorm."""
    FAILS = "fails"
    """It does not run, or is not taken over."""


class Verdict(StrEnum):
    RUNS = "runs"
    DIFFERS = "differs"
    FAILS = "fails"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    weight: Weight
    where: str
    """A file of the old box, with a line where one is known."""
    text: str
    hint: str = ""
    """What to do."""
    row: str = ""
    """The heading in docs/differences.md under which the difference stands."""
    is_old: bool = False
    """Of what fails: in StackStorm 3.9 it fails just so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One action, rule, key ... of the old box."""

    kind: str
    name: str
    where: str
    remarks: tuple[Remark, ...] = ()

    @property
    def verdict(self) -> Verdict:
        weights = {remark.weight for remark in self.remarks}
        if Weight.FAILS in weights:
            return Verdict.FAILS
        return Verdict.DIFFERS if Weight.DIFFERS in weights else Verdict.RUNS


def fails(where: str, text: str, hint: str = "", *, row: str = "", is_old: bool = False) -> Remark:
    return Remark(weight=Weight.FAILS, where=where, text=text, hint=hint, row=row, is_old=is_old)


def differs(where: str, text: str, hint: str = "", *, row: str) -> Remark:
    return Remark(weight=Weight.DIFFERS, where=where, text=text, hint=hint, row=row)


def look(where: str, text: str, hint: str = "") -> Remark:
    return Remark(weight=Weight.LOOK, where=where, text=text, hint=hint)
