"""Every alias and every page of the chat times every role: the right to the action and that to the alias."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from starlette.routing import Route

from engine.api.app import ENDPOINTS
from tests.bot.conftest import text_of
from tests.engine.world import wait_until
from tests.security.matrix import CANARY, MINE, OTHER, USERS, Site, may, may_say

# The routes of the chat: what whoever asks needs.
OPEN, SIGNED_IN, LOOKS, ANSWERS = "nothing", "a session", "to see the execution", "to be asked"
PAGES = {
    "/chat": OPEN,
    "/chat/static/{name}": OPEN,
    "/chat/session": OPEN,
    "/chat/login/{name}": OPEN,
    "/chat/login/{name}/callback": OPEN,
    "/chat/channels": SIGNED_IN,
    "/chat/channels/{name}/messages": SIGNED_IN,
    "/chat/messages": SIGNED_IN,
    "/chat/events": SIGNED_IN,
    "/chat/commands": SIGNED_IN,
    "/chat/executions/{id}": LOOKS,
    "/chat/executions/{id}/events": LOOKS,
    "/chat/executions/{id}/output": LOOKS,
    "/chat/prompts/{id}": ANSWERS,
    "/chat/prompts/{id}/answers": ANSWERS,
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("aliases"))
    try:
        yield made
    finally:
        made.close()


def page(site: Site, user: str, path: str, **more: Any) -> requests.Response:
    headers = {"St2-Api-Key": site.keys[user]} if user else {}
    with requests.get(f"{site.url}{path}", headers=headers, timeout=30, stream=True, **more) as answer:
        if not answer.headers.get("Content-Type", "").startswith("text/event-stream"):
            _ = answer.content
        return answer


def say(site: Site, user: str, text: str) -> list[dict[str, Any]]:
    """What is answered to it, in the channel and in private, once something is."""
    headers = {"St2-Api-Key": site.keys[user]}
    body = {"channel": "ops", "text": text, "direct": True, "delivery_key": secrets.token_hex(8)}
    posted = requests.post(f"{site.url}/chat/messages", json=body, headers=headers, timeout=30)
    message_id = posted.json()["id"]
    found: list[dict[str, Any]] = []

    def is_answered() -> bool:
        found.clear()
        for channel in ("ops", f"@{user}"):
            listed = page(site, user, f"/chat/channels/{channel}/messages?limit=200").json()["messages"]
            found.extend(one["body"] for one in listed if one["body"].get("reply_to") == message_id)
        return bool(found)

    wait_until(is_answered)
    return found


def test_the_table_knows_every_page_of_the_chat(site: Site) -> None:
    routes = site.house.app._http.router.routes
    ours = {route.path for route in routes if isinstance(route, Route)} - {one.path for one in ENDPOINTS}
    assert ours == set(PAGES)


@pytest.mark.parametrize("path", [path for path, needs in PAGES.items() if needs != OPEN])
def test_a_page_wants_to_know_who_asks(site: Site, path: str) -> None:
    method = "POST" if path.endswith(("answers", "/messages")) and "channels" not in path else "GET"
    url = site.url + path.format(id=site.happened[OTHER]["execution"], name="ops")
    answer = requests.request(method, url, json={} if method == "POST" else None, timeout=20)
    assert answer.status_code == 401
    assert CANARY not in answer.text


@pytest.mark.parametrize("path", [path for path, needs in PAGES.items() if needs == LOOKS])
@pytest.mark.parametrize("user", USERS)
def test_a_page_shows_executions_to_whom_a_role_does(site: Site, user: str, path: str) -> None:
    for pack in (MINE, OTHER):
        answer = page(site, user, path.format(id=site.happened[pack]["execution"]))
        if may(user, "execution_view", pack):
            assert answer.status_code == 200
        else:
            assert answer.status_code == 403
            assert CANARY not in answer.text


@pytest.mark.parametrize("user", ["nobody", "kim"])
def test_a_question_of_another_pack_is_not_answered(site: Site, user: str) -> None:
    url = f"{site.url}/chat/prompts/{site.happened[OTHER]['inquiry']}/answers"
    body = {"channel": "ops", "values": {}, "button": "approve"}
    answer = requests.post(url, json=body, headers={"St2-Api-Key": site.keys[user]}, timeout=20)
    assert answer.status_code == 403, answer.text
    assert site.engine.execution(site.happened[OTHER]["inquiry"]).status == "pending"


@pytest.mark.parametrize("user", USERS)
def test_an_alias_is_refused_on_the_api_to_who_lacks_either_right(site: Site, user: str) -> None:
    aliases = site.engine.registry.aliases
    assert len(aliases) > 10
    for ref, alias in aliases.items():
        body = {
            "name": ref,
            "format": "in no format",
            "command": "of it",
            "user": "",
            "source_channel": "ops",
        }
        answer = site.ask(user, "POST", "/aliasexecution", body)
        # With the right to it only the format is wrong.
        assert answer.status_code == (400 if may_say(user, alias) else 403), (ref, answer.text)


@pytest.mark.parametrize("user", USERS)
def test_the_chat_offers_just_the_aliases_that_one_may_say(site: Site, user: str) -> None:
    offered = {one["display"] for one in page(site, user, "/chat/commands").json()}
    for alias in site.engine.registry.aliases.values():
        if alias.name.startswith(("go_", "guarded_")):
            (form,) = alias.formats
            assert (form.display in offered) == may_say(user, alias), alias.ref


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("word", ["go", "guarded"])
def test_a_command_runs_for_whom_a_role_allows_it(site: Site, user: str, word: str) -> None:
    for pack in (MINE, OTHER):
        alias = site.engine.registry.aliases[f"{pack}.{word}_{pack}"]
        before = len(site.ask("admin", "GET", f"/executions?action={pack}.act&limit=-1").json())
        said = " ".join(text_of(one) for one in say(site, user, f"{word} {pack} hello"))
        after = len(site.ask("admin", "GET", f"/executions?action={pack}.act&limit=-1").json())
        assert after - before == (1 if may_say(user, alias) else 0), said
        assert ("You may not" in said) == (not may_say(user, alias)), said
        assert CANARY not in said
        by_api = {"command": f"{word} {pack} hello", "user": "", "source_channel": "ops"}
        answer = site.ask(user, "POST", "/aliasexecution/match_and_execute", by_api)
        assert answer.status_code == (201 if may_say(user, alias) else 403)
        for_another = {**by_api, "user": "stormcrow"}
        answer = site.ask(user, "POST", "/aliasexecution/match_and_execute", for_another)
        assert answer.status_code == 403


@pytest.mark.parametrize("word", ["status", "output", "logs", "why"])
@pytest.mark.parametrize("user", ["nobody", "kim"])
def test_what_somebody_else_has_run_is_not_told(site: Site, user: str, word: str) -> None:
    for wanted in (site.happened[OTHER]["execution"], site.happened[OTHER]["execution"][-6:]):
        said = " ".join(text_of(one) for one in say(site, user, f"{word} {wanted}"))
        assert "You may not look at" in said
        assert CANARY not in said
