"""Whether whoever asks may: the right of a route, on the object that its path names."""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from types import MappingProxyType

from engine.api import scopes
from engine.api.call import Call
from engine.errors import Denied, NotFound
from engine.records.access import Requester
from engine.rights.place import Where
from engine.rights.room import uid
from engine.specs.permissions import ADMIN, SYSTEM_ADMIN, is_observed
from engine.specs.right import Right
from engine.stored_content import DEFAULT_PACK

# The engine asks for these itself, on the action or question that is meant.
ASKED_BELOW = frozenset(
    {Right.ACTION_EXECUTE, Right.EXECUTION_RERUN, Right.EXECUTION_STOP, Right.INQUIRY_RESPOND}
)
# Schedules are rules too, and check what they run themselves.
_RUNS_FOR_OTHERS = frozenset({Right.ACTION_EXECUTE, Right.EXECUTION_RERUN, Right.EXECUTION_STOP})
_OWN_KEYS = frozenset({Right.KEY_VALUE_PAIR_SET, Right.KEY_VALUE_PAIR_DELETE})
_WRITING_RULES = frozenset({Right.RULE_CREATE, Right.RULE_MODIFY})
_WRITTEN = ("_create", "_modify")
_OWN_SCOPES = ("user", "st2kv.user")
# Resource type -> the kind of document that a path names by ref or id.
_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "action": "actions",
        "action_alias": "actionalias",
        "pack": "packs",
        "policy": "policies",
        "rule": "rules",
        "runner_type": "runnertypes",
        "sensor_type": "sensortypes",
        "trigger": "triggertypes",
    }
)


def check(call: Call, right: Right | None, reach: scopes.Reach = scopes.CLOSED) -> None:
    """Raises Denied. Without roles on file everybody may what the handlers let them do.

    A limited key opens less than that, whatever its user may.
    """
    scopes.check(call, right, reach)
    if call.requester.acting_user:
        _check_acting(right, reach)
    if right is None:
        return
    rights = call.engine.rights
    if right in _WRITING_RULES:
        _check_rule(call)
    if right in ASKED_BELOW or not rights.has_roles or _is_own(call, right):
        return
    # Lazily: what is wrong with the body is told only to who may ask.
    for resource in chain((_resource(call, right),), _named_by_body(call, right)):
        verdict = rights.allows(call.requester.user, right, resource)
        if not verdict.may:
            raise Denied(f"You may not ask this: {verdict.reason}", hint=verdict.hint)


def _check_acting(right: Right | None, reach: scopes.Reach) -> None:
    """With a token or key for acting as somebody: running and looking, where it stays visible who acts.

    Whatever else is done, such as an answer to a question, is done by oneself. Raises Denied.
    """
    if right in _RUNS_FOR_OTHERS:
        may = reach.runs is not None or right is Right.EXECUTION_STOP
    else:
        may = reach is scopes.HARMLESS or (right is not None and (is_observed(right) or right in _OWN_KEYS))
    if not may:
        raise Denied(
            "This cannot be done for somebody else.", hint="They do it themselves, with a key of theirs."
        )


def check_webhook(call: Call, requester: Requester, url: str) -> None:
    """For a webhook of rules, which is opened by a key. Raises Denied."""
    if requester.acting_user:
        raise Denied("Nobody posts to a webhook for somebody else.", hint="Post as yourself.")
    scopes.check_webhook(requester.scope, url)
    verdict = call.engine.rights.allows(requester.user, Right.WEBHOOK_SEND, f"webhook:{url}")
    if not verdict.may:
        raise Denied(f"You may not post to this webhook: {verdict.reason}", hint=verdict.hint)


def may_see(call: Call, right: Right, resource: str = "") -> bool:
    """Whether the route of its own would show it, where it stands inside of something else."""
    scope, rights = call.requester.scope, call.engine.rights
    if scope is not None and not scopes.has_right(scope, right):
        return False
    return not rights.has_roles or rights.allows(call.requester.user, right, resource).may


def _check_rule(call: Call) -> None:
    """A rule runs its action as whoever wrote it, who must be allowed to run it: by roles and by limits."""
    action = call.object().get("action")
    ref = action.get("ref") if isinstance(action, Mapping) else None
    if isinstance(ref, str):
        call.engine.rights.check_run(call.requester.user, ref, where=Where())


def check_author(call: Call, right: Right, pack: str) -> None:
    """For what lets others run things: it takes the right itself, or the administrator.

    An action of one's own would pass by what limits say of the one that it resembles. Raises Denied.
    """
    rights, user = call.engine.rights, call.requester.user
    if rights.has_roles:
        may = rights.allows(user, right, f"pack:{pack}").may
    else:
        may = not {ADMIN, SYSTEM_ADMIN}.isdisjoint(rights.roles_of(user))
    if not (may and call.requester.is_person and not call.is_agent):
        raise Denied(
            f'User "{user}" may not write this in the pack "{pack}".', hint=f"It takes {right}, of a person."
        )


def _is_own(call: Call, right: Right) -> bool:
    """Keys of one's own scope; the handler sees to it that they are."""
    if right.resource_type != "key_value_pair" or right in (
        Right.KEY_VALUE_PAIR_LIST,
        Right.KEY_VALUE_PAIR_ALL,
    ):
        return False
    scope = call.query.text("scope")
    if right is Right.KEY_VALUE_PAIR_SET:
        # As the handler reads it: the body comes first.
        scope = call.object().get("scope") or scope
    return scope in _OWN_SCOPES


def _resource(call: Call, right: Right) -> str:
    """The uid of what the path names; empty where it names nothing that there is."""
    try:
        return _NAMED.get(right.resource_type, _document)(call, right)
    except NotFound:
        # Whoever may gets the same from the handler.
        return ""


def _named_by_body(call: Call, right: Right) -> Iterator[str]:
    """The packs that something written gets into, and on whose action a policy is."""
    if not right.endswith(_WRITTEN):
        return
    body = call.object()
    pack, of_policy = body.get("pack"), body.get("resource_ref")
    if isinstance(pack, str) and pack and right.endswith("_modify"):
        yield f"pack:{pack}"
    if isinstance(of_policy, str) and right.resource_type == "policy":
        yield f"pack:{of_policy.partition('.')[0]}"


def _document(call: Call, right: Right) -> str:
    named = call.path.get("ref_or_id") or call.path.get("pack_ref") or _sensor_type(call.path.get("ref", ""))
    kind = _KINDS.get(right.resource_type)
    if not named and right.endswith("_create"):
        # Of what is not there yet the pack counts.
        pack = call.object().get("pack")
        return f"pack:{pack if isinstance(pack, str) and pack else DEFAULT_PACK}"
    if not named or kind is None:
        return ""
    found: str = call.documents.one(kind, named)["uid"]
    return found


def _sensor_type(ref: str) -> str:
    """Of PACK.CLASS or PACK.CLASS.INSTANCE."""
    return ".".join(ref.split(".")[:2])


def _execution(call: Call, _right: Right) -> str:
    """An execution is its action's: who may run that may see it."""
    return uid("action", scopes.named_execution(call).action) if call.path.get("id") else ""


def _key(call: Call, _right: Right) -> str:
    named = call.path.get("name")
    return f"key_value_pair:st2kv.system:{named}" if named else ""


_NAMED: Mapping[str, Callable[[Call, Right], str]] = MappingProxyType(
    {"execution": _execution, "key_value_pair": _key}
)
