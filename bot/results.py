"""The result of an action whose alias has no template of its own, as pieces, by the shape it has.

What the frame of a reply shows already (action, status, time, id) is not said again.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from bot import formatting
from bot.chat import Code, Fields, LongText, Piece, Table, Text
from engine.status import FAILURES

# What runners put beside the words of an action; shown only where it says something.
_CODES = ("return_code", "exit_code", "status_code")
_WORDS = ("message", "error")
# How much of a workflow's errors and output is shown; a short value needs no more than a line or two.
_ERRORS, _ROWS, _SHORT = 10, 20, 300
# What can be read at a glance is a table; anything larger is JSON, which can be cut.
_TABLE_ROWS, _TABLE_COLUMNS, _CELL = 50, 8, 80
# What the language says of an action that has failed; its result follows.
_SEE_RESULT = "Execution failed. See result for details."
_CHAIN = frozenset({"tasks", "published", "error", "traceback"})
_FLAGS = ("failed", "succeeded", "timeout", "headers", "parsed", "traceback")


def pieces_of_result(result: Any) -> tuple[Piece, ...]:
    """Never empty. Results of several hosts are shown one under the other."""
    if isinstance(result, Mapping) and isinstance(result.get("decision"), Mapping) and "schema" in result:
        found = _of_inquiry(result["decision"], result.get("response"))
    elif isinstance(result, Mapping) and "output" in result and result.keys() <= {"output", "errors"}:
        found = _of_workflow(result["output"], result.get("errors"))
    elif isinstance(result, Mapping) and isinstance(result.get("tasks"), list) and result.keys() <= _CHAIN:
        found = _of_chain(result)
    elif isinstance(result, Mapping) and result and all(_is_output(one) for one in result.values()):
        found = [piece for host, one in result.items() for piece in _of_host(str(host), one)]
    elif isinstance(result, Mapping) and (_is_output(result) or "body" in result or "error" in result):
        found = _of_output(result)
    else:
        found = _of_value(result)
    return tuple(found) or (Text(text="Done; it said nothing."),)


def _of_workflow(output: Any, errors: Any) -> list[Piece]:
    """What a workflow gives, and each thing that went wrong in it."""
    found: list[Piece] = []
    known = [error for error in errors if isinstance(error, Mapping)] if isinstance(errors, list) else []
    for error in known[:_ERRORS]:
        found.append(Text(text=formatting.clean(_error(error))))
        if error.get("result") not in (None, "", {}, []):
            found += pieces_of_result(error["result"])
    if len(known) > _ERRORS:
        found.append(Text(text=f"… {len(known) - _ERRORS:,} more errors."))
    return (found + _of_named(output, title="output" if found else "")) or [
        Text(text="Done; it has no output.")
    ]


def _of_chain(result: Mapping[str, Any]) -> list[Piece]:
    """What ended it, else what it published, else what its last task gave."""
    found: list[Piece] = []
    last = result["tasks"][-1] if result["tasks"] and isinstance(result["tasks"][-1], Mapping) else {}
    if result.get("error"):
        found.append(Text(text=formatting.clean(str(result["error"]))))
    elif last.get("state") in FAILURES:
        found.append(Text(text=formatting.clean(f"{last.get('name')} failed:")))
        found += pieces_of_result(last.get("result"))
    if result.get("published"):
        return found + _of_named(result["published"], title="published" if found else "")
    return found or list(pieces_of_result(last.get("result")))


def _of_named(values: Any, *, title: str) -> list[Piece]:
    """Few short values as lines, anything else as it is."""
    if isinstance(values, Mapping) and 0 < len(values) <= _ROWS and all(map(_is_short, values.values())):
        rows = [(formatting.clean(str(name)), formatting.clean(str(value))) for name, value in values.items()]
        return [Fields(rows=tuple(rows), title=title)]
    if isinstance(values, Mapping) and len(values) == 1:
        ((name, value),) = values.items()
        table = _table(value)
        if table is not None:
            return [Text(text=formatting.clean(str(name))), table]
    return _of_value(values, title="")


def _error(error: Mapping[str, Any]) -> str:
    task, message = error.get("task_id"), str(error.get("message", ""))
    if not task:
        return message
    return f"{task} failed:" if message == _SEE_RESULT else f"{task}: {message}"


def _is_short(value: Any) -> bool:
    return isinstance(value, str | int | float) and len(str(value)) <= _SHORT


def _of_inquiry(decision: Mapping[str, Any], response: Any) -> list[Piece]:
    """How a question to people ended: the question itself and its terms stand in its own message."""
    by = f" by {decision['name']}" if decision.get("name") else ""
    reason = f": {decision['reason']}" if decision.get("reason") else ""
    said = Text(text=formatting.clean(f"{str(decision.get('state')).capitalize()}{by}{reason}"))
    is_plain = isinstance(response, Mapping) and all(isinstance(one, bool) for one in response.values())
    return [said] if is_plain else [said, *_of_value(response)]


def _is_output(one: Any) -> bool:
    return isinstance(one, Mapping) and ("stdout" in one or "stderr" in one or "error" in one)


def _of_host(host: str, one: Mapping[str, Any]) -> list[Piece]:
    code = one.get("return_code")
    title = f"{host} · status {code}" if code else host
    found = _of_output({**one, "return_code": 0})
    if not found:
        return [Text(text=f"{title}: said nothing")]
    first = found[0]
    if isinstance(first, Code) and not first.title:
        return [replace(first, title=title), *found[1:]]
    return [Text(text=title), *found]


def _of_output(one: Mapping[str, Any]) -> list[Piece]:
    found: list[Piece] = [Text(text=formatting.clean(str(one[word]))) for word in _WORDS if one.get(word)]
    for name in ("result", "body"):
        found += _of_value(one.get(name))
    for name, title in (("stdout", ""), ("stderr", "stderr")):
        if one.get(name):
            found += _of_value(one[name], title=title)
    codes = [f"{name.replace('_', ' ')} {one[name]}" for name in _CODES if one.get(name)]
    if codes:
        found.append(Text(text=", ".join(codes)))
    known = {*_WORDS, *_CODES, *_FLAGS, "result", "body", "stdout", "stderr"}
    rest = {
        name: value for name, value in one.items() if name not in known and value not in (None, "", [], {})
    }
    return found + _of_value(rest)


def _of_value(value: Any, *, title: str = "") -> list[Piece]:
    if value is None or value in ("", {}, []):
        return []
    if isinstance(value, str):
        text = formatting.clean(value).strip("\n")
        if title or "\n" in text:
            return [Code(text=text, title=title)] if text.strip() else []
        return [Text(text=text)] if text.strip() else []
    table = None if title else _table(value)
    if table is not None:
        return [table]
    options = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS
    return [
        Code(text=formatting.clean(orjson.dumps(value, default=str, option=options).decode()), title=title)
    ]


def _table(value: Any) -> Table | None:
    """A list of objects with short plain values; None for what is none."""
    if not isinstance(value, list) or not 0 < len(value) <= _TABLE_ROWS:
        return None
    if not all(isinstance(one, Mapping) and one for one in value):
        return None
    columns = list(dict.fromkeys(str(name) for one in value for name in one))
    if len(columns) > _TABLE_COLUMNS or not all(_is_cell(cell) for one in value for cell in one.values()):
        return None
    rows = tuple(tuple(_cell(one, name) for name in columns) for one in value)
    return Table(columns=tuple(map(formatting.clean, columns)), rows=rows)


def _is_cell(value: Any) -> bool:
    return value is None or (
        isinstance(value, str | int | float) and len(str(value)) <= _CELL and "\n" not in str(value)
    )


def _cell(row: Mapping[Any, Any], name: str) -> str:
    value = row.get(name)
    return "" if value is None else formatting.clean(str(value))


def cut_pieces(pieces: tuple[Piece, ...], limit: int) -> tuple[tuple[Piece, ...], int]:
    """The first `limit` characters of words and code, and how many lines are left out."""
    kept: list[Piece] = []
    lines_left = 0
    for piece in pieces:
        if not isinstance(piece, Text | Code | LongText):
            kept.append(piece)
            continue
        if limit <= 0:
            lines_left += piece.text.count("\n") + 1
            continue
        short = formatting.cut(piece.text, limit)
        lines_left += short.lines_left
        limit = 0 if short.lines_left else limit - len(short.text)
        kept.append(replace(piece, text=short.text))
    return tuple(kept), lines_left
