"""Parameters written behind an action's name, and variables written as one line: `name=VALUE name=VALUE`.

What is no such pair is passed over in silence, as Orquesta does: `message=hello` without quotes is none.
"""

import json
import re
from typing import Any

_VALUE = (
    r"\[.*?\]"
    r'|"[^"]*"'
    r"|'[^']*'"
    r"|[-]?\d*\.\d+"
    r"|[-]?\d+"
    r"|(?i:true|false)"
    r"|null"
    r"|<%.*?%>"
    r"|\{\{.*?\}\}"
)
_PAIR = re.compile(rf"([\w]+)=({_VALUE})")


def pairs_of(text: str) -> tuple[tuple[str, Any], ...]:
    """(name, value), in order. Values in quotes are text, unless they are JSON objects."""
    return tuple((match[1], _value(match[2])) for match in _PAIR.finditer(text))


def action_of(text: str) -> tuple[str, dict[str, Any]]:
    """The action and its inline parameters; without any, the whole text is the action."""
    given = dict(pairs_of(text))
    if not given:
        return text, {}
    first = _PAIR.search(text)
    return (text[: first.start()].strip() if first else text), given


def _value(text: str) -> Any:
    if text[0] in "\"'":
        inner = text[1:-1]
        return _json(inner) if inner.startswith("{") and inner.endswith("}") else inner
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    return _json(text)


def _json(text: str) -> Any:
    """As JSON where it is; what is none stays text (`.5`, an expression)."""
    try:
        return json.loads(text)
    except ValueError:
        return text
