"""Questions and workflows in the terminal chat: asked one by one, secrets unseen, a line for each task."""

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.bot.adapters.test_terminal import PROGRAM, chat
from tests.bot.asking import ask, decided, write_questions
from tests.bot.conftest import House, make_settings, text_of
from tests.bot.flows import write_flows


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("terminal")
    write_questions(folder)
    write_flows(folder)
    made = House(make_settings(folder))
    try:
        yield made
    finally:
        made.stop()


class Terminal:
    """`stormcrow chat` at a pseudo terminal, with the admin's key."""

    def __init__(self, house: House) -> None:
        self._mine, theirs = pty.openpty()
        self._child = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, house.url],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm", "KEY": house.key},
            start_new_session=True,
        )
        os.close(theirs)
        self.seen = ""
        self.until("#ops> ")

    def until(self, text: str) -> None:
        """Until `text` was printed after what was waited for before."""
        end = time.monotonic() + 60
        while text not in self.seen:
            assert time.monotonic() < end, self.seen
            if select.select([self._mine], [], [], 0.2)[0]:
                self.seen += os.read(self._mine, 65536).decode(errors="replace")
        self.everything = getattr(self, "everything", "") + self.seen
        self.seen = self.seen.split(text, 1)[1]

    def type(self, text: str) -> None:
        os.write(self._mine, f"{text}\n".encode())

    def close(self) -> None:
        self._child.kill()
        self._child.wait()
        os.close(self._mine)


@pytest.fixture
def terminal(house: House) -> Iterator[Terminal]:
    made = Terminal(house)
    yield made
    made.close()


def test_the_questions_of_a_form_are_asked_one_by_one(house: House, terminal: Terminal) -> None:
    message = ask(house, "form")
    terminal.until("answer ")
    terminal.type(f"answer {message['body']['prompt']['id'][-6:]}")
    terminal.until("version (What to deploy., needed): ")
    terminal.type("1.42.0")
    terminal.until("env (staging/prod, Enter: staging): ")
    terminal.type("")
    terminal.until("pods (1 to 6): ")
    terminal.type("many")
    terminal.until("token: ")
    terminal.type("hunter22")
    terminal.until("pods: This must be a whole number.")
    terminal.until("pods (1 to 6): ")
    terminal.type("3")
    terminal.until("Answered by ann")
    body = decided(house, message)
    assert "staging" in text_of(body)
    assert "hunter22" not in terminal.everything
    assert "hunter22" not in str(house.messages())


def test_a_decision_is_asked_for_in_words(house: House, terminal: Terminal) -> None:
    message = ask(house, "open")
    terminal.type(f"answer {message['body']['prompt']['id'][-6:]}")
    terminal.until("yes or no: ")
    terminal.type("y")
    terminal.until("Reason (needed): ")
    terminal.type("it is full")
    terminal.until("Answered yes by ann")
    assert "it is full" in text_of(decided(house, message))


def test_who_may_not_answer_is_told_so(house: House, terminal: Terminal) -> None:
    message = ask(house, "clean")
    terminal.type(f"answer {message['body']['prompt']['id'][-6:]}")
    terminal.until("You may not answer this.")
    terminal.type(f"approve {message['body']['prompt']['id'][-6:]}")
    terminal.until("(only you see this)")
    terminal.until("You may not answer this.")


def test_a_workflow_prints_its_tasks_as_they_change_and_its_tree_at_the_end(
    house: House, terminal: Terminal
) -> None:
    terminal.type("flow slow")
    terminal.until("flow.slow ✓ first succeeded")
    terminal.until("flow.slow succeeded in")
    terminal.until("3 tasks: 3 succeeded")
    assert "\x1b[31m" not in terminal.everything


def test_with_pipes_a_question_in_between_is_shown_and_words_answer_it(house: House) -> None:
    import threading

    def approve() -> None:
        def is_asked() -> bool:
            return any(one["body"].get("prompt") for one in house.messages("piped"))

        house.wait_for(is_asked, timeout_s=60)
        prompt = next(one["body"]["prompt"] for one in house.messages("piped") if one["body"].get("prompt"))
        house.say(f"approve {prompt['id'][-6:]}", channel="piped")

    thread = threading.Thread(target=approve)
    thread.start()
    program = PROGRAM.replace("'ops'", "'piped'")
    done = subprocess.run(
        [sys.executable, "-c", program, house.url],
        input="flow gate\n",
        env={**os.environ, "KEY": house.key},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    thread.join()
    assert done.returncode == 0, done.stderr
    assert "Deploy it?" in done.stderr
    assert "✓ after" in done.stdout


def test_with_pipes_answer_alone_says_what_is_asked(house: House) -> None:
    message = ask(house, "form")
    done = chat(house, f"answer {message['body']['prompt']['id'][-6:]}\n")
    assert "What to deploy." in done.stdout
