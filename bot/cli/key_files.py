"""Files of datastore keys, as `key list --json` and StackStorm's `st2 key list -j` write them."""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.cli.exits import Code, CommandError

_TAKEN = ("description", "secret", "ttl", "encrypted")


def bodies(file: Path, *, convert: bool, st2_key: Path | None = None) -> list[dict[str, Any]]:
    """What to send for each key of a file; everything is checked before anything is sent.

    `convert`: values that are no text become JSON text. `st2_key`: StackStorm's key file, with which
    values that it encrypted are opened here. Keys whose time is up are left out. Raises CommandError.
    """
    found = _items(file)
    opened = _decrypted(found, st2_key) if st2_key is not None else found
    made = [_body(item, f"{file}: entry {number}", convert) for number, item in enumerate(opened, start=1)]
    return [body for body in made if body.get("ttl", 1) > 0]


def _items(file: Path) -> list[Mapping[str, Any]]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(Code.WRONG, f"{file} cannot be read: {error}") from error
    content = _content(text, file)
    items = content if isinstance(content, list) else [content]
    for number, item in enumerate(items, start=1):
        if not isinstance(item, dict) or not isinstance(item.get("name"), str) or "value" not in item:
            raise CommandError(
                Code.WRONG, f"{file}: entry {number} is no key.", hint="Each has a name and a value."
            )
    return items


def _content(text: str, file: Path) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        # YAML then; its reader is heavy.
        from engine.yaml_reader import read_text  # noqa: PLC0415

        return read_text(text, name=str(file)).value


def _decrypted(items: Sequence[Mapping[str, Any]], st2_key: Path) -> list[Mapping[str, Any]]:
    from engine.errors import BadInput  # noqa: PLC0415 - only an import needs it
    from engine.store.keyczar import read_key  # noqa: PLC0415 - heavy

    key = read_key(st2_key)
    made: list[Mapping[str, Any]] = []
    for item in items:
        if not item.get("encrypted"):
            made.append(item)
            continue
        try:
            value = key.decrypt(str(item["value"]))
        except BadInput as error:
            raise CommandError(Code.WRONG, f"{item['name']}: {error.message}", hint=error.hint) from error
        made.append({**item, "value": value, "secret": True, "encrypted": False})
    return made


def _body(item: Mapping[str, Any], where: str, convert: bool) -> dict[str, Any]:
    value = item["value"]
    if not isinstance(value, str):
        if not convert:
            raise CommandError(
                Code.WRONG,
                f"{where}: the value of {item['name']} is no text.",
                hint="Quote it, or write --convert to store it as JSON text.",
            )
        value = json.dumps(value)
    body: dict[str, Any] = {"name": item["name"], "value": value, "scope": item.get("scope") or "system"}
    if item.get("user") and str(body["scope"]).endswith("user"):
        body["user"] = item["user"]
    body.update({name: item[name] for name in _TAKEN if item.get(name) not in (None, "")})
    if item.get("expire_timestamp") and "ttl" not in body:
        body["ttl"] = _remaining_s(str(item["expire_timestamp"]), where)
    return body


def _remaining_s(stamp: str, where: str) -> int:
    """Whole seconds until then; 0 or less when it is over."""
    try:
        end = datetime.fromisoformat(stamp)
    except ValueError as error:
        raise CommandError(Code.WRONG, f"{where}: {stamp!r} is no time.") from error
    return math.ceil((end.replace(tzinfo=end.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
