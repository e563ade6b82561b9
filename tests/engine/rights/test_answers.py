"""Who may answer a question: whoever it names, else whoever a role lets."""

from collections.abc import Callable, Mapping

import pytest

from engine.errors import Denied
from engine.records.account import Account
from engine.service import Engine
from tests.engine.inquiries.asking import YES, ask, by, ended
from tests.engine.rights.site import ROLES

WithRights = Callable[[Mapping[str, str]], Engine]
FILES = {
    **ROLES,
    "roles/asker.yaml": """
        name: asker
        permission_grants: [{resource_uid: "action:core:ask", permission_types: [action_execute]}]
    """,
    "roles/answerer.yaml": "{name: answerer, permission_grants: [{permission_types: [inquiry_respond]}]}",
    "assignments/alice.yaml": "{username: alice, roles: [asker]}",
    "assignments/ina.yaml": "{username: ina, roles: [answerer]}",
}


def refuses(engine: Engine, inquiry_id: str, user: str) -> bool:
    with pytest.raises(Denied, match="does not have permission to respond"):
        engine.inquiries.answer(inquiry_id, YES, who=by(user))
    return engine.inquiries.get(inquiry_id).is_pending


def test_a_question_to_nobody_in_particular_takes_a_right(rights: WithRights) -> None:
    engine = rights(FILES)
    inquiry = ask(engine)
    for user in ("bob", "olga", "nobody", "~ina"):
        assert refuses(engine, inquiry.id, user)
    engine.inquiries.answer(inquiry.id, YES, who=by("ina"))
    assert ended(engine, inquiry).status == "succeeded"


def test_whoever_may_run_what_asks_may_answer_it(rights: WithRights) -> None:
    engine = rights(FILES)
    inquiry = ask(engine)
    engine.inquiries.answer(inquiry.id, YES, who=by("alice"))
    assert ended(engine, inquiry).status == "succeeded"


def test_whom_a_question_names_needs_no_role(rights: WithRights) -> None:
    engine = rights(FILES)
    inquiry = ask(engine, users=["zoe"])
    assert refuses(engine, inquiry.id, "ina")
    engine.inquiries.answer(inquiry.id, YES, who=by("zoe"))
    assert ended(engine, inquiry).status == "succeeded"


def test_a_role_of_the_files_may_be_asked(rights: WithRights) -> None:
    engine = rights(FILES)
    inquiry = ask(engine, roles=["deployer"])
    assert refuses(engine, inquiry.id, "bob")
    engine.inquiries.answer(inquiry.id, YES, who=by("slack.T1.U7"))
    assert ended(engine, inquiry).status == "succeeded"


def test_an_account_that_was_linked_by_a_code_is_the_requester(rights: WithRights) -> None:
    engine = rights({})
    engine.accounts.link(Account(platform="irc", team="net", id="al"), user="alice", by="admin")
    inquiry = ask(engine, x_separate=True)
    assert refuses(engine, inquiry.id, "irc.net.al")
    engine.accounts.unlink(Account(platform="irc", team="net", id="al"), by="admin")
    assert refuses(engine, inquiry.id, "irc.net.al")
    engine.inquiries.answer(inquiry.id, YES, who=by("bob"))
