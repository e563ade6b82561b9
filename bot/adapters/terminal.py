"""The chat in a terminal: a client of the running server, over the same JSON and events as the page.

At a terminal it is a prompt line, with answers above it as they come. With lines on standard input
it sends one after the other, prints the final answer of each, and says by its exit code whether all
of them succeeded: 0 yes, 1 no, 8 the server cannot be reached or refuses the key.

`answer ID` alone asks the questions of an inquiry one by one; what is secret is not shown while it is
typed, and goes to the server without standing in any chat.
"""

import contextlib
import getpass
import re
import sys
import threading
from typing import Any

import requests

from bot import formatting
from bot.adapters.terminal_client import Client
from bot.adapters.web import wire
from bot.chat import Reply, Tree

OK, FAILED, NO_SERVER = 0, 1, 8
_FINISHED = frozenset({"succeeded", "failed", "timeout", "abandoned", "canceled"})
_COLOURS = {"good": "32", "bad": "31", "warning": "33", "running": "34", "neutral": "36"}
_QUESTION = re.compile(r"!?\s*answer\s+([0-9a-f]{6,24})", re.IGNORECASE)
_COLLAPSE = re.compile(r"\n{3,}")


def run_terminal(url: str, key: str, user: str, channel: str) -> int:
    """Chat until the end of the input; the exit code."""
    client = Client(url, key, user, channel)
    try:
        client.start()
    except PermissionError as error:
        _say(f"The server refuses: {error}", file=sys.stderr)
        return NO_SERVER
    except (requests.RequestException, OSError, ValueError) as error:
        _say(
            f"No Stormcrow answers at {url} ({type(error).__name__}). Start it: stormcrow up", file=sys.stderr
        )
        return NO_SERVER
    try:
        if sys.stdin.isatty():
            return _Dialogue(client, channel).run()
        return _script(client)
    except PermissionError as error:
        _say(f"The server refuses: {error}", file=sys.stderr)
        return NO_SERVER
    finally:
        client.stop()


def _script(client: Client) -> int:
    code = OK
    for raw in sys.stdin:
        text = raw.strip()
        if not text or text.startswith("#"):
            continue
        try:
            message_id = client.send(text)
        except ValueError as error:
            _say(str(error), file=sys.stderr)
            code = FAILED
            continue
        answers = _final_answers(client, message_id)
        for body in answers:
            _say(as_lines(body, colour=sys.stdout.isatty()))
            if not _is_good(body):
                code = FAILED
    return code


def _final_answers(client: Client, message_id: str) -> list[dict[str, Any]]:
    """Waits until the message is answered, and every answer of it has ended."""
    answers: dict[str, dict[str, Any]] = {}
    while not answers or any(not _is_final(body) for body in answers.values()):
        kind, data = client.events.get()
        is_asked = kind == "message" and data["thread"] == message_id and data["body"].get("prompt")
        if is_asked and data["body"].get("inquiry_id"):
            # Somebody must answer, here or elsewhere, before it goes on.
            _say(as_lines(data["body"], colour=False), file=sys.stderr)
        if kind == "message" and data["is_bot"] and data["body"].get("reply_to") == message_id:
            answers[data["id"]] = data["body"]
    return list(answers.values())


def _is_final(body: dict[str, Any]) -> bool:
    # Only an acknowledgement carries its action and a status that is not an end.
    return not body.get("action") or body.get("status") in _FINISHED


def _is_good(body: dict[str, Any]) -> bool:
    status = body.get("status", "")
    if status and body.get("action"):
        return bool(status == "succeeded")
    return body.get("tone") not in ("bad", "warning")


