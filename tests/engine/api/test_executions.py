"""Executions over REST: asked for, waited for, read, cancelled, run again."""

import gzip
import json
import threading
import time
from typing import Any

import pytest
import requests

from engine.refs import liveaction_id
from tests.engine.api.running import Running


def test_a_quick_action_is_answered_with_its_end(server: Running) -> None:
    answer = server.post("/executions", {"action": "core.noop"})
    assert answer.status_code == 201
    assert answer.json()["status"] == "succeeded"


def test_a_slow_action_is_answered_while_it_runs(server: Running) -> None:
    started = time.monotonic()
    execution = server.start("probe.slow", seconds=100)
    assert 0.55 < time.monotonic() - started < 80
    assert execution["status"] in ("requested", "scheduled", "running")
    server.ask("DELETE", f"/executions/{execution['id']}")


def test_the_document_has_stackstorms_shape(server: Running) -> None:
    execution = server.run("probe.say", text="hello")
    assert execution["result"]["stdout"] == "hello"
    assert execution["action"]["ref"] == "probe.say"
    assert execution["action"]["runner_type"] == "local-shell-script"
    assert execution["runner"]["name"] == "local-shell-script"
    assert execution["parameters"] == {"text": "hello"}
    assert execution["context"]["user"] == "admin"
    assert execution["context"]["pack"] == "probe"
    assert execution["liveaction"]["id"] == liveaction_id(execution["id"]) != execution["id"]
    assert execution["web_url"] == f"{server.url}/chat#execution/{execution['id']}"
    assert [step["status"] for step in execution["log"]] == ["requested", "scheduled", "running", "succeeded"]
    assert execution["start_timestamp"].endswith("Z")
    assert execution["elapsed_seconds"] > 0
    assert "children" not in execution


def test_the_id_of_the_live_action_leads_back(server: Running) -> None:
    execution = server.run("core.noop")
    found = server.get(f"/executions?liveaction={execution['liveaction']['id']}").json()
    assert [one["id"] for one in found] == [execution["id"]]


def test_it_is_committed_when_it_is_answered(server: Running) -> None:
    execution = server.run("core.noop")
    assert server.engine.execution(execution["id"]).id == execution["id"]


def test_an_unknown_action_is_a_wrong_request(server: Running) -> None:
    answer = server.post("/executions", {"action": "probe.sya", "parameters": {}})
    assert answer.status_code == 400
    assert answer.json()["faultstring"] == 'Action "probe.sya" cannot be found. Did you mean probe.say?'


def test_an_unavailable_action_says_why(server: Running) -> None:
    text = server.post("/executions", {"action": "probe.broken"}).json()["faultstring"]
    assert "broken.yaml" in text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "'action' is a required property"),
        ({"action": 5}, "'action' is a required property"),
        ({"action": "core.noop", "parameters": []}, "'parameters' must be an object."),
        ({"action": "core.noop", "delay": -1}, "'delay' must be a whole number"),
        ({"action": "core.noop", "delay": True}, "'delay' must be a whole number"),
        (
            {"action": "core.noop", "parameters": {"x": 1}},
            "Additional properties are not allowed ('x' was unexpected)",
        ),
        ({"action": "probe.say", "parameters": {}}, "'text' is a required property"),
        ({"action": "probe.idle"}, 'Unable to execute. Action "probe.idle" is disabled.'),
    ],
)
def test_a_wrong_request_is_refused(server: Running, body: dict[str, Any], text: str) -> None:
    answer = server.post("/executions", body)
    assert answer.status_code == 400
    assert text in answer.json()["faultstring"]


def test_template_text_from_a_caller_stays_text(server: Running) -> None:
    assert server.run("probe.say", text="{{ 7 * 7 }}")["result"]["stdout"] == "{{ 7 * 7 }}"


def test_a_secret_parameter_is_never_shown(server: Running) -> None:
    execution = server.run("probe.say", text="x", password="hunter-9f3")
    assert execution["parameters"]["password"] == "********"
    assert "hunter-9f3" not in server.get(f"/executions/{execution['id']}").text
    assert "hunter-9f3" not in server.get(f"/executions/{execution['id']}?show_secrets=true").text


def test_a_delayed_execution_is_answered_at_once(server: Running) -> None:
    started = time.monotonic()
    answer = server.post("/executions", {"action": "core.noop", "delay": 3_600_000})
    assert time.monotonic() - started < 60
    assert answer.json()["delay"] == 3_600_000
    assert answer.json()["status"] in ("requested", "delayed")
    assert server.ask("DELETE", f"/executions/{answer.json()['id']}").json()["status"] == "canceled"


