"""Output while it comes, as text and as events, and from where a reader was."""

import json
import time

import requests

from engine.api.live import KINDS, Reading
from engine.clock import utcnow
from engine.records.execution import OutputChunk
from engine.store import outputs
from tests.engine.api.running import Running

EVENTS = {"Accept": "text/event-stream"}
LOUD = "echo one; sleep 0.3; echo two >&2; sleep 0.3; echo three; sleep 0.3; echo four >&2"


def test_output_is_followed_until_the_end(server: Running) -> None:
    # Long enough for a reader on a busy machine to be there before the end.
    made = server.start("probe.slow", seconds=5)["id"]
    answer = server.get(f"/executions/{made}/output?follow=true", stream=True)
    pieces = [(piece, time.monotonic()) for piece in answer.iter_content(None)]
    assert b"".join(piece for piece, _ in pieces) == b"first\nlast\n"
    assert pieces[-1][1] - pieces[0][1] > 0.3


def test_following_what_has_ended_ends_at_once(server: Running) -> None:
    made = server.run("probe.fail")["id"]
    assert server.get(f"/executions/{made}/output?follow=true").text == "wrong\n"


def test_a_follower_that_goes_away_is_let_go(server: Running) -> None:
    made = server.start("probe.slow", seconds=20)["id"]
    before = len(server.engine.database._listeners)
    answer = server.get(f"/executions/{made}/output?follow=true", stream=True)
    # Held: an iterator that is thrown away takes the connection along.
    pieces = answer.iter_content(None)
    next(pieces)
    assert len(server.engine.database._listeners) == before + 1
    answer.close()
    deadline = time.monotonic() + 60
    while len(server.engine.database._listeners) > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(server.engine.database._listeners) == before
    server.ask("DELETE", f"/executions/{made}")


def ids_of(answer: requests.Response) -> list[str]:
    return [line[4:] for line in answer.text.splitlines() if line.startswith("id: ")]


def said(answer: requests.Response) -> str:
    """The data of all events, as text."""
    lines = [line[6:] for line in answer.text.splitlines() if line.startswith("data: {")]
    return "".join(json.loads(line)["data"] for line in lines)


def test_events_come_to_who_accepts_them_and_end_with_a_word(server: Running) -> None:
    made = server.start("core.local", cmd=LOUD)["id"]
    answer = server.get(f"/executions/{made}/output?follow=1", headers=EVENTS)
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert sorted(said(answer).split()) == ["four", "one", "three", "two"]
    assert answer.text.endswith("event: EOF\ndata: ''\n\n")


def test_events_go_on_behind_the_last_one_that_was_seen(server: Running) -> None:
    made = server.run("core.local", cmd=LOUD)["id"]
    whole = server.get(f"/executions/{made}/output?follow=1", headers=EVENTS)
    for place in ids_of(whole):
        rest = server.get(f"/executions/{made}/output?follow=1", headers={**EVENTS, "Last-Event-ID": place})
        before = whole.text.partition(f"id: {place}\n")[2].partition("\n\n")[2]
        assert rest.text == before
    wrong = {**EVENTS, "Last-Event-ID": "the third"}
    assert server.get(f"/executions/{made}/output?follow=1", headers=wrong).status_code == 400


def test_text_goes_on_behind_so_many_bytes(server: Running) -> None:
    made = server.run("core.local", cmd=LOUD)["id"]
    path = f"/executions/{made}/output?follow=1&output_type=stdout"
    assert server.get(f"{path}&offset=4").text == "three\n"
    assert server.get(f"{path}&offset=6").text == "ree\n"
    assert server.get(f"{path}&offset=1000").text == ""
    assert server.get(f"/executions/{made}/output?offset=4").status_code == 400


def test_a_secret_is_not_in_the_output_that_is_followed(server: Running) -> None:
    made = server.start("probe.say", text="it is hunter-9f3", password="hunter-9f3")["id"]
    answer = server.get(f"/executions/{made}/output?follow=1", headers=EVENTS)
    assert "hunter-9f3" not in answer.text
    assert "it is ********" in answer.text


def test_output_that_is_collected_anew_in_other_pieces_is_told_once(server: Running) -> None:
    made = server.run("core.noop")["id"]

    def print_it(*texts: tuple[str, str], at: int = 1) -> None:
        chunks = [
            OutputChunk(execution_id=made, seq=number, kind=kind, data=data, at=utcnow())
            for number, (kind, data) in enumerate(texts, start=at)
        ]
        server.engine.database.write(lambda connection: outputs.add(connection, chunks))

    def told(reading: Reading) -> list[str]:
        return [piece.chunk.data for piece in reading.next()[1]]

    reading = Reading(server.engine, made, None)
    print_it(("stdout", "a"), ("stderr", "x"), ("stdout", "b"))
    assert told(reading) == ["a", "x", "b"]
    # As the next server does with an action that has gone on.
    server.engine.database.write(lambda connection: outputs.drop(connection, made))
    assert told(reading) == []
    print_it(("stdout", "abc"), ("stderr", "xyz"))
    assert told(reading) == ["c", "yz"]
    print_it(("stdout", "d"), at=3)
    assert told(reading) == ["d"]
    again = Reading(server.engine, made, None, dict(zip(KINDS, (2, 1), strict=True)))
    assert "".join(told(again)) == "cyzd"
