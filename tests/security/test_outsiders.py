"""What somebody without a good key tries: it opens nothing, and what is told of it fills no disk."""

import itertools
from collections.abc import Iterator

import pytest

from engine.seldom import Counted
from tests.durability.server import write_files
from tests.engine.api.running import Running, running
from tests.engine.world import wait_until

WRONG = "crow_00000000_canary-of-a-wrong-key"
FILES = {
    "webhooks/signed.yaml": "{url: signed, verify: token, secrets: [hook.secret]}",
    "packs/probe/rules/signed.yaml": """
        name: signed
        enabled: true
        trigger: {type: core.st2.webhook, parameters: {url: signed}}
        action: {ref: core.noop}
    """,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("outsiders")
    write_files(folder, FILES)
    with running(folder) as made:
        yield made


def test_a_wrong_key_is_told_once_a_minute_and_stands_nowhere(server: Running) -> None:
    for headers in (
        {"St2-Api-Key": WRONG},
        {"X-Auth-Token": WRONG},
        {"Authorization": f"Bearer {WRONG}"},
        {"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0."},
    ):
        assert server.get("/executions", key="", headers=headers).status_code == 401
    assert server.get(f"/executions?st2-api-key={WRONG}", key="").status_code == 401
    # Nobody tries anything with no key at all.
    assert server.get("/executions", key="").status_code == 401
    found: list[dict[str, object]] = []

    def is_told() -> bool:
        found[:] = server.get("/audit?kind=access.refused").json()
        return bool(found)

    wait_until(is_told)
    assert [(act["via"], act["user"], act["address"], act["details"]) for act in found] == [
        ("API key", "", "127.0.0.1", {"times": 1})
    ]
    assert WRONG not in server.get("/audit/export").text


def test_what_is_not_told_is_counted() -> None:
    counted = Counted(every_s=0.05, most=2)
    seen = [counted.add("here")]
    assert seen == [(1, True)]

    def is_told_again() -> bool:
        seen.append(counted.add("here"))
        return seen[-1][0] > 1

    wait_until(is_told_again)
    assert sum(times for times, _ in seen) == len(seen)


def test_of_many_only_the_number_is_told() -> None:
    counted = Counted(every_s=3600, most=2)
    assert [counted.add(key) for key in "abcdac"] == [
        (1, True),
        (1, True),
        (1, False),
        (0, False),
        (0, True),
        (0, False),
    ]


def test_a_name_in_other_letters_makes_no_tries_free(server: Running) -> None:
    """A directory takes no notice of them, so they are tries of one name."""
    spellings = itertools.cycle(("zoe", "Zoe", "ZOE", "zOe", " zoe", "zoE "))
    tried: list[int] = []

    def must_wait() -> bool:
        auth = (next(spellings), "wrong")
        tried.append(server.ask("POST", "/tokens", key="", auth=auth).status_code)
        return tried[-1] == 429

    wait_until(must_wait, timeout_s=60)
    # Fewer than it takes to make the whole address wait.
    assert len(tried) < 20


def test_the_webhook_for_any_trigger_speaks_for_no_verified_one(server: Running) -> None:
    """A key is no signature: its deliveries would be those of a sender that has signed nothing."""
    (trigger,) = (one for one in server.get("/triggers").json() if one["parameters"].get("url") == "signed")
    body = {"trigger": trigger["ref"], "payload": {"body": {}, "headers": {}}}
    answer = server.post("/webhooks/st2", body)
    assert answer.status_code == 403, answer.text
    assert server.get("/ruleenforcements?rule_ref=probe.signed").json() == []
