"""Logging in with a password, and what the token is worth."""

from collections.abc import Iterator

import pytest
import requests

from engine.logins import Pauses
from engine.user_file import UserFile
from tests.engine.api.running import Running
from tests.engine.api.streaming import listening

PASSWORD = "correct horse"


@pytest.fixture
def users(server: Running) -> Iterator[UserFile]:
    made = UserFile(server.engine.folder / "users")
    made.put("ann", PASSWORD)
    yield made
    made.path.unlink()


def login(
    server: Running, *, user: str = "ann", password: str = PASSWORD, **more: object
) -> requests.Response:
    body = more.pop("json", {})
    return server.ask("POST", "/auth/v1/tokens", key="", auth=(user, password), json=body, **more)


def who(server: Running, token: str) -> requests.Response:
    return server.get("/api/v1/user", key="", headers={"X-Auth-Token": token})


@pytest.mark.parametrize("path", ["/auth/v1/tokens", "/auth/tokens", "/v1/tokens/", "/tokens"])
def test_a_login_gives_a_token_at_every_spelling_of_the_path(
    server: Running, users: UserFile, path: str
) -> None:
    answer = server.ask("POST", path, key="", auth=("ann", PASSWORD), json={"ttl": 60})
    assert answer.status_code == 201
    body = answer.json()
    assert {"id", "user", "token", "expiry", "metadata"} == set(body)
    known = who(server, body["token"]).json()
    assert known["username"] == "ann"
    assert known["authentication"]["method"] == "authentication token"
    assert known["authentication"]["token_expire"] == body["expiry"]


def test_hubots_empty_form_is_a_login(server: Running, users: UserFile) -> None:
    answer = requests.post(
        f"{server.url}/auth/tokens",
        auth=("ann", PASSWORD),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        timeout=30,
    )
    assert answer.status_code == 201


@pytest.mark.parametrize(("user", "password"), [("ann", "wrong"), ("eve", PASSWORD), ("", ""), ("ann", "")])
def test_a_wrong_name_or_password_gives_nothing(
    server: Running, users: UserFile, user: str, password: str
) -> None:
    answer = login(server, user=user, password=password)
    assert answer.status_code == 401
    assert answer.json() == {"faultstring": "Invalid or missing credentials"}


def test_there_is_no_default_password(server: Running) -> None:
    assert not (server.engine.folder / "users").exists()
    for password in ("", "admin", "st2admin", "Ch@ngeMe"):
        assert login(server, user="admin", password=password).status_code == 401


def test_a_longer_life_than_allowed_is_refused(server: Running, users: UserFile) -> None:
    answer = login(server, json={"ttl": 999999})
    assert answer.status_code == 400
    assert answer.json()["faultstring"] == "TTL specified 999999 is greater than max allowed 86400."


@pytest.mark.parametrize("body", [{"ttl": 0}, {"ttl": "60"}, {"ttl": True}])
def test_a_life_that_is_no_time_is_refused(server: Running, users: UserFile, body: dict[str, object]) -> None:
    assert login(server, json=body).status_code == 400


@pytest.mark.parametrize("name", ["user", "impersonate_user"])
def test_nobody_logs_in_for_another(server: Running, users: UserFile, name: str) -> None:
    assert login(server, json={name: "admin"}).status_code == 403


def test_a_new_password_ends_the_tokens_of_the_old_one(server: Running, users: UserFile) -> None:
    token = login(server).json()["token"]
    assert who(server, token).status_code == 200
    users.put("ann", "another one")
    answer = who(server, token)
    assert answer.status_code == 401
    assert answer.json()["faultstring"] == "Unauthorized - Token has expired."


def test_a_user_who_was_removed_has_no_token_any_more(server: Running, users: UserFile) -> None:
    token = login(server).json()["token"]
    users.put("bob", PASSWORD)
    users.remove("ann")
    assert who(server, token).status_code == 401


