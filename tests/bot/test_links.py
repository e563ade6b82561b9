"""Two accounts become one person by a code, said once, in private, by somebody whom the chat vouches for."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.chat import Author, Message, Standing
from engine.records.account import How
from tests.bot.elsewhere import Desk, Elsewhere

ANN = Author(id="U7", name="ann", team="T1", is_vouched=True)
BOB = Author(id="U8", name="bob", team="T1", is_vouched=True)
WRONG = "2345-6789-abcd"


class Talk:
    """Somebody says something, and hears what the chat has for them."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.accounts = desk.engine.accounts
        self._said = 0

    def say(self, author: Author, text: str, *, is_direct: bool = True) -> str:
        self._said += 1
        before = len(self.desk.adapter.said)
        self.desk.adapter.receive(
            Message(
                adapter="elsewhere",
                id=f"m{self._said}",
                channel="D" if is_direct else "C",
                author=author,
                text=text if is_direct else f"!{text}",
                is_direct=is_direct,
            )
        )
        _, outgoing = self.desk.adapter.until(before + 1)[before]
        return str(outgoing.reply)

    def code(self, author: Author) -> str:
        found = re.search(r"link ([a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4})", self.say(author, "link"))
        assert found
        return found[1]

    def user(self, author: Author) -> str:
        return self.accounts.owner(f"elsewhere.{author.team}.{author.id}")


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[Talk]:
    desk = Desk(tmp_path, Elsewhere())
    yield Talk(desk)
    desk.stop()


def test_a_code_of_the_command_line_makes_the_account_its_user(talk: Talk) -> None:
    code, _ = talk.accounts.new_code("ann")
    assert "elsewhere.T1.U7 is ann from now on" in talk.say(ANN, f"link {code}")
    assert talk.user(ANN) == "ann"
    assert [link.how for link in talk.accounts.all()] == [How.CODE]


def test_a_code_of_one_account_joins_the_other_to_it(talk: Talk) -> None:
    talk.say(BOB, f"link {talk.code(ANN)}")
    assert talk.user(BOB) == "elsewhere.T1.U7"
    assert talk.desk.engine.people.is_one_of("elsewhere.T1.U8", ["elsewhere.T1.U7"])


def test_what_runs_then_runs_as_that_user(talk: Talk) -> None:
    code, _ = talk.accounts.new_code("ann")
    talk.say(ANN, f"link {code}")
    talk.say(ANN, "true")
    assert talk.desk.engine.execution("last").user == "ann"


def test_a_code_counts_once(talk: Talk) -> None:
    code, _ = talk.accounts.new_code("ann")
    talk.say(ANN, f"link {code}")
    assert "wrong, was used already" in talk.say(BOB, f"link {code}")
    assert talk.user(BOB) == ""


def test_a_new_code_ends_the_one_before(talk: Talk) -> None:
    first, _ = talk.accounts.new_code("ann")
    talk.accounts.new_code("ann")
    assert "wrong, was used already" in talk.say(ANN, f"link {first}")


def test_a_code_that_was_said_in_a_channel_is_void_and_not_kept(talk: Talk) -> None:
    code, _ = talk.accounts.new_code("ann")
    assert "it counts no more" in talk.say(ANN, f"link {code}", is_direct=False)
    assert "wrong, was used already" in talk.say(ANN, f"link {code}")
    assert talk.user(ANN) == ""


def test_no_code_is_given_in_a_channel(talk: Talk) -> None:
    said = talk.say(ANN, "link", is_direct=False)
    assert "direct message" in said
    assert not re.search(r"[a-z0-9]{4}-[a-z0-9]{4}", said)


def test_a_code_for_one_account_is_no_good_for_another(talk: Talk) -> None:
    code, _ = talk.accounts.new_code("ann", account="elsewhere.T1.U7")
    assert "That code is for another account" in talk.say(BOB, f"link {code}")
    assert "wrong, was used already" in talk.say(ANN, f"link {code}")


@pytest.mark.parametrize(
    "author",
    [
        replace(ANN, is_vouched=False),
        replace(ANN, standing=Standing.GUEST),
        replace(ANN, standing=Standing.STRANGER),
        replace(ANN, standing=Standing.DEACTIVATED),
    ],
    ids=["unvouched", "guest", "stranger", "deactivated"],
)
def test_whom_nothing_vouches_for_links_nothing(talk: Talk, author: Author) -> None:
    code, _ = talk.accounts.new_code("ann")
    talk.say(author, f"link {code}")
    assert talk.accounts.all() == ()
    assert not re.search(r"[a-z0-9]{4}-[a-z0-9]{4}-", talk.say(author, "link"))


def test_wrong_codes_come_to_an_end(talk: Talk) -> None:
    for _ in range(5):
        assert "wrong, was used already" in talk.say(ANN, f"link {WRONG}")
    code, _ = talk.accounts.new_code("ann")
    assert "Too many wrong codes" in talk.say(ANN, f"link {code}")
    assert "is ann from now on" in talk.say(BOB, f"link {code}")


def test_an_account_that_is_linked_keeps_its_user(talk: Talk) -> None:
    for user in ("ann", "eve"):
        code, _ = talk.accounts.new_code(user)
        said = talk.say(ANN, f"link {code}")
    assert "is ann already" in said
    assert talk.user(ANN) == "ann"


def test_unlinked_is_not_that_user_any_more_and_stays_known_as_once_the_same(talk: Talk) -> None:
    code, _ = talk.accounts.new_code("ann")
    talk.say(ANN, f"link {code}")
    assert "is not ann any more" in talk.say(ANN, "unlink")
    assert talk.user(ANN) == ""
    assert talk.desk.engine.people.is_one_of("elsewhere.T1.U7", ["ann"])


def test_no_code_stands_in_the_database(talk: Talk) -> None:
    code, _ = talk.accounts.new_code("ann")
    talk.say(ANN, f"link {code}")
    folder = talk.desk.engine.folder
    kept = b"".join(path.read_bytes() for path in folder.iterdir() if path.name.startswith("stormcrow.db"))
    assert kept
    assert code.encode() not in kept
    assert code.replace("-", "").encode() not in kept
