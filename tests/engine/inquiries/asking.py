"""Questions for tests: raised, answered by people, and made older."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, text

from engine.records.execution import Execution
from engine.records.inquiry import Answerer, Inquiry
from engine.records.journal import JournalEntry
from engine.service import Engine
from engine.store import journal
from tests.engine import world
from tests.engine.world import wait_until

YES, NO = {"continue": True}, {"continue": False}


def ask(engine: Engine, *, user: str = "alice", action: str = "core.ask", **parameters: Any) -> Inquiry:
    """The inquiry, when it waits. Parameters that begin with x- are written x_ here."""
    given = {name.replace("x_", "x-"): value for name, value in parameters.items()}
    execution = world.request(engine, action, user=user, **given)
    wait_until(lambda: engine.execution(execution.id).status not in ("requested", "scheduled", "running"))
    return engine.inquiries.get(execution.id)


def refused(engine: Engine, **parameters: Any) -> str:
    """Why these parameters ask nobody."""
    given = {name.replace("x_", "x-"): value for name, value in parameters.items()}
    execution = world.run(engine, "core.ask", **given)
    assert execution.status == "failed"
    return str(execution.result["error"])


def by(user: str, **more: Any) -> Answerer:
    return Answerer(user=user, **more)


def ended(engine: Engine, inquiry: Inquiry) -> Execution:
    return engine.wait(inquiry.id, timeout_s=60)


def entries(engine: Engine, inquiry: Inquiry) -> list[JournalEntry]:
    with engine.database.read() as connection:
        found = journal.entries_after(connection, 0, limit=10_000)
    return [one for one in found if one.subject == inquiry.id and one.kind.startswith("inquiry.")]


def changes(engine: Engine, inquiry: Inquiry) -> list[str]:
    return [entry.data["change"] for entry in entries(engine, inquiry)]


def age(engine: Engine, inquiry: Inquiry, *, minutes: int) -> None:
    """As if it had been asked so much earlier; the clock is woken."""
    shift = minutes * 60_000_000

    def work(connection: Connection) -> None:
        connection.execute(
            text(
                "UPDATE inquiry SET raised_at = raised_at - :shift, level_at = level_at - :shift,"
                " deadline_at = deadline_at - :shift, wake_at = wake_at - :shift WHERE id = :id"
            ),
            {"shift": shift, "id": inquiry.id},
        )
        journal.mention(connection, "inquiry.changed", inquiry.id, {})

    engine.database.write(work)


def minutes_left(inquiry: Inquiry) -> int:
    assert inquiry.deadline_at is not None
    return round((inquiry.deadline_at - inquiry.level_at) / timedelta(minutes=1))
