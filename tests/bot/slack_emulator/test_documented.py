"""The reference names every act and every trouble of the control API, and every word of the terminal."""

from pathlib import Path

import pytest

from bot.slack_emulator.control import ACTS, TROUBLES
from bot.slack_emulator.desk.person import HELP
from bot.slack_emulator.emulator import Emulator

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("name", sorted({*ACTS, *(each.replace("_", "-") for each in TROUBLES)}))
def test_every_act_and_trouble_is_in_the_reference(name: str) -> None:
    assert f"`{name}`" in (DOCS / "reference" / "dev-slack.md").read_text(encoding="utf-8")


def test_every_trouble_of_python_is_one_of_the_control_api(slack: Emulator) -> None:
    own = {name for name in dir(slack.trouble) if not name.startswith(("_", "set_"))}
    assert own == set(TROUBLES)


def test_every_command_of_the_terminal_is_in_the_how_to() -> None:
    text = (DOCS / "how-to" / "try-slack-without-slack.md").read_text(encoding="utf-8")
    words = {line.split()[0].rstrip(";") for line in HELP.splitlines() if line.startswith(":")}
    assert [word for word in sorted(words) if f"`{word}" not in text] == []
