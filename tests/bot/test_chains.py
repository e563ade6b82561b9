"""An action chain in the chat: the same message, tree and words as any workflow."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.bot.conftest import House, make_settings, text_of
from tests.bot.flows import PACK, branches
from tests.bot.test_workflows import labels, until

CHAINS: dict[str, Any] = {
    "broken": [
        {"name": "first", "ref": "core.noop", "on-success": "second"},
        {
            "name": "second",
            "ref": "core.local",
            "parameters": {"cmd": "test -e 'MARK' && echo mended || { echo no mark >&2; false; }"},
        },
    ],
    "stuck": [
        {"name": "first", "ref": "core.noop", "on-success": "second"},
        {"name": "second", "ref": "flow.nowhere"},
    ],
    "telling": [
        {"name": "only", "ref": "core.echo", "parameters": {"message": "hi"}, "publish": {"x": "seven"}}
    ],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chains")


@pytest.fixture(scope="module")
def house(folder: Path) -> Iterator[House]:
    actions = folder / "packs" / "flow" / "actions"
    actions.mkdir(parents=True)
    (folder / "aliases").mkdir()
    (actions.parent / "pack.yaml").write_text(PACK, encoding="utf-8")
    for name, tasks in CHAINS.items():
        chain = yaml.safe_dump({"chain": tasks}).replace("MARK", str(folder / "mark"))
        (actions / f"{name}.chain").write_text(chain, encoding="utf-8")
        action = {"name": name, "runner_type": "action-chain", "entry_point": f"{name}.chain"}
        (actions / f"{name}.yaml").write_text(yaml.safe_dump(action), encoding="utf-8")
        alias = {
            "name": name,
            "action_ref": f"flow.{name}",
            "formats": [f"chain {name}"],
            "description": name,
        }
        (folder / "aliases" / f"{name}.yaml").write_text(yaml.safe_dump(alias), encoding="utf-8")
    made = House(make_settings(folder))
    try:
        yield made
    finally:
        made.stop()


def test_a_chain_shows_its_tasks_and_goes_on_from_the_one_that_failed(house: House, folder: Path) -> None:
    body = until(house, house.say("chain broken"), "failed")
    assert [(one["name"], one["status"]) for one in branches(body)] == [
        ("first", "succeeded"),
        ("second", "failed"),
    ]
    assert "second failed:" in text_of(body)
    assert "no mark" in text_of(body)
    assert labels(body) == ["Retry from second", "Output", "Run again"]
    (folder / "mark").touch()
    again = until(house, house.say(body["buttons"][0]["command"]), "succeeded")
    assert "mended" in text_of(again)


def test_a_task_that_could_not_start_is_shown_and_named(house: House) -> None:
    body = until(house, house.say("chain stuck"), "failed")
    assert [(one["name"], one["status"]) for one in branches(body)][-1] == ("second", "failed")
    assert 'Action with reference "flow.nowhere" doesn\'t exist' in text_of(body)
    assert "Retry from second" in labels(body)


def test_what_a_chain_publishes_is_its_answer(house: House) -> None:
    said = text_of(until(house, house.say("chain telling"), "succeeded"))
    assert "seven" in said
    assert "execution_id" not in said
