"""What chats, alerts, pipelines and the like leave behind goes when it is old, and never what is needed."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, update

from engine.clock import utcnow
from engine.errors import BadInput
from engine.records.alert import Alert, AlertRow, AlertStatus, Episode
from engine.records.audit import AuditFilter
from engine.records.callback import CallbackAttemptRow, CallbackRow
from engine.records.chat import ChatMessageRow, NewChatMessage, NoticePosting, Posting
from engine.records.deliveries import Delivery, DeliveryRow
from engine.records.execution import Execution, ExecutionRequest, ExecutionRow
from engine.records.inquiry import InquiryRow
from engine.records.outbox import NewOutgoing, OutgoingRow
from engine.records.pipeline import PipelineRow
from engine.records.schedule import Schedule, ScheduleRow
from engine.retention import Retention
from engine.service import Engine
from engine.settings.retention import RetentionSettings
from engine.store import alerts, audit, chat, deliveries, outbox, schedules
from engine.store.database import Database

LATER = timedelta(days=30)
SETTINGS = RetentionSettings(
    output_days=0, messages_days=1, alerts_days=1, pipelines_days=1, callbacks_days=1, schedules_days=1
)


def sweep(database: Database, *, after: timedelta = LATER) -> Mapping[str, int]:
    return Retention(database, SETTINGS, readers=list).sweep(now=utcnow() + after)


def column(database: Database, row: Any, name: str) -> list[Any]:
    """Of all rows that are left, in order."""
    with database.read() as connection:
        return sorted(connection.execute(select(row.__table__.c[name])).scalars())


def put(database: Database, row: Any, **values: Any) -> None:
    database.write(lambda connection: connection.execute(insert(row.__table__), values))


def change(database: Database, row: Any, **values: Any) -> None:
    database.write(lambda connection: connection.execute(update(row.__table__).values(**values)))


def say(database: Database, message_id: str, *, thread: str | None = None) -> None:
    new = NewChatMessage(
        id=message_id,
        adapter="web",
        channel="ops",
        thread_id=thread,
        author="ann",
        is_bot=False,
        body={"text": "hi"},
        delivery_key=f"web:{message_id}",
    )
    database.write(lambda connection: chat.add(connection, new, is_shown=False))


def send(database: Database, outgoing_id: str, *, thread: str | None = None, is_sent: bool = True) -> None:
    new = NewOutgoing(
        id=outgoing_id,
        adapter="slack",
        key=f"key-{outgoing_id}",
        channel="C1",
        thread_id=thread,
        reply_to=None,
        only_for="",
        body={},
        may_replace=True,
    )

    def work(connection: Connection) -> None:
        audit.open_acts(connection)
        outbox.put(connection, new)
        if is_sent:
            outbox.sent(connection, outgoing_id, version=1, message_id=f"ts-{outgoing_id}")

    database.write(work)


def stands(database: Database, key: str, message_id: str, *, generation: str = "") -> None:
    """A notice of this key in the chat."""
    posting = NoticePosting(
        adapter="slack", key=key, generation=generation, channel="C1", thread_id=None, message_id=message_id
    )
    database.write(lambda connection: chat.keep_notice(connection, posting))


def alert(database: Database, alert_id: str, status: AlertStatus, *, digest: str = "") -> None:
    now = utcnow()
    episode = Episode(
        id=alert_id,
        alert=Alert(source="probe", fingerprint=alert_id, title="disk"),
        status=status,
        channel="ops",
        digest=digest,
        first_seen_at=now,
        last_seen_at=now,
        resolved_at=now if status is AlertStatus.RESOLVED else None,
    )
    database.write(lambda connection: alerts.add(connection, episode))


def test_old_threads_go_and_what_is_young_stays(database: Database) -> None:
    say(database, "root")
    say(database, "answer", thread="root")
    say(database, "newest")
    assert sweep(database, after=timedelta(days=6)) == {}
    # The newest stays: its number must not be given twice.
    assert sweep(database) == {"messages": 2}
    assert column(database, ChatMessageRow, "id") == ["newest"]


def test_what_waits_to_be_sent_stays_with_the_message_that_it_answers(database: Database) -> None:
    for outgoing_id in ("old", "root"):
        send(database, outgoing_id)
    send(database, "waits", thread="root", is_sent=False)
    send(database, "newest")
    assert sweep(database) == {"messages": 1}
    assert column(database, OutgoingRow, "id") == ["newest", "root", "waits"]


def test_the_message_of_a_running_execution_stays_until_it_has_ended(database: Database) -> None:
    for outgoing_id in ("shown", "newest"):
        send(database, outgoing_id)
    posting = Posting(
        adapter="slack", execution_id="e1", channel="C1", thread_id=None, message_id="shown", status="running"
    )
    database.write(lambda connection: chat.keep_posting(connection, posting))
    assert sweep(database) == {}
    database.write(lambda connection: chat.close_posting(connection, "slack", "e1", "succeeded"))
    assert sweep(database) == {"messages": 1}


def test_the_message_of_an_open_alert_or_question_stays_until_it_is_over(database: Database) -> None:
    question = "b" * 24
    for outgoing_id in ("alert", "question", "newest"):
        send(database, outgoing_id)
    alert(database, "a1", AlertStatus.FIRING)
    now = utcnow()
    put(database, InquiryRow, id=question, action="core.ask", state="pending", version=0, raised_at=now,
        level=0, level_at=now, reminders=0, asked=b"{}")  # fmt: skip
    stands(database, "alert:abc", "alert", generation="a1")
    stands(database, f"inquiry:{question}:0", "question")
    assert sweep(database) == {}
    change(database, InquiryRow, state="answered")
    # The message and the note of where it stands.
    assert sweep(database) == {"messages": 2}
    assert column(database, OutgoingRow, "id") == ["alert", "newest"]
    change(database, AlertRow, status=AlertStatus.RESOLVED.value, resolved_at=now)
    assert sweep(database) == {"messages": 2, "alerts": 1}


def test_resolved_alerts_go_and_those_of_a_storm_together(database: Database) -> None:
    alert(database, "a1", AlertStatus.RESOLVED)
    alert(database, "a2", AlertStatus.FIRING)
    alert(database, "a3", AlertStatus.RESOLVED, digest="storm")
    alert(database, "a4", AlertStatus.FIRING, digest="storm")
    assert sweep(database) == {"alerts": 1}
    assert column(database, AlertRow, "id") == ["a2", "a3", "a4"]
    change(database, AlertRow, status=AlertStatus.RESOLVED.value, resolved_at=utcnow())
    assert sweep(database) == {"alerts": 3}


def test_a_pipeline_that_runs_stays(database: Database) -> None:
    for pipeline_id, state in (("p1", "running"), ("p2", "failed")):
        put(database, PipelineRow, id=pipeline_id, adapter="web", state=state, version=0, position=0,
            plan=b"", stages=b"[]", error="", hint="", made_at=utcnow(),
            ended_at=None if state == "running" else utcnow())  # fmt: skip
    assert sweep(database) == {"pipelines": 1}
    assert column(database, PipelineRow, "id") == ["p1"]


def test_deliveries_go_after_a_week_when_they_were_handled(database: Database) -> None:
    for key in ("done", "open"):
        made = Delivery(key=key, lane="C1", kind="message", body={})
        seq = database.write(lambda connection, made=made: deliveries.add(connection, "slack", made, b"x"))  # type: ignore[misc]
        if key == "done":
            database.write(lambda connection, seq=seq: deliveries.handled(connection, seq))  # type: ignore[misc]
    assert sweep(database, after=timedelta(days=6)) == {}
    assert sweep(database) == {"deliveries": 1}
    assert column(database, DeliveryRow, "key") == ["open"]


def called(engine: Engine, state: str) -> Execution:
    """An execution that has ended, with a callback in this state that was tried once."""
    done = engine.request(ExecutionRequest(action="probe.nothing", user="ann"))
    engine.wait(done.id, timeout_s=60)
    ended = utcnow() if state == "delivered" else None
    put(engine.database, CallbackRow, id=f"c-{state}", execution_id=done.id, url=b"", place="x",
        key_scope="system", key_user="", key_name="k", state=state, attempts=1, made_at=utcnow(),
        due_at=utcnow() + timedelta(days=60), ended_at=ended)  # fmt: skip
    put(engine.database, CallbackAttemptRow, callback_id=f"c-{state}", number=1, at=utcnow(), error="",
        took_ms=1)  # fmt: skip
    return done


def test_a_callback_that_is_due_stays_with_its_execution(engine_of_each_kind: Engine) -> None:
    engine = engine_of_each_kind
    due, _ = called(engine, "due"), called(engine, "delivered")
    assert sweep(engine.database)["callbacks"] == 1
    assert column(engine.database, CallbackAttemptRow, "callback_id") == ["c-due"]
    called(engine, "delivered")
    settings = RetentionSettings(output_days=0, executions_days=1)
    Retention(engine.database, settings, readers=list).sweep(now=utcnow() + LATER)
    assert column(engine.database, ExecutionRow, "id") == [due.id]
    assert column(engine.database, CallbackRow, "id") == ["c-due"]
    assert column(engine.database, CallbackAttemptRow, "callback_id") == ["c-due"]


def test_a_person_may_have_messages_purged_that_no_chat_delivers_again(engine: Engine) -> None:
    for message_id in ("one", "newest"):
        say(engine.database, message_id)
    with pytest.raises(BadInput, match="the last 7 days cannot be purged"):
        engine.retention.purge("messages", before=utcnow())
    change(engine.database, ChatMessageRow, created_at=utcnow() - LATER)
    before = utcnow() - timedelta(days=8)
    assert engine.retention.count("messages", before=before) == 1
    assert engine.retention.purge("messages", before=before).count == 1
    assert engine.audit.page(AuditFilter(kinds=("history.purged",)))[0][0].object == "messages"


def test_schedules_that_are_over_go_and_the_newest_stays_so_that_no_number_comes_twice(
    database: Database,
) -> None:
    made = Schedule(user="ann", text="every hour", zone="UTC", action="core.noop", created_at=utcnow())

    def ended(connection: Connection) -> int:
        number = schedules.add(connection, made)
        schedules.end(connection, number, at=utcnow(), outcome="cancelled", by="ann")
        return number

    first, second = database.write(ended), database.write(ended)
    active = database.write(lambda connection: schedules.add(connection, made))
    newest = database.write(ended)
    assert sweep(database, after=timedelta(days=3)) == {}
    assert sweep(database) == {"schedules": 2}
    assert column(database, ScheduleRow, "number") == [active, newest]
    assert first < second < active < newest < database.write(ended)
