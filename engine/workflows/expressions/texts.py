"""Finding expressions in a text: which language it is in, where they are, which variables they name."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Language = Literal["yaql", "jinja"]

_RAW_TAG = re.compile(r"{%-?\s*(raw|endraw)\s*-?%}")
# No text of a definition holds it: YAML has no such character.
_HOLE = "\0{}\0"
_HOLES = re.compile("\0([0-9]{1,7})\0")

# As long as what names a variable is; unbounded, a text of open brackets takes minutes.
_REST = r"[\[\]\w'\".()]{0,300}"
_REFERENCE = re.compile(rf"\bctx\(['\"]?{_REST}['\"]?\)\.?{_REST}", re.ASCII)
_NAMES = tuple(
    re.compile(pattern, re.ASCII)
    for pattern in (
        r"(?<=\bctx\(\)\.)([\w-]+)\b(?!\()",
        r"\bctx\(([\w-]+)\)",
        r"\bctx\('([\w-]+)'\)",
        r'\bctx\("([\w-]+)"\)',
    )
)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Reference:
    """A variable that a text reads through ctx."""

    name: str
    language: Language
    text: str
    """The whole text, as it stands in the definition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """An expression in a text, with its delimiters."""

    start: int
    end: int
    text: str
    inner: str
    """Without the delimiters and the white space around."""


@lru_cache(maxsize=8192)
def languages_of(text: str) -> tuple[Language, ...]:
    """The languages that a text holds; the first one is evaluated."""
    found: list[Language] = []
    if _has(text, "<%", "%>"):
        found.append("yaql")
    if _has(text, "{{", "}}") or has_block(text):
        found.append("jinja")
    return tuple(found)


def has_block(text: str) -> bool:
    """Whether Jinja renders the whole text instead of each expression."""
    return _has(text, "{%", "%}")


def _has(text: str, opened: str, closed: str) -> bool:
    start = text.find(opened)
    return start >= 0 and text.find(closed, start + 2) >= 0


def without_raw(text: str) -> tuple[str, tuple[str, ...]]:
    """A Jinja text with holes for its raw blocks, and what stands in these."""
    kept: list[str] = []
    raw: list[str] = []
    done = 0
    opened: re.Match[str] | None = None
    for tag in _RAW_TAG.finditer(text):
        if opened is None:
            opened = tag if tag[1] == "raw" else None
        elif tag[1] == "endraw":
            kept += (text[done : opened.start()], _HOLE.format(len(raw)))
            raw.append(text[opened.end() : tag.start()])
            done, opened = tag.end(), None
    return "".join((*kept, text[done:])), tuple(raw)


def with_raw(text: str, raw: tuple[str, ...]) -> str:
    """The holes filled again, in one pass; what only looks like one of them stays."""

    def filled(hole: re.Match[str]) -> str:
        number = int(hole[1])
        return raw[number] if number < len(raw) else hole[0]

    return _HOLES.sub(filled, text)


def parts_of(text: str, language: Language) -> tuple[Part, ...]:
    """The expressions of one language, in their order."""
    opened, closed, delimiters = ("<%", "%>", "<%>") if language == "yaql" else ("{{", "}}", "{}")
    parts: list[Part] = []
    end = 0
    # Braces inside of an expression end it, as in Orquesta; unlike there it may go over several lines.
    while (start := text.find(opened, end)) >= 0 and (last := text.find(closed, start + 2)) >= 0:
        end = last + 2
        part = text[start:end]
        parts.append(Part(start=start, end=end, text=part, inner=part.strip(delimiters).strip()))
    return tuple(parts)


def is_whole(text: str, parts: tuple[Part, ...]) -> bool:
    """Whether a text is one expression, whose value keeps its type.

    An expression over several lines may have white space around it: the block texts of YAML
    end in a newline, and a condition that is the text "False" would be true.
    """
    if len(parts) != 1:
        return False
    rest = len(text) - len(parts[0].text)
    return rest == 0 or ("\n" in parts[0].text and text.strip() == parts[0].text)


@lru_cache(maxsize=4096)
def references(text: str) -> tuple[Reference, ...]:
    """The variables that a text names, as Orquesta's inspection finds them; methods of ctx() are none."""
    if "ctx(" not in text:
        return ()
    found: set[Reference] = set()
    languages: tuple[Language, ...] = ("yaql", "jinja")
    for language in languages:
        for part in parts_of(text, language):
            for reference in _REFERENCE.findall(part.inner):
                for names in _NAMES:
                    match = names.search(reference)
                    if match:
                        found.add(Reference(name=match[1], language=language, text=text))
    return tuple(sorted(found))
