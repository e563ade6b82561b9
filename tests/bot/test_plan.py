"""`plan`: what a command would do; and `breakglass` in the chat."""

from collections.abc import Iterator

import pytest

from tests.bot.comforting import add_site, ledger
from tests.bot.conftest import House, make_settings, text_of

FORETELL = {
    "actions/foretell.yaml": "{name: foretell, runner_type: local-shell-script, entry_point: foretell.sh, "
    "parameters: {service: {type: string, position: 0}, version: {type: string, position: 1}}}",
    "actions/foretell.sh": '#!/bin/sh\necho "would bring $1 to $2"\n',
    "aliases/careful.yaml": "{name: careful, action_ref: site.deploy, x-plan: site.foretell, "
    "formats: ['careful {{service}} {{version}} {{stage}}']}",
    "aliases/meal.yaml": "{name: meal, action_ref: site.broken, formats: ['plan a meal']}",
    "actions/wish.yaml": "{name: wish, runner_type: inquirer, parameters: {"
    "x-separate: {default: true, immutable: true}, x-emergency: {default: [admin], immutable: true}, "
    "schema: {default: {type: object, properties: {approved: {type: boolean}}}, immutable: true}}}",
    "aliases/wish.yaml": "{name: wish, action_ref: site.wish, formats: [wish]}",
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("plan")
    settings = make_settings(folder)
    add_site(folder)
    for name, text in FORETELL.items():
        (folder / "packs" / "site" / name).write_text(text, encoding="utf-8")
    made = House(settings)
    try:
        yield made
    finally:
        made.stop()


def test_a_plan_says_what_would_be_done_and_does_nothing(house: House) -> None:
    before = ledger(house.engine.settings.root)
    body = house.ask("plan careful api 1.42.0 prod")
    assert body["status"] == "succeeded"
    assert "would bring api to 1.42.0" in text_of(body)
    assert "plan of site.deploy: nothing of it is done" in text_of(body)
    execution = house.engine.execution("last")
    assert execution.action == "site.foretell"
    assert execution.parameters == {"service": "api", "version": "1.42.0"}
    assert ledger(house.engine.settings.root) == before


def test_what_has_no_plan_says_so(house: House) -> None:
    assert "cannot say beforehand" in text_of(house.ask("plan true"))
    assert house.ask("plan xyzzy plugh")["tone"] == "warning"


def test_an_alias_that_begins_with_plan_is_an_alias(house: House) -> None:
    assert house.ask("plan a meal")["action"] == "site.broken"


def test_the_glass_is_broken_in_words_and_it_is_said_aloud(house: House) -> None:
    house.say("wish", channel="glass")
    house.wait_for(lambda: any(one["body"].get("prompt") for one in house.messages("glass")))
    inquiry = next(one["body"] for one in house.messages("glass") if one["body"].get("prompt"))["inquiry_id"]
    house.say(f"approve {inquiry} please", channel="glass")
    house.wait_for(lambda: "In an emergency: breakglass" in str(house.messages("@admin")))
    house.say(f"breakglass {inquiry} prod is down", channel="glass")
    house.wait_for(lambda: "has broken the glass" in str(house.messages("glass")))
    house.wait_for(lambda: "Approved by breaking the glass by admin" in str(house.messages("glass")))
    assert "prod is down" in str(house.messages("glass"))
