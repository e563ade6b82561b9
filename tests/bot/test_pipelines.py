"""Pipelines of commands: each stage an execution, what it gives goes into the next."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.chat import Author, Message
from engine.records.execution import ExecutionFilter
from tests.bot.comforting import add_site, ledger
from tests.bot.conftest import House, make_settings, text_of
from tests.bot.elsewhere import Desk, Elsewhere
from tests.engine.rights.site import write_rights


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("pipelines")
    settings = make_settings(folder)
    add_site(folder)
    (folder / "aliases" / "own.yaml").write_text(
        "{name: own, action_ref: site.restart, formats: ['either {{hosts}} | or {{why}}']}", encoding="utf-8"
    )
    made = House(settings)
    try:
        yield made
    finally:
        made.stop()


def run(house: House, text: str, **more: Any) -> dict[str, Any]:
    """The answer to a pipeline, when it is over."""
    body = house.ask(text, **more)
    assert body["action"] == "pipeline", body
    return body


def stages(body: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(command, status, note) of each."""
    (tree,) = [piece for piece in body["pieces"] if piece["kind"] == "tree"]
    return [(one["name"], one.get("status", ""), one.get("note", "")) for one in tree["branches"]]


def done(house: House) -> list[str]:
    return [line.strip() for line in ledger(house.engine.settings.root)]


def test_what_a_stage_gives_goes_into_the_next(house: House) -> None:
    body = run(house, "hosts in prod | grep web | restart")
    assert body["status"] == "succeeded"
    assert stages(body) == [
        ("hosts in prod", "succeeded", "3 items"),
        ("grep web", "succeeded", "2 items"),
        ("restart", "succeeded", "1 item"),
    ]
    newest = house.engine.execution("last")
    assert newest.action == "site.restart"
    assert newest.parameters["hosts"] == ["web1.prod", "web2.prod"]
    assert newest.user == "admin"
    assert newest.context["pipeline"]["stage"] == 2
    assert "noted" in text_of(body)


def test_a_filter_may_be_the_last(house: House) -> None:
    assert "2" in text_of(run(house, "hosts in prod | grep web | count"))
    body = run(house, "hosts in prod | sort cpu desc | first 2 | field name")
    assert "web1.prod\ndb1.prod" in text_of(body)
    table = run(house, "hosts in prod | sort cpu")
    assert [piece["columns"] for piece in table["pieces"] if piece["kind"] == "table"] == [["name", "cpu"]]


def test_where_nothing_is_left_nothing_more_runs(house: House) -> None:
    before = done(house)
    body = run(house, "hosts in prod | grep nowhere | restart")
    assert body["status"] == "succeeded"
    assert stages(body)[2] == ("restart", "left out", "not started: nothing was left")
    assert done(house) == before


def test_a_stage_that_fails_ends_it_and_says_what_to_do(house: House) -> None:
    before = done(house)
    body = run(house, "broken | grep web | restart")
    assert body["status"] == "failed"
    assert [status for _, status, _ in stages(body)] == ["failed", "left out", "left out"]
    assert "it broke" in text_of(body)
    assert "Nothing after it has run." in text_of(body)
    assert "rerun " in text_of(body)
    assert done(house) == before


