"""A reply as JSON, as it is stored and sent to our own pages, and back."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter

from bot.chat import Reply

_REPLY: TypeAdapter[Reply] = TypeAdapter(Reply)


def reply_body(reply: Reply) -> dict[str, Any]:
    """What is empty is left out."""
    return {name: value for name, value in asdict(reply).items() if value not in ("", (), None, {})}


def reply_from(body: Mapping[str, Any]) -> Reply:
    """The other way round. Raises pydantic.ValidationError."""
    return _REPLY.validate_python(body)
