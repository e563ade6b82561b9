"""`stormcrow doctor NETWORK` on a real IRC server."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.cli.doctor_network import examine_network
from bot.cli.finding import Finding
from engine.configuration import read_settings
from tests.bot.adapters.errbot.servers import Ngircd
from tests.ports import free_port


def examine(folder: Path, server: Ngircd, **network: Any) -> dict[str, Finding]:
    written = {
        "server": "127.0.0.1",
        "port": server.port,
        "tls": False,
        "nickname": "heron",
        "channels": ["#ops"],
        **network,
    }
    (folder / "irc.yaml").write_text(yaml.safe_dump(written), encoding="utf-8")
    config = {"errbot": {"networks": {"irc": "irc.yaml"}}, "server": {"port": free_port()}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    settings = read_settings(folder / "config.yaml", {})
    return {one.what: one for one in examine_network(settings, "irc")}


def test_a_network_that_lets_us_in_is_well(ngircd: Ngircd, tmp_path: Path) -> None:
    found = examine(tmp_path, ngircd)
    assert all(one.is_ok for one in found.values()), found
    assert found["irc"].text == "connected as heron"
    assert found["irc channels"].text == "#ops"


@pytest.mark.parametrize(
    ("change", "what", "said"),
    [
        ({"port": 1}, "irc", "127.0.0.1:1"),
        ({"channels": ["#o p"]}, "irc settings", ""),
        ({"nick": "x"}, "irc settings", "no key 'nick'"),
        ({"backend": "Nonesuch"}, "irc", "No backend of Errbot is called 'Nonesuch' here"),
    ],
)
def test_what_is_wrong_is_said(
    ngircd: Ngircd, tmp_path: Path, change: dict[str, Any], what: str, said: str
) -> None:
    finding = examine(tmp_path, ngircd, **change)[what]
    assert said in finding.text
    assert finding.is_ok == (not said)
