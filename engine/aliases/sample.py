"""Makes up a text that a format should fit, for the linter."""

from collections.abc import Iterable
from typing import Any

from engine.aliases.characters import SINGLE, char_test

_LETTERS = " -_.,a:/A!?'\"\n"


def sample_of(items: Iterable[Any], flags: int, value_tree: str, value: str) -> str | None:
    """The shortest way through a parsed expression, with `value` for each placeholder's value.

    None where it cannot be made up: references, lookarounds.
    """
    parts = []
    for op, argument in items:
        part = _item(str(op), argument, flags, (value_tree, value))
        if part is None:
            return None
        parts.append(part)
    return "".join(parts)


def _item(name: str, argument: Any, flags: int, placeholder: tuple[str, str]) -> str | None:
    value_tree, value = placeholder
    if name == "LITERAL":
        return chr(argument)
    if name in SINGLE:
        return _letter(name, argument, flags)
    if name == "AT":
        return ""
    if name == "BRANCH":
        if repr(argument) == value_tree:
            return value
        return sample_of(argument[1][0], flags, value_tree, value)
    if name == "SUBPATTERN":
        return sample_of(argument[3], (flags | argument[1]) & ~argument[2], value_tree, value)
    if name in {"MAX_REPEAT", "MIN_REPEAT"}:
        once = sample_of(argument[2], flags, value_tree, value)
        return once * argument[0] if once is not None else ("" if argument[0] == 0 else None)
    return None


def _letter(name: str, argument: Any, flags: int) -> str | None:
    test = char_test(name, argument, flags)
    written = [chr(value) for op, value in argument if str(op) == "LITERAL"] if name == "IN" else []
    ranges = [chr(value[0]) for op, value in argument if str(op) == "RANGE"] if name == "IN" else []
    return next((letter for letter in ["x", "1", *written, *ranges, *_LETTERS] if test(letter)), None)
