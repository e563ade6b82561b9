"""The pack chatops speaks in our own chat, without a bot outside."""

from collections.abc import Iterator
from typing import Any

import pytest

from engine.records.execution import Execution, ExecutionRequest
from engine.records.trigger import InstanceFilter
from tests.bot.conftest import House, make_settings, text_of


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(make_settings(tmp_path_factory.mktemp("house")))
    try:
        yield made
    finally:
        made.stop()


def run(house: House, action: str, **parameters: Any) -> Execution:
    wanted = ExecutionRequest(action=action, parameters=parameters, user="admin")
    return house.engine.wait(house.engine.request(wanted).id, timeout_s=60)


def said(house: House, channel: str, words: str) -> dict[str, Any]:
    """The one message with these words, when it is there."""

    def found() -> list[dict[str, Any]]:
        return [one for one in house.messages(channel) if words in text_of(one["body"])]

    house.wait_for(lambda: bool(found()), timeout_s=60)
    (one,) = found()
    return one


def command(house: House, text: str, *, channel: str, route: str = "hubot", **more: Any) -> None:
    """What a bot outside asks of the API."""
    body = {"command": text, "user": "ann", "source_channel": channel, "notification_route": route, **more}
    url = f"{house.url}/api/v1/aliasexecution/match_and_execute"
    answer = house.http.post(url, json=body, timeout=20)
    assert answer.status_code == 201, answer.text


def test_a_message_is_posted_where_it_says(house: House) -> None:
    run(house, "chatops.post_message", message="hello there", channel="#Greetings", user="ann")
    body = said(house, "greetings", "hello there")["body"]
    assert body["mention"] == "ann"


@pytest.mark.parametrize("route", ["hubot", "errbot"])
def test_the_end_of_a_bots_command_is_told_in_its_channel(house: House, route: str) -> None:
    command(house, f"echo echo told to {route}", channel=f"from-{route}", route=route)
    body = said(house, f"from-{route}", f"told to {route}")["body"]
    assert body["tone"] == "good"
    assert body["mention"] == "ann"


def test_what_a_bot_gave_along_does_no_harm(house: House) -> None:
    context = {"user": {"name": "ann"}, "text": "{{ 7 * 7 }}", "done": None}
    command(house, "echo echo with context", channel="context", source_context=context)
    said(house, "context", "with context")


def test_a_failure_is_told_in_red(house: House) -> None:
    command(house, "echo echo broken; exit 3", channel="red")
    assert said(house, "red", "broken")["body"]["tone"] == "bad"


def test_an_alias_that_wants_no_answer_gets_none(house: House) -> None:
    command(house, "quiet echo not to be told", channel="silence")
    command(house, "echo echo told after it", channel="silence")
    said(house, "silence", "told after it")
    assert not [one for one in house.messages("silence") if "not to be told" in text_of(one["body"])]


def test_running_a_text_tells_its_start_and_its_end(house: House) -> None:
    execution = run(house, "chatops.run", text="echo echo all done", channel="runs", user="ann")
    assert execution.status == "succeeded", execution.result
    (started,) = execution.result["result"]["started"]
    said(house, "runs", f"Started {started}.")
    said(house, "runs", "all done")


def test_a_text_that_fits_nothing_is_told_too(house: House) -> None:
    execution = run(house, "chatops.run", text="no such thing", channel="lost", user="ann")
    assert execution.status == "succeeded", execution.result
    said(house, "lost", "That could not be started.")


def test_matching_and_starting_give_what_bots_expect(house: House) -> None:
    found = run(house, "chatops.match", text="echo hello").result["result"]
    assert (found["name"], found["representation"]) == ("echo", "echo {{cmd}}")
    made = run(house, "chatops.match_and_execute", text="true", source_channel="match").result["result"]
    assert made["results"][0]["execution"]["id"]
    started = made["results"][0]["execution"]["id"]
    house.engine.wait(started, timeout_s=60)
    text = run(house, "chatops.format_execution_result", execution_id=started)
    assert isinstance(text.result["result"], dict), text.result
    assert text.result["result"]["enabled"] is True


def test_a_trigger_is_injected(house: House) -> None:
    parameters = {"channel": "injected", "message": "heard {{ trigger.word }}"}
    rule = {
        "name": "injected",
        "enabled": True,
        "trigger": {"type": "default.injected"},
        "action": {"ref": "chatops.post_message", "parameters": parameters},
    }
    house.engine.stored.put("trigger", {"name": "injected"}, user="admin")
    house.engine.stored.put("rule", rule, user="admin")
    done = run(
        house, "core.inject_trigger", trigger="default.injected", payload={"word": "you"}, trace_tag="t-9"
    )
    assert done.status == "succeeded", done.result
    said(house, "injected", "heard you")
    (instance,), _ = house.engine.history.instances(InstanceFilter(trigger_type="default.injected"))
    assert instance.trace_tag == "t-9"


def test_a_rule_keeps_one_message_up_to_date(house: House) -> None:
    parameters = {
        "channel": "config",
        "message": "{{ trigger.new_object.name }} is now {{ trigger.new_object.value }}",
        "extra": {"stormcrow": {"key": "key-{{ trigger.new_object.name }}"}},
    }
    rule = {
        "name": "tell-about-keys",
        "enabled": True,
        "trigger": {"type": "core.st2.key_value_pair.value_change"},
        "action": {"ref": "chatops.post_message", "parameters": parameters},
    }
    house.engine.stored.put("rule", rule, user="admin")
    house.engine.datastore.put("system", "colour", "red")
    for value in ("green", "blue"):
        house.engine.datastore.put("system", "colour", value)
        said(house, "config", f"colour is now {value}")
    assert len(house.messages("config")) == 1
