"""Who may not run something is told so alone, it is recorded, and help does not offer it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from engine.rights.denials import KIND
from engine.store import journal
from tests.bot.conftest import House, make_settings, text_of
from tests.engine.rights.site import write_rights

FILES = {
    "roles/echoer.yaml": """
        name: echoer
        permission_grants:
          - resource_uid: "action:core:local"
            permission_types: [action_execute]
    """,
    "assignments/bob.yaml": "{username: bob, roles: [echoer]}",
    "limits.yaml": "limits: [{aliases: [default.true], channels: ['#ops'], reason: 'Say it in #ops.'}]",
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("rights")
    write_rights(folder, FILES)
    made = House(make_settings(folder))
    try:
        yield made
    finally:
        made.stop()


As = Callable[[str], None]


@pytest.fixture
def as_user(house: House) -> Iterator[As]:
    """Whoever speaks from now on."""
    admin = house.http

    def become(user: str) -> None:
        clear, _ = house.engine.access.create_key(user=user, metadata={})
        house.http = requests.Session()
        house.http.headers["St2-Api-Key"] = clear

    yield become
    house.http.close()
    house.http = admin


def private_answer(house: House, text: str, user: str, channel: str = "ops") -> dict[str, Any]:
    """What is said to `text` in the channel that only this user sees."""
    message_id = house.say(text, channel=channel)
    direct = f"@{user}"
    house.wait_for(lambda: bool(house.answers(message_id, direct)))
    assert not house.answers(message_id, channel)
    (answer,) = house.answers(message_id, direct)
    return dict(answer["body"])


def test_what_a_role_grants_runs(house: House, as_user: As) -> None:
    as_user("bob")
    assert house.ask("echo echo hello")["status"] == "succeeded"


def test_whoever_may_not_is_told_why_and_alone(house: House, as_user: As) -> None:
    as_user("bob")
    said = text_of(private_answer(house, "say hello", "bob"))
    assert "You may not run default.say: bob has the role echoer, which does not grant action_execute" in said


def test_a_limit_to_a_channel_says_where(house: House, as_user: As) -> None:
    as_user("bob")
    assert house.ask("true")["status"] == "succeeded"
    said = text_of(private_answer(house, "true", "bob", channel="random"))
    assert "default.true runs only in #ops, not in web:random" in said
    assert "Say it in #ops." in said


def test_a_denial_is_recorded_with_who_what_where_and_why(house: House, as_user: As) -> None:
    as_user("eve")
    private_answer(house, "say it was me", "eve")
    house.wait_for(lambda: house.engine.denials.page(user="eve")[1] == 1)
    (denial,), _ = house.engine.denials.page(user="eve")
    assert (denial.verb, denial.what) == ("run", "say it was me")
    assert (denial.platform, denial.channel) == ("web", "ops")
    assert "eve has no role, and it takes action_execute on action:core:noop" in denial.reason
    with house.engine.database.read() as connection:
        entries = journal.entries_after(connection, 0, kinds=[KIND], limit=1000)
    assert [entry.data["what"] for entry in entries if entry.subject == "eve"] == ["say it was me"]


def test_who_hammers_at_a_door_is_written_down_once(house: House, as_user: As) -> None:
    as_user("mallory")
    for _ in range(3):
        private_answer(house, "say please", "mallory")
    house.wait_for(lambda: house.engine.denials.page(user="mallory")[1] > 0)
    assert house.engine.denials.page(user="mallory")[1] == 1


def test_what_is_recorded_holds_no_secret_parameters(house: House, as_user: As) -> None:
    as_user("eve")
    private_answer(house, "far h1 password=hunter22", "eve")
    house.wait_for(lambda: any("far" in one.what for one in house.engine.denials.page(user="eve")[0]))
    assert "hunter22" not in str(house.engine.denials.page()[0])


def test_help_shows_what_one_may_run_at_that_place(house: House, as_user: As) -> None:
    as_user("bob")
    here = text_of(house.ask("help default"))
    assert "echo <text>" in here
    assert "say <words>" not in here
    assert "Test true." in text_of(house.ask("help true"))
    assert "No command has" in text_of(house.ask("help true", channel="random"))


def test_a_typing_error_does_not_tell_of_commands_that_one_may_not_run(house: House, as_user: As) -> None:
    assert "Did you mean: say hello there" in text_of(house.ask("sayy hello there"))
    as_user("bob")
    said = text_of(house.ask("sayy hello there"))
    assert "matched no patterns" in said
    assert "Did you mean" not in said


def test_completions_show_what_one_may_run_somewhere(house: House, as_user: As) -> None:
    as_user("bob")
    found = house.http.get(f"{house.url}/chat/commands", timeout=30).json()
    offered = {one["display"] for one in found if one["pack"] == "default"}
    assert {"true", "echo <text>"} <= offered
    assert "say <words>" not in offered


def test_completions_are_not_sent_again_until_they_change(house: House, as_user: As) -> None:
    as_user("bob")
    first = house.http.get(f"{house.url}/chat/commands", timeout=30)
    again = {"if-none-match": first.headers["etag"]}
    assert house.http.get(f"{house.url}/chat/commands", headers=again, timeout=30).status_code == 304
    as_user("eve")
    assert house.http.get(f"{house.url}/chat/commands", headers=again, timeout=30).status_code == 200


def test_nor_by_the_api(house: House, as_user: As) -> None:
    as_user("bob")
    url = f"{house.url}/api/v1"
    refused = house.http.post(f"{url}/executions", json={"action": "core.noop"}, timeout=30)
    assert (refused.status_code, "action_execute" in refused.json()["faultstring"]) == (403, True)
    for user, wrong in (("bob", "default.say"), ("admin", "may not act for")):
        by_alias = {"command": "say hello", "user": user, "source_channel": "ops"}
        answer = house.http.post(f"{url}/aliasexecution/match_and_execute", json=by_alias, timeout=30)
        assert (answer.status_code, wrong in answer.json()["faultstring"]) == (403, True)
    house.wait_for(lambda: any(one.verb == "ask" for one in house.engine.denials.page(user="bob")[0]))


def test_nor_by_a_rerun_or_a_schedule_in_chat(house: House, as_user: As) -> None:
    first = house.ask("true", channel="random")
    as_user("bob")
    for text in (f"rerun {first['execution_id']}", "schedule in 1 hour true"):
        assert "runs only in #ops" in text_of(private_answer(house, text, "bob", channel="random"))
    assert house.ask(f"rerun {first['execution_id']}")["status"] == "succeeded"


def test_the_administrator_may(house: House) -> None:
    assert house.ask("true", channel="random")["status"] == "succeeded"
