"""The files of networks: what they may say, and what is said about what they may not."""

from dataclasses import fields
from pathlib import Path

import pytest

from engine.errors import BadSettings
from engine.networks import Network, networks
from engine.settings import Settings
from engine.settings.chats import ErrbotSettings
from tests.docs.pages import ROOT

IRC = "server: irc.example.org\nnickname: crow\n"


def read(folder: Path, text: str, *, name: str = "net") -> Network:
    (folder / "net.yaml").write_text(text, encoding="utf-8")
    (network,) = networks(Settings(root=folder, errbot=ErrbotSettings(networks={name: "net.yaml"})))
    return network


def test_a_network_is_irc_where_nothing_else_is_said(tmp_path: Path) -> None:
    network = read(tmp_path, IRC)
    assert (network.chat, network.backend, network.team, network.tls) == ("net", "irc", "irc", True)


def test_the_password_may_stand_in_a_file_and_shows_nowhere(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush-hush\n", encoding="utf-8")
    network = read(tmp_path, f"{IRC}login: sasl\npassword_file: secret\n")
    assert network.password == "hush-hush"
    assert "hush-hush" not in repr(network)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nickname: crow", "irc needs server"),
        ("backend: xmpp\naccount: crow@x", "xmpp needs password"),
        (f"{IRC}nick: crow", "There is no key 'nick'"),
        (f"{IRC}login: sasl", "login: sasl needs a password"),
        (f"{IRC}login: magic\npassword: x", "'magic' is none"),
        (f"{IRC}channels: '#ops'", "channels must be a list"),
        (f"{IRC}channels: [#ops]", "net.yaml"),
        (f"{IRC}port: '6667'", "port must be a number"),
        (f"{IRC}port: 70000", "port must be a number"),
        (f"{IRC}lines_per_s: 0", "lines_per_s must be a number"),
        (f"{IRC}tls: maybe", "tls must be true or false"),
        (f"{IRC}login: sasl\npassword_file: nowhere", "cannot be read"),
        ("- one", "A mapping is wanted"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadSettings) as caught:
        read(tmp_path, text)
    assert said in str(caught.value)
    assert "net.yaml" in str(caught.value)


@pytest.mark.parametrize("name", ["web", "slack", "slack-x", "Net", "a b", "1st", ""])
def test_a_name_that_is_no_name_or_is_taken_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadSettings):
        read(tmp_path, IRC, name=name)


def test_every_key_of_a_network_is_in_the_reference() -> None:
    page = (ROOT / "docs" / "reference" / "other-chats.md").read_text(encoding="utf-8")
    keys = [one.name for one in fields(Network) if one.name not in ("chat", "where")]
    assert [key for key in keys if f"| `{key}` |" not in page] == []