def test_the_trace_context_is_kept(server: Running) -> None:
    body = {"action": "core.noop", "context": {"trace_context": {"trace_tag": "t-1"}, "user": "root"}}
    execution = server.post("/executions", body).json()
    assert execution["context"]["trace_context"] == {"trace_tag": "t-1"}
    assert execution["context"]["user"] == "admin"


def test_who_is_told_of_the_end_is_shown_and_kept(server: Running) -> None:
    notify = {"on-complete": {"routes": ["pager"], "message": "{{ 7 * 7 }}"}}
    execution = server.post("/executions", {"action": "core.noop", "notify": notify}).json()
    assert execution["liveaction"]["notify"] == notify
    assert "notify" not in execution["context"]


def test_a_wrong_notify_section_is_refused(server: Running) -> None:
    answer = server.post("/executions", {"action": "core.noop", "notify": {"on-complete": {"route": "x"}}})
    assert answer.status_code == 400
    assert "notify.on-complete.route" in answer.json()["faultstring"]


def test_one_execution_is_found_by_id_by_its_end_and_as_last(server: Running) -> None:
    made = server.run("core.noop")["id"]
    for name in (made, made[-8:], "last"):
        assert server.get(f"/executions/{name}").json()["id"] == made


def test_an_unknown_execution_is_404(server: Running) -> None:
    assert server.get("/executions/000000000000000000000000").status_code == 404


def test_waiting_answers_at_the_end(server: Running) -> None:
    execution = server.post("/executions", {"action": "core.noop", "delay": 800}).json()
    started = time.monotonic()
    ended = server.get(f"/executions/{execution['id']}?wait=60").json()
    assert ended["status"] == "succeeded"
    assert time.monotonic() - started < 50


def test_waiting_ends_in_time(server: Running) -> None:
    execution = server.post("/executions", {"action": "core.noop", "delay": 3_600_000}).json()
    assert server.get(f"/executions/{execution['id']}?wait=1").json()["status"] in ("requested", "delayed")
    server.ask("DELETE", f"/executions/{execution['id']}")


def test_the_list_is_newest_first_and_counted(server: Running) -> None:
    ids = [server.run("probe.fail")["id"] for _ in range(3)]
    answer = server.get("/executions?action=probe.fail&limit=2")
    assert [one["id"] for one in answer.json()] == [ids[2], ids[1]]
    assert answer.headers["X-Limit"] == "2"
    assert int(answer.headers["X-Total-Count"]) >= 3


def test_the_list_can_be_turned_round(server: Running) -> None:
    server.run("core.noop")
    for query in ("sort_asc=True", "sort=start_timestamp", "sort=%2Bstart_timestamp"):
        stamps = [one["start_timestamp"] for one in server.get(f"/executions?{query}&limit=5").json()]
        assert stamps == sorted(stamps)


def test_all_of_a_list_has_no_limit_header(server: Running) -> None:
    answer = server.get("/executions?limit=-1&include_attributes=id")
    assert "X-Limit" not in answer.headers
    assert len(answer.json()) == int(answer.headers["X-Total-Count"])


@pytest.mark.parametrize("limit", ["0", "-2"])
def test_a_limit_that_means_nothing_is_refused(server: Running, limit: str) -> None:
    assert server.get(f"/executions?limit={limit}").status_code == 400


def test_the_filters_of_stackstorm_filter(server: Running) -> None:
    failed = server.run("probe.fail")["id"]
    for query in (
        "status=failed",
        "action=probe.fail&user=admin",
        "runner=local-shell-cmd&parent=null",
        f"id={failed},000000000000000000000000",
        "timestamp_gt=2020-01-01T00:00:00Z&status=failed",
        "timestamp=2020-01-01T00:00:00Z..2100-01-01T00:00:00.000Z&status=failed",
        "filter=status:failed%20action.ref:probe.fail",
    ):
        assert server.get(f"/executions?{query}&limit=1").json()[0]["id"] == failed, query
    for query in ("status=paused", "user=nobody", "timestamp_lt=2020-01-01T00:00:00Z", "rule=x", "trigger=y"):
        assert server.get(f"/executions?{query}").json() == [], query


@pytest.mark.parametrize(
    "query", ["timestamp_gt=yesterday", "filter=status", "timestamp=2020", "sort_asc=maybe"]
)
def test_a_filter_that_cannot_be_read_is_refused(server: Running, query: str) -> None:
    assert server.get(f"/executions?{query}").status_code == 400


def test_attributes_are_chosen_by_dotted_paths(server: Running) -> None:
    made = server.run("core.noop")["id"]
    query = "include_attributes=action.ref,context.user,status,status,nonsense.x"
    for found in (
        server.get(f"/executions/{made}?{query}").json(),
        server.get(f"/executions?id={made}&{query}").json()[0],
    ):
        assert found == {
            "id": made,
            "action": {"ref": "core.noop"},
            "context": {"user": "admin"},
            "status": "succeeded",
        }


