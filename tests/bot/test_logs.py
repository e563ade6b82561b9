"""The log: one record a line whatever stands in it, with what it is about, and without floods."""

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest

from bot.logs import Repeats, set_up_logging
from engine.api.scrubbing import scrubbed
from engine.log_facts import about, forget
from engine.metrics.board import Board
from engine.metrics.log_counts import LogCounts
from engine.settings.server import LogSettings
from tests.engine.api.running import running


@pytest.fixture(autouse=True)
def no_facts() -> None:
    """Other tests in this process ask without a request around it."""
    forget()


PROGRAM = """
import logging, sys
from bot.logs import set_up_logging
from engine.settings.server import LogSettings
set_up_logging(LogSettings(format=sys.argv[1]))
log = logging.getLogger("probe")
class Chatty:
    def __str__(self):
        log.error("I am being shown")
        return "shown"
class Angry:
    def __str__(self):
        raise RuntimeError("not me\\nforged")
    __repr__ = __str__
log.error("control \\x9b31m and \\x1b]0;title\\x07 and \\u2028 and \\u2029")
log.error("half a pair \\ud800 of %s", "data")
log.error("%d", "no number\\nforged")
log.error("%s", Chatty())
log.error("%s", Angry())
log.error("fine", extra={"thing": Angry()})
log.error("the last")
"""


def logged(kind: str) -> list[str]:
    command = [sys.executable, "-c", PROGRAM, kind]
    found = subprocess.run(command, capture_output=True, timeout=60, check=True)
    assert found.stdout == b""
    return found.stderr.decode("utf-8", "surrogateescape").splitlines()


@contextmanager
def logging_to(capsys: pytest.CaptureFixture[str], **settings: Any) -> Iterator[list[dict[str, Any]]]:
    """The records in JSON that were logged within."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    records: list[dict[str, Any]] = []
    capsys.readouterr()
    try:
        set_up_logging(LogSettings(format="json", **settings))
        yield records
    finally:
        root.handlers[:] = before
        root.setLevel(level)
        records += [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.mark.parametrize("kind", ["json", "text"])
def test_whatever_is_logged_is_one_printable_line_and_the_log_goes_on(kind: str) -> None:
    lines = logged(kind)
    # What is shown while it is logged says nothing of its own.
    assert len(lines) == 7, lines
    assert all(line.isprintable() for line in lines)
    assert "the last" in lines[-1]
    assert not [line for line in lines if line.startswith("forged")]
    if kind == "json":
        assert json.loads(lines[0])["message"] == "control \x9b31m and \x1b]0;title\x07 and \u2028 and \u2029"
        assert "could not be written: TypeError" in json.loads(lines[2])["message"]


def test_a_record_carries_what_the_work_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_to(capsys) as records:
        with about(request_id="r1", user=""):
            with about(execution_id="e1"):
                logging.getLogger("probe").info("inside")
                thread = threading.Thread(
                    target=copy_context().run, args=(logging.getLogger("probe").info, "in a thread")
                )
                thread.start()
                thread.join()
            logging.getLogger("probe").info("between")
        logging.getLogger("probe").info("outside")
    found = {one["message"]: (one.get("request_id"), one.get("execution_id")) for one in records}
    assert found == {
        "inside": ("r1", "e1"),
        "in a thread": ("r1", "e1"),
        "between": ("r1", None),
        "outside": (None, None),
    }
    assert "user" not in records[0]


def test_the_same_warning_is_said_a_few_times_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_to(capsys, repeat_limit=3) as records:
        for number in range(50):
            logging.getLogger("probe").warning("the disk is full")
            logging.getLogger("probe").warning("number %d is not the same", number)
            logging.getLogger("probe").info("what is no warning is always said")
    messages = [one["message"] for one in records]
    assert messages.count("the disk is full") == 3
    assert messages.count("what is no warning is always said") == 50
    assert len([one for one in messages if "not the same" in one]) == 50
    assert [one.get("muted_s") for one in records if one["message"] == "the disk is full"] == [None, None, 60]


def test_what_was_left_out_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def record() -> logging.LogRecord:
        return logging.LogRecord("probe", logging.ERROR, "", 1, "again", (), None)

    repeats = Repeats(2)
    assert [repeats.lets_pass(record()) for _ in range(5)] == [True, True, False, False, False]
    monkeypatch.setattr("bot.logs.REPEAT_WINDOW_S", 0.0)
    later = record()
    assert repeats.lets_pass(later)
    assert vars(later)["left_out"] == 3


def test_records_of_a_request_and_of_its_execution_say_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        logging_to(capsys) as records,
        running(tmp_path, answer_wait_ms=0, sections={"log": LogSettings(access=True)}) as server,
    ):
        server.engine.rules.evaluate = _broken  # type: ignore[method-assign]  # a fault of ours, somewhere deep
        answer = server.post(
            "/webhooks/st2?st2-api-key=canary1&x-auth-token=canary2&page=1",
            {"trigger": "core.st2.generic.actiontrigger"},
            headers={"X-Request-Id": "from-ci.7"},
        )
        assert answer.headers["x-request-id"] == "from-ci.7"
        held = server.engine.runners.get("noop")
        held.run = _broken  # type: ignore[method-assign]  # as above
        made = server.start("core.noop")
        server.ended(made)
    fault = next(one for one in records if "could not be evaluated" in one["message"])
    assert (fault["request_id"], fault["user"]) == ("from-ci.7", "admin")
    run = next(one for one in records if "broke the worker" in one["message"])
    assert (run["execution_id"], run["action"], run["attempt"]) == (made["id"], "core.noop", "1")
    assert (
        run["trace_id"] == made["context"]["trace_context"]["id_"]
        if "trace_context" in made["context"]
        else True
    )
    line = next(one for one in records if one["logger"] == "stormcrow.access" and one["method"] == "POST")
    assert (line["status"], line["user"], line["request_id"]) == (202, "admin", "from-ci.7")
    assert line["query"] == "st2-api-key=********&x-auth-token=********&page=1"
    assert "canary" not in json.dumps(records)


def _broken(*_given: Any, **_named: Any) -> Any:
    raise ZeroDivisionError("broken")


def test_a_harmful_request_id_is_not_taken(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        for given in ("a b", "x" * 129, "a;b", ""):
            answer = server.get("/healthz", key="", headers={"X-Request-Id": given})
            assert answer.headers["x-request-id"] not in ("", given)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        (b"", ""),
        (b"limit=5&x-auth-token=abc", "limit=5&x-auth-token=********"),
        (b"St2-Api-Key=abc&a", "St2-Api-Key=********&a"),
        (b"x%2Dauth%2Dtoken=abc", "x%2Dauth%2Dtoken=********"),
        (b"password=a%26b&code=1&status=failed", "password=********&code=********&status=failed"),
        (b"x-auth-token=a=b=c", "x-auth-token=********"),
    ],
)
def test_secrets_of_a_query_are_hidden(query: bytes, shown: str) -> None:
    assert scrubbed(query) == shown


def test_warnings_are_counted() -> None:
    board = Board(label_limit=1)
    handler = LogCounts(board)
    log = logging.Logger("probe")  # noqa: LOG001 - one that nobody else hears
    log.addHandler(handler)
    log.warning("one")
    log.error("two")
    log.info("none")
    found = {sample.labels: sample.value for sample in board.counter("log_records").samples()}
    assert found == {("warning",): 1, ("error",): 1}
