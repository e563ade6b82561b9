"""The reference of the chat misses nothing."""

from pathlib import Path

import pytest

from bot.adapters.web.adapter import WebAdapter
from bot.adapters.web.app import routes
from bot.answers import OWN
from tests.bot.conftest import House

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "chat.md"


@pytest.mark.parametrize("display", [display for display, _ in OWN])
def test_every_command_of_our_own_is_in_the_reference(display: str) -> None:
    assert f"| `{display}` |" in REFERENCE.read_text(encoding="utf-8")


def test_every_route_of_the_chat_is_in_the_reference(house: House) -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    for route in routes(WebAdapter(house.engine)):
        for method in (route.methods or set()) - {"HEAD"}:
            assert f"| `{method} {route.path}` |" in text
