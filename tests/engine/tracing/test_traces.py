"""What a collector gets: the story of a request, a workflow, an event; no secrets, and nobody waits."""

import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.errors import BadSettings
from engine.service import Engine
from engine.settings.watching import TracingSettings
from tests.engine import world
from tests.engine.api.running import Running, running
from tests.engine.tracing.collector import Collector, Received, collecting
from tests.engine.world import wait_until

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
WORKFLOW = """
version: 1.0
tasks:
  first:
    action: core.local cmd="echo one"
    next:
      - when: <% succeeded() %>
        do: second
  second:
    action: core.noop
"""


def tracing(url: str, *, timeout_s: float = 30, **more: Any) -> dict[str, Any]:
    """What is not answered in time is sent again, and would be here twice."""
    return {"tracing": TracingSettings(endpoint=url, delay_s=0.05, timeout_s=timeout_s, **more)}


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as made:
        yield made


@pytest.fixture(scope="module")
def server(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("server")
    actions = folder / "packs" / "probe" / "actions"
    (actions / "workflows").mkdir(parents=True)
    (actions / "flow.yaml").write_text(
        "{name: flow, runner_type: orquesta, entry_point: workflows/flow.yaml}"
    )
    (actions / "workflows" / "flow.yaml").write_text(WORKFLOW)
    sections = tracing(collector.url, headers={"X-Team": "canary-header"})
    with running(folder, answer_wait_ms=600, sections=sections) as made:
        yield made


def one(collector: Collector, execution_id: str, name: str) -> Received:
    wait_until(lambda: bool(collector.of(execution_id, name)), timeout_s=60)
    (found,) = collector.of(execution_id, name)
    return found


def by_id(collector: Collector, span_id: str) -> Received:
    wait_until(lambda: any(span.id == span_id for span in list(collector.spans)), timeout_s=60)
    return next(span for span in collector.spans if span.id == span_id)


def start(server: Running, action: str, header: str = "", **parameters: Any) -> Any:
    headers = {"traceparent": header} if header else {}
    answer = server.post("/executions", {"action": action, "parameters": parameters}, headers=headers)
    assert answer.status_code == 201, answer.text
    return server.ended(answer.json())


def test_a_request_its_execution_and_its_attempt_are_one_trace(server: Running, collector: Collector) -> None:
    done = start(server, "core.local", f"00-{TRACE}-{SPAN}-01", cmd="echo $TRACEPARENT")
    execution = one(collector, done["id"], "core.local")
    attempt = one(collector, done["id"], "attempt")
    request = by_id(collector, execution.parent)
    assert {execution.trace, attempt.trace, request.trace} == {TRACE}
    assert (request.name, request.parent) == ("POST /executions", SPAN)
    assert attempt.parent == execution.id
    assert execution.start_ns <= attempt.start_ns <= attempt.end_ns <= execution.end_ns
    # What the action starts is a child of the attempt, and StackStorm's trace is the same one.
    assert done["result"]["stdout"] == f"00-{TRACE}-{attempt.id}-01"
    assert done["context"]["trace_context"]["id_"] == TRACE
    assert execution.attributes["stormcrow.status"] == "succeeded"


def test_a_request_without_a_trace_begins_one(server: Running, collector: Collector) -> None:
    done = start(server, "probe.fail")
    execution = one(collector, done["id"], "probe.fail")
    request = by_id(collector, execution.parent)
    assert request.parent == ""
    assert execution.trace == done["context"]["trace_context"]["id_"] == request.trace
    assert execution.is_failure


def test_a_trace_that_the_body_names_is_kept_and_linked(server: Running, collector: Collector) -> None:
    body = {"action": "core.noop", "context": {"trace_context": {"id_": "69283f0a1b2c3d4e5f607182"}}}
    made = server.post("/executions", body, headers={"traceparent": f"00-{TRACE}-{SPAN}-01"}).json()
    execution = one(collector, server.ended(made)["id"], "core.noop")
    assert execution.trace == "0000000069283f0a1b2c3d4e5f607182"
    assert execution.parent == ""
    (link,) = execution.links
    assert by_id(collector, link).name == "POST /executions"


def test_the_tasks_of_a_workflow_are_its_children(server: Running, collector: Collector) -> None:
    done = start(server, "probe.flow")
    assert done["status"] == "succeeded", done["result"]
    workflow = one(collector, done["id"], "probe.flow")
    children = server.get(f"/executions?parent={done['id']}").json()
    assert len(children) == 2
    tasks = [one(collector, child["id"], child["action"]["ref"]) for child in children]
    assert {task.parent for task in tasks} == {workflow.id}
    assert {task.trace for task in tasks} == {workflow.trace}
    assert {task.attributes["stormcrow.task"] for task in tasks} == {"first", "second"}


def test_what_runs_again_is_linked_with_the_first(server: Running, collector: Collector) -> None:
    first = start(server, "core.noop")
    again = server.ended(server.post(f"/executions/{first['id']}/re_run", {}).json())
    assert one(collector, first["id"], "core.noop").id in one(collector, again["id"], "core.noop").links


def test_a_webhook_its_event_its_rule_and_its_action_are_one_trace(
    server: Running, collector: Collector
) -> None:
    rule = {
        "name": "traced",
        "pack": "probe",
        "enabled": True,
        "trigger": {"type": "core.st2.webhook", "parameters": {"url": "traced"}},
        "action": {"ref": "core.noop"},
    }
    assert server.post("/rules", rule).status_code == 201
    header = f"00-{'ab' * 16}-{SPAN}-01"
    answer = server.post("/webhooks/traced", {"a": 1}, headers={"traceparent": header})
    assert answer.status_code == 202
    wait_until(lambda: bool(collector.named("rule probe.traced")), timeout_s=60)
    (ruled,) = collector.named("rule probe.traced")
    event = by_id(collector, ruled.parent)
    request = by_id(collector, event.parent)
    assert (event.name, request.name) == ("event core.st2.webhook", "POST /webhooks/{url}")
    assert request.parent == SPAN
    wait_until(lambda: any(s.parent == ruled.id for s in list(collector.spans)), timeout_s=60)
    (execution,) = [span for span in collector.spans if span.parent == ruled.id]
    assert execution.name == "core.noop"
    assert {span.trace for span in (request, event, ruled, execution)} == {"ab" * 16}


def test_a_caller_that_does_not_record_is_followed(server: Running, collector: Collector) -> None:
    silent = "cd" * 16
    done = start(server, "core.local", f"00-{silent}-{SPAN}-00", cmd="echo $TRACEPARENT")
    assert done["result"]["stdout"].startswith(f"00-{silent}-")
    assert done["result"]["stdout"].endswith("-00")
    later = start(server, "core.noop")
    one(collector, later["id"], "core.noop")
    assert [span for span in collector.spans if span.trace == silent] == []


def test_no_parameter_result_or_text_is_in_a_span(server: Running, collector: Collector) -> None:
    done = start(server, "probe.say", text="canary-parameter", password="canary-secret")
    one(collector, done["id"], "probe.say")
    server.get("/executions?st2-api-key=canary-query", key="")
    assert b"canary-parameter" not in collector.raw
    assert b"canary-secret" not in collector.raw
    assert b"canary-query" not in collector.raw
    # Headers are for the collector alone.
    assert collector.headers[0]["x-team"] == "canary-header"
    assert b"canary-header" not in collector.raw


def test_a_collector_that_is_away_or_refuses_holds_nobody_up(tmp_path: Path) -> None:
    with collecting() as collector:
        collector.status = 500
        refused = tracing(collector.url, timeout_s=2, queue_limit=5)
        with running(tmp_path, answer_wait_ms=600, sections=refused) as server:
            for _ in range(20):
                assert start(server, "core.noop")["status"] == "succeeded"
    gone = tracing(collector.url, timeout_s=2, queue_limit=5)
    with running(tmp_path / "gone", answer_wait_ms=600, sections=gone) as server:
        assert start(server, "core.noop")["status"] == "succeeded"


def test_a_collector_that_hangs_does_not_hold_up_the_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.tracing.room.STOP_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1/traces"
        sections = {"tracing": TracingSettings(endpoint=url, delay_s=0.05, timeout_s=60)}
        began = time.monotonic()
        with running(tmp_path, answer_wait_ms=600, sections=sections) as server:
            assert start(server, "core.noop")["status"] == "succeeded"
        # It would wait for the collector's answer for a minute.
        assert time.monotonic() - began < 50


def test_off_nothing_is_taken_handed_on_or_imported(tmp_path: Path) -> None:
    with running(tmp_path, answer_wait_ms=600) as server:
        done = start(server, "core.local", f"00-{TRACE}-{SPAN}-01", cmd="echo none:$TRACEPARENT")
        assert done["result"]["stdout"] == "none:"
        assert "trace_context" not in done["context"]
        assert server.engine.watching.tracing is None


def test_without_the_extra_the_start_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "engine.tracing.export", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    wanted = TracingSettings(endpoint="http://127.0.0.1:9/v1/traces")
    engine = Engine(replace(world.settings(tmp_path), tracing=wanted))
    try:
        with pytest.raises(BadSettings, match=r"stormcrow\[otel\]"):
            engine.start()
    finally:
        engine.stop()
