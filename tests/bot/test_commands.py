"""From a message to what it asks for."""

from collections.abc import Callable

import pytest

from bot.adapters.web.adapter import WebAdapter
from bot.announcer import Announcer
from bot.chat import Author, Message
from bot.commands import Commands
from engine.records.execution import ExecutionFilter
from engine.records.trigger import Event
from tests.bot.conftest import House, text_of


@pytest.fixture
def commands(house: House) -> Commands:
    web = WebAdapter(house.engine)
    return Commands(house.engine, web, Announcer(house.engine, web))


@pytest.fixture
def message() -> Callable[..., Message]:
    def make(text: str, *, is_direct: bool = False) -> Message:
        author = Author(id="~ann", name="ann")
        return Message(adapter="web", id="m1", channel="ops", author=author, text=text, is_direct=is_direct)

    return make


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("!help", "help"),
        ("!  true ", "true"),
        ("@stormcrow status", "status"),
        ("@Stormcrow: status", "status"),
        ("stormcrow, help deploy", "help deploy"),
        ("@stormcrow", "help"),
        ("!say \u201chi\u201d\u00a0there", 'say "hi" there'),
        ("stormcrow is great", None),
        ("@stormcrows help", None),
        ("hello", None),
        ("!", None),
        ("wow! nice", None),
    ],
)
def test_the_prefix_or_a_mention_makes_a_command(
    commands: Commands, message: Callable[..., Message], text: str, command: str | None
) -> None:
    assert commands.command_in(message(text)) == command


def test_a_direct_message_needs_no_prefix(commands: Commands, message: Callable[..., Message]) -> None:
    assert commands.command_in(message("true", is_direct=True)) == "true"
    assert commands.command_in(message("!true", is_direct=True)) == "true"


def test_talk_between_people_is_not_answered(house: House) -> None:
    message_id = house.say("just talk", direct=False)
    assert house.answers(message_id) == []


def test_help_names_the_packs_and_our_own_commands(house: House) -> None:
    text = text_of(house.ask("help"))
    assert "cancel [id]" in text
    assert "echo <text>" in text


def test_help_with_words_explains_the_parameters(house: House) -> None:
    body = house.ask("help echo")
    text = text_of(body)
    assert "echo <text>" in text
    assert "required" in text
    assert "cmd" in text


def test_help_for_nothing_says_so(house: House) -> None:
    assert house.ask("help zzzqqq")["tone"] == "warning"


def test_an_unknown_command_gets_the_nearest_one(house: House) -> None:
    body = house.ask("ecoh hello")
    assert body["tone"] == "warning"
    assert "echo" in text_of(body)


@pytest.mark.parametrize("text", ["approve", "reject nonsense", "status of everything", "cancel it"])
def test_a_word_of_ours_that_is_said_wrongly_is_answered_with_how_it_is_said(house: House, text: str) -> None:
    body = house.ask(text)
    assert body["tone"] == "warning"
    word = text.split(maxsplit=1)[0]
    assert [row[0].split()[0] for row in body["pieces"][1]["rows"]] == [word]
    assert "Did you mean" not in text_of(body)


@pytest.mark.parametrize("word", ["status", "output", "cancel", "rerun"])
def test_an_unknown_id_is_answered_with_what_can_be_said_here(house: House, word: str) -> None:
    said = text_of(house.ask(f"{word} ffffff"))
    assert 'There is no execution "ffffff".' in said
    assert "What runs for you: status" in said
    assert "stormcrow " not in said


def test_a_command_becomes_an_execution_that_knows_where_it_came_from(house: House) -> None:
    message_id = house.say("true", name="Ann")
    house.wait_for(lambda: bool(house.answers(message_id)))
    execution = house.engine.execution("last")
    assert execution.context["source_channel"] == "ops"
    assert execution.context["api_user"] == "Ann"
    assert execution.user == "admin"
    assert execution.context["chat"]["message"] == message_id


def test_the_same_delivery_is_one_command(house: House) -> None:
    before = house.engine.executions(ExecutionFilter())[1]
    ids = {house.say("true", key="same-delivery-1") for _ in range(4)}
    assert len(ids) == 1
    (message_id,) = ids
    house.wait_for(lambda: bool(house.answers(message_id)))
    assert house.engine.executions(ExecutionFilter())[1] == before + 1
    assert len([one for one in house.messages() if one["id"] == message_id]) == 1


