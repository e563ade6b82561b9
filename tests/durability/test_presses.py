"""The server is killed around a press or a form in Slack: the decision counts once, its answer is posted."""

import contextlib
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from bot.slack_emulator.emulator import Emulator
from bot.slack_emulator.seen import Seen
from bot.slack_emulator.trouble import Trouble
from tests.durability.ledger import assert_sound, ledger_files, ledger_of
from tests.durability.server import START_S, Server, wait_until
from tests.durability.test_crash_points import killed_at
from tests.durability.test_slack import FOR_EVER, OFTEN, Place

YES = "{type: object, properties: {continue: {type: boolean, required: true}}}"
FORM = "{type: object, properties: {version: {type: string, required: true}}}"


def gate(name: str, schema: str) -> dict[str, str]:
    """A command that asks, and then has an effect which can be counted."""
    return {
        f"packs/ledger/actions/{name}.yaml": f"""
            name: {name}
            description: Ask first
            runner_type: orquesta
            entry_point: workflows/{name}.yaml
            parameters: {{number: {{type: integer, required: true}}}}
        """,
        f"packs/ledger/actions/workflows/{name}.yaml": f"""
            version: 1.0
            input: [number]
            tasks:
              ask:
                action: core.ask
                input: {{text: "Shall <% ctx().number %> be?", schema: {schema}}}
                next: [{{when: <% succeeded() %>, do: append}}]
              append:
                action: ledger.append number=<% ctx().number %> seconds=0
        """,
        f"aliases/{name}.yaml": f"""
            name: {name}
            description: Ask first
            action_ref: ledger.{name}
            formats: ["{name} {{{{number}}}}"]
        """,
    }


@pytest.fixture
def slack() -> Iterator[Emulator]:
    with Emulator(timing=OFTEN) as made:
        made.add_user("ann")
        made.add_channel("ops")
        yield made


@pytest.fixture
def server(slack: Emulator, tmp_path: Path) -> Iterator[Server]:
    section = {"bot_token": slack.bot_token, "app_token": slack.app_token, "base_url": slack.url}
    files = {**ledger_files(tmp_path), **gate("gate", YES), **gate("form", FORM)}
    made = Server(tmp_path, files=files, settings={"slack": section})
    try:
        yield made
    finally:
        made.close()


class Question:
    """One, as ann sees it."""

    def __init__(self, place: Place, number: int, *, kind: str = "gate", channel: str = "ops") -> None:
        self._slack = place.slack
        self._place = place
        self._command = place.slack.say("ann", channel, f"!{kind} {number}")
        self.number = number

    def message(self) -> Seen | None:
        found = self._place.answers(self._command)
        return next((one for one in found if "asked by" in one.plain or "Answered" in one.plain), None)

    def is_open(self) -> bool:
        found = self.message()
        return found is not None and bool(found.buttons)

    def stands(self) -> Seen:
        self._place.until(self.is_open)
        found = self.message()
        assert found is not None
        return found

    def press(self) -> None:
        """Yes, once more where it is still asked."""
        found = self.message()
        if found is not None and found.buttons:
            # It may be decided in this very moment, and then has no button.
            with contextlib.suppress(LookupError):
                self._slack.click("ann", found, "Yes", is_awaited=False)

    def is_decided(self) -> bool:
        found = self.message()
        return found is not None and "Answered" in found.plain and not found.buttons

    def has_ended(self) -> bool:
        """Its command says how it went, in one message."""
        return any("succeeded" in one.plain for one in self._place.answers(self._command))

    def check(self) -> None:
        self._place.until(self.is_decided)
        self._place.until(self.has_ended)
        assert len(self._place.answers(self._command)) == 2


def answered(place: Place) -> bool:
    """Whether the decision is committed."""
    asked = [one for one in place.server.executions() if one["action"]["ref"] == "core.ask"]
    return any(one["status"] == "succeeded" for one in asked)


MOMENTS: dict[str, tuple[Callable[[Trouble], None], Callable[[Place, int], object]]] = {
    "before we know who presses": (
        lambda trouble: trouble.delay("users.info", FOR_EVER),
        lambda place, known: len(place.slack.calls("users.info")) > known,
    ),
    "before the person is told": (
        lambda trouble: trouble.fail("chat.postEphemeral", "internal_error", times=FOR_EVER),
        lambda place, _known: answered(place),
    ),
    "before the message says so": (
        lambda trouble: trouble.fail("chat.update", "internal_error", times=FOR_EVER),
        lambda place, _known: answered(place),
    ),
}


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("moment", "kind"), [*((moment, "gate") for moment in MOMENTS), ("before we know who presses", "form")]
)
def test_a_decision_survives_a_kill(slack: Emulator, server: Server, moment: str, kind: str) -> None:
    arm, has_come = MOMENTS[moment]
    place = Place(slack, server)
    server.start()
    place.until(lambda: slack.socket_count)
    question = Question(place, 7, kind=kind)
    question.stands()
    known = len(slack.calls("users.info"))
    if kind == "form":
        slack.click("ann", question.stands(), "Answer")
        place.until(lambda: slack.views("ann"))
        known = len(slack.calls("users.info"))
        arm(slack.trouble)
        slack.submit("ann", slack.views("ann")[-1], {"version": "1.42.0"}, is_awaited=False)
    else:
        arm(slack.trouble)
        question.press()
    place.until(lambda: has_come(place, known))
    server.kill()
    slack.trouble.clear()
    server.start()
    question.check()
    assert ledger_of(server.folder) == {7: 1}
    assert server.terminate() == 0
    assert_sound(server.folder)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_kill_in_any_commit_of_a_press_counts_it_once(slack: Emulator, server: Server) -> None:
    place = Place(slack, server)
    server.start()
    place.until(lambda: slack.socket_count)
    # Of the commits after a start: of the delivery, and of what follows from it.
    commits = (2, 5)
    questions = [
        Question(place, number, channel=slack.add_channel(f"room-{number}")) for number in range(len(commits))
    ]
    for question in questions:
        question.stands()
    server.kill()
    for commit, question in zip(commits, questions, strict=True):
        process = server.spawn(under=killed_at("fsync", commit))
        wait_until(
            lambda process=process: server.is_process_alive() or process.poll() is not None, timeout_s=START_S
        )
        wait_until(lambda: slack.socket_count or not server.is_process_alive(), timeout_s=START_S)
        question.press()
        # What is said elsewhere makes the commits that are missing.
        wait_until(partial(_is_dead, server, place), timeout_s=START_S)
        server.kill_all()
    server.start()
    place.until(lambda: slack.socket_count)
    for question in questions:
        # Slack delivers no press again that nobody took: the person presses again.
        place.until(partial(_is_done, question))
        question.check()
    assert ledger_of(server.folder) == dict.fromkeys(range(len(commits)), 1)
    assert server.terminate() == 0
    assert_sound(server.folder)


def _is_dead(server: Server, place: Place) -> bool:
    if not server.is_process_alive():
        return True
    place.slack.say("ann", "ops", "!status")
    time.sleep(0.3)
    return False


def _is_done(question: Question) -> bool:
    question.press()
    time.sleep(0.3)
    return question.is_decided()
