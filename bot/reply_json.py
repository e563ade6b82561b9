"""A reply as JSON, as it is stored and sent to our own pages, and back."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from bot.chat import Reply


def reply_body(reply: Reply) -> dict[str, Any]:
    """What is empty is left out."""
    return {name: value for name, value in asdict(reply).items() if value not in ("", (), None, {})}


def reply_from(body: Mapping[str, Any]) -> Reply:
    """The other way round. Raises pydantic.ValidationError."""
    return _adapter().validate_python(body)


@cache
def _adapter() -> TypeAdapter[Reply]:
    # Not at import: a start would wait for it, and a server with our own page alone never reads a reply.
    return TypeAdapter(Reply)
