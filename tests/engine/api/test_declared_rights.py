"""Every route says which right it needs."""

import pytest

from engine.api.app import ENDPOINTS
from engine.api.resource import Endpoint
from engine.specs.right import RESOURCE_TYPES, Right

# About the caller alone, about nothing of ours, or about whether we are alive.
FREE = {
    "/",
    "/user",
    "/healthz",
    "/readyz",
    "/openapi.json",
    "/docs",
    "/docs/{name}",
    "/ruletypes",
    "/ruletypes/{id}",
    "/tokens",
    "/tokens/validate",
    "/tokens/end_all",
    "/logins",
    # Of others these are only for who administers them; see test_rights.py.
    "/accounts",
    "/accounts/codes",
    "/accounts/{account}",
    "/rights/check",
    "/rights/denials",
}
READS = ("_list", "_view", "_help", "_search", "_health", "_export")
# They change nothing, but ask with a body.
# What one may run: it is asked for each action.
OWN = {"/actions/views/runnable"}
ASKS = {"/packs/index/search", "/actionalias/match", "/workflows/inspect", "/rules/backtest"}


def name(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=name)
def test_a_route_declares_its_right(endpoint: Endpoint) -> None:
    assert (endpoint.right is None) == (endpoint.path in FREE)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=name)
def test_who_may_only_look_changes_nothing(endpoint: Endpoint) -> None:
    if endpoint.right is None or endpoint.path in OWN:
        return
    reads = endpoint.right.endswith(READS) or endpoint.right is Right.ACTION_ALIAS_MATCH
    assert reads == (endpoint.method == "GET" or endpoint.path in ASKS)


@pytest.mark.parametrize("right", [right for right in Right if right is not Right.IMPERSONATE])
def test_a_right_is_about_a_kind_of_resource(right: Right) -> None:
    assert right.resource_type in RESOURCE_TYPES
    assert right.startswith(f"{right.resource_type}_")


def test_a_right_belongs_to_the_longest_name_that_fits() -> None:
    assert Right.ACTION_ALIAS_VIEW.resource_type == "action_alias"
    assert Right.RULE_ENFORCEMENT_LIST.resource_type == "rule_enforcement"
    assert Right.IMPERSONATE.resource_type == ""
