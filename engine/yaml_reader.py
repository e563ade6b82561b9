"""YAML 1.1 read safely: no object tags, no expansion bombs, and errors that name the line.

What comes out is what PyYAML's safe loader gives, except that sets, ordered maps and binary
tags are refused and a lone `=` is text. Limits: 1 MB of text, nesting of 50, and 10,000 nodes
added by aliases; the aliases are counted, never expanded. The C parser delivers events, and the
values are built here, which is quicker than composing nodes first.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from engine.errors import BadContent

MAX_BYTES = 1_048_576
MAX_ALIAS_NODES = 10_000
MAX_DEPTH = 50
# A number of a million digits, or sexagesimal groups, cost quadratic time.
MAX_NUMBER_CHARACTERS = 1_000

_TAG = "tag:yaml.org,2002:"
_SCALAR_TAGS = frozenset(_TAG + word for word in ("str", "int", "float", "bool", "null", "timestamp"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a YAML text says."""

    value: Any
    """None, bool, int, float, str, date, datetime, list or dict; None for an empty text."""
    duplicates: tuple[tuple[int, str], ...] = ()
    """Line and key of every mapping key that was written again; the last one counts."""


def read_text(text: str, *, name: str) -> Document:
    """Raises BadContent; its `where` is `name:line`."""
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise BadContent(f"The file is larger than {MAX_BYTES} bytes.", where=f"{name}:1")
    try:
        builder = _Builder(text, name)
        builder.run()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise BadContent(
            f"This is not valid YAML: {error.problem or error.context}.",
            hint=_tab_hint(text, line),
            where=f"{name}:{line}",
        ) from error
    except yaml.YAMLError as error:
        raise BadContent(
            "The file holds a character that YAML does not allow.",
            hint="Save it as UTF-8 text without control characters.",
            where=f"{name}:1",
        ) from error
    return Document(value=builder.value, duplicates=tuple(builder.duplicates))


