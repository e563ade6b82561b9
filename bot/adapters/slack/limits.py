"""What Slack takes of a message or a view, and where something is over it.

Sources: the validators of slack_sdk, Slack's reference, and for the sum over all blocks what others measured
(bolt-js issues 2509 and 2867): 9,597 characters of text in 15,561 of JSON were taken, 11,341 in 17,694 not.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.adapters.slack.mrkdwn import size

MESSAGE_BLOCKS = 50
MESSAGE_TEXT = 4_000
"""`text` of a message: more is split by Slack, and refused in an edit."""
BLOCKS_TEXT = 9_000
BLOCKS_JSON = 15_000
ATTACHMENTS = 20
VIEW_BLOCKS = 100
VIEW_JSON = 200_000
TITLE = 24
METADATA = 3_000
SECTION = 3_000
FIELD = 2_000
FIELDS = 10
CONTEXT = 10
ACTIONS = 25
BUTTON_TEXT = 75
BUTTON_VALUE = 2_000
URL = 3_000
ID = 255
OPTIONS = 100
OPTION_GROUPS = 100
OPTION_TEXT = 75
OPTION_VALUE = 150
CHECKBOXES = 10
CONFIRM_TITLE = 100
CONFIRM_TEXT = 300
CONFIRM_BUTTON = 30
PLACEHOLDER = 150
LABEL = 2_000
HINT = 2_000
INITIAL_TEXT = 3_000
HEADER = 150
IMAGE_TEXT = 2_000
TABLE_ROWS = 100
TABLE_COLUMNS = 20
TABLE_TEXT = 10_000
PLAN_TASKS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    path: str
    """Where, for example `blocks[3].elements[0].value`."""
    limit: str
    most: int
    found: int

    def __str__(self) -> str:
        return f"{self.path}: {self.limit} is {self.found}, at most {self.most}"


def of_message(message: Mapping[str, Any]) -> list[Violation]:
    """`message`: the arguments of chat.postMessage. Empty: Slack takes it."""
    blocks = message.get("blocks") or []
    attachments = message.get("attachments") or []
    found = [
        *_over("text", "message text", size(str(message.get("text") or "")), MESSAGE_TEXT),
        *_over("blocks", "blocks of a message", len(blocks), MESSAGE_BLOCKS),
        *_over("attachments", "attachments", len(attachments), ATTACHMENTS),
        *_blocks(blocks, "blocks"),
        *_sum(blocks, "blocks"),
    ]
    for number, attachment in enumerate(attachments):
        inner = attachment.get("blocks") or []
        path = f"attachments[{number}].blocks"
        found += [
            *_over(path, "blocks of a message", len(inner), MESSAGE_BLOCKS),
            *_blocks(inner, path),
            *_sum(inner, path),
        ]
    everything = [*blocks, *(block for one in attachments for block in one.get("blocks") or [])]
    for kind in ("table", "plan"):
        count = sum(block.get("type") == kind for block in everything)
        found += _over("blocks", f"blocks of type {kind}", count, 1)
    return found


def of_view(view: Mapping[str, Any]) -> list[Violation]:
    """`view`: a modal or a Home tab."""
    blocks = view.get("blocks") or []
    found = [
        *_over("blocks", "blocks of a view", len(blocks), VIEW_BLOCKS),
        *_over("view", "JSON of a view", _json(view), VIEW_JSON),
        *_over("private_metadata", "metadata", size(view.get("private_metadata") or ""), METADATA),
        *_over("callback_id", "id", size(view.get("callback_id") or ""), ID),
        *_blocks(blocks, "blocks"),
    ]
    for name in ("title", "submit", "close"):
        found += _over(f"{name}.text", name, _size_of(view.get(name)), TITLE)
    return found


def text_of(value: Any) -> int:
    """The sum of all texts in it, as Slack adds them up."""
    if isinstance(value, Mapping):
        own = size(value["text"]) if isinstance(value.get("text"), str) else 0
        title = size(value["title"]) if isinstance(value.get("title"), str) else 0
        return own + title + sum(text_of(one) for one in value.values() if not isinstance(one, str))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return sum(map(text_of, value))
    return 0


def json_of(blocks: Sequence[Mapping[str, Any]]) -> int:
    """The length of the blocks on their way; the cells of a table are counted as their text."""
    return sum(text_of(block) if block.get("type") == "table" else _json(block) for block in blocks)


def _json(value: Any) -> int:
    return size(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _sum(blocks: Sequence[Mapping[str, Any]], path: str) -> Iterator[Violation]:
    yield from _over(path, "text of all blocks", text_of(blocks), BLOCKS_TEXT)
    yield from _over(path, "JSON of all blocks", json_of(blocks), BLOCKS_JSON)


def _over(path: str, limit: str, found: int, most: int) -> Iterator[Violation]:
    if found > most:
        yield Violation(path=path, limit=limit, most=most, found=found)


def _size_of(value: Any) -> int:
    text = value.get("text") if isinstance(value, Mapping) else value
    return size(text) if isinstance(text, str) else 0


def _blocks(blocks: Sequence[Mapping[str, Any]], path: str) -> Iterator[Violation]:
    for number, block in enumerate(blocks):
        at = f"{path}[{number}]"
        yield from _over(f"{at}.block_id", "id", size(block.get("block_id") or ""), ID)
        check = _CHECKS.get(str(block.get("type")))
        if check is not None:
            yield from check(block, at)


def _text(value: Any, path: str, limit: str, most: int) -> Iterator[Violation]:
    """Of a text object; an empty one is refused as well."""
    if value is None:
        return
    length = _size_of(value)
    yield from _over(path, limit, length, most)
    if length == 0:
        yield Violation(path=path, limit=f"{limit} (at least 1)", most=most, found=0)


def _section(block: Mapping[str, Any], path: str) -> Iterator[Violation]:
    fields = block.get("fields") or []
    yield from _text(block.get("text"), f"{path}.text", "section text", SECTION)
    yield from _over(f"{path}.fields", "fields of a section", len(fields), FIELDS)
    for number, one in enumerate(fields):
        yield from _text(one, f"{path}.fields[{number}]", "field text", FIELD)
    if isinstance(block.get("accessory"), Mapping):
        yield from _element(block["accessory"], f"{path}.accessory")


def _context(block: Mapping[str, Any], path: str) -> Iterator[Violation]:
    elements = block.get("elements") or []
    yield from _count(elements, path, "elements of a context", CONTEXT)
    for number, one in enumerate(elements):
        if one.get("type") != "image":
            yield from _text(one, f"{path}.elements[{number}]", "context text", SECTION)


def _actions(block: Mapping[str, Any], path: str) -> Iterator[Violation]:
    elements = block.get("elements") or []
    yield from _count(elements, path, "elements of actions", ACTIONS)
    for number, one in enumerate(elements):
        yield from _element(one, f"{path}.elements[{number}]")
    ids = [one.get("action_id") for one in elements if one.get("action_id")]
    yield from _over(f"{path}.elements", "elements with one action_id", len(ids) - len(set(ids)) + 1, 1)


def _count(elements: Sequence[Any], path: str, limit: str, most: int) -> Iterator[Violation]:
    yield from _over(f"{path}.elements", limit, len(elements), most)
    if not elements:
        yield Violation(path=f"{path}.elements", limit=f"{limit} (at least 1)", most=most, found=0)


def _input(block: Mapping[str, Any], path: str) -> Iterator[Violation]:
    yield from _text(block.get("label"), f"{path}.label", "label", LABEL)
    yield from _text(block.get("hint"), f"{path}.hint", "hint", HINT)
    yield from _element(block.get("element") or {}, f"{path}.element")


def _header(block: Mapping[str, Any], path: str) -> Iterator[Violation]:
    yield from _text(block.get("text"), f"{path}.text", "header text", HEADER)


def _image(block: Mapping[str, Any], path: str) -> Iterator[Violation]:
    yield from _over(f"{path}.image_url", "URL", size(block.get("image_url") or ""), URL)
    yield from _over(f"{path}.alt_text", "text of an image", size(block.get("alt_text") or ""), IMAGE_TEXT)


def _table(block: Mapping[str, Any], path: str) -> Iterator[Violation]:
    rows = block.get("rows") or []
    yield from _over(f"{path}.rows", "rows of a table", len(rows), TABLE_ROWS)
    yield from _over(f"{path}.rows", "text of a table", text_of(rows), TABLE_TEXT)
    for number, row in enumerate(rows):
        yield from _over(f"{path}.rows[{number}]", "columns of a table", len(row), TABLE_COLUMNS)
        for column, cell in enumerate(row):
            if cell.get("type") == "raw_text":
                yield from _text(cell, f"{path}.rows[{number}][{column}]", "cell", TABLE_TEXT)


def _plan(block: Mapping[str, Any], path: str) -> Iterator[Violation]:
    tasks = block.get("tasks") or []
    yield from _over(f"{path}.tasks", "tasks of a plan", len(tasks), PLAN_TASKS)
    ids = [task.get("task_id") for task in tasks]
    yield from _over(f"{path}.tasks", "tasks with one task_id", len(ids) - len(set(ids)) + 1, 1)


def _element(element: Mapping[str, Any], path: str) -> Iterator[Violation]:
    yield from _over(f"{path}.action_id", "id", size(element.get("action_id") or ""), ID)
    yield from _over(f"{path}.placeholder", "placeholder", _size_of(element.get("placeholder")), PLACEHOLDER)
    if element.get("type") == "button":
        yield from _text(element.get("text"), f"{path}.text", "button text", BUTTON_TEXT)
        yield from _over(f"{path}.value", "button value", size(element.get("value") or ""), BUTTON_VALUE)
        yield from _over(f"{path}.url", "URL", size(element.get("url") or ""), URL)
    if isinstance(element.get("initial_value"), str):
        length = size(element["initial_value"])
        yield from _over(f"{path}.initial_value", "initial value", length, INITIAL_TEXT)
    yield from _options(element, path)
    yield from _confirm(element.get("confirm") or {}, f"{path}.confirm")


def _options(element: Mapping[str, Any], path: str) -> Iterator[Violation]:
    options, groups = element.get("options") or [], element.get("option_groups") or []
    most = CHECKBOXES if element.get("type") in ("checkboxes", "radio_buttons") else OPTIONS
    yield from _over(f"{path}.options", "options", len(options), most)
    yield from _over(f"{path}.option_groups", "option groups", len(groups), OPTION_GROUPS)
    for number, group in enumerate(groups):
        at = f"{path}.option_groups[{number}]"
        yield from _text(group.get("label"), f"{at}.label", "label of options", OPTION_TEXT)
        yield from _over(f"{at}.options", "options", len(group.get("options") or []), OPTIONS)
    inner = [one for group in groups for one in group.get("options") or []]
    for one in [*options, *inner]:
        yield from _text(one.get("text"), f"{path}.options", "text of an option", OPTION_TEXT)
        yield from _over(f"{path}.options", "value of an option", size(one.get("value") or ""), OPTION_VALUE)


def _confirm(confirm: Mapping[str, Any], path: str) -> Iterator[Violation]:
    yield from _over(f"{path}.title", "title of a question", _size_of(confirm.get("title")), CONFIRM_TITLE)
    yield from _over(f"{path}.text", "text of a question", _size_of(confirm.get("text")), CONFIRM_TEXT)
    for name in ("confirm", "deny"):
        length = _size_of(confirm.get(name))
        yield from _over(f"{path}.{name}", "button of a question", length, CONFIRM_BUTTON)


_CHECKS = {
    "section": _section,
    "context": _context,
    "actions": _actions,
    "input": _input,
    "header": _header,
    "image": _image,
    "table": _table,
    "plan": _plan,
}
