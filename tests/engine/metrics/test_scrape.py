"""`/metrics` tells what has happened, and who waits for what."""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from engine.metrics.board import Board
from engine.metrics.catalogue import METRICS
from engine.records.trigger import Event
from engine.service import Engine
from engine.settings import MetricsSettings
from tests.engine import world
from tests.engine.api.running import Running, running
from tests.engine.metrics.scraping import Scrape, scrape
from tests.engine.world import wait_until

NOW = "stormcrow_executions_finished_total"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("server"), answer_wait_ms=600) as made:
        # What is looked up is kept for a moment, in which a test would see what was before.
        yield made


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.metrics.board.FRESH_S", -1.0)


def test_an_execution_is_counted_by_its_action_and_its_end(server: Running) -> None:
    before = scrape(server)
    server.run("probe.say", text="hello")
    server.run("probe.fail")
    after = scrape(server)
    for action, status in (("probe.say", "succeeded"), ("probe.fail", "failed")):
        labels = {"action": action, "status": status}
        assert after.value(NOW, **labels) - before.value(NOW, **labels) == 1
    requested = "stormcrow_executions_requested_total"
    assert after.value(requested, action="probe.say") - before.value(requested, action="probe.say") == 1


def test_a_run_is_timed_from_its_start_to_its_end(server: Running) -> None:
    server.run("probe.slow", seconds=0.3)
    found = scrape(server)
    name = "stormcrow_action_duration_seconds"
    assert found.value(f"{name}_count", action="probe.slow") == 1
    assert found.value(f"{name}_sum", action="probe.slow") >= 0.3
    assert found.value(f"{name}_bucket", action="probe.slow", le="0.1") == 0
    assert found.value(f"{name}_bucket", action="probe.slow", le="+Inf") == 1


def test_what_runs_stands_among_the_open_and_its_worker_is_busy(server: Running) -> None:
    slow = server.start("probe.slow", seconds=30)
    wait_until(lambda: scrape(server).value("stormcrow_executions", status="running") == 1)
    # A worker is free a moment after the end of its run is committed.
    wait_until(lambda: scrape(server).value("stormcrow_workers", state="busy") == 1)
    wait_until(lambda: scrape(server).value("stormcrow_workers", state="free") == 31)
    server.ask("DELETE", f"/executions/{slow['id']}")
    wait_until(lambda: scrape(server).value("stormcrow_executions", status="running") == 0)


def test_what_is_asked_for_later_does_not_age(server: Running) -> None:
    answer = server.post("/executions", {"action": "core.noop", "delay": 3_600_000})
    assert answer.status_code == 201
    found = scrape(server)
    assert found.value("stormcrow_executions", status="requested") == 1
    assert found.value("stormcrow_execution_queue_age_seconds", status="requested") == 0
    server.ask("DELETE", f"/executions/{answer.json()['id']}")


def test_an_event_a_match_and_its_enforcement_are_counted(server: Running) -> None:
    rule = {
        "name": "counted",
        "pack": "probe",
        "enabled": True,
        "trigger": {"type": "core.st2.webhook", "parameters": {"url": "counted"}},
        "action": {"ref": "core.noop"},
    }
    assert server.post("/rules", rule).status_code == 201
    before = scrape(server)
    assert server.post("/webhooks/counted", {"a": 1}).status_code == 202
    again = {"Idempotency-Key": "counted-once"}
    for _ in range(2):
        assert server.post("/webhooks/counted", {"a": 1}, headers=again).status_code == 202
    after = scrape(server)

    def more(name: str, **labels: str) -> float:
        return after.value(name, **labels) - before.value(name, **labels)

    assert more("stormcrow_events_total", trigger_type="core.st2.webhook", source="webhook") == 2
    assert more("stormcrow_rule_matches_total", rule="probe.counted") == 2
    assert more("stormcrow_rule_enforcements_total", rule="probe.counted", outcome="succeeded") == 2
    assert more("stormcrow_webhook_deliveries_total", hook="counted", outcome="new") == 2
    assert more("stormcrow_webhook_deliveries_total", hook="counted", outcome="duplicate") == 1


def test_a_refused_delivery_is_counted_by_why(server: Running) -> None:
    assert server.post("/webhooks/st2", {}, key="").status_code == 401
    assert server.post("/webhooks/nobody-made-this", {}, key="").status_code == 401
    found = scrape(server)
    name = "stormcrow_webhook_refusals_total"
    # A stranger's address is no label: they could fill the memory with them.
    assert "nobody-made-this" not in found.words(name, "hook")
    assert found.value(name, hook="other", reason="key") >= 1


def test_an_answer_is_timed_under_its_route(server: Running) -> None:
    name = "stormcrow_http_request_duration_seconds_count"
    server.get("/executions/no-such-execution")
    server.get("/api/v1/executions")
    server.get("/somewhere/else")
    found = scrape(server)
    assert found.value(name, route="/executions/{id}", status="4xx") >= 1
    assert found.value(name, route="/executions", method="GET", status="2xx") >= 1
    assert found.value(name, route="unmatched", status="4xx") >= 1
    assert not [route for route in found.words(name, "route") if "no-such" in route or "somewhere" in route]


