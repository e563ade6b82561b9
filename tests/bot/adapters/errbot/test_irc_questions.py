"""Questions, approvals and forms on a real IRC server, by words; and who may give them."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from engine.settings.people import PeopleSettings
from tests.bot.adapters.errbot.conftest import Opened
from tests.bot.adapters.errbot.servers import IrcPerson, Ngircd, Services, until
from tests.bot.adapters.errbot.site import ChatHouse, irc_settings
from tests.bot.asking import write_questions

# Accounts of the network -> users of ours.
LINKED = {"ann": ["irc.irc.ann"], "bob": ["irc.irc.robert"]}


@pytest.fixture(scope="module")
def services(ngircd: Ngircd) -> Iterator[Services]:
    made = Services(ngircd)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def house(ngircd: Ngircd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChatHouse]:
    folder = tmp_path_factory.mktemp("asking")
    settings = irc_settings(folder, ngircd, nickname="owl", channels=["#asks"])
    write_questions(folder)
    made = ChatHouse(replace(settings, people=PeopleSettings(linked=LINKED)))
    try:
        yield made
    finally:
        made.close()


class Scene:
    """ann and bob are logged in with the network's services; carl only calls himself something."""

    def __init__(self, ngircd: Ngircd, services: Services, house: ChatHouse, opened: Opened) -> None:
        self.house = house
        self.ann, self.bob, self.carl = (
            opened(IrcPerson(ngircd, nick, "#asks")) for nick in ("ann", "bob", "carl")
        )
        services.log_in(self.ann, "ann")
        services.log_in(self.bob, "robert")

    def ask(self, name: str) -> str:
        """The id of a question that carl has raised."""
        self.carl.lines.clear()
        self.carl.say("#asks", f"!ask {name}")
        line = self.carl.sees("waits for an answer", "#asks", by="owl")
        return next(word for word in line.split() if len(word) == 6 and set(word) <= set("0123456789abcdef"))

    def sees(self, person: IrcPerson, text: str, target: str = "") -> str:
        return person.sees(text, target, by="owl")


@pytest.fixture
def scene(ngircd: Ngircd, services: Services, house: ChatHouse, opened: Opened) -> Scene:
    return Scene(ngircd, services, house, opened)


def test_a_question_shows_the_words_that_answer_it(scene: Scene) -> None:
    word = scene.ask("clean")
    assert scene.sees(scene.ann, f"!approve {word} · !reject {word}", "#asks")
    assert scene.sees(scene.ann, "rm -rf /var/log/app/*.gz", "#asks")


def test_who_is_logged_in_with_the_network_approves(scene: Scene) -> None:
    word = scene.ask("clean")
    scene.bob.say("#asks", f"!approve {word}")
    scene.sees(scene.bob, "Approved by bob")
    scene.sees(scene.ann, "Approved by bob", "#asks")


def test_whom_nothing_vouches_for_may_not_approve(scene: Scene) -> None:
    word = scene.ask("clean")
    scene.carl.say("#asks", f"!approve {word}")
    scene.sees(scene.carl, "You may not answer this")
    said = scene.ann.messages("#asks", by="owl")
    assert not [one for one in said if "Approved" in one and word in one]


def test_a_nickname_is_nobody(scene: Scene, ngircd: Ngircd, opened: Opened) -> None:
    word = scene.ask("clean")
    scene.bob.raw("NICK robert_away")
    impostor = opened(IrcPerson(ngircd, "robert", "#asks"))
    impostor.say("#asks", f"!approve {word}")
    scene.sees(impostor, "You may not answer this")


def test_several_people_are_counted_and_each_vote_is_one_short_message(scene: Scene) -> None:
    word = scene.ask("pair")
    scene.ann.say("#asks", f"!approve {word}")
    so_far = scene.sees(scene.carl, "so far: 1/2 people", "#asks")
    assert "approved by ann" in " ".join(scene.carl.messages("#asks", by="owl"))
    assert "!approve" not in so_far
    scene.bob.say("owl", f"approve {word}")
    scene.sees(scene.carl, "Approved", "#asks")


def test_a_form_is_asked_question_by_question_in_private(scene: Scene) -> None:
    word = scene.ask("form")
    scene.bob.say("#asks", f"!answer {word}")
    scene.sees(scene.bob, "(1/4) version")
    scene.bob.say("owl", "1.42.0")
    scene.sees(scene.bob, "2) prod")
    scene.bob.say("owl", "2")
    scene.sees(scene.bob, "(3/4) pods")
    scene.bob.say("owl", "-")
    scene.sees(scene.bob, "(4/4) token")
    scene.bob.say("owl", "hush-hush")
    scene.sees(scene.bob, "Answered by bob")
    in_channel = " ".join(scene.carl.messages("#asks", by="owl"))
    assert "(1/4)" not in in_channel
    assert "hush-hush" not in in_channel
    scene.sees(scene.carl, "version: 1.42.0", "#asks")


def test_what_is_wrong_is_asked_again(scene: Scene) -> None:
    word = scene.ask("form")
    scene.bob.say("owl", f"answer {word}")
    scene.sees(scene.bob, "(1/4) version")
    scene.bob.say("owl", "1")
    scene.sees(scene.bob, "(2/4) env")
    scene.bob.say("owl", "7")
    scene.sees(scene.bob, "Answer with one of the numbers")
    scene.bob.say("owl", "1")
    scene.sees(scene.bob, "(3/4) pods")
    scene.bob.say("owl", "99")
    scene.sees(scene.bob, "(4/4) token")
    scene.bob.say("owl", "-")
    until(lambda: len([one for one in scene.bob.messages(by="owl") if "(3/4) pods" in one]) == 2)
    scene.bob.say("owl", "2")
    scene.sees(scene.bob, "Answered by bob")


def test_a_form_can_be_stopped(scene: Scene) -> None:
    word = scene.ask("form")
    scene.bob.say("owl", f"answer {word}")
    scene.sees(scene.bob, "(1/4) version")
    scene.bob.say("owl", "stop")
    scene.sees(scene.bob, "Stopped")
    scene.bob.say("owl", "help")
    scene.sees(scene.bob, "answer")


def test_commands_go_on_working_while_a_form_is_open(scene: Scene) -> None:
    word = scene.ask("form")
    scene.bob.say("owl", f"answer {word}")
    scene.sees(scene.bob, "(1/4) version")
    scene.bob.say("owl", "!echo echo meanwhile")
    scene.sees(scene.bob, "meanwhile")
    scene.bob.say("owl", "stop")


def test_a_form_with_a_secret_shows_no_words_to_write_it_in_the_channel(scene: Scene) -> None:
    word = scene.ask("form")
    scene.sees(scene.carl, f"!answer {word} (it has a secret: I ask you in private)", "#asks")
    assert not [one for one in scene.carl.messages("#asks", by="owl") if "token=" in one]
