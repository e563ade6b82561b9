"""The tokens of Slack's workspaces come from the section slack and from the files it names."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import BadSettings
from engine.settings import Settings
from engine.settings.chats import SlackSettings
from engine.workspaces import workspaces


def settings_with(root: Path, **slack: object) -> Settings:
    return replace(Settings(), root=root, slack=replace(SlackSettings(), **slack))  # type: ignore[arg-type]


def refused(settings: Settings) -> str:
    with pytest.raises(BadSettings) as caught:
        workspaces(settings)
    return str(caught.value)


def test_without_tokens_there_is_no_slack(tmp_path: Path) -> None:
    assert workspaces(settings_with(tmp_path)) == ()


def test_the_section_is_the_chat_slack(tmp_path: Path) -> None:
    (only,) = workspaces(settings_with(tmp_path, bot_token="xoxb-1", app_token="xapp-1"))
    assert (only.chat, only.bot_token, only.app_token) == ("slack", "xoxb-1", "xapp-1")


def test_a_file_is_a_workspace_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text("bot_token: xoxb-2\napp_token: xapp-2\n")
    (only,) = workspaces(settings_with(tmp_path, workspaces={"acme": "acme.yaml"}))
    assert (only.chat, only.bot_token) == ("slack-acme", "xoxb-2")


def test_mode_socket_needs_an_app_token(tmp_path: Path) -> None:
    assert "no app_token, which mode socket needs" in refused(settings_with(tmp_path, bot_token="xoxb-1"))


def test_mode_http_needs_the_signing_secret(tmp_path: Path) -> None:
    said = refused(settings_with(tmp_path, bot_token="xoxb-1", mode="http"))
    assert "no signing_secret, which mode http needs" in said


def test_tokens_in_the_wrong_place_are_noticed_and_not_shown(tmp_path: Path) -> None:
    said = refused(settings_with(tmp_path, bot_token="xapp-hidden", app_token="xapp-1"))
    assert "bot_token begins with xoxb-" in said
    assert "hidden" not in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("bot_tokn: xoxb-1\n", "acme.yaml:1"),
        ("bot_token: xoxb-1\napp_token: 7\n", "app_token is no text"),
        ("- xoxb-1\n", "A mapping is wanted"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "acme.yaml").write_text(text)
    assert said in refused(settings_with(tmp_path, workspaces={"acme": "acme.yaml"}))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "acme.yaml" in refused(settings_with(tmp_path, workspaces={"acme": "acme.yaml"}))


def test_a_workspace_does_not_print_its_tokens(tmp_path: Path) -> None:
    (only,) = workspaces(settings_with(tmp_path, bot_token="xoxb-1", app_token="xapp-1"))
    assert "xoxb" not in repr(only)
