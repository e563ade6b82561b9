"""Results, tables, workflows and what aliases say for Slack, as they stand in a channel."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.slack_emulator.emulator import Emulator
from bot.slack_emulator.seen import Seen
from tests.bot.adapters.slack.conftest import SlackHouse, make_people, slack_settings
from tests.bot.flows import write_flows

FLOWS = {
    "slow": """
        version: 1.0
        tasks:
          first:
            action: core.noop
            next: [{do: second}]
          second:
            action: core.local
            input: {cmd: "until test -e MARK.go; do sleep 0.1; done"}
        """,
    "hosts": """
        version: 1.0
        vars:
          - found: [{host: db1, free: 9 G}, {host: web1, free: 40 G}]
        tasks:
          look:
            action: core.noop
        output:
          - hosts: <% ctx().found %>
        """,
}
ALIASES: dict[str, dict[str, Any]] = {
    "fancy": {
        "action_ref": "core.local",
        "formats": ["fancy"],
        "immutable_parameters": {"cmd": "echo '<!channel>'"},
        "result": {
            "format": "done",
            "extra": {
                "color": "good",
                "slack": {
                    "title": "said {{ execution.result.stdout }}",
                    "title_link": "https://example.org/",
                },
            },
        },
    },
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlackHouse]:
    folder = tmp_path_factory.mktemp("house")
    write_flows(folder, FLOWS)
    write_aliases(folder)
    with Emulator() as slack:
        make_people(slack)
        made = SlackHouse(replace(slack_settings(folder, slack)), slack)
        try:
            yield made
        finally:
            made.stop()


def write_aliases(folder: Path) -> None:
    for name, alias in ALIASES.items():
        text = yaml.safe_dump({"name": name, "description": f"Test {name}.", **alias})
        (folder / "aliases" / f"{name}.yaml").write_text(text, encoding="utf-8")


def block(message: Seen, kind: str) -> dict[str, Any]:
    return next((dict(one) for one in message.blocks if one["type"] == kind), {})


def tasks_of(answers: list[Seen]) -> dict[str, str]:
    """Title -> status of each card of the plans."""
    plans = [block(one, "plan") for one in answers]
    return {task["title"]: task["status"] for plan in plans for task in plan.get("tasks", ())}


def test_a_workflow_is_one_message_with_a_plan_that_is_edited_as_it_runs(house: SlackHouse) -> None:
    message = house.slack.say("ann", house.channel(), "!flow slow")
    house.slack.wait_for(lambda: tasks_of(house.answers_to(message)).get("second") == "in_progress")
    (house.engine.settings.root / "mark.go").touch()
    (answer,) = house.until(message, has="🟢")
    assert tasks_of([answer]) == {"first": "complete", "second": "complete"}
    assert not answer.buttons or "Cancel" not in [one.label for one in answer.buttons]


def test_a_failed_workflow_says_which_task_and_offers_to_go_on_from_there(house: SlackHouse) -> None:
    message = house.slack.say("ann", house.channel(), "!flow broken")
    (answer,) = house.until(message, has="failed")
    assert tasks_of([answer])["second"] == "error"
    assert "no mark" in answer.plain
    retry = next(one for one in answer.buttons if one.label.startswith("Retry"))
    house.slack.click("bob", answer, retry.action_id)
    house.slack.wait_for(lambda: len(house.answers_to(message)) > 1)


def test_a_workspace_without_plans_gets_the_tree_in_words(house: SlackHouse) -> None:
    house.slack.trouble.fail("chat.postMessage", "invalid_blocks", times=1)
    message = house.slack.say("ann", house.channel(), "!flow chain")
    (answer,) = house.until(message, has="🟢")
    assert "first" in answer.plain


def test_rows_are_a_table(house: SlackHouse) -> None:
    message = house.slack.say("ann", house.channel(), "!flow hosts")
    (answer,) = house.until(message, has="🟢")
    cells = [[cell["text"] for cell in row] for row in block(answer, "table")["rows"]]
    assert cells == [["host", "free"], ["db1", "9 G"], ["web1", "40 G"]]


def test_extra_of_an_alias_is_honoured_and_its_data_is_inert(house: SlackHouse) -> None:
    message = house.slack.say("ann", house.channel(), "!fancy")
    (answer,) = house.until(message, has="🟢")
    framed, titled = answer.attachments
    assert framed["color"] == "good"
    assert titled["title_link"] == "https://example.org/"
    assert "&lt;!channel&gt;" in titled["title"]
    assert "!channel" not in answer.mentions
