"""What a limited key opens: the actions, webhooks and rights that it names, and nothing else.

A route that says nothing here is closed for keys that name only actions; a right that a key names
opens the routes that declare it, on everything.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.api.call import Call
from engine.api_keys import READ
from engine.errors import Denied, NotFound
from engine.records.access import Scope
from engine.records.execution import Execution
from engine.specs.permissions import implying, is_observed
from engine.specs.right import Right

# Whoever may write these has them run things later.
_WRITES_RUNS = frozenset({Right.RULE_CREATE, Right.RULE_MODIFY})
_RUNS = frozenset({Right.ACTION_EXECUTE, Right.EXECUTION_RERUN})
# They show a secret in clear when they are asked to, which is more than looking.
_DECRYPTS = frozenset({Right.KEY_VALUE_PAIR_LIST, Right.KEY_VALUE_PAIR_VIEW})
# Workflows in workflows; no honest one is deeper.
_DEEPEST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What a route has for keys that are limited to some actions.

    `runs`: the refs of what a call makes run, now or later; all must be in the scope.
    `is_of`: whether what a call is about belongs to the scope.
    `is_narrowed`: the handler shows only what belongs to it, see `narrowed`.
    """

    runs: Callable[[Call], Iterable[Any]] | None = None
    is_of: Callable[[Call, Scope], bool] | None = None
    is_narrowed: bool = False


CLOSED = Reach()
HARMLESS = Reach(is_of=lambda _call, _scope: True)
NARROWED = Reach(is_narrowed=True)


def check(call: Call, right: Right | None, reach: Reach) -> None:
    """Raises Denied for a limited key that does not open this."""
    scope = call.requester.scope
    if scope is None:
        return
    if (right in _RUNS or right in _WRITES_RUNS) and not reach.is_narrowed:
        if not _may_run(call, scope, reach):
            raise _denied(Right.ACTION_EXECUTE, "runs an action that the key does not name")
        if right in _RUNS:
            return
    if right is not None and has_right(scope, right):
        if right in _DECRYPTS and call.query.flag("decrypt") and not _is_named(scope, right):
            raise _denied(Right.KEY_VALUE_PAIR_ALL, "shows secrets in clear")
        return
    if reach.is_narrowed and scope.actions:
        return
    if reach.is_of is None or not reach.is_of(call, scope):
        raise _denied(right, "is not among what the key names")


def check_webhook(scope: Scope | None, url: str) -> None:
    """Raises Denied for a limited key that does not open this webhook."""
    if scope is not None and not (scope.has_webhook(url) or has_right(scope, Right.WEBHOOK_SEND)):
        raise _denied(Right.WEBHOOK_SEND, f"the webhook {url} is not among what the key names")


def has_right(scope: Scope, right: Right) -> bool:
    """Whether the key names it, or another that includes it."""
    return _is_named(scope, right) or (READ in scope.rights and is_observed(right))


def narrowed(call: Call, right: Right) -> Scope | None:
    """To what a list must be cut for the caller's key; None: not at all."""
    scope = call.requester.scope
    return None if scope is None or has_right(scope, right) else scope


def _is_named(scope: Scope, right: Right) -> bool:
    return any(name in scope.rights for name in implying(right))


def _may_run(call: Call, scope: Scope, reach: Reach) -> bool:
    if has_right(scope, Right.ACTION_EXECUTE):
        return True
    if reach.runs is None:
        return False
    return all(isinstance(ref, str) and scope.has_action(ref) for ref in reach.runs(call))


def _denied(right: Right | None, why: str) -> Denied:
    hint = f"It takes a key with --right {right}, or the action in its scope." if right else ""
    return Denied(f"This key is limited: what is asked {why}.", hint=hint)


# what routes are about


def is_of_action(call: Call, scope: Scope) -> bool:
    """The action that the path names."""
    try:
        return scope.has_action(call.documents.ref("actions", call.path["ref_or_id"]))
    except NotFound:
        return False


def is_of_alias(call: Call, scope: Scope) -> bool:
    """The alias that the path names, by what it runs."""
    try:
        return scope.has_action(call.documents.one("actionalias", call.path["ref_or_id"])["action_ref"])
    except NotFound:
        return False


def is_of_execution(call: Call, scope: Scope) -> bool:
    """The execution that the path names, or a workflow above it."""
    try:
        return has_execution(call, scope, named_execution(call))
    except NotFound:
        return False


def named_execution(call: Call) -> Execution:
    """The one that the path names; from now on by its id, as `last` is soon another one. Raises NotFound."""
    execution = call.engine.execution(call.path["id"])
    call.path = {**call.path, "id": execution.id}
    return execution


def has_execution(call: Call, scope: Scope, execution: Execution) -> bool:
    """Also a task of a workflow in the scope. Raises NotFound."""
    for _ in range(_DEEPEST):
        if scope.has_action(execution.action):
            return True
        if execution.parent_id is None:
            return False
        execution = call.engine.execution(execution.parent_id)
    return False


def asked_action(call: Call) -> Iterable[Any]:
    yield call.object().get("action")


def repeated_action(call: Call) -> Iterable[Any]:
    yield named_execution(call).action


def actions_of_rule(call: Call) -> Iterable[Any]:
    """Those that the body names, and those of the rule that it changes, which may only be switched."""
    body = call.object()
    yield from _actions_in(body)
    named = call.path.get("ref_or_id")
    if named is not None:
        yield from _actions_in(call.documents.one("rules", named))


def _actions_in(rule: Mapping[str, Any]) -> Iterable[Any]:
    more = rule.get("x-actions")
    for one in (rule.get("action"), *(more if isinstance(more, list) else ())):
        if isinstance(one, Mapping):
            yield one.get("ref")
