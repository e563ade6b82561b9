"""`stormcrow slack manifest` and `stormcrow doctor slack`."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from bot.adapters.slack.manifest import SCOPES, manifest
from bot.slack_emulator.emulator import Emulator
from engine.settings import Settings
from engine.settings.chats import SlackSettings
from engine.settings.server import ServerSettings
from tests.bot.cli.conftest import Shell


@pytest.fixture
def slack() -> Iterator[Emulator]:
    with Emulator() as made:
        made.add_user("ann")
        made.add_channel("ops")
        yield made


@pytest.fixture
def config(slack: Emulator, tmp_path: Path) -> Path:
    return write_config(slack, tmp_path)


def write_config(slack: Emulator, folder: Path, **chat: object) -> Path:
    section = {"bot_token": slack.bot_token, "app_token": slack.app_token, "base_url": slack.url}
    body = {"slack": section, "store": {"data": str(folder / "data")}, "chat": chat, "server": {"port": 0}}
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(body), encoding="utf-8")
    return path


def test_the_manifest_is_printed_as_yaml_and_as_json(shell: Shell, config: Path) -> None:
    printed = shell("slack", "manifest", "--config", str(config))
    as_json = shell("slack", "manifest", "--json", "--config", str(config))
    assert yaml.safe_load(printed.stdout) == json.loads(as_json.stdout)


def test_the_manifest_asks_for_sockets_and_no_address(tmp_path: Path) -> None:
    made = manifest(Settings(root=tmp_path))
    assert made["settings"]["socket_mode_enabled"]
    assert "request_url" not in json.dumps(made)
    assert made["oauth_config"]["scopes"]["bot"] == list(SCOPES)


def test_over_http_the_manifest_names_our_address(tmp_path: Path) -> None:
    server = ServerSettings(public_url="https://crow.example.org/")
    made = manifest(Settings(root=tmp_path, slack=SlackSettings(mode="http"), server=server))
    assert not made["settings"]["socket_mode_enabled"]
    assert made["settings"]["interactivity"]["request_url"] == "https://crow.example.org/slack/events"


def test_the_doctor_finds_nothing_wrong(shell: Shell, config: Path) -> None:
    done = shell("doctor", "slack", "--config", str(config))
    assert done.exit_code == 0, done.stdout
    assert "stormcrow in Crow Works" in done.stdout
    assert "in 1: #ops" in done.stdout
    assert "all 16" in done.stdout


def test_the_doctor_says_which_scope_is_missing_and_what_to_do(
    shell: Shell, slack: Emulator, config: Path
) -> None:
    slack.without_scopes("files:write")
    done = shell("doctor", "slack", "--config", str(config))
    assert done.exit_code == 1
    assert "files:write is missing (to show long results as files)" in done.stdout
    assert "fix: Apply `stormcrow slack manifest` again" in done.stdout


def test_the_doctor_says_that_a_token_is_wrong(shell: Shell, slack: Emulator, config: Path) -> None:
    slack.revoke_token()
    done = shell("doctor", "slack", "--config", str(config))
    assert done.exit_code == 1
    assert "invalid_auth" in done.stdout
    assert "copy it again from the app's page" in done.stdout


def test_the_doctor_says_that_sockets_are_refused(shell: Shell, slack: Emulator, config: Path) -> None:
    config.write_text(config.read_text().replace(slack.app_token, "xapp-wrong"), encoding="utf-8")
    done = shell("doctor", "slack", "--config", str(config))
    assert done.exit_code == 1
    assert "connections:write" in done.stdout


def test_the_doctor_says_where_the_bot_must_be_invited(shell: Shell, slack: Emulator, tmp_path: Path) -> None:
    slack.add_channel("alerts", with_bot=False)
    routes = {"oncall": "slack#alerts", "builds": "slack#nowhere"}
    config = write_config(slack, tmp_path, routes=routes)
    done = shell("doctor", "slack", "--config", str(config))
    assert done.exit_code == 1
    assert "fix: In #alerts: /invite" in done.stdout
    assert "chat.routes.builds names it; it is not there" in done.stdout


def test_without_tokens_the_doctor_says_how_to_begin(shell: Shell, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("{}", encoding="utf-8")
    done = shell("doctor", "slack", "--config", str(config))
    assert done.exit_code == 1
    assert "stormcrow dev slack" in done.stdout
