"""The event stream, over real sockets."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from engine.api import stream, stream_hub
from tests.engine.api.running import Running, running
from tests.engine.api.streaming import Event, Listener, listening
from tests.engine.world import wait_until

UPDATE, OUTPUT = "st2.execution__update", "st2.execution.output__create"


def is_end(execution_id: str) -> Callable[[Event], bool]:
    def fits(event: Event) -> bool:
        return (
            event.name == UPDATE
            and event.data.get("id") == execution_id
            and event.data["status"] in ("succeeded", "failed", "canceled")
        )

    return fits


def last_id(listener: Listener, execution_id: str) -> str:
    """The id of the last event of this execution: that of its second name."""
    listener.wait(is_end(execution_id))
    listener.wait(lambda event: event is listener.events[-1] and event.name == "st2.liveaction__update")
    return listener.events[-1].id


def statuses(listener: Listener, execution_id: str, name: str = UPDATE) -> list[str]:
    return [event.data["status"] for event in listener.named(name) if event.data["id"] == execution_id]


@pytest.mark.parametrize(
    "path", ["/stream/v1/stream", "/stream/stream", "/v1/stream", "/stream", "/stream/", "/stream/v1/stream/"]
)
def test_the_stream_answers_at_every_spelling(server: Running, path: str) -> None:
    with listening(server, path=path) as listener:
        headers = listener.response.headers
        assert headers["content-type"] == "text/event-stream; charset=UTF-8"
        assert headers["cache-control"] == "no-cache"
        assert headers["x-accel-buffering"] == "no"


def test_a_client_hears_of_an_execution_from_its_request_to_its_end(server: Running) -> None:
    with listening(server) as listener:
        made = server.start("probe.say", text="hello")
        listener.wait(is_end(made["id"]))
        created = [one for one in listener.named("st2.execution__create") if one.data["id"] == made["id"]]
        assert [one.data["status"] for one in created] == ["requested"]
        assert "result" not in created[0].data
        assert statuses(listener, made["id"]) == ["running", "succeeded"]
        end = listener.wait(is_end(made["id"]))
        assert end.data["result"]["stdout"] == "hello"
        assert end.data["action"]["ref"] == "probe.say"
        live = listener.wait(
            lambda one: one.name == "st2.liveaction__update" and one.data["status"] == "succeeded"
        )
        assert live.data["action"] == "probe.say"
        assert not listener.named(OUTPUT)


def test_events_are_chosen_by_globs(server: Running) -> None:
    with listening(server, "events=st2.execution__cr*,nothing") as listener:
        made = server.run("probe.say", text="x")
        listener.wait(lambda event: event.data["id"] == made["id"])
        assert {event.name for event in listener.events} == {"st2.execution__create"}


def test_events_are_chosen_by_action_and_execution(server: Running) -> None:
    with listening(server, "action_refs=probe.fail") as by_action:
        said, failed = server.run("probe.say", text="x"), server.run("probe.fail")
        by_action.wait(is_end(failed["id"]))
        assert said["id"] not in {event.data["id"] for event in by_action.events}
    waiting = server.post(
        "/executions", {"action": "probe.say", "parameters": {"text": "x"}, "delay": 60000}
    ).json()
    with listening(server, f"execution_ids={waiting['id']}&events={UPDATE}") as by_id:
        server.run("probe.say", text="y")
        server.ask("DELETE", f"/executions/{waiting['id']}")
        by_id.wait(is_end(waiting["id"]))
        assert {event.data["id"] for event in by_id.events} == {waiting["id"]}


def test_output_comes_while_the_action_runs(server: Running) -> None:
    with listening(server, f"events={OUTPUT}") as listener:
        made = server.start("probe.slow", seconds=30)
        event = listener.wait(lambda one: one.data["execution_id"] == made["id"])
        assert event.data["data"] == "first\n"
        assert event.data["output_type"] == "stdout"
        assert event.data["action_ref"] == "probe.slow"
        server.ask("DELETE", f"/executions/{made['id']}")


def test_the_stream_ends_after_the_execution_that_was_named(server: Running) -> None:
    made = server.start("probe.slow", seconds=1)
    query = f"end_event={UPDATE}&end_execution_id={made['id']}&events={UPDATE},{OUTPUT}"
    with listening(server, query) as listener:
        listener.wait_for_end()
        assert listener.events[-1].data["status"] == "succeeded"
        printed = [
            one.data["data"] for one in listener.named(OUTPUT) if one.data["execution_id"] == made["id"]
        ]
        assert "".join(printed) == "first\nlast\n"


def test_an_execution_that_was_over_before_is_told_at_once(server: Running) -> None:
    made = server.run("probe.say", text="early")
    with listening(
        server, f"end_event={UPDATE}&end_execution_id={made['id']}&events={UPDATE},{OUTPUT}"
    ) as listener:
        listener.wait_for_end()
        assert statuses(listener, made["id"]) == ["running", "succeeded"]
        assert [one.data["data"] for one in listener.named(OUTPUT)] == ["early\n"]


def test_an_execution_that_is_not_there_ends_no_stream(server: Running) -> None:
    answer = server.get("/stream/v1/stream?end_execution_id=5f0000000000000000000000")
    assert answer.status_code == 404


def test_who_comes_back_gets_what_was_missed_in_order(server: Running) -> None:
    with listening(server) as listener:
        first = server.run("probe.say", text="one")
        seen = last_id(listener, first["id"])
    missed = [server.run("probe.say", text=str(number)) for number in range(3)]
    with listening(server, headers={"Last-Event-ID": seen}) as listener:
        listener.wait(is_end(missed[-1]["id"]))
        expected = [one["id"] for one in missed for _ in range(2)]
        assert [one.data["id"] for one in listener.named(UPDATE)] == expected
        ids = [int(one.id) for one in listener.events if one.id]
        assert ids == sorted(set(ids))
        assert ids[0] > int(seen)


def test_an_id_that_is_none_of_ours_is_refused(server: Running) -> None:
    assert server.get("/stream/v1/stream", headers={"Last-Event-ID": "abc"}).status_code == 400


def test_nothing_is_lost_over_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as before:
        with listening(before) as listener:
            made = before.run("probe.say", text="one")
            seen = last_id(listener, made["id"])
        late = before.run("probe.say", text="two")
    with running(tmp_path) as after:
        with listening(after, headers={"Last-Event-ID": seen}) as listener:
            assert listener.wait(is_end(late["id"])).data["result"]["stdout"] == "two"


def test_who_has_seen_no_event_yet_loses_nothing_either(tmp_path: Path) -> None:
    """Hubot that has just begun to listen when the server is killed."""
    with running(tmp_path) as before:
        with listening(before) as listener:
            wait_until(lambda: listener.opening_id)
            seen = listener.opening_id
        late = before.run("probe.say", text="two")
    with running(tmp_path) as after:
        with listening(after, headers={"Last-Event-ID": seen}) as listener:
            assert listener.wait(is_end(late["id"])).data["result"]["stdout"] == "two"
            assert not listener.opening_id


def test_an_announcement_carries_its_payload(server: Running) -> None:
    with listening(server) as listener:
        server.run("core.announcement", message={"text": "hear"}, route="chatops")
        event = listener.wait(lambda one: one.name == "st2.announcement__chatops")
        assert event.data["payload"] == {"message": {"text": "hear"}}
        assert event.data["trace_context"]


def test_secrets_are_masked_on_the_stream(server: Running) -> None:
    with listening(server) as listener:
        made = server.run("probe.say", text="x", password="canary-93f")
        listener.wait(is_end(made["id"]))
        assert "canary-93f" not in str(listener.events)


@pytest.fixture
def beating(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(stream, "HEARTBEAT_S", 0.2)
    return


@pytest.mark.usefixtures("beating")
def test_a_silent_stream_beats(server: Running) -> None:
    query = "events=nothing"
    with requests.get(
        f"{server.url}/stream?{query}", headers={"St2-Api-Key": server.key}, stream=True, timeout=30
    ) as response:
        assert [response.raw.readline()[:4] for _ in range(5)] == [b"\n", b"id: ", b"\n", b"\n", b"\n"]


def test_who_is_too_slow_for_the_memory_reads_the_journal(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_hub, "RING_LIMIT", 1)
    with listening(server) as listener:
        made = [server.start("probe.say", text=str(number)) for number in range(6)]
        for one in made:
            listener.wait(is_end(one["id"]))
            assert statuses(listener, one["id"]) == ["running", "succeeded"]


def test_a_reader_that_does_not_read_holds_nobody_up(server: Running) -> None:
    with requests.get(f"{server.url}/stream", headers={"St2-Api-Key": server.key}, stream=True, timeout=30):
        with listening(server) as listener:
            # More than the buffers of a socket hold.
            made = [server.start("probe.say", text="x" * 100_000) for _ in range(12)]
            for one in made:
                listener.wait(is_end(one["id"]), timeout_s=60)


def test_many_readers_hear_the_same(server: Running) -> None:
    listeners: list[Listener] = []
    with (
        listening(server) as one,
        listening(server) as two,
        listening(server, "events=st2.announcement__*") as other,
    ):
        listeners += [one, two]
        made = server.run("probe.say", text="x")
        for listener in listeners:
            listener.wait(is_end(made["id"]))
        assert not other.events


def test_the_output_at_the_address_of_the_stream_is_events(server: Running) -> None:
    made = server.start("probe.slow", seconds=1)
    with listening(server, path=f"/stream/v1/executions/{made['id']}/output") as listener:
        listener.wait_for_end()
        *printed, end = listener.events
        assert {event.name for event in printed} == {OUTPUT}
        assert "".join(event.data["data"] for event in printed) == "first\nlast\n"
        assert end.name == "EOF"


def test_the_hub_rests_when_nobody_listens(server: Running) -> None:
    hub = server.stream
    with listening(server):
        assert hub._pump is not None
    wait_until(lambda: hub._pump is None)
