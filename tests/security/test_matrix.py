"""Every route times every role: who may is answered, who may not gets 403, and learns nothing by it."""

from collections.abc import Iterator

import pytest
import requests

from engine.api.app import ENDPOINTS
from engine.api.resource import Endpoint
from engine.specs.right import Right
from tests.security.matrix import CANARY, CHANGES, GIVEN_BY_NAME, MINE, OTHER, SEES, USERS, Site, may

# What a list shows is only what the caller may run.
NARROWED = frozenset({"/actions/views/runnable"})
# Of the administrator's own key alone, whatever roles there are.
ADMINS = frozenset({"/secret_key/rotate"})
# First who looks, last who destroys: what one request takes away the next would miss.
_ORDER = {"GET": 0, "POST": 1, "PUT": 2, "DELETE": 3}
ASKED = sorted(
    (one for one in ENDPOINTS if one.right is not None and not one.is_open and one.path not in NARROWED),
    key=lambda one: (_ORDER[one.method], one.path == "/secret_key/rotate"),
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("matrix"))
    try:
        yield made
    finally:
        made.close()


def name(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


def check_refused(answer: requests.Response) -> None:
    """In StackStorm's shape, with nothing of what was asked for in it."""
    assert answer.status_code == 403, answer.text[:300]
    assert set(answer.json()) == {"faultstring"}
    assert CANARY not in answer.text


def test_the_table_knows_every_right() -> None:
    assert {right.value for right in Right} == SEES | CHANGES | GIVEN_BY_NAME
    assert not SEES & CHANGES


@pytest.mark.parametrize("endpoint", ASKED, ids=name)
def test_a_route_answers_whom_a_role_allows_and_nobody_else(site: Site, endpoint: Endpoint) -> None:
    wrong = []
    for user in USERS:
        for pack in (OTHER, MINE):
            wanted = site.request(endpoint, pack)
            answer = site.ask(user, wanted.method, wanted.path, wanted.body)
            assert endpoint.right is not None
            if endpoint.path in ADMINS or not may(user, endpoint.right, wanted.of_pack):
                check_refused(answer)
            elif answer.status_code in (401, 403) or answer.status_code >= 500:
                wrong.append((user, pack, wanted.path, answer.status_code, answer.text[:200]))
    assert not wrong


@pytest.mark.parametrize(
    "endpoint", [one for one in ENDPOINTS if not one.is_open or one.path.startswith("/webhooks")], ids=name
)
def test_without_a_key_nothing_is_answered(site: Site, endpoint: Endpoint) -> None:
    wanted = site.request(endpoint, OTHER)
    answer = site.ask("", wanted.method, wanted.path, wanted.body)
    assert answer.status_code == 401, answer.text[:300]
    assert set(answer.json()) == {"faultstring"}
    assert CANARY not in answer.text


@pytest.mark.parametrize("endpoint", [one for one in ENDPOINTS if one.right is None or one.is_open], ids=name)
def test_what_is_free_tells_nothing_of_a_pack(site: Site, endpoint: Endpoint) -> None:
    wanted = site.request(endpoint, OTHER)
    for user in ("", "nobody", "kim"):
        answer = site.ask(user, wanted.method, wanted.path, wanted.body)
        assert answer.status_code < 500
        assert CANARY not in answer.text


@pytest.mark.parametrize("user", USERS)
def test_a_webhook_of_a_rule_takes_the_right_to_send(site: Site, user: str) -> None:
    answer = site.ask(user, "POST", f"/webhooks/{OTHER}", {"word": "x"})
    if may(user, "webhook_send", ""):
        assert answer.status_code == 202
    else:
        check_refused(answer)


@pytest.mark.parametrize("user", USERS)
def test_only_what_one_may_run_is_listed_as_such(site: Site, user: str) -> None:
    answer = site.ask(user, "GET", "/actions/views/runnable")
    packs = {one["pack"] for one in answer.json()["actions"]}
    if user in ("ada", "sue"):
        assert {MINE, OTHER, "core"} <= packs
    else:
        assert packs == ({MINE} if user == "kim" else set())


def new(kind: str, pack: str, about: str) -> dict[str, object]:
    """A thing in one pack that is about an action of another (or the same) one."""
    return {
        "policies": {
            "name": "fresh",
            "pack": pack,
            "resource_ref": f"{about}.act",
            "policy_type": "action.concurrency",
            "parameters": {"threshold": 1},
        },
        "rules": {
            "name": "fresh",
            "pack": pack,
            "trigger": {"type": "core.st2.webhook", "parameters": {"url": "fresh"}},
            "action": {"ref": f"{about}.act"},
        },
    }[kind]


@pytest.mark.parametrize("kind", ["policies", "rules"])
def test_nothing_gets_into_another_pack_or_at_its_actions(site: Site, kind: str) -> None:
    for pack, about in ((OTHER, MINE), (MINE, OTHER), (OTHER, OTHER)):
        check_refused(site.ask("kim", "POST", f"/{kind}", new(kind, pack, about)))
    made = site.ask("kim", "POST", f"/{kind}", new(kind, MINE, MINE))
    assert made.status_code == 201, made.text
    place = f"/{kind}/{MINE}.fresh"
    for pack, about in ((OTHER, MINE), (MINE, OTHER)):
        check_refused(site.ask("kim", "PUT", place, new(kind, pack, about)))
    assert site.ask("ada", "GET", place).json()["pack"] == MINE
    assert site.ask("kim", "DELETE", place).status_code == 204


def test_an_action_is_copied_only_between_packs_of_ones_own(site: Site) -> None:
    for source, target in ((MINE, OTHER), (OTHER, MINE), (OTHER, OTHER)):
        body = {"dest_pack": target, "dest_action": "taken", "overwrite": True}
        check_refused(site.ask("kim", "POST", f"/actions/{source}.act/clone", body))


# Every parameter of a query that can name something, on lists that the keeper of a pack may not see.
NAMING = ("pack", "ref", "name", "id", "action", "rule", "user", "trigger", "resource_ref", "parent")


@pytest.mark.parametrize(
    "endpoint", [one for one in ASKED if one.method == "GET" and "{" not in one.path], ids=name
)
def test_no_parameter_of_a_query_opens_a_list(site: Site, endpoint: Endpoint) -> None:
    values = {
        "pack": OTHER,
        "ref": f"{OTHER}.act",
        "action": f"{OTHER}.act",
        "rule": f"{OTHER}.hook",
        "rule_ref": f"{OTHER}.hook",
        "id": site.happened[OTHER]["execution"],
        "user": "admin",
        "scope": "all",
        "decrypt": "true",
        "show_secrets": "true",
        "name": f"{OTHER}.token",
        "prefix": OTHER,
        "execution": site.happened[OTHER]["execution"],
        "trigger_instance": site.happened[OTHER]["instance"],
        "limit": "-1",
    }
    for user in ("nobody", "kim"):
        for given in (*({key: values[key]} for key in values if key in endpoint.query), values):
            query = "&".join(f"{key}={value}" for key, value in given.items())
            check_refused(site.ask(user, "GET", f"{endpoint.path}?{query}"))


@pytest.mark.parametrize("user", ["nobody", "kim"])
@pytest.mark.parametrize("query", ["", "scope=user&user=admin", "scope=all", "user=admin", "scope=system"])
def test_keys_of_somebody_else_are_nobodys_to_name(site: Site, user: str, query: str) -> None:
    place = "/keys/private"
    body = {"name": "private", "scope": "user", "value": CANARY}
    assert site.ask("admin", "PUT", place, body).ok
    answers = [
        site.ask(user, "GET", f"{place}?{query}&decrypt=true"),
        site.ask(user, "GET", f"/keys?{query}&decrypt=true"),
        site.ask(user, "PUT", f"{place}?{query}", {"name": "private", "user": "admin", "value": "x"}),
        site.ask(user, "DELETE", f"{place}?{query}"),
    ]
    assert all(CANARY not in answer.text for answer in answers)
    assert all(not answer.ok or answer.json() == [] for answer in answers)
    assert site.ask("admin", "GET", f"{place}?scope=user").json()["value"] == CANARY


@pytest.mark.parametrize("user", ["nobody", "olga", "kim", "ada"])
def test_accounts_are_linked_by_the_administrator_alone(site: Site, user: str) -> None:
    body = {"account": "slack.T1.U1", "user": user}
    assert site.ask(user, "POST", "/accounts", body).status_code == 403
    assert site.ask(user, "GET", "/accounts").json() == []


@pytest.mark.parametrize("user", ["nobody", "kim"])
def test_what_others_may_is_nobodys_to_ask(site: Site, user: str) -> None:
    check_refused(site.ask(user, "GET", f"/rights/check?user=ada&what={OTHER}.act"))
    check_refused(site.ask(user, "GET", "/rights/denials"))
