"""What was denied: a row and a journal entry each, with who, what, where and why."""

import logging
from functools import partial

from sqlalchemy import Connection

from engine.clock import utcnow
from engine.errors import EngineError, sentences
from engine.records.account import Denial
from engine.records.audit import Act
from engine.rights.place import Where
from engine.seldom import Seldom
from engine.store import audit, journal
from engine.store import denials as store
from engine.store.database import Database

log = logging.getLogger(__name__)

KIND = "right.denied"
"""In the journal; the subject is the user."""
LONGEST_TEXT = 300
# Whoever hammers at a door is written down once a minute for each thing that they want.
_AGAIN_S = 60.0


class Denials:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._seldom = Seldom(every_s=_AGAIN_S)

    def note(self, error: EngineError, *, user: str, name: str, where: Where, verb: str, what: str) -> None:
        """Written soon; nobody waits for it. `what`: without secrets."""
        denial = Denial(
            at=utcnow(),
            user=user,
            name=name,
            platform=where.platform,
            channel=where.channel,
            verb=verb,
            what=what[:LONGEST_TEXT],
            reason=sentences(error.message, error.hint)[:LONGEST_TEXT],
        )
        if self._seldom.is_new((user, str(where), verb, denial.what, denial.reason)):
            log.warning("%s was denied %s %s: %s", user, verb, denial.what, denial.reason)
            self._database.submit(partial(_write, denial))

    def page(self, *, user: str = "", offset: int = 0, limit: int | None = None) -> tuple[list[Denial], int]:
        """The newest first, and how many there are in all."""
        with self._database.read() as connection:
            return store.page(connection, user=user, offset=offset, limit=limit)


def _write(denial: Denial, connection: Connection) -> None:
    store.add(connection, denial)
    data = {
        "name": denial.name,
        "platform": denial.platform,
        "channel": denial.channel,
        "verb": denial.verb,
        "what": denial.what,
        "reason": denial.reason,
    }
    about = {name: data[name] for name in ("name", "platform", "channel", "verb") if data[name]}
    act = Act(kind=KIND, object=denial.what, user=denial.user, reason=denial.reason, details=about)
    audit.record(connection, act)
    journal.append(connection, KIND, denial.user, data, at=denial.at)
