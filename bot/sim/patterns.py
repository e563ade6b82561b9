"""Placeholders of transcripts: `{name}` for an id, `{time}`, `{span}`, `{number}`, `{any}`; `{name:number}`.

A kind alone stands for a value that nobody needs again. Any other name stands for an id, or for what is
written behind its colon; the answer that shows it first gives it its value, which is meant from then on.
"""

import re
from collections.abc import Mapping

_KINDS: Mapping[str, str] = {
    "id": r"(?<![0-9a-f])[0-9a-f]{6,24}(?![0-9a-f])",
    # 22:00, 2026-11-27 22:00, Fri 2026-11-27 22:00:05, with the zone behind it if there is one.
    "time": (
        r"(?:\w{3,9},? )?(?:\d{4}-\d\d-\d\d[ T])?\d\d:\d\d(?::\d\d(?:\.\d+)?)?"
        r"(?: ?(?:Z|UTC|[+-]\d\d:\d\d))?"
    ),
    # 0.42 s, 3 min 5 s, 2 d 4 h.
    "span": r"\d+(?:\.\d+)? (?:ms|s|min|h|d)(?: \d+ (?:s|min|h))?",
    "number": r"\d+(?:[.,]\d+)*",
    "word": r"[\w.-]+",
    "any": r".*?",
}
# Doubled braces are those of templates, and stay.
_PLACE = re.compile(r"(?<!\{)\{(?P<name>[a-z]\w*)(?::(?P<kind>[a-z]+))?\}(?!\})")


def pattern_of(words: str, values: Mapping[str, str]) -> re.Pattern[str]:
    """Finds `words` in a text whose white space is single spaces; its groups are the new names."""
    parts: list[str] = []
    done = 0
    fresh: set[str] = set()
    for place in _PLACE.finditer(words):
        parts.append(_exactly(words[done : place.start()]))
        parts.append(_place(place, values, fresh))
        done = place.end()
    return re.compile("".join([*parts, _exactly(words[done:])]))


def filled(words: str, values: Mapping[str, str]) -> str:
    """What a person says: with the values of the names that are known."""
    return _PLACE.sub(lambda place: values.get(place["name"], place[0]), words)


def names_in(words: str) -> set[str]:
    return {place["name"] for place in _PLACE.finditer(words) if not _is_kind(place)}


def unknown_names(words: str, known: set[str]) -> list[str]:
    """Names in what a person says that have no value."""
    return [place["name"] for place in _PLACE.finditer(words) if place["name"] not in known]


def _place(place: re.Match[str], values: Mapping[str, str], fresh: set[str]) -> str:
    if _is_kind(place):
        return f"(?:{_KINDS[place['name']]})"
    name = place["name"]
    if name in values:
        return re.escape(values[name])
    if name in fresh:
        return f"(?P={name})"
    fresh.add(name)
    return f"(?P<{name}>{_KINDS.get(place['kind'] or 'id', _KINDS['id'])})"


def _is_kind(place: re.Match[str]) -> bool:
    return place["kind"] is None and place["name"] in _KINDS and place["name"] != "id"


def _exactly(words: str) -> str:
    """A colon before a space may be missing: where chats only have lines, names of fields have one."""
    return re.escape(re.sub(r"\s+", " ", words)).replace(r":\ ", r":?\ ")
