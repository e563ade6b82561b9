"""Parameters that a channel gives to every command that takes them and does not name them."""

from collections.abc import Mapping
from dataclasses import replace

from engine.aliases.match import AliasMatch, pairs_allowed
from engine.specs.action import ActionSpec


def with_defaults(
    match: AliasMatch, action: ActionSpec, defaults: Mapping[str, str]
) -> tuple[AliasMatch, dict[str, str]]:
    """The match with them, and those that were used: what a chat may give, and was not given."""
    allowed = pairs_allowed(match.alias, action, match.named) - set(match.alias.immutable_parameters)
    used: dict[str, str] = {}
    filled = []
    for given in match.parameters:
        more = {
            name: value for name, value in defaults.items() if name in allowed and given.get(name) is None
        }
        used.update(more)
        filled.append({**given, **more})
    return (replace(match, parameters=tuple(filled)), used) if used else (match, {})
