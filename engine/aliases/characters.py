"""What one character must be to pass one place of a regular expression."""

import re
from collections.abc import Callable
from typing import Any

CharTest = Callable[[str], bool]

_CATEGORIES = {
    "CATEGORY_SPACE": (r"\s", True),
    "CATEGORY_NOT_SPACE": (r"\s", False),
    "CATEGORY_DIGIT": (r"\d", True),
    "CATEGORY_NOT_DIGIT": (r"\d", False),
    "CATEGORY_WORD": (r"\w", True),
    "CATEGORY_NOT_WORD": (r"\w", False),
}
SINGLE = frozenset({"LITERAL", "NOT_LITERAL", "ANY", "IN"})


def char_test(name: str, value: Any, flags: int) -> CharTest:
    """The test of a parsed LITERAL, NOT_LITERAL, ANY or IN under `flags` of the re module."""
    if name == "ANY":
        return _anything if flags & re.DOTALL else _not_newline
    if name == "LITERAL":
        return _member([("LITERAL", value)], flags)
    if name == "NOT_LITERAL":
        return _negated(_member([("LITERAL", value)], flags))
    entries = [(str(entry), argument) for entry, argument in value]
    if entries[0][0] == "NEGATE":
        return _negated(_member(entries[1:], flags))
    return _member(entries, flags)


def is_word(character: str) -> bool:
    r"""As `\w`: a letter, a digit or an underscore of any script."""
    return character.isalnum() or character == "_"


def _anything(character: str) -> bool:
    return bool(character)


def _not_newline(character: str) -> bool:
    return character != "\n"


def _negated(test: CharTest) -> CharTest:
    return lambda character: not test(character)


def _member(entries: list[tuple[str, Any]], flags: int) -> CharTest:
    """Whether a character is one of the literals, ranges and categories of a set."""
    literals = frozenset(chr(value) for name, value in entries if name == "LITERAL")
    ranges = [(chr(value[0]), chr(value[1])) for name, value in entries if name == "RANGE"]
    patterns = [_category(str(value), flags) for name, value in entries if name == "CATEGORY"]

    def is_in(character: str) -> bool:
        return (
            character in literals
            or any(low <= character <= high for low, high in ranges)
            or any(wanted == bool(pattern.match(character)) for pattern, wanted in patterns)
        )

    if not flags & re.IGNORECASE:
        return is_in
    return lambda character: any(is_in(form) for form in {character, character.lower(), character.upper()})


def _category(name: str, flags: int) -> tuple[re.Pattern[str], bool]:
    source, wanted = _CATEGORIES[name]
    return re.compile(source, flags & re.ASCII), wanted
