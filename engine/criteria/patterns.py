"""What a criterion compares with: a constant, or a template that keeps the type of what it names."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.expressions.jinja import Templates

# Greedy, as in StackStorm: of two expressions in one text only the second gets the filter.
_EXPRESSION = re.compile(r"({{)\s*(.*)\s*(}})")
_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A pattern with a template in it."""

    plain: str
    typed: str | None
    """Makes JSON, so that `{{ trigger.n }}` stays a number; None without an expression on one line."""

    def value(
        self, templates: Templates, context: Mapping[str, Any], decrypted: list[str] | None = None
    ) -> Any:
        """Raises BadTemplate. `context` is a criterion's: trigger or item, and system."""
        names = {**context, "st2kv": {"system": context["system"]}}
        if self.typed is not None:
            text = templates.render(self.typed, names, decrypted=decrypted)
            try:
                return json.loads(text)
            except ValueError:
                # More than the one value: it is a text with values in it.
                pass
        return templates.render(self.plain, names, decrypted=decrypted)


def compile_pattern(pattern: Any) -> Any:
    """A Rendered, or the value itself; what is not a text is never rendered."""
    if not isinstance(pattern, str):
        return pattern
    if any(mark in pattern for mark in ("{{", "{%", "{#")):
        typed = _EXPRESSION.sub(r"\1\2 | to_complex\3", pattern)
        return Rendered(pattern, typed if typed != pattern else None)
    # What rendering does to a text without a template.
    lines = _LINE_END.sub("\n", pattern)
    return lines[:-1] if lines.endswith("\n") else lines
