"""`stormcrow sim`: what it prints, and its exit codes."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner, Result

from bot.cli.main import app

TRANSCRIPT = """\
# With the content that we ship.
ann> !examples greet Ada
Hello, Ada!
$ stormcrow execution list --action examples.greet
succeeded
kill -9
start
(once) Hello, Ada!
bob> !examples greet Bob
Hello, Eve!
"""


pytestmark = pytest.mark.timeout(300)


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("STORMCROW_CONFIG", "STORMCROW_URL", "STORMCROW_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "talk.chat").write_text(TRANSCRIPT, encoding="utf-8")
    return tmp_path


def sim(*words: str) -> Result:
    return CliRunner().invoke(app, ["sim", *words])


def test_a_transcript_is_played_until_the_line_that_goes_otherwise(site: Path) -> None:
    done = sim("talk.chat", "--patience", "20", "--junit", "out.xml", "--json", "--keep", "kept")
    assert done.exit_code == 1, done.output
    (told,) = json.loads(done.stdout)
    assert told["file"] == "talk.chat (web)"
    assert told["differences"][0] == "talk.chat:10: Hello, Eve!"
    assert "    + Hello, Bob!" in told["differences"]
    assert ET.parse("out.xml").getroot().attrib["failures"] == "1"
    assert (site / "kept" / "talk-web" / "server.log").is_file()
    assert not (site / "data").exists()


def test_what_cannot_be_played_has_an_exit_code_of_its_own(site: Path) -> None:
    (site / "wrong.chat").write_text("ann> !status {id}\n", encoding="utf-8")
    done = sim("wrong.chat")
    assert done.exit_code == 2
    assert "wrong.chat:1: No answer above has given {id} a value." in done.output
    assert sim("nowhere.chat").exit_code == 9


def test_a_transcript_for_another_chat_is_passed_over(site: Path) -> None:
    (site / "talk.chat").write_text("on: slack\nann> !help\n", encoding="utf-8")
    done = sim(".", "--on", "web")
    assert done.exit_code == 0
    assert "None of them is written for this chat." in done.output
