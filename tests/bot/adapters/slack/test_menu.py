"""The menu finds commands by any of their words, and the Home tab shows a person what is theirs."""

import json

from bot.adapters.slack import home, limits, menu
from bot.adapters.slack.home import Entry
from bot.adapters.slack.views import ELEMENT, Form
from engine.aliases.help import HelpEntry
from engine.specs.alias import AliasFormat, AliasSpec

FORM = Form(prompt_id=menu.MENU, channel="C1")
ENTRIES = [
    HelpEntry(pack="ops", alias="ops.deploy", display="deploy {{app}} to {{env}}", description="Ship it."),
    HelpEntry(
        pack="disk", alias="disk.free", display="disk free on {{host}}", description="How much is left."
    ),
]
KNOWN = menu.choices([(entry, None) for entry in ENTRIES])


def labels(typed: str) -> list[str]:
    return [one["text"]["text"] for one in menu.search(KNOWN, typed)]


def test_every_word_that_was_typed_must_begin_somewhere() -> None:
    assert labels("disk fr") == ["disk free on {{host}}"]
    assert labels("left") == ["disk free on {{host}}"]
    assert labels("ship de") == ["deploy {{app}} to {{env}}"]
    assert labels("nothing like that") == []


def test_nothing_typed_shows_the_commands_of_packs_before_our_own() -> None:
    assert labels("")[:2] == ["deploy {{app}} to {{env}}", "disk free on {{host}}"]
    assert "help [words]" in labels("")


def test_a_command_with_a_long_form_can_be_chosen_too() -> None:
    long = HelpEntry(pack="p", alias="p.a", display="say " + "x" * 400, description="y" * 400)
    known = menu.choices([(long, None)])
    found = menu.search(known, "say")
    field = {"type": "input", "label": {"text": "a"}, "element": {"options": found}}
    assert limits.of_view({"type": "modal", "blocks": [field]}) == []
    assert found[0]["value"] == known[0].value


def test_what_was_chosen_stands_ready_with_its_plain_words() -> None:
    alias = AliasSpec(
        ref="ops.deploy",
        pack="ops",
        name="deploy",
        action_ref="ops.deploy",
        formats=(AliasFormat(display=ENTRIES[0].display, representations=("deploy {{app}} to {{env}}",)),),
    )
    made = menu.view(FORM, menu.choices([(ENTRIES[0], alias)])[0])
    assert limits.of_view(made) == []
    field = made["blocks"][-1]
    assert field["element"]["initial_value"] == "deploy"
    assert "deploy {{app}} to {{env}}" in json.dumps(made)
    state = {"values": {field["block_id"]: {ELEMENT: {"value": " deploy api to prod "}}}}
    assert menu.said({"state": state}) == "deploy api to prod"


def test_each_choice_has_a_field_of_its_own_because_slack_keeps_what_was_typed() -> None:
    ids = {menu.view(FORM, one)["blocks"][-1]["block_id"] for one in KNOWN}
    assert len(ids) == len(KNOWN)


def test_home_shows_what_waits_and_what_was_started_within_the_limits() -> None:
    many = [Entry(id=f"{number:024x}", title="<!channel> " * 90, facts="x" * 900) for number in range(60)]
    entries = [
        HelpEntry(pack="p", alias=f"p.{n}", display=f"do {n} " + "x" * 500, description="y" * 500)
        for n in range(150)
    ]
    commands = menu.choices([(entry, None) for entry in entries])
    made = home.view(waiting=many, started=many, commands=commands, prefix="!")
    assert limits.of_view(made) == []
    shown = json.dumps(made)
    assert "45 more: !inquiries" in shown
    assert "mrkdwn" not in shown


def test_home_says_that_nothing_waits() -> None:
    made = home.view(waiting=[], started=[], commands=KNOWN, prefix="!")
    assert "Nothing waits for you." in json.dumps(made)
    assert "!deploy {{app}} to {{env}}" in json.dumps(made)
