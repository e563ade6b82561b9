"""Which routes have something for keys that are limited to actions; all others are closed to them."""

from collections.abc import Mapping
from types import MappingProxyType

from engine.api.aliases import chosen_action, matched_action
from engine.api.scopes import (
    HARMLESS,
    NARROWED,
    Reach,
    actions_of_rule,
    asked_action,
    is_of_action,
    is_of_alias,
    is_of_execution,
    repeated_action,
)

_OF_EXECUTION = Reach(is_of=is_of_execution)
_OF_ACTION = Reach(is_of=is_of_action)
_RULE = Reach(runs=actions_of_rule)
# Method and path, as the Endpoint has them.
REACHES: Mapping[tuple[str, str], Reach] = MappingProxyType(
    {
        ("POST", "/executions"): Reach(runs=asked_action),
        ("GET", "/executions"): NARROWED,
        ("GET", "/executions/{id}"): _OF_EXECUTION,
        ("PUT", "/executions/{id}"): _OF_EXECUTION,
        ("DELETE", "/executions/{id}"): _OF_EXECUTION,
        ("GET", "/executions/{id}/output"): _OF_EXECUTION,
        ("GET", "/executions/{id}/result"): _OF_EXECUTION,
        ("GET", "/executions/{id}/result_text"): _OF_EXECUTION,
        ("GET", "/executions/{id}/attribute/{attribute}"): _OF_EXECUTION,
        ("GET", "/executions/{id}/children"): _OF_EXECUTION,
        ("GET", "/executions/{id}/tasks"): _OF_EXECUTION,
        ("GET", "/executions/{id}/progress"): _OF_EXECUTION,
        ("GET", "/executions/{id}/inquiries"): _OF_EXECUTION,
        ("GET", "/executions/{id}/callback"): _OF_EXECUTION,
        ("POST", "/executions/{id}/callback"): Reach(runs=repeated_action),
        ("POST", "/executions/{id}/re_run"): Reach(runs=repeated_action),
        ("GET", "/stream"): NARROWED,
        ("GET", "/actions"): NARROWED,
        ("GET", "/actions/{ref_or_id}"): _OF_ACTION,
        ("GET", "/actions/views/overview"): NARROWED,
        ("GET", "/actions/views/runnable"): NARROWED,
        ("GET", "/actions/views/overview/{ref_or_id}"): _OF_ACTION,
        ("GET", "/actions/views/parameters/{ref_or_id}"): _OF_ACTION,
        ("GET", "/actions/views/entry_point/{ref_or_id}"): _OF_ACTION,
        ("GET", "/actionalias"): NARROWED,
        ("GET", "/actionalias/{ref_or_id}"): Reach(is_of=is_of_alias),
        ("POST", "/actionalias/match"): Reach(
            is_of=lambda call, scope: all(map(scope.has_action, matched_action(call)))
        ),
        ("POST", "/aliasexecution"): Reach(runs=chosen_action),
        ("POST", "/aliasexecution/match_and_execute"): Reach(runs=matched_action),
        ("POST", "/rules"): _RULE,
        ("PUT", "/rules/{ref_or_id}"): _RULE,
        # st2 asks for the runner before it runs anything.
        ("GET", "/runnertypes"): HARMLESS,
        ("GET", "/runnertypes/{ref_or_id}"): HARMLESS,
        ("GET", "/user"): HARMLESS,
        ("DELETE", "/tokens"): HARMLESS,
    }
)