def test_the_result_can_be_left_out(server: Running) -> None:
    made = server.run("probe.fail")["id"]
    assert "result" not in server.get(f"/executions/{made}?exclude_attributes=result").json()
    assert "result" not in server.get(f"/executions?id={made}&exclude_attributes=result").json()[0]
    assert "result" not in server.get(f"/executions/{made}?max_result_size=1").json()
    assert server.get("/executions?exclude_attributes=log").status_code == 400


def test_including_and_excluding_together_is_refused(server: Running) -> None:
    answer = server.get("/executions?include_attributes=id&exclude_attributes=result")
    assert "mutually exclusive" in answer.json()["faultstring"]


def test_result_and_attributes_stand_alone(server: Running) -> None:
    made = server.run("probe.say", text="alone")["id"]
    assert server.get(f"/executions/{made}/result").json()["stdout"] == "alone"
    assert server.get(f"/executions/{made}/attribute/status").json() == "succeeded"
    assert server.get(f"/executions/{made}/attribute/context").status_code == 400
    zipped = server.get(f"/executions/{made}/result?download=1&compress=1&pretty_format=1", stream=True)
    assert zipped.headers["Content-Disposition"].startswith("attachment")
    assert json.loads(gzip.decompress(zipped.raw.read()))["stdout"] == "alone"


def test_output_is_plain_text(server: Running) -> None:
    made = server.run("probe.fail")["id"]
    answer = server.get(f"/executions/{made}/output")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.text == "wrong\n"
    assert server.get(f"/executions/{made}/output?output_type=stdout").text == ""
    assert server.get(f"/executions/{made}/output?output_type=sound").status_code == 400
    assert server.get("/executions/last/output").status_code == 200


def test_cancelling_stops_the_action(server: Running) -> None:
    made = server.start("probe.slow", seconds=30)["id"]
    assert server.ask("DELETE", f"/executions/{made}").json()["status"] in ("canceling", "canceled")
    ended = server.get(f"/executions/{made}?wait=60").json()
    assert ended["status"] == "canceled"
    assert ended["context"]["cancelled_by"] == "admin"


def test_cancelling_what_is_over_is_answered_with_the_reason(server: Running) -> None:
    made = server.run("core.noop")["id"]
    answer = server.ask("DELETE", f"/executions/{made}")
    assert answer.status_code == 200
    assert answer.json() == {"faultstring": "Action cannot be canceled. State = succeeded."}


def test_a_finished_execution_cannot_be_changed(server: Running) -> None:
    made = server.run("core.noop")["id"]
    answer = server.ask("PUT", f"/executions/{made}", json={"status": "pausing"})
    assert (answer.status_code, answer.json()["faultstring"]) == (
        400,
        "Execution is already in completed state.",
    )


def test_putting_canceling_cancels_and_pausing_is_refused(server: Running) -> None:
    made = server.start("probe.slow", seconds=30)["id"]
    for wanted in ("pausing", "resuming", "succeeded"):
        assert server.ask("PUT", f"/executions/{made}", json={"status": wanted}).status_code == 400
    assert server.ask("PUT", f"/executions/{made}", json={"status": "canceling"}).status_code == 200
    assert server.get(f"/executions/{made}?wait=60").json()["status"] == "canceled"


def test_a_rerun_takes_the_old_parameters_and_the_new_ones(server: Running) -> None:
    first = server.run("probe.say", text="one", times=2)["id"]
    answer = server.post(
        f"/executions/{first}/re_run", {"parameters": {"text": "two"}, "tasks": None, "delay": 0}
    )
    assert answer.status_code == 201
    again = server.ended(answer.json())
    assert again["parameters"] == {"text": "two", "times": 2}
    assert again["context"]["re-run"]["ref"] == first


def test_a_rerun_without_merging_needs_all_parameters(server: Running) -> None:
    first = server.run("probe.say", text="one")["id"]
    assert server.post(f"/executions/{first}/re_run?no_merge=true", {}).status_code == 400
    assert server.post(f"/executions/{first}/re_run", {"tasks": ["t1"]}).status_code == 400


def test_an_execution_without_children_has_none(server: Running) -> None:
    made = server.run("core.noop")["id"]
    assert server.get(f"/executions/{made}/children/?depth=-1").json() == []
    assert server.get(f"/executions/{made}/children?depth=0").status_code == 400


def test_many_callers_at_once_are_all_answered(server: Running) -> None:
    seen: list[str] = []

    def ask() -> None:
        with requests.Session() as session:
            for _ in range(5):
                answer = session.post(
                    f"{server.url}/api/v1/executions",
                    json={"action": "core.noop"},
                    headers={"St2-Api-Key": server.key},
                    timeout=20,
                )
                assert answer.status_code == 201
                seen.append(answer.json()["id"])

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(seen)) == 50