def test_a_delivery_key_belongs_to_its_sender(house: House) -> None:
    import requests

    mine = house.say("hello", key="shared-key-1", direct=False)
    other = requests.Session()
    other.post(f"{house.url}/chat/session", json={"name": "eve"}, timeout=30)
    body = {"channel": "ops", "text": "mine too", "delivery_key": "shared-key-1"}
    theirs = other.post(f"{house.url}/chat/messages", json=body, timeout=30).json()["id"]
    other.close()
    assert mine != theirs


def test_a_text_over_the_limit_is_refused_clearly(house: House) -> None:
    text = text_of(house.ask("echo " + "x" * 9000))
    assert "8,192" in text


def test_an_error_is_words_and_never_a_traceback(house: House) -> None:
    text = text_of(house.ask("status ffffffffffffffffffffffff"))
    assert "ffff" in text
    assert "Traceback" not in text


def test_status_shows_one_execution(house: House) -> None:
    house.ask("echo true")
    text = text_of(house.ask("status last"))
    assert "core.local" in text
    assert "succeeded" in text


def test_output_shows_what_was_cut(house: House) -> None:
    body = house.ask("echo seq 1 3000")
    assert "more lines: !output" in text_of(body)
    short = body["execution_id"][-6:]
    whole = text_of(house.ask(f"output {short}"))
    assert "\n3000" in whole


def test_cancel_really_stops_the_action(house: House) -> None:
    message_id = house.say("echo sleep 60")
    house.wait_for(lambda: bool(house.answers(message_id)))
    house.wait_for(lambda: house.engine.execution("last").status == "running")
    execution_id = house.engine.execution("last").id
    house.ask(f"cancel {execution_id[-6:]}")
    house.wait_for(lambda: house.engine.execution(execution_id).is_finished)
    house.wait_for(lambda: house.answers(message_id)[0]["body"]["status"] == "canceled")
    assert len(house.answers(message_id)) == 1


def test_rerun_answers_in_its_own_thread_with_the_words_of_the_alias(house: House) -> None:
    first = house.ask("echo echo again")
    again = house.ask(f"rerun {first['execution_id'][-6:]}")
    assert again["execution_id"] != first["execution_id"]
    assert (again["pretext"], text_of(again)) == ("said", text_of(first))


def test_a_rerun_delivered_twice_is_one_execution(house: House) -> None:
    first = house.ask("echo echo once")
    before = house.engine.executions(ExecutionFilter())[1]
    for _ in range(3):
        house.say(f"rerun {first['execution_id'][-6:]}", key="rerun-delivery-1")
    assert house.engine.executions(ExecutionFilter())[1] == before + 1


def test_template_text_in_a_command_stays_text(house: House) -> None:
    body = house.ask("echo echo '{{ 7*7 }}' && true")
    assert "{{ 7*7 }}" in text_of(body)


def test_running_shows_only_my_own(house: House) -> None:
    assert "Nothing of yours is running." in text_of(house.ask("status"))


def test_what_a_budget_held_back_can_be_started_anyway_and_only_once(house: House) -> None:
    document = {
        "name": "tight",
        "enabled": True,
        "trigger": {"type": "core.st2.webhook", "parameters": {"url": "tight"}},
        "action": {"ref": "core.noop"},
        "x-budget": {"at_most": 1, "within": "1h", "on_exceed": "ask", "channel": "ops"},
    }
    house.engine.stored.put("rule", document, user="ann")
    event = Event(trigger="core.st2.webhook", parameters={"url": "tight"}, payload={"n": 1})
    for _ in range(2):
        emitted = house.engine.emit(event)
    command = f"anyway default.tight {emitted.instance.id}"
    assert house.ask(command)["status"] == "succeeded"
    assert "is not held back" in text_of(house.ask(command))
    (started,) = [
        one for one in house.engine.executions(ExecutionFilter())[0] if "released_by" in one.context
    ]
    assert started.context["released_by"] == started.context["chat"]["user"]
