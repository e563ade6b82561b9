"""Finding expressions in a text: which language it is in, where they are, which variables they name."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Language = Literal["yaql", "jinja"]

# Orquesta finds expressions by patterns too, so braces inside of an expression end it there as here.
# Unlike there, an expression may go over several lines.
_YAQL = re.compile(r"<%.*?%>", re.DOTALL)
_JINJA = re.compile(r"{{.*?}}", re.DOTALL)
_BLOCK = re.compile(r"{%.*?%}", re.DOTALL)
_RAW = re.compile(r"{%-?\s*raw\s*-?%}(.*?){%-?\s*endraw\s*-?%}", re.DOTALL)
# No text of a definition holds it: YAML has no such character.
_HOLE = "\0{}\0"

_REST = r"[\[\]\w'\".()]*"
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
    if "<%" in text and _YAQL.search(text):
        found.append("yaql")
    if "{" in text and (_JINJA.search(text) or _BLOCK.search(text)):
        found.append("jinja")
    return tuple(found)


def has_block(text: str) -> bool:
    """Whether Jinja renders the whole text instead of each expression."""
    return _BLOCK.search(text) is not None


def without_raw(text: str) -> tuple[str, tuple[str, ...]]:
    """A Jinja text with holes for its raw blocks, and what stands in these."""
    raw = _RAW.findall(text)
    numbers = iter(range(len(raw)))
    return _RAW.sub(lambda _: _HOLE.format(next(numbers)), text), tuple(raw)


def with_raw(text: str, raw: tuple[str, ...]) -> str:
    """The holes filled again."""
    for number, body in enumerate(raw):
        text = text.replace(_HOLE.format(number), body)
    return text


def parts_of(text: str, language: Language) -> tuple[Part, ...]:
    """The expressions of one language, in their order."""
    pattern, delimiters = (_YAQL, "<%>") if language == "yaql" else (_JINJA, "{}")
    return tuple(
        Part(
            start=match.start(),
            end=match.end(),
            text=match[0],
            inner=match[0].strip(delimiters).strip(),
        )
        for match in pattern.finditer(text)
    )


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
