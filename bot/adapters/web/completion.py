"""What the page needs to complete a command: every format with its parameters."""

import re
from collections.abc import Sequence
from typing import Any

from bot.answers import OWN
from engine.content.registry import Registry
from engine.specs.action import ActionSpec
from engine.specs.alias import AliasFormat, AliasSpec
from engine.specs.parameter import ParameterSpec

_PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*(?:=\s*(.*?)\s*)?\}\}", re.DOTALL)
_GROUP = re.compile(r"\(\?P<(\w+)>")
_SHOWN_DEFAULT = 80


def commands(registry: Registry, aliases: Sequence[AliasSpec]) -> list[dict[str, Any]]:
    """Built-in commands first, then those of the packs by their words; `aliases`: what may be run."""
    own = [
        {
            "display": display,
            "template": display.split()[0],
            "description": about,
            "pack": "",
            "parameters": [],
        }
        for display, about in OWN
    ]
    found = [
        _command(alias, form, registry.actions.get(alias.action_ref))
        for alias in aliases
        for form in alias.formats
        if form.display
    ]
    return own + sorted(found, key=lambda command: str(command["display"]))


def _command(alias: AliasSpec, form: AliasFormat, action: ActionSpec | None) -> dict[str, Any]:
    template = next((text for text in form.representations if "{{" in text), "")
    template = template or next(iter(form.representations), form.display or "")
    named = [(match.start(), match[1], match[2]) for match in _PLACEHOLDER.finditer(template)]
    named += [(match.start(), match[1], None) for match in _GROUP.finditer(template)]
    parameters = [
        _parameter(name, default, action.parameters.get(name) if action else None)
        for _, name, default in sorted(named)
    ]
    return {
        "display": form.display,
        # Where it is plain words and {{ names }}; a regular expression cannot be typed along.
        "template": template if not re.search(r"[\\()|^$*?]", _PLACEHOLDER.sub("", template)) else "",
        "description": alias.description,
        "pack": alias.pack,
        "action": alias.action_ref,
        "parameters": parameters,
    }


def _parameter(name: str, default: str | None, spec: ParameterSpec | None) -> dict[str, Any]:
    shown = default.strip("\"'") if default is not None else None
    if spec is None:
        return {
            "name": name,
            "type": "string",
            "description": "",
            "choices": [],
            "required": default is None,
            "default": shown,
        }
    choices = spec.schema_.get("enum")
    if spec.secret or default is None:
        # What the format does not leave out has no default to show.
        shown = None
    elif shown == "" and spec.has_default and spec.default is not None:
        shown = str(spec.default)[:_SHOWN_DEFAULT]
    return {
        "name": name,
        "type": spec.type or "string",
        "description": spec.description,
        "choices": [str(choice) for choice in choices] if isinstance(choices, list) else [],
        "required": default is None,
        "default": shown,
    }
