"""What `doctor` found of one thing, and how it is mended."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at; `fix` is empty when it is ok."""

    what: str
    is_ok: bool
    text: str
    fix: str = ""
