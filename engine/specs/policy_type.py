"""The types of policies: their parameters, and what they mean for an action.

Other people's types come from entry points `stormcrow.policies`; each names an object of PolicyType.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from engine.catalogue import Catalogue
from engine.status import Status

KeyOf = Callable[[Mapping[str, Any]], Any]
"""From the live parameters of an execution to a JSON value; those with equal values are counted together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """So many executions of an action may run at once, or start within a window."""

    most: int
    action: Literal["delay", "cancel"] = "delay"
    """What becomes of an execution that would be too many."""
    window_s: float | None = None
    """None: so many at once."""
    key_of: KeyOf | None = None
    """None: all executions of the action are counted together."""
    about: str = ""
    """For people: which ones are counted together, for example `with the same host`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """An execution that ends with `on` is requested again, so often at the most."""

    on: Literal[Status.FAILED, Status.TIMEOUT]
    most: int
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyType:
    name: str
    """Beginning with the kind of what it is put on: action.concurrency."""
    description: str
    parameters: Mapping[str, Mapping[str, Any]]
    """Name -> JSON schema, of which `type`, `required: true`, `default`, `enum`, `minimum`, `maximum` and
    the `type` of `items` are checked."""
    compile: Callable[[Mapping[str, Any]], Limit | Retry]
    """From checked parameters, defaults filled in. ValueError: they do not go together."""

    @property
    def defaults(self) -> dict[str, Any]:
        return {name: schema["default"] for name, schema in self.parameters.items() if "default" in schema}


def attributes_key(attributes: Sequence[str]) -> KeyOf:
    """Counted together are equal values of these parameters; a dot leads into an object.

    One that the execution was not given is left out, also where the action has a default for it.
    """
    paths = [(name, name.split(".")) for name in attributes]

    def key_of(live: Mapping[str, Any]) -> dict[str, Any]:
        found = {}
        for name, steps in paths:
            value: Any = live
            for step in steps:
                if not isinstance(value, Mapping) or step not in value:
                    break
                value = value[step]
            else:
                found[name] = value
        return found

    return key_of


def _limit(parameters: Mapping[str, Any]) -> Limit:
    attributes = parameters.get("attributes") or ()
    return Limit(
        most=parameters["threshold"],
        action=parameters["action"],
        window_s=parameters.get("interval"),
        key_of=attributes_key(attributes) if attributes else None,
        about=f"with the same {', '.join(attributes)}" if attributes else "",
    )


def _retry(parameters: Mapping[str, Any]) -> Retry:
    return Retry(
        on=Status.FAILED if parameters["retry_on"] == "failure" else Status.TIMEOUT,
        most=parameters["max_retry_count"],
        delay_s=parameters["delay"],
    )


_THRESHOLD: Mapping[str, Any] = MappingProxyType({"type": "integer", "required": True, "minimum": 1})
_ACTION: Mapping[str, Any] = MappingProxyType(
    {
        "type": "string",
        "enum": ["delay", "cancel"],
        "default": "delay",
        "description": "What becomes of an execution that would be too many.",
    }
)
_ATTRIBUTES: Mapping[str, Any] = MappingProxyType(
    {
        "type": "array",
        "items": {"type": "string"},
        "description": "Parameters; executions with equal values of them are counted together.",
    }
)

CONCURRENCY = PolicyType(
    name="action.concurrency",
    description="At most so many executions of an action at once.",
    parameters={
        "threshold": {**_THRESHOLD, "description": "How many may run at once."},
        "action": _ACTION,
    },
    compile=_limit,
)
CONCURRENCY_ATTR = PolicyType(
    name="action.concurrency.attr",
    description="At most so many executions of an action with the same values of parameters at once.",
    parameters={
        "threshold": {**_THRESHOLD, "description": "How many may run at once."},
        "attributes": {**_ATTRIBUTES, "required": True},
        "action": _ACTION,
    },
    compile=_limit,
)
RATE_LIMIT = PolicyType(
    name="action.rate_limit",
    description="At most so many starts of an action within an interval. Stormcrow's own.",
    parameters={
        "threshold": {**_THRESHOLD, "description": "How many may start within the interval."},
        "interval": {
            "type": "number",
            "required": True,
            "minimum": 0.001,
            "maximum": 31 * 86_400,
            "description": "In seconds.",
        },
        "attributes": _ATTRIBUTES,
        "action": _ACTION,
    },
    compile=_limit,
)
RETRY = PolicyType(
    name="action.retry",
    description="An execution that failed, or took too long, is started again.",
    parameters={
        "retry_on": {
            "type": "string",
            "required": True,
            "enum": ["failure", "timeout"],
            "description": "Which end is tried again.",
        },
        "max_retry_count": {
            "type": "integer",
            "minimum": 1,
            "maximum": 5,
            "default": 2,
            "description": "How often, at the most.",
        },
        "delay": {
            "type": "number",
            "minimum": 0,
            "maximum": 120,
            "default": 0,
            "description": "How long to wait before it, in seconds.",
        },
    },
    compile=_retry,
)

# In the order in which an action's policies are asked; other people's types come last, by name.
BUILT_IN: Mapping[str, str] = MappingProxyType(
    {
        "action.concurrency": "engine.specs.policy_type:CONCURRENCY",
        "action.concurrency.attr": "engine.specs.policy_type:CONCURRENCY_ATTR",
        "action.rate_limit": "engine.specs.policy_type:RATE_LIMIT",
        "action.retry": "engine.specs.policy_type:RETRY",
    }
)


@functools.cache
def _catalogue() -> Catalogue:
    return Catalogue(BUILT_IN, group="stormcrow.policies")


def policy_type_names() -> list[str]:
    return _catalogue().names()


def policy_type(name: str) -> PolicyType:
    """Raises KeyError for an unknown name, ImportError for an entry point that gives no policy type."""
    found = _catalogue().load(name)
    if not isinstance(found, PolicyType):
        raise ImportError(f"{name} is not a PolicyType")
    return found


def usable_policy_types() -> dict[str, PolicyType]:
    """Those that can be loaded, by name."""
    found = {}
    for name in policy_type_names():
        try:
            found[name] = policy_type(name)
        except (ImportError, AttributeError):
            continue
    return found
