"""The body of a delivery as rules see it, by its Content-Type: StackStorm's kinds and shapes."""

from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qs

from engine.api.call import read_json
from engine.api.errors import HttpError
from engine.errors import BadInput
from engine.specs.webhook_presets import Preset

JSON = b"application/json"
FORM = b"application/x-www-form-urlencoded"
MULTIPART = b"multipart/form-data"
TEXT = b"text/plain"
MOST_FIELDS = 1000


def read_body(body: bytes, content_type: bytes, preset: Preset | None) -> Any:
    """An object, a list or, for text/plain, a text; {} for an empty body. Raises BadInput."""
    if not body:
        return {}
    kind = content_type.partition(b";")[0].strip().lower() or JSON
    if preset is not None and preset.json_text:
        kind = JSON
    if kind == JSON or kind.endswith(b"+json"):
        return _json(body)
    if kind == FORM:
        return _form(_fields(body), preset)
    if kind == MULTIPART:
        return _form(_parts(body, content_type), preset)
    if kind == TEXT:
        return _text(body)
    shown = content_type.decode("latin-1")
    raise BadInput(f'Failed to parse request body: Unsupported Content-Type: "{shown}"')


def _json(body: bytes) -> Any:
    try:
        value = read_json(body, b"")
    except (BadInput, HttpError) as error:
        text = error.message
        raise BadInput(f"Failed to parse request body: {text}") from error
    if value is None:
        return {}
    if not isinstance(value, dict | list):
        raise BadInput("Failed to parse request body: the JSON must be an object or an array.")
    return value


def _form(fields: dict[str, list[str]], preset: Preset | None) -> Any:
    """StackStorm's shape, a list per field; a sender that wraps its JSON into a form means the JSON."""
    wrapped = fields.get(preset.form_field) if preset is not None and preset.form_field else None
    return _json(wrapped[0].encode()) if wrapped else fields


def _fields(body: bytes) -> dict[str, list[str]]:
    try:
        return parse_qs(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise BadInput("Failed to parse request body: it is not a form.") from error


def _parts(body: bytes, content_type: bytes) -> dict[str, list[str]]:
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + content_type + b"\r\n\r\n" + body)
    found: dict[str, list[str]] = {}
    parts = list(message.iter_parts()) if message.is_multipart() else []
    if not parts or len(parts) > MOST_FIELDS:
        raise BadInput("Failed to parse request body: it is not a form.")
    for part in parts:
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            found.setdefault(name, []).append(_text(content))
    return found


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise BadInput("Failed to parse request body: it is not UTF-8 text.") from error