def read_file(path: Path, *, name: str) -> tuple[str, Document]:
    """The text (for `line_of`) and what it says. Raises BadContent; its `where` is `name:line`."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadContent(f"The file cannot be read: {error.strerror}.", where=f"{name}:1") from error
    if len(raw) > MAX_BYTES:
        raise BadContent(f"The file is larger than {MAX_BYTES} bytes.", where=f"{name}:1")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise BadContent("The file is not UTF-8 text.", where=f"{name}:{line}") from error
    return text, read_text(text, name=name)


def line_of(text: str, path: Sequence[str | int]) -> int:
    """The line, counted from 1, of the entry at `path`, or of its nearest parent that is written.

    `text` must be one that `read_text` accepted. Used only when an error is reported, so that
    reading need not keep a position for every value.
    """
    node = yaml.compose(text, Loader=yaml.CSafeLoader)
    if node is None:
        return 1
    line = node.start_mark.line
    for step in path:
        found = _child(node, step)
        if found is None:
            break
        line, node = found
    return int(line) + 1


def _child(node: yaml.Node, step: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        item = node.value[step]
        return item.start_mark.line, item
    if not isinstance(node, yaml.MappingNode):
        return None
    found = None
    for key, value in node.value:
        if isinstance(key, yaml.ScalarNode) and key.value == str(step):
            found = (key.start_mark.line, value)
    return found


def _tab_hint(text: str, line: int) -> str:
    lines = text.splitlines()
    written = lines[line - 1] if line <= len(lines) else ""
    indent = written[: len(written) - len(written.lstrip())]
    return "Indent with spaces, not with tabs." if "\t" in indent else ""


@lru_cache(maxsize=8_192)
def plain_value(text: str) -> Any:
    """What an unquoted scalar means in YAML 1.1. Raises ValueError, for example for 2020-13-45."""
    for tag, pattern in Resolver.yaml_implicit_resolvers.get(text[:1], ()):
        if pattern.match(text):
            return _scalar(tag, text) if tag in _SCALAR_TAGS else text
    return text


def _scalar(tag: str, text: str) -> Any:
    kind = tag.removeprefix(_TAG)
    if kind == "str":
        return text
    if kind == "null":
        return None
    if len(text) > MAX_NUMBER_CHARACTERS:
        raise ValueError("the number is too long")
    constructor: Any = SafeConstructor()
    return getattr(constructor, f"construct_yaml_{kind}")(yaml.ScalarNode(tag, text))


class _Builder:
    """Builds the value from events; one builder for one text."""

    def __init__(self, text: str, name: str) -> None:
        self.value: Any = None
        self.duplicates: list[tuple[int, str]] = []
        self._name = name
        self._next: Callable[[], Any] = yaml.CSafeLoader(text).get_event
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._nodes = 0
        self._added = 0
        self._depth = 0

    def run(self) -> None:
        self._next()  # the start of the stream
        event = self._next()
        if type(event) is yaml.StreamEndEvent:
            return
        self.value = self._node(self._next())
        self._next()  # the end of the document
        after = self._next()
        if type(after) is not yaml.StreamEndEvent:
            raise self._error(after, "The file holds more than one YAML document.")

    def _error(self, event: Any, message: str, hint: str = "") -> BadContent:
        return BadContent(message, hint=hint, where=f"{self._name}:{event.start_mark.line + 1}")

    def _node(self, event: Any) -> Any:
        kind = type(event)
        if kind is yaml.AliasEvent:
            return self._alias(event)
        before = self._nodes
        self._nodes = before + 1
        value = self._written(event) if kind is yaml.ScalarEvent else self._container(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, self._nodes - before)
        return value

    def _alias(self, event: Any) -> Any:
        if event.anchor not in self._anchors:
            raise self._error(event, f"The alias *{event.anchor} has no anchor before it.")
        value, size = self._anchors[event.anchor]
        # Counted as if it were written out, so that aliases of aliases multiply.
        self._nodes += size
        self._added += size
        if self._added > MAX_ALIAS_NODES:
            raise self._error(event, f"The aliases expand to more than {MAX_ALIAS_NODES} values.")
        return value

    def _written(self, event: Any) -> Any:
        tag = event.tag
        text: str = event.value
        try:
            if tag is None:
                return plain_value(text) if event.implicit[0] else text
            if tag == "!":
                return text
            if tag in _SCALAR_TAGS:
                return _scalar(tag, text)
        except (ValueError, KeyError, AttributeError) as error:
            # PyYAML's constructors answer a word that does not fit its tag in these three ways.
            raise self._error(event, f"{text[:40]!r} is not a valid value.", "Quote it.") from error
        raise self._error(event, f"The tag {tag} is not allowed.", "Only plain YAML is read.")

    def _container(self, event: Any) -> Any:
        is_mapping = type(event) is yaml.MappingStartEvent
        if event.tag not in (None, "!", _TAG + ("map" if is_mapping else "seq")):
            raise self._error(event, f"The tag {event.tag} is not allowed.", "Only plain YAML is read.")
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error(event, f"The file is nested more than {MAX_DEPTH} levels deep.")
        value = self._mapping() if is_mapping else self._sequence()
        self._depth -= 1
        return value

    def _sequence(self) -> list[Any]:
        items = []
        while type(event := self._next()) is not yaml.SequenceEndEvent:
            items.append(self._node(event))
        return items

    def _mapping(self) -> dict[Any, Any]:
        own: dict[Any, Any] = {}
        merged: dict[Any, Any] = {}
        while type(event := self._next()) is not yaml.MappingEndEvent:
            if type(event) is yaml.ScalarEvent and event.value == "<<" and event.implicit[0]:
                # Of two merges the one written later wins, as in PyYAML.
                merged.update(self._merge(event))
                continue
            if type(event) is yaml.ScalarEvent and event.anchor is None:
                self._nodes += 1
                key = self._written(event)
            else:
                key = self._key(event)
            if key in own:
                self.duplicates.append((event.start_mark.line + 1, str(key)))
            own[key] = self._node(self._next())
        return {**merged, **own} if merged else own

    def _key(self, event: Any) -> Any:
        key = self._node(event)
        if isinstance(key, list | dict):
            raise self._error(
                event,
                "A list or mapping cannot be a key.",
                'A template needs quotes: write "{{ name }}", not {{ name }}.',
            )
        return key

    def _merge(self, event: Any) -> dict[Any, Any]:
        value = self._node(self._next())
        sources = value if isinstance(value, list) else [value]
        if not all(isinstance(source, dict) for source in sources):
            raise self._error(event, "<< takes a mapping or a list of mappings.")
        merged: dict[Any, Any] = {}
        for source in reversed(sources):
            merged.update(source)
        return merged
