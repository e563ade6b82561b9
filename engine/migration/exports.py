"""What StackStorm's command line printed, as JSON or YAML: a list, one document, or several in a row."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.errors import BadContent, BadInput
from engine.yaml_reader import read_text

MOST_BYTES = 64 * 1024 * 1024
_DEEPEST = 60


def read_export(path: Path) -> list[Mapping[str, Any]]:
    """The documents of a file. Raises BadInput."""
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
        text = raw.decode("utf-8-sig")
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not UTF-8 text.") from error
    if len(raw) > MOST_BYTES:
        raise BadInput(f"{path} is larger than {MOST_BYTES >> 20} MB.", hint="Export it in parts.")
    found: list[Mapping[str, Any]] = []
    for content in _contents(text, path):
        entries = content if isinstance(content, list) else [content]
        for entry in entries:
            if not isinstance(entry, dict):
                raise BadInput(f"{path}: an entry is no object.", hint="Export with `st2 ... -j`.")
            found.append(entry)
    return found


def _contents(text: str, path: Path) -> Iterator[Any]:
    """`st2 rule get -j` in a loop prints one document after the other."""
    if not text.lstrip().startswith(("[", "{")):
        try:
            content = read_text(text, name=path.name).value
        except BadContent as error:
            raise BadInput(error.message, hint=error.hint, where=error.where) from error
        if content is not None:
            yield content
        return
    decoder = json.JSONDecoder()
    at = 0
    while at < len(text):
        if text[at].isspace() or text[at] == ",":
            at += 1
            continue
        try:
            content, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            line = text.count("\n", 0, at) + 1
            raise BadInput(f"{path}:{line}: this is not JSON.", hint="Export with `st2 ... -j`.") from error
        _check_depth(content, path)
        yield content


def _check_depth(content: Any, path: Path) -> None:
    level, depth = [content], 0
    while level:
        depth += 1
        if depth > _DEEPEST:
            raise BadInput(f"{path} is nested more than {_DEEPEST} levels deep.")
        level = [
            inner
            for value in level
            if isinstance(value, dict | list)
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
