"""What each line of a transcript is, and which are refused."""

from dataclasses import replace

import pytest

from bot.sim.transcript import (
    BACKENDS,
    Expects,
    Fills,
    Kills,
    Posts,
    Presses,
    Runs,
    Says,
    Stands,
    Starts,
    Step,
    transcript_of,
)
from engine.errors import BadContent


def step(line: str) -> Step:
    (only,) = transcript_of(line, name="a.chat").steps
    return only


def refusal(text: str) -> BadContent:
    with pytest.raises(BadContent) as caught:
        transcript_of(text, name="a.chat")
    return caught.value


@pytest.mark.parametrize(
    ("line", "who", "words", "place"),
    [
        ("ann> !help", "ann", "!help", ""),
        ("ann in #on-call> !help me", "ann", "!help me", "#on-call"),
        ("sec1 in private> help", "sec1", "help", "private"),
        ("ann in thread> why", "ann", "why", "thread"),
        ("  ann> !say {{ 7 * 7 }} {{x}} > y", "ann", "!say {{ 7 * 7 }} {{x}} > y", ""),
    ],
)
def test_people_speak(line: str, who: str, words: str, place: str) -> None:
    found = step(line)
    assert isinstance(found, Says)
    assert (found.who, found.words, found.place) == (who, words, place)


def test_people_press_buttons_and_give_a_reason() -> None:
    found = step("bob presses [Roll back to 1.4] it is Friday")
    assert isinstance(found, Presses)
    assert (found.who, found.label, found.words) == ("bob", "Roll back to 1.4", "it is Friday")


def test_people_fill_in_forms_with_quoted_values() -> None:
    found = step("ann fills in version=1.42.0 reason='CVE fix' empty=")
    assert isinstance(found, Fills)
    assert found.values == (("version", "1.42.0"), ("reason", "CVE fix"), ("empty", ""))


def test_people_may_be_guests() -> None:
    found = step("zoe is a guest")
    assert isinstance(found, Stands)
    assert found.standing == "guest"


@pytest.mark.parametrize(
    ("line", "is_signed", "status"),
    [
        ("webhook alertmanager alerts/full.json", True, 0),
        ("webhook alertmanager alerts/full.json unsigned refused 401", False, 401),
    ],
)
def test_webhooks_are_posted_to(line: str, is_signed: bool, status: int) -> None:
    found = step(line)
    assert isinstance(found, Posts)
    assert (found.webhook, found.file) == ("alertmanager", "alerts/full.json")
    assert (found.is_signed, found.status) == (is_signed, status)


def test_the_server_is_killed_and_started_and_commands_run() -> None:
    steps = transcript_of("kill -9\nstart\n$ stormcrow alert list | head -1", name="a.chat").steps
    assert [type(one) for one in steps] == [Kills, Starts, Runs]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Deploy api?", Expects(number=1, written="", words="Deploy api?")),
        ("(once) Deploy", Expects(number=1, written="", words="Deploy", how_often="once")),
        (
            "(never, to bob) Deploy",
            Expects(number=1, written="", words="Deploy", how_often="never", only_for="bob"),
        ),
        (
            "(in #ops, in thread) Deploy",
            Expects(number=1, written="", words="Deploy", channel="#ops", is_in_thread=True),
        ),
        ("(not on irc) ×2", Expects(number=1, written="", words="×2", not_on=("irc",))),
        ("(20 min late) Deploy", Expects(number=1, written="", words="(20 min late) Deploy")),
        ("< start", Expects(number=1, written="", words="start")),
    ],
)
def test_whatever_else_is_expected_of_the_bot(line: str, expected: Expects) -> None:
    assert step(line) == replace(expected, written=line)


def test_comments_and_empty_lines_are_no_steps() -> None:
    made = transcript_of("# A story.\n\non: slack, irc\n#\nann> !help\n", name="a.chat")
    assert made.backends == ("slack", "irc")
    assert [one.number for one in made.steps] == [5]
    assert transcript_of("ann> hi", name="a.chat").backends == BACKENDS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("on: slack, teams", "There is no chat 'teams'."),
        ("ann> !help\non: slack", "This stands at the beginning"),
        ("ann fills in version", "NAME=VALUE"),
        ("ann fills in reason='CVE", "cannot be read"),
        ("ann> !status {id}", "No answer above has given {id} a value."),
        ("(once, never) a", "once or never"),
        ("(never) a {id}", "can give nothing a name"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_line(text: str, message: str) -> None:
    found = refusal(f"# A story.\n{text}")
    assert message in found.message
    assert found.where == f"a.chat:{2 + text.count(chr(10))}"


def test_a_name_is_known_below_the_answer_that_gives_it() -> None:
    steps = transcript_of("deploy {id}\nann> !status {id}\n$ echo {id}", name="a.chat").steps
    assert len(steps) == 3
