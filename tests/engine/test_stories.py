"""A story is found by what a person has at hand, on each kind of database."""

from collections.abc import Callable

import pytest
from sqlalchemy import Connection

from engine.errors import NotFound
from engine.records.chat import NewChatMessage
from engine.records.comforts import Footprint
from engine.records.execution import Execution, ExecutionRequest
from engine.records.outbox import NewOutgoing
from engine.records.trigger import Event
from engine.service import Engine
from engine.store import chat, comforts, outbox
from tests.engine.world import wait_until

CHAT = {"adapter": "slack", "channel": "C1", "thread": "17.1", "message": "17.1", "command": "do it"}


@pytest.fixture
def engine(engine_of_each_kind: Engine) -> Engine:
    return engine_of_each_kind


def asked(engine: Engine) -> Execution:
    """By a message in Slack; its answer is on its way there."""
    request = ExecutionRequest(action="probe.nothing", user="ann", context={"chat": CHAT})
    execution = engine.wait(engine.request(request).id, timeout_s=60)
    said = NewChatMessage(id="17.1", adapter="slack", channel="C1", thread_id=None, author="U1", is_bot=False,
                          body={"text": "do it", "name": "Ann"}, delivery_key="slack:17.1")  # fmt: skip
    answer = NewOutgoing(id="a" * 24, adapter="slack", key=f"execution:{execution.id}", channel="C1",
                         thread_id="17.1", reply_to=None, only_for="", body={}, may_replace=True)  # fmt: skip
    footprint = Footprint(
        adapter="slack", channel="C1", thread="17.1", person="ann", execution_id=execution.id
    )
    write(engine, lambda connection: chat.add(connection, said, is_shown=False))
    write(engine, lambda connection: outbox.put(connection, answer))
    write(engine, lambda connection: comforts.leave(connection, footprint))
    return execution


def write(engine: Engine, work: Callable[[Connection], object]) -> None:
    engine.database.write(work)


def last_words(engine: Engine, wanted: str) -> str:
    return engine.stories.get(wanted).steps[-1].text


def test_a_message_and_its_answer_tell_the_same_and_how_the_answer_fared(engine: Engine) -> None:
    execution = asked(engine)
    story = engine.stories.get("17.1")
    assert sorted(step.what for step in story.steps) == ["begun", "ended", "posted", "said"]
    assert story.traces == (execution.id,)
    assert last_words(engine, "17.1") == "the answer waits to be sent to slack C1"
    write(engine, lambda connection: outbox.refused(connection, "a" * 24, version=1, error="is_archived"))
    assert last_words(engine, execution.id) == "slack C1 refused the answer: is_archived"
    write(engine, lambda connection: outbox.sent(connection, "a" * 24, version=1, message_id="17.2"))
    for wanted in ("17.2", "a" * 24, execution.id[-6:], "last"):
        assert last_words(engine, wanted) == "answered in slack C1"


def test_a_word_in_the_thread_of_ours_leads_to_what_is_spoken_of_there(engine: Engine) -> None:
    execution = asked(engine)
    word = NewChatMessage(id="17.9", adapter="slack", channel="C1", thread_id="17.1", author="U2",
                          is_bot=False, body={"text": "thanks"}, delivery_key="slack:17.9")  # fmt: skip
    write(engine, lambda connection: chat.add(connection, word, is_shown=False))
    assert engine.stories.get("17.9").traces == (execution.id,)


def test_the_last_of_nothing_is_told_in_these_words(engine: Engine) -> None:
    with pytest.raises(NotFound, match="Nothing has run here yet"):
        engine.stories.get("last")


def test_an_event_is_found_by_its_tag_and_nothing_by_a_word_that_nothing_has(engine: Engine) -> None:
    emitted = engine.emit(Event(trigger="core.st2.webhook", parameters={"url": "x"},
                                payload={"headers": {}, "body": {}}, trace_tag="night-7"))  # fmt: skip
    assert engine.stories.get("night-7").traces == (emitted.instance.id,)
    with pytest.raises(NotFound, match="no chat message or answer that led to one"):
        engine.stories.get("18.1")


def test_an_end_that_no_rule_follows_is_no_event_of_the_story_and_one_that_does_says_of_what(
    engine: Engine,
) -> None:
    rule = {
        "name": "after",
        "pack": "probe",
        "enabled": True,
        "trigger": {"type": "core.st2.generic.actiontrigger", "parameters": {}},
        "criteria": {"trigger.action_name": {"type": "eq", "pattern": "probe.sh"}},
        "action": {"ref": "probe.nothing"},
    }
    engine.stored.put("rule", rule, user="ann")
    first = engine.request(ExecutionRequest(action="probe.sh", parameters={"cmd": "true"}, user="ann"))

    def is_told() -> bool:
        steps = engine.stories.get(first.id).steps
        return any(step.what == "ended" and "probe.nothing" in step.text for step in steps)

    wait_until(is_told)
    events = [step.text for step in engine.stories.get(first.id).steps if step.what == "event"]
    assert events == ["event core.st2.generic.actiontrigger (probe.sh succeeded) from engine"]
