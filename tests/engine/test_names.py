"""Whoever a chat knows by an id is shown by name, and no name does more than show."""

import pytest

from engine.names import Names, plain


class Chat:
    """A chat with ids: what it was asked, and what it knows."""

    def __init__(self, people: dict[str, str], channels: dict[str, str]) -> None:
        self.people = people
        self.channels = channels
        self.asked: list[str] = []

    def is_account(self, team: str, person_id: str) -> bool:
        return team == "T1" and person_id.startswith("U")

    def person_called(self, person_id: str) -> str:
        self.asked.append(person_id)
        return self.people.get(person_id, "")

    def channel_called(self, channel_id: str) -> str:
        return self.channels.get(channel_id, "")


@pytest.fixture
def chat() -> Chat:
    return Chat({"U2": "ann"}, {"C012345": "#ops"})


@pytest.fixture
def names(chat: Chat) -> Names:
    made = Names()
    made.join("slack", chat)
    return made


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("acknowledged by slack.T1.U2", "acknowledged by ann (slack)"),
        ("acknowledged by slack.T1.U2.", "acknowledged by ann (slack)."),
        ("asked by ann lee (slack.T1.U2) · x", "asked by ann lee (slack) · x"),
        ("not in slack:C012345 (limits.yaml)", "not in #ops (limits.yaml)"),
        ("~slack.T1.U2", "ann (slack)"),
    ],
)
def test_an_id_in_a_text_is_shown_by_name(names: Names, text: str, shown: str) -> None:
    assert names.in_text(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "slack.T1.U9",
        "slack.example.org",
        "slack.T9.U2",
        "irc.T1.U2",
        "slack.T1.U2@host",
        "slack:C999999",
        "https://x/slack.T1.U2",
        "myslack.T1.U2",
        "(slack.example.org)",
    ],
)
def test_what_is_no_known_id_stays_as_it_is(names: Names, text: str) -> None:
    assert names.in_text(text) == text


def test_whoever_has_spoken_is_known_without_asking(names: Names, chat: Chat) -> None:
    names.learn("slack.T1.U3", "bob")
    assert names.in_text("slack.T1.U3") == "bob (slack)"
    assert chat.asked == []


def test_the_newest_name_is_shown(names: Names) -> None:
    names.learn("slack.T1.U2", "ann")
    names.learn("slack.T1.U2", "anna")
    assert names.in_text("slack.T1.U2") == "anna (slack)"


def test_the_channels_of_a_text_are_told(names: Names) -> None:
    assert names.found_in("in slack:C012345") == ("in #ops", {"#ops": "slack:C012345"})


def test_a_channel_without_a_name_is_told_by_its_id(names: Names) -> None:
    assert names.found_in("in slack:C999999") == ("in slack:C999999", {"slack:C999999": "slack:C999999"})


def test_a_chat_that_has_left_is_not_asked(chat: Chat) -> None:
    names = Names()
    names.join("slack", chat)()
    assert names.in_text("slack.T1.U2") == "slack.T1.U2"


def test_a_text_of_many_ids_asks_for_few(names: Names, chat: Chat) -> None:
    names.in_text(" ".join(f"slack.T1.U{number}" for number in range(1, 500)))
    assert len(chat.asked) <= 20


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<!channel>", "!channel"),
        ("<@U1> *bob*", "@U1 bob"),
        ("an\u202en", "an n"),
        ("ann\nApproved by bob", "ann Approved by bob"),
        ("a\u200bnn\x1b[31m", "a nn [31m"),
        ("Ann-Marie O’Neil", "Ann-Marie O’Neil"),
        ("安 Ångström", "安 Ångström"),
        ("x" * 500, "x" * 60),
        ("\u202e\n ", ""),
    ],
)
def test_a_name_is_one_harmless_line(names: Names, name: str, shown: str) -> None:
    assert plain(name) == shown
    names.learn("slack.T1.U7", name)
    assert names.in_text("slack.T1.U7") == (f"{shown} (slack)" if shown else "slack.T1.U7")
