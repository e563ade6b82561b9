"""The policies of one generation of content, compiled: which limits and retries an action has.

The order in which an action's limits are asked: those that cancel before those that delay, then by
type (concurrency, concurrency.attr, rate_limit, others by name), then by the policy's ref.
"""

import logging
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.content.registry import Registry
from engine.policies.notes import tries_of
from engine.specs.policy import PolicySpec
from engine.specs.policy_type import BUILT_IN, Limit, Retry, policy_type
from engine.status import Status

log = logging.getLogger(__name__)

_RANKS = {name: number for number, name in enumerate(BUILT_IN)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionLimit:
    """A limit with the policy that sets it."""

    policy: str
    """The policy's ref."""
    type: str
    limit: Limit

    @property
    def cancels(self) -> bool:
        return self.limit.action == "cancel"

    @property
    def words(self) -> str:
        """`at most 2 at once with the same host`."""
        span = "at once" if self.limit.window_s is None else f"within {span_words(self.limit.window_s)}"
        return f"at most {self.limit.most} {span} {self.limit.about}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class NextTry:
    """How an execution that has ended is tried again."""

    policy: str
    number: int
    """From 1."""
    most: int
    delay_s: float


class PolicyTable:
    """Of the enabled policies of a registry; a policy of a type that is gone counts for nothing."""

    def __init__(self, registry: Registry) -> None:
        limits: defaultdict[str, list[ActionLimit]] = defaultdict(list)
        retries: defaultdict[str, list[tuple[str, Retry]]] = defaultdict(list)
        self.specs: Mapping[str, PolicySpec] = {
            ref: policy for ref, policy in sorted(registry.policies.items()) if policy.enabled
        }
        for ref, policy in self.specs.items():
            compiled = _compiled(policy)
            if isinstance(compiled, Limit):
                limit = ActionLimit(policy=ref, type=policy.policy_type, limit=compiled)
                limits[policy.resource_ref].append(limit)
            elif compiled is not None:
                retries[policy.resource_ref].append((ref, compiled))
        self.limits: Mapping[str, tuple[ActionLimit, ...]] = {
            action: tuple(sorted(found, key=_order)) for action, found in limits.items()
        }
        """Action -> its limits, in the order in which they are asked."""
        self.by_policy: Mapping[str, ActionLimit] = {
            limit.policy: limit for found in limits.values() for limit in found
        }
        self.has_windows = any(limit.limit.window_s is not None for limit in self.by_policy.values())
        self._retries: Mapping[str, list[tuple[str, Retry]]] = dict(retries)

    def says_the_same_as(self, other: "PolicyTable") -> bool:
        return _meaning(self) == _meaning(other)

    def next_try(self, action: str, ended: Status, context: Mapping[str, Any]) -> NextTry | None:
        """Whether an execution that has `ended` is tried again: by the first retry policy, by ref, that is
        for this end and has tries left. The child of a workflow is not: its workflow sees to it."""
        if action not in self._retries or context.get("parent"):
            return None
        done = tries_of(context)
        for policy, retry in self._retries[action]:
            if retry.on is ended and done < retry.most:
                return NextTry(policy=policy, number=done + 1, most=retry.most, delay_s=retry.delay_s)
        return None


def span_words(seconds: float) -> str:
    """`90 s`, `5 min`, `2 h`: in the largest unit that fits without a rest."""
    for size, unit in ((3_600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def _compiled(policy: PolicySpec) -> Limit | Retry | None:
    try:
        return policy_type(policy.policy_type).compile(policy.parameters)
    except Exception:  # it compiled when it was read; a type of somebody else's must not stop the others
        log.exception("policy %s cannot be used", policy.ref)
        return None


def _order(limit: ActionLimit) -> tuple[bool, int, str, str]:
    return not limit.cancels, _RANKS.get(limit.type, len(_RANKS)), limit.type, limit.policy


def _meaning(table: PolicyTable) -> dict[str, tuple[object, ...]]:
    return {
        ref: (policy.resource_ref, policy.policy_type, policy.parameters)
        for ref, policy in table.specs.items()
    }
