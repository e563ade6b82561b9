"""Regular expressions of YAQL, which give up after a while instead of never."""

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any

import regex

from engine.errors import BadTemplate
from engine.expressions.limits import refused

_TIMEOUT_S = 0.5
_LONGEST_MADE = 16_777_216


class Pattern:
    """A compiled pattern: `re` says what is one, `regex` runs it, since only that one can be stopped."""

    __slots__ = ("_compiled", "_text")

    def __init__(self, text: str, flags: int = 0) -> None:
        re.compile(text, flags)
        self._text = text
        self._compiled = regex.compile(text, flags)

    def search(self, text: str) -> Any:
        return self._bounded(lambda: self._compiled.search(text, timeout=_TIMEOUT_S))

    def finditer(self, text: str) -> Iterator[Any]:
        return iter(self._bounded(lambda: list(self._compiled.finditer(text, timeout=_TIMEOUT_S))))

    def split(self, text: str, maxsplit: int = 0) -> list[Any]:
        found: list[Any] = self._bounded(
            lambda: self._compiled.split(text, maxsplit=maxsplit, timeout=_TIMEOUT_S)
        )
        return found

    def sub(self, replacement: str | Callable[[Any], Any], text: str, count: int = 0) -> str:
        made = 0

        def replaced(match: Any) -> str:
            nonlocal made
            piece: str = match.expand(replacement) if isinstance(replacement, str) else replacement(match)
            made += len(piece)
            if made > _LONGEST_MADE:
                raise refused(f"makes more than {_LONGEST_MADE} characters by replacing")
            return piece

        result: str = self._bounded(
            lambda: self._compiled.sub(replaced, text, count=count, timeout=_TIMEOUT_S)
        )
        return result

    def _bounded(self, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except TimeoutError as error:
            raise BadTemplate(f"The pattern {self._text!r} takes longer than {_TIMEOUT_S} s.") from error


@functools.lru_cache(maxsize=256)
def pattern_of(text: str) -> Pattern:
    """Raises re.error."""
    return Pattern(text)
