"""Commands of which something is missing become forms."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from bot.chat import Answer, Author, BadAnswer, Place
from engine.errors import Conflict, Denied
from engine.records.execution import ExecutionFilter
from engine.rights.place import Where
from tests.bot.comforting import add_site, ledger
from tests.bot.conftest import House, make_settings, text_of
from tests.bot.elsewhere import Desk, Elsewhere


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("forms")
    settings = make_settings(folder)
    add_site(folder)
    made = House(settings)
    try:
        yield made
    finally:
        made.stop()


def form_of(house: House, text: str, **more: Any) -> dict[str, Any]:
    """The prompt that a command is answered with."""
    body = house.ask(text, **more)
    assert body.get("prompt"), body
    return dict(body["prompt"])


def send(house: House, prompt: dict[str, Any], channel: str = "ops", **values: str) -> requests.Response:
    return house.http.post(
        f"{house.url}/chat/prompts/{prompt['id']}/answers",
        json={"channel": channel, "values": values},
        timeout=30,
    )


def test_what_is_missing_is_asked_in_a_form_from_the_schema(house: House) -> None:
    body = house.ask("deploy api")
    assert "deploy api needs: version, stage." in text_of(body)
    assert "Brings a service to a version." in text_of(body)
    prompt = body["prompt"]
    by_name = {one["name"]: one for one in prompt["questions"]}
    assert list(by_name) == ["version", "stage", "replicas", "token"]
    assert by_name["version"]["is_required"]
    # Filled by an action, as the schema says.
    assert by_name["version"]["choices"] == ["1.42.0", "1.41.9"]
    assert by_name["version"]["about"] == "What to deploy"
    assert by_name["stage"]["choices"] == ["staging", "prod"]
    assert by_name["replicas"]["default"] == "2"
    assert by_name["replicas"]["type"] == "integer"
    assert by_name["token"]["is_secret"]
    assert prompt["answer_with"].startswith(
        f"answer {prompt['id'][-6:]} version=1.42.0|1.41.9 stage=staging|prod"
    )


def test_what_lists_choices_runs_where_the_person_is(house: House) -> None:
    form_of(house, "deploy placed")
    (found, *_), _ = house.engine.executions(ExecutionFilter(action="site.versions", limit=1))
    assert Where.of(house.engine.execution(found.id).context) == Where(platform="web", channel="ops")
    # Nobody waits for its end.
    assert not [one for one in house.messages() if one["body"].get("action") == "site.versions"]


def test_a_form_that_is_sent_is_the_command(house: House) -> None:
    before = len(ledger(house.engine.settings.root))
    message_id = house.say("deploy api")
    house.wait_for(lambda: bool(house.answers(message_id)))
    prompt = house.answers(message_id)[0]["body"]["prompt"]
    response = send(house, prompt, version="1.42.0", stage="prod", replicas="3", token="s3cr3t-token")
    assert response.status_code == 200, response.text
    house.wait_for(lambda: any(one["body"].get("status") == "succeeded" for one in house.answers(message_id)))
    execution = house.engine.execution("last")
    assert execution.parameters == {
        "service": "api",
        "version": "1.42.0",
        "stage": "prod",
        "replicas": 3,
        "token": "********",
    }
    assert execution.user == "admin"
    assert len(ledger(house.engine.settings.root)) == before + 1
    # The form has become what was done, without the secret.
    form = house.answers(message_id)[0]["body"]
    assert form.get("prompt") is None
    assert "ran: deploy api version=1.42.0 stage=prod replicas=3 token=********" in text_of(form)
    assert "s3cr3t-token" not in str(house.messages())


def test_it_runs_once_however_often_it_is_sent(house: House) -> None:
    prompt = form_of(house, "deploy once")
    assert send(house, prompt, version="1.41.9", stage="prod").status_code == 200
    again = send(house, prompt, version="1.42.0", stage="staging")
    assert again.status_code == 409
    assert "run already, by" in again.text
    house.wait_for(lambda: any(line.startswith("once ") for line in ledger(house.engine.settings.root)))
    assert sum(line.startswith("once ") for line in ledger(house.engine.settings.root)) == 1


def test_what_does_not_fit_is_said_at_its_field_and_nothing_runs(house: House) -> None:
    prompt = form_of(house, "deploy api")
    before = house.engine.executions(ExecutionFilter(action="site.deploy"))[1]
    response = send(house, prompt, version="9.9", stage="", replicas="12")
    assert response.status_code == 400
    problems = response.json()["problems"]
    assert problems["version"] == "Choose one of: 1.42.0, 1.41.9."
    assert problems["stage"] == "This is needed."
    assert "maximum" in problems["replicas"]
    assert send(house, prompt, nonsense="1").status_code == 400
    assert house.engine.executions(ExecutionFilter(action="site.deploy"))[1] == before


def test_the_beginning_of_a_command_is_enough(house: House) -> None:
    assert [one["name"] for one in form_of(house, "release")["questions"]][:3] == [
        "service",
        "version",
        "stage",
    ]
    prompt = form_of(house, "release shop at 1.42.0")
    assert prompt["questions"][0]["name"] == "stage"
    assert send(house, prompt, stage="staging").status_code == 200
    house.wait_for(lambda: any(line.startswith("shop ") for line in ledger(house.engine.settings.root)))
    house.wait_for(lambda: house.engine.execution("last").is_finished)
    parameters = house.engine.execution("last").parameters
    assert (parameters["service"], parameters["version"], parameters["stage"]) == (
        "shop",
        "1.42.0",
        "staging",
    )


def test_pairs_that_were_typed_are_not_asked_again(house: House) -> None:
    names = [one["name"] for one in form_of(house, "deploy api stage=prod replicas=3")["questions"]]
    assert names == ["version", "token"]


def test_it_is_answered_in_words(house: House) -> None:
    prompt = form_of(house, "deploy words")
    short = prompt["id"][-6:]

    def said(text: str) -> str:
        # For the person alone, so in their direct channel.
        message_id = house.say(text)
        house.wait_for(lambda: bool(house.answers(message_id, "@admin")))
        return text_of(house.answers(message_id, "@admin")[0]["body"])

    assert "What to deploy" in said(f"answer {short}")
    told = said(f"answer {short} version=1.42.0 stage=prod token=s3cr3t-word")
    assert "It runs: deploy words version=1.42.0 stage=prod token=********" in told
    assert "s3cr3t-word" not in str(house.messages())
    house.wait_for(lambda: any(line.startswith("words ") for line in ledger(house.engine.settings.root)))


def test_nobody_else_may_send_it(house: House) -> None:
    prompt = form_of(house, "deploy api")
    with requests.Session() as eve:
        eve.post(f"{house.url}/chat/session", json={"name": "eve"}, timeout=30)
        assert eve.get(f"{house.url}/chat/prompts/{prompt['id']}", timeout=30).status_code == 403
        body = {"channel": "ops", "values": {"version": "1.42.0", "stage": "prod"}}
        answer = eve.post(f"{house.url}/chat/prompts/{prompt['id']}/answers", json=body, timeout=30)
        assert answer.status_code == 403
        assert "Type the command yourself" in answer.text


def test_what_is_filled_in_is_data_and_no_template(house: House) -> None:
    prompt = form_of(house, "release '{{ 6 * 7 }}'")
    assert send(house, prompt, version="{{ 6 * 7 }}", stage="prod").status_code == 400
    prompt = form_of(house, "deploy '{{ 6 * 7 }}'")
    assert send(house, prompt, version="1.42.0", stage="prod", token="{{ 5 * 8 }}").status_code == 200
    house.wait_for(lambda: any("{{ 6 * 7 }}" in line for line in ledger(house.engine.settings.root)))
    assert "42)" not in "".join(ledger(house.engine.settings.root))


def test_a_secret_that_was_typed_too_early_is_not_kept(house: House) -> None:
    form_of(house, "deploy api token=s3cr3t-early")
    assert "s3cr3t-early" not in str(house.messages())


def test_a_command_without_such_a_beginning_has_no_form(house: House) -> None:
    assert house.ask("rel").get("prompt") is None
    assert house.ask("releasing something").get("prompt") is None


def test_elsewhere_it_is_for_the_one_person_and_outlives_the_server(tmp_path: Path) -> None:
    adapter = Elsewhere()
    settings_folder = tmp_path
    add_site(settings_folder)
    desk = Desk(settings_folder, adapter)
    try:
        desk.say("deploy api")
        ((_, form),) = adapter.until(1)
        assert form.only_for == "U1"
        prompt = form.reply.prompt
        assert prompt is not None
        # Killed between the question and the answer.
        desk.restart()
        ann = Author(id="U1", name="ann", team="T")
        asked = adapter.ask(prompt.id, ann)
        assert "deploy api needs: version, stage." in asked.text
        assert [one.name for one in asked.prompt.questions] == ["version", "stage", "replicas", "token"]
        values = {"version": "1.42.0", "stage": "prod"}

        def answer(author: Author, **given: str) -> Answer:
            return Answer(prompt_id=prompt.id, author=author, place=Place(channel="D1"), values=given)

        with pytest.raises(Denied):
            adapter.respond(answer(Author(id="U2", name="ann", team="T"), **values))
        with pytest.raises(BadAnswer):
            adapter.respond(answer(ann, version="1.42.0"))
        adapter.respond(answer(ann, **values))
        adapter.until(1, status="succeeded")
        with pytest.raises(Conflict):
            adapter.respond(answer(ann, **values))
        assert len(ledger(settings_folder)) == 1
    finally:
        desk.stop()


def test_what_the_format_asks_of_a_value_is_asked_in_the_form(house: House) -> None:
    prompt = form_of(house, "examples deploy api")
    environment, version = (
        next(one for one in prompt["questions"] if one["name"] == name) for name in ("environment", "version")
    )
    assert environment["choices"] == ["staging", "production"]
    assert version["default"] == "latest"