def test_an_open_stream_is_a_reader(server: Running) -> None:
    with requests.get(f"{server.url}/stream", headers={"St2-Api-Key": server.key}, stream=True, timeout=30):
        wait_until(lambda: scrape(server).value("stormcrow_stream_readers") == 1)
    wait_until(lambda: scrape(server).value("stormcrow_stream_readers") == 0)


def test_commits_are_counted_with_what_shared_them(server: Running) -> None:
    before = scrape(server)
    server.run("core.noop")
    after = scrape(server)
    assert after.value("stormcrow_commits_total") > before.value("stormcrow_commits_total")
    # Counted one after the other, and others commit meanwhile.
    assert after.value("stormcrow_commit_seconds_count") >= after.value("stormcrow_commits_total")
    assert after.value("stormcrow_commit_jobs_sum") >= after.value("stormcrow_commits_total")


def test_a_reader_of_the_journal_that_is_done_lags_by_nothing(server: Running) -> None:
    server.run("core.noop")
    wait_until(lambda: scrape(server).value("stormcrow_journal_lag_entries") == 0)
    assert scrape(server).words("stormcrow_journal_lag_entries", "reader")


def test_everything_that_the_catalogue_names_is_shown(server: Running) -> None:
    families = scrape(server).families
    shown = {metric.shown.removesuffix("_total") for metric in METRICS.values()}
    assert shown <= families.keys()
    assert {"process_resident_memory_bytes", "process_open_fds", "python_info"} <= families.keys()


def test_names_follow_the_conventions() -> None:
    for metric in METRICS.values():
        assert re.fullmatch(r"stormcrow_[a-z]+(_[a-z]+)*", metric.shown), metric.shown
        assert not metric.shown.endswith(("_ms", "_count", "_sum", "_bucket", "_minutes"))
        assert set(metric.labels).isdisjoint({"le", "job", "instance"})


def test_the_text_is_prometheus_own_unless_openmetrics_is_asked_for(server: Running) -> None:
    plain = server.get("/metrics", key="")
    assert plain.headers["content-type"].startswith("text/plain; version=")
    open_ = server.get("/metrics", key="", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert open_.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    names = {family.name for family in text_string_to_metric_families(open_.text)}
    assert "stormcrow_commits" in names


def test_both_kinds_of_database_are_looked_up(
    engine_of_each_kind: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = engine_of_each_kind
    done = world.run(engine, "core.noop")
    assert done.status == "succeeded"
    found = Scrape(engine.watching.metrics.text("")[0].decode())
    assert found.value(NOW, action="core.noop", status="succeeded") == 1
    assert found.value("stormcrow_database_size_bytes") > 0
    assert found.value("stormcrow_inquiries_open") == 0
    assert found.value("stormcrow_build_info") == 1
    monkeypatch.setattr("engine.health.DEADLINE_S", 30.0)
    assert [one for one in engine.watching.health.ready() if one.decides and not one.is_ok] == []


def test_nothing_that_is_slow_is_imported_before_it_is_needed() -> None:
    program = "import sys, bot.app; print({'prometheus_client', 'opentelemetry.sdk'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_text_of_users_is_escaped_in_a_label() -> None:
    board = Board(label_limit=10)
    word = 'a"b\\c\nstormcrow_commits_total 99'
    board.counter("rule_matches").add(word)
    found = Scrape(board.text("")[0].decode())
    assert found.value("stormcrow_rule_matches_total", rule=word) == 1
    assert found.value("stormcrow_commits_total") == 0


def test_a_label_has_so_many_words_and_others_share_one() -> None:
    words = Board(label_limit=2).vocabulary()
    assert [words.word(word) for word in ("a", "b", "c", "a", "d")] == ["a", "b", "other", "a", "other"]


def test_what_is_looked_up_is_kept_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.metrics.board.FRESH_S", 3600.0)
    asked = []
    board = Board(label_limit=10)
    board.ask(lambda: asked.append(1) or ())
    board.samples()
    board.samples()
    assert asked == [1]


# who may look


def test_who_is_on_this_machine_needs_no_key(server: Running) -> None:
    assert server.get("/metrics", key="").status_code == 200


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_who_comes_through_a_proxy_on_this_machine_needs_one(server: Running, name: str) -> None:
    assert server.get("/metrics", key="", headers={name: "192.0.2.7"}).status_code == 401
    assert server.get("/metrics", headers={name: "192.0.2.7"}).status_code == 200


def test_with_access_by_key_everybody_needs_one(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = replace(server.engine.settings, metrics=MetricsSettings(access="key"))
    monkeypatch.setattr(server.engine, "settings", settings)
    assert server.get("/metrics", key="").status_code == 401
    assert server.get("/metrics", key="wrong").status_code == 401
    assert server.get("/metrics").status_code == 200


def test_open_access_is_for_everybody(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = replace(server.engine.settings, metrics=MetricsSettings(access="open"))
    monkeypatch.setattr(server.engine, "settings", settings)
    assert server.get("/metrics", key="", headers={"Via": "1.1 proxy"}).status_code == 200


def test_an_event_that_fires_no_rule_is_counted_too(server: Running) -> None:
    name, labels = "stormcrow_events_total", {"trigger_type": "core.st2.generic.actiontrigger"}
    before = scrape(server).value(name, **labels)
    server.engine.emit(Event(trigger="core.st2.generic.actiontrigger", payload={}, source="api"))
    assert scrape(server).value(name, **labels) == before + 1
