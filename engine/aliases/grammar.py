r"""The grammar of alias formats: StackStorm's, in bounded time.

A format is a regular expression in which `{{ name }}` stands for a value that must be there and
`{{ name = default }}` for one that may be. A placeholder takes the white space before it along. A
value is the shortest text that lets the rest match, without one pair of quotes around it. The
begin and the end of the text may be surrounded by white space, unless the format says `^` or `$`
itself. Pairs at the end of the text are taken off before (kv.py).
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from engine.aliases.kv import Tail, split_pairs
from engine.aliases.pattern import Pattern
from engine.errors import BadContent, NoMatch

_QUOTE = r"""["\']?"""
# In quotes up to a quote, else in braces, else anything.
_VALUE = r"""(?:(?<=\').+?(?=\')|(?<=").+?(?=")|{.+?}|.+?)"""
_NAME = r"\s*(\S+?)\s*"
_DEFAULT = r"""=\s*(?:""|''|"(.+?)"|'(.+?)'|({.+?})|(.+?))\s*"""
_OPTIONAL = re.compile(r"(\s*){{" + _NAME + _DEFAULT + "}}", re.DOTALL)
_REQUIRED = re.compile(r"(\s*){{" + _NAME + "}}", re.DOTALL)
_GLOBAL_FLAGS = re.compile(r"\(\?([aimsxu]+)\)")

Parameters = Mapping[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledFormat:
    """One format, read once. `required` and `defaults` are its placeholders."""

    format: str
    pattern: Pattern
    required: tuple[str, ...]
    defaults: Mapping[str, str]
    names: frozenset[str]
    """Every parameter that the format itself fills: placeholders and named groups."""

    def extract(self, text: str, *, known: Collection[str] | None = None) -> dict[str, str | None]:
        """The parameters in `text`; None for a named group that took no part.

        With `known`, only pairs of these keys are pairs. Raises NoMatch with StackStorm's words.
        """
        return self.extract_from(text, split_pairs(text, known=known))

    def extract_from(self, text: str, tail: Tail) -> dict[str, str | None]:
        """As `extract`, for a text whose pairs were taken off already."""
        padded = f" {tail.rest} "
        found = self.pattern.find(padded)
        if found is None:
            raise NoMatch(f'Command "{text}" doesn\'t match format string "{self.format}"')
        values = self._filled(self.pattern.named(found, padded))
        values.update(tail.pairs)
        if self.format and not tail.rest.strip() and not any(values.values()):
            raise NoMatch("No value supplied and no default value found.")
        return values

    def extract_all(self, text: str, *, known: Collection[str] | None = None) -> list[dict[str, str | None]]:
        """The parameters of every match in `text` (match_multiple); the pairs go to each of them."""
        return self.extract_all_from(split_pairs(text, known=known))

    def extract_all_from(self, tail: Tail) -> list[dict[str, str | None]]:
        """As `extract_all`, for a text whose pairs were taken off already."""
        padded = f" {tail.rest} "
        return [
            {**self._filled(self.pattern.named(found, padded)), **tail.pairs}
            for found in self.pattern.find_all(padded)
        ]

    def matches(self, tail: Tail) -> bool:
        return self.pattern.find(f" {tail.rest} ") is not None

    def _filled(self, values: dict[str, str | None]) -> dict[str, str | None]:
        for name, default in self.defaults.items():
            values[name] = values.get(name) or default
        return values


def compile_format(format: str) -> CompiledFormat:
    """Read a format. Raises BadContent, with the words of the re module, when it is no expression."""
    flags = _GLOBAL_FLAGS.match(format)
    body = format[flags.end() :] if flags else format
    defaults: dict[str, str] = {}
    required: list[str] = []
    seen: set[str] = set()

    def optional_value(match: re.Match[str]) -> str:
        space, name, *default = match.groups(default="")
        defaults.setdefault(name, "".join(default))
        return f"(?:{_placeholder(space, name, seen)})?"

    def required_value(match: re.Match[str]) -> str:
        required.append(match[2])
        return _placeholder(match[1], match[2], seen)

    body = _OPTIONAL.sub(optional_value, body)
    body = _REQUIRED.sub(required_value, body)
    prefix = flags[0] if flags else ""
    pattern = _checked(lambda: _anchored(prefix, body), format)
    names = tuple(dict.fromkeys(required))
    return CompiledFormat(
        format=format,
        pattern=pattern,
        required=names,
        defaults=defaults,
        names=frozenset(pattern.groups),
    )


def _placeholder(space: str, name: str, seen: set[str]) -> str:
    """The expression of one placeholder. A name that was there before is matched, and not kept."""
    group = f"(?P<{name}>{_VALUE})" if name not in seen else _VALUE
    seen.add(name)
    return f"{space}{_QUOTE}{group}{_QUOTE}"


def _anchored(prefix: str, body: str) -> Pattern:
    begin, end = r"^\s*", r"\s*$"
    # Most formats name no anchor, so they are read only once.
    if any(anchor in body for anchor in ("^", "$", r"\A", r"\Z")) or "(?" in prefix:
        plain = Pattern(prefix + body, value_source=_VALUE)
        begin = "" if plain.has_anchor("begin") else begin
        end = "" if plain.has_anchor("end") else end
    try:
        return Pattern(f"{prefix}{begin}{body}{end}", value_source=_VALUE)
    except re.error:
        # The places in the words of an error count without what was put in front.
        Pattern(prefix + body)
        raise


def _checked(make: Callable[[], Pattern], format: str) -> Pattern:
    try:
        pattern = make()
        if "(?" in format:
            pattern.prepare()
    except (re.error, OverflowError, RecursionError) as error:
        raise BadContent(
            str(error),
            hint=f"The format {format!r} is no regular expression: put a backslash before ( ) [ ] ? * + . |",
        ) from error
    return pattern