def test_what_a_parameter_cannot_take_ends_it(house: House) -> None:
    body = run(house, "hosts in prod | deploy stage=prod version=1.42.0")
    assert body["status"] == "failed"
    assert "service takes one value, and 3 come." in text_of(body)
    assert "| first" in text_of(body)
    body = run(house, "hosts in prod | first | deploy stage=prod version=1.42.0")
    assert body["status"] == "succeeded"
    assert house.engine.execution("last").parameters["service"] == "web1.prod"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hosts in prod | xyzzy | restart", "I know no stage 'xyzzy'."),
        ("hosts in prod | resart", "I know no stage 'resart'."),
        ("hosts in prod | gerp web", "I know no stage 'gerp web'."),
        ("hosts in prod | true", "takes nothing from a pipe"),
        ("hosts in prod | deploy", "needs also: version, stage"),
        (" | ".join(["hosts in prod", *["count"] * 10]), "10 stages at most"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_runs(house: House, text: str, said: str) -> None:
    before = house.engine.executions(ExecutionFilter())[1]
    assert said in text_of(house.ask(text))
    assert house.engine.executions(ExecutionFilter())[1] == before


def test_a_pipe_that_is_text_is_none(house: House) -> None:
    # In quotes, in the format's own words, on the command line of a shell, and without white space.
    house.ask("restart 'web1 | web2'")
    assert house.engine.execution("last").parameters["hosts"] == ["web1 | web2"]
    house.ask("either this | or that")
    assert house.engine.execution("last").context["action_alias_ref"]["name"] == "own"
    assert "2" in text_of(house.ask("echo seq 2 | tail -n 1"))
    assert house.engine.execution("last").parameters["cmd"] == "seq 2 | tail -n 1"
    # Where an alias takes all of it, and nothing in it is even like a stage.
    house.ask("hosts in {{ st2kv.system.word | decrypt_kv }}")
    assert house.engine.execution("last").parameters["stage"] == "{{ st2kv.system.word | decrypt_kv }}"
    house.ask("restart a|b")
    assert house.engine.execution("last").parameters["hosts"] == ["a|b"]


def test_the_thread_knows_its_stages(house: House) -> None:
    message_id = house.say("hosts in prod | restart")
    house.wait_for(lambda: any(one["body"].get("status") == "succeeded" for one in house.answers(message_id)))
    assert "site.restart" in text_of(house.ask("status", thread=message_id))


def test_the_same_delivery_is_one_pipeline(house: House) -> None:
    before = len(done(house))
    for _ in range(3):
        house.say("hosts in staging | first | restart", key="one-pipeline")
    house.wait_for(lambda: len(done(house)) > before)
    run(house, "hosts in staging | count")
    assert len(done(house)) == before + 1


def test_what_comes_through_is_data(house: House) -> None:
    run(house, "hosts in '{{ 6 * 7 }} $(id)' | first | restart")
    assert house.engine.execution("last").parameters["hosts"] == ["web1.{{ 6 * 7 }} $(id)"]


def test_secrets_in_a_pipeline_are_not_kept(house: House) -> None:
    run(house, "hosts in prod | first | deploy stage=prod version=1.42.0 token=s3cr3t-piped")
    house.ask("deploy token='s3cr3t | quoted' | restrat")
    house.ask("hosts in prod | deploy token=s3cr3t-refused")
    assert [one["body"] for one in house.messages() if "s3cr3t" in str(one)] == []


def test_cancelling_a_stage_ends_the_pipeline(house: House) -> None:
    before = done(house)
    message_id = house.say("slow | restart")
    house.wait_for(lambda: bool(house.answers(message_id)))
    house.ask("cancel", thread=message_id)
    house.wait_for(lambda: house.answers(message_id)[0]["body"]["status"] == "canceled")
    assert stages(house.answers(message_id)[0]["body"])[1][1] == "left out"
    assert done(house) == before


def test_who_may_not_run_a_stage_runs_none(tmp_path: Path) -> None:
    add_site(tmp_path)
    write_rights(tmp_path, {"limits.yaml": "limits: [{actions: [site.restart], users: [somebody]}]"})
    adapter = Elsewhere()
    desk = Desk(tmp_path, adapter)
    try:
        author = Author(id="U1", name="ann", team="T", is_vouched=True)
        adapter.receive(
            Message(
                adapter="elsewhere",
                id="m1",
                channel="C",
                author=author,
                text="hosts in prod | restart",
                is_direct=True,
            )
        )
        ((_, said),) = adapter.until(1)
        assert "You may not run" in str(said.reply.pieces)
        assert desk.engine.executions(ExecutionFilter())[1] == 0
    finally:
        desk.stop()


def test_a_pipeline_elsewhere_goes_on_after_a_restart(tmp_path: Path) -> None:
    add_site(tmp_path)
    adapter = Elsewhere(edits=False)
    desk = Desk(tmp_path, adapter)
    try:
        desk.say("hosts in prod | grep web | restart")
        # Stopped somewhere in the middle, wherever that is.
        desk.restart()
        adapter.until(1, status="succeeded")
        assert [line.strip() for line in ledger(tmp_path)] == ["web1.prod,web2.prod chat"]
    finally:
        desk.stop()