def test_neither_token_nor_password_is_stored(server: Running, users: UserFile) -> None:
    token = login(server).json()["token"]
    for path in server.engine.folder.rglob("*"):
        if path.is_file() and path.name not in ("server.lock",):
            content = path.read_bytes()
            assert token.encode() not in content, path
            assert PASSWORD.encode() not in content, path
    assert oct(users.path.stat().st_mode & 0o777) == "0o600"


def test_a_token_can_be_asked_about(server: Running, users: UserFile) -> None:
    token = login(server).json()["token"]
    for given, expected in ((token, True), ("f" * 32, False), ("a.1.b", False)):
        answer = server.post("/auth/v1/tokens/validate", {"token": given}, key="")
        assert answer.json() == {"valid": expected}


def test_a_token_ends_itself_and_no_other(server: Running, users: UserFile) -> None:
    one, other = login(server).json()["token"], login(server).json()["token"]
    assert server.ask("DELETE", "/auth/v1/tokens", key="", headers={"X-Auth-Token": one}).status_code == 204
    assert who(server, one).status_code == 401
    assert who(server, other).status_code == 200
    # A key is none, and is not revoked by it.
    assert server.ask("DELETE", "/tokens").status_code == 400
    assert server.get("/user").status_code == 200


def test_everybody_ends_all_their_own_logins_and_nobody_those_of_others(
    server: Running, users: UserFile
) -> None:
    users.put("bob", PASSWORD)
    mine = [login(server).json()["token"] for _ in range(2)]
    bobs = login(server, user="bob").json()["token"]
    headers = {"X-Auth-Token": mine[0]}
    refused = server.ask("POST", "/tokens/end_all", key="", json={"user": "bob"}, headers=headers)
    assert refused.status_code == 403
    ended = server.ask("POST", "/tokens/end_all", key="", json={}, headers=headers)
    assert ended.json()["user"] == "ann"
    assert ended.json()["tokens"] >= 2
    assert [who(server, token).status_code for token in (*mine, bobs)] == [401, 401, 200]
    # The password still counts: who knows it comes in again.
    assert who(server, login(server).json()["token"]).status_code == 200


def test_the_administrator_ends_the_logins_of_anybody_and_their_streams(
    server: Running, users: UserFile
) -> None:
    token = login(server).json()["token"]
    headers = {"X-Auth-Token": token, "St2-Api-Key": ""}
    with listening(server, headers=headers) as stream:
        assert server.post("/tokens/end_all", {"user": "ann"}).json()["tokens"] >= 1
        stream.wait_for_end()
    assert who(server, token).status_code == 401
    kinds = [act["kind"] for act in server.get("/audit?object=ann").json()]
    assert kinds[0] == "login.all_ended"


def test_many_wrong_passwords_make_the_next_try_wait(server: Running, users: UserFile) -> None:
    answers = [login(server, user="mallory", password="guess") for _ in range(9)]
    assert [answer.status_code for answer in answers[:5]] == [401] * 5
    waits = [answer for answer in answers if answer.status_code == 429]
    assert int(waits[-1].headers["Retry-After"]) >= 1
    # Others at the same address are not kept out by five of them.
    assert login(server).status_code == 201


def test_each_failure_makes_the_pause_longer() -> None:
    pauses, keys = Pauses(), ("ann from x", "from x", "ann")
    waits = []
    for _ in range(12):
        pauses.fail(keys)
        waits.append(pauses.wait_s(keys))
    assert max(waits[:4]) <= 0
    assert 0 < waits[4] < waits[6] < waits[8] < waits[10]


def test_a_right_password_forgets_the_wrong_ones() -> None:
    pauses, keys = Pauses(), ("ann from x", "from x", "ann")
    for _ in range(5):
        pauses.fail(keys)
    pauses.forget(keys[:1])
    assert pauses.wait_s(keys) == 0


def test_many_names_from_one_address_wait_too() -> None:
    pauses = Pauses()
    for number in range(20):
        pauses.fail((f"user{number} from x", "from x", f"user{number}"))
    assert pauses.wait_s(("new from x", "from x", "new")) > 0
    assert pauses.wait_s(("new from y", "from y", "new")) == 0
