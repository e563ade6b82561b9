"""What an approval is for: an action with exact parameters, its digest, and what of it is secret."""

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from engine.content.registry import Content
from engine.errors import BadInput, BadParameter, NotFound
from engine.expressions.masking import ValueMasker
from engine.expressions.params import Plans
from engine.records.inquiry import Subject
from engine.specs.action import ActionSpec

# The parameter of the inquirer that names it.
PARAMETER = "approves"
RUNNER = "inquirer"
_MEMBERS = frozenset({"action", "parameters", "plan"})
_PLAN_LENGTH = 8_000


def digest_of(action: str, parameters: Mapping[str, Any]) -> str:
    """64 hexadecimal characters: SHA-256 over canonical JSON (sorted keys, no spaces, UTF-8) of
    {"action": ref, "parameters": object}. Raises BadInput for what is no JSON."""
    try:
        canonical = orjson.dumps(
            {"action": action, "parameters": dict(parameters)}, option=orjson.OPT_SORT_KEYS
        )
    except TypeError as error:
        raise BadInput(f"The parameters of {action} are not JSON: {error}") from error
    return hashlib.sha256(canonical).hexdigest()


def is_bound_to(digest: str, action: str, parameters: Mapping[str, Any]) -> bool:
    """Whether an approval with this digest is for just this; anything else must be asked anew."""
    return digest == digest_of(action, parameters)


class Subjects:
    def __init__(self, content: Content, plans: Plans) -> None:
        self._content = content
        self._plans = plans

    def of(self, value: Any) -> Subject:
        """From the parameter `approves`. Raises BadParameter, NotFound."""
        action, parameters = _parts(value)
        known = self._plans.get(self._content.current.action(action))
        return Subject(
            action=action,
            parameters=known.mask(parameters),
            digest=digest_of(action, parameters),
            plan=ValueMasker(known.secret_values(parameters)).text(_plan(value)),
        )

    def secrets(self, asking: ActionSpec, parameters: Mapping[str, Any]) -> tuple[str, ...]:
        """What of another action's parameters stands in those of `asking`, and is secret there."""
        if asking.runner_type != RUNNER or parameters.get(PARAMETER) is None:
            return ()
        try:
            action, inner = _parts(parameters[PARAMETER])
            return self._plans.get(self._content.current.action(action)).secret_values(inner)
        except (BadParameter, NotFound):
            # Whoever asks people then says so.
            return ()


def _parts(value: Any) -> tuple[str, dict[str, Any]]:
    if (
        not isinstance(value, Mapping)
        or not isinstance(value.get("action"), str)
        or not value.keys() <= _MEMBERS
    ):
        raise BadParameter(
            f'"{PARAMETER}" must name an action and its parameters.',
            hint="Write {action: PACK.NAME, parameters: {NAME: VALUE}}; a plan may stand beside them.",
        )
    parameters = value.get("parameters") or {}
    if not isinstance(parameters, Mapping):
        raise BadParameter(f'The "parameters" of "{PARAMETER}" must be an object.')
    return value["action"], dict(parameters)


def _plan(value: Mapping[str, Any]) -> str:
    """What the action says that it would do, as text; anything but text as JSON."""
    given = value.get("plan")
    if given in (None, "", {}, []):
        return ""
    text = given if isinstance(given, str) else orjson.dumps(given, option=orjson.OPT_INDENT_2).decode()
    left = len(text) - _PLAN_LENGTH
    return text if left <= 0 else f"{text[:_PLAN_LENGTH]}\n… {left:,} more characters"
