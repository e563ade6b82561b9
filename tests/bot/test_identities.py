"""Nobody becomes somebody else by choosing a name."""

from bot.chat import Author
from bot.identities import identify


def test_whom_the_adapter_has_authenticated_is_that_user() -> None:
    found = identify("web", Author(id="ann", name="Ann", engine_user="ann"))
    assert (found.user, found.is_verified) == ("ann", True)


def test_a_picked_name_is_a_user_of_its_own() -> None:
    found = identify("web", Author(id="~ann", name="ann"))
    assert (found.user, found.is_verified) == ("~ann", False)


def test_a_renamed_stranger_keeps_the_own_user() -> None:
    before = identify("slack", Author(id="U1", name="mallory", team="T1"))
    after = identify("slack", Author(id="U1", name="admin", team="T1"))
    assert before.user == after.user == "~slack.T1.U1"


def test_the_same_id_in_another_team_is_another_person() -> None:
    users = {identify("slack", Author(id="U1", name="x", team=team)).user for team in ("T1", "T2")}
    assert len(users) == 2