class _Dialogue:
    """A person at a terminal: one thread reads lines, one prints what comes."""

    def __init__(self, client: Client, channel: str) -> None:
        self._client = client
        self._channel = channel.removeprefix("#")
        self._line = f"#{self._channel}> "
        self._colour = sys.stdout.isatty()
        self._shown: dict[str, str] = {}
        self._mine: set[str] = set()
        # Held while a line is on its way: its answer may come before we know which id it has.
        self._sending = threading.Lock()
        # The tasks of workflows that were printed: message -> (task, execution) -> status.
        self._tasks: dict[str, dict[tuple[str, str], str]] = {}

    def run(self) -> int:
        with contextlib.suppress(ImportError):
            import readline  # noqa: PLC0415 - its import alone gives input() a history and editing

            readline.set_history_length(500)
        threading.Thread(target=self._print, name="chat printer", daemon=True).start()
        _say(f"#{self._channel}: say help for the commands, Ctrl-D to leave.")
        try:
            while True:
                text = input(self._line).strip()
                question = _QUESTION.fullmatch(text)
                if question:
                    self._ask(question[1])
                elif text:
                    self._send(text)
        except (EOFError, KeyboardInterrupt):
            _say("")
            return OK

    def _send(self, text: str) -> None:
        try:
            with self._sending:
                self._mine.add(self._client.send(text))
        except ValueError as error:
            _say(str(error))

    # questions, one by one

    def _ask(self, wanted: str) -> None:
        before = self._line
        try:
            asked = self._client.question(wanted)
            _say(asked["text"])
            self._answer(asked)
        except (PermissionError, ValueError) as error:
            _say(str(error))
        except requests.RequestException:
            _say("The server is away; nothing was answered.")
        except (EOFError, KeyboardInterrupt):
            _say("\nNothing was answered.")
        finally:
            self._line = before

    def _answer(self, asked: dict[str, Any]) -> None:
        """Ask until the server is content, each time only for what is wrong."""
        prompt = asked["prompt"]
        button = self._decision(prompt["buttons"]) if prompt["buttons"] else ""
        values: dict[str, str] = {}
        wanted = prompt["questions"]
        while True:
            for question in wanted:
                values[question["name"]] = self._value(question)
            said, problems = self._client.answer(asked, values, button)
            wanted = [one for one in prompt["questions"] if one["name"] in problems]
            if not wanted:
                _say(said)
                return
            for question in wanted:
                _say(f"{question['label']}: {problems[question['name']]}")

    def _decision(self, buttons: list[dict[str, Any]]) -> str:
        words = {str(one["label"]).lower(): str(one["value"]) for one in buttons}
        while True:
            self._line = f"{' or '.join(words)}: "
            typed = input(self._line).strip().lower()
            found = [value for word, value in words.items() if typed and word.startswith(typed)]
            if len(found) == 1:
                return found[0]

    def _value(self, question: dict[str, Any]) -> str:
        facts = [question["about"], "/".join(question["choices"])]
        facts.append("needed" if question["is_required"] else "")
        facts.append(f"Enter: {question['default']}" if question["default"] else "")
        about = ", ".join(fact for fact in facts if fact)
        self._line = f"{question['label']}{f' ({about})' if about else ''}: "
        typed = getpass.getpass(self._line) if question["is_secret"] else input(self._line)
        return typed if typed.strip() else str(question["default"])

    def _print(self) -> None:
        is_lost = False
        while True:
            kind, data = self._client.events.get()
            if kind == "lost" and not is_lost:
                is_lost = True
                self._above("… the server is away; trying again")
            elif kind == "hello" and is_lost:
                is_lost = False
                self._above("… the server is back")
            elif kind == "message":
                with self._sending:
                    self._message(data)
            elif kind == "live" and data["thread"] in self._mine:
                self._progress(data)

    def _message(self, data: dict[str, Any]) -> None:
        if not data["is_bot"]:
            if data["id"] not in self._mine and data["channel"] == self._channel:
                self._above(
                    f"{data['body'].get('name', data['author'])}: {formatting.clean(data['body']['text'])}"
                )
            return
        is_for_me = data["body"].get("is_private") and data["body"].get("reply_to") in self._mine
        if data["channel"] != self._channel and not is_for_me:
            return
        # An edit is shown when it says something new: the end of what was acknowledged.
        text = as_lines(data["body"], colour=self._colour)
        if self._shown.get(data["id"]) != text:
            self._shown[data["id"]] = text
            self._above(text)

    def _progress(self, data: dict[str, Any]) -> None:
        """A line for each task of a workflow that has another status now."""
        reply = wire.shown_reply(data["body"])
        known = self._tasks.setdefault(data["id"], {})
        for tree in (piece for piece in reply.pieces if isinstance(piece, Tree)):
            for branch in tree.branches:
                task = (f"{branch.depth}:{branch.name}", branch.execution_id)
                if not branch.status or known.get(task) == branch.status:
                    continue
                known[task] = branch.status
                line = formatting.tree_text(Tree(branches=(branch,)))
                self._above(f"{reply.action} {' '.join(line.split())}")

    def _above(self, text: str) -> None:
        """Print over the prompt line, and draw it again with what is typed so far."""
        typed = ""
        with contextlib.suppress(ImportError):
            import readline  # noqa: PLC0415 - as above

            typed = readline.get_line_buffer()
        sys.stdout.write(f"\r\x1b[K{text}\n{self._line}{typed}")
        sys.stdout.flush()


def as_lines(body: dict[str, Any], *, colour: bool) -> str:
    """A reply as text: a line about the execution, then the pieces."""
    reply = wire.shown_reply(body)
    head = []
    if reply.status and reply.action:
        word = "in" if reply.status in _FINISHED else "for"
        took = f" {word} {formatting.duration(reply.elapsed_s)}" if reply.elapsed_s is not None else ""
        head.append(f"{reply.action} {reply.status}{took} · {formatting.short_id(reply.execution_id)}")
    # What is said about an execution names its details and its commands in words already.
    links = () if reply.execution_id else reply.links
    text = formatting.as_text(
        Reply(
            pretext=reply.pretext,
            title=reply.title,
            pieces=reply.pieces,
            links=links,
            prompt=reply.prompt,
        )
    )
    if not reply.execution_id:
        words = [one for one in reply.buttons if one.command and one.command not in text]
        text = "\n".join([text, *(f"{one.label}: {one.command}" for one in words)]).strip()
    if reply.is_private:
        head.append("(only you see this)")
    lines = [_coloured(line, reply.tone.value) if colour else line for line in head]
    return _COLLAPSE.sub("\n\n", "\n".join([*lines, text] if text else lines)).rstrip()


def _coloured(text: str, tone: str) -> str:
    return f"\x1b[{_COLOURS.get(tone, '36')}m{text}\x1b[0m"


def _say(text: str, *, file: Any = None) -> None:
    out = file or sys.stdout
    out.write(f"{text}\n")
    out.flush()
