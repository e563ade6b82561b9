"""What an auditor asks for by name or id is found in an index, however long the history is."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.records.audit import AuditFilter
from engine.store import audit, stories
from engine.store.database import Database, sqlite_url
from tests.engine.store.query_plans import plans_of

ID = "69273f00aaaabbbbccccdddd"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    made = Database(sqlite_url(Path(tmp_path_factory.mktemp("lookups"))))
    made.start()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (AuditFilter(object="core.local"), "audit_by_object"),
        (AuditFilter(request_id="r1"), "audit_by_request"),
        (AuditFilter(trace_id=ID), "audit_by_trace"),
        (AuditFilter(user="ann"), "audit_by_user"),
    ],
)
def test_acts_are_found_in_an_index(database: Database, wanted: AuditFilter, index: str) -> None:
    with database.read() as connection:
        found = plans_of(connection, lambda each: audit.page(each, wanted, limit=50))
    assert all(f"INDEX {index}" in plan for plan in found), found


def test_a_story_is_found_by_a_request_a_message_or_an_answer_without_reading_all(database: Database) -> None:
    with database.read() as connection:
        found = plans_of(connection, lambda each: stories.trace_ids(each, ID))
    assert not [plan for plan in found if "SCAN" in plan], found
    assert any("chat_outgoing_by_answer" in plan for plan in found)
    assert any("audit_by_request" in plan for plan in found)


def test_answers_are_found_by_the_chats_that_there_are(database: Database) -> None:
    with database.read() as connection:
        found = plans_of(connection, lambda each: stories.answers(each, [ID]))
    assert not [plan for plan in found if "SCAN chat_trail" in plan], found
