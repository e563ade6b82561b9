"""Pages of other sites: refused, unless the settings name their origin."""

from collections.abc import Iterator

import pytest
import requests

from engine.api.cors import Cors
from engine.errors import BadSettings
from tests.engine.api.running import Running, running
from tests.engine.api.streaming import listening

OURS = "https://console.example.com"
STRANGERS = [
    "null",
    "*",
    "https://evil.example",
    "https://sub.console.example.com",
    "https://console.example.com.evil.example",
    "http://console.example.com",
    "https://console.example.com:8443",
    "https://console.example.com/",
    "HTTPS://CONSOLE.EXAMPLE.COM",
]
CORS = "Access-Control-Allow-Origin"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("shared"), allow_origins=[OURS]) as made:
        yield made


def test_an_origin_that_is_named_may_read(shared: Running) -> None:
    answer = shared.get("/api/v1/executions", headers={"Origin": OURS})
    assert answer.headers[CORS] == OURS
    assert answer.headers["Vary"] == "Origin"
    assert "X-Total-Count" in answer.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("origin", STRANGERS)
def test_no_other_origin_may_read(shared: Running, origin: str) -> None:
    answer = shared.get("/api/v1/executions", headers={"Origin": origin})
    assert CORS not in answer.headers
    assert answer.headers["Vary"] == "Origin"


def test_an_answer_without_an_origin_says_that_origins_matter(shared: Running) -> None:
    answer = shared.get("/api/v1/executions")
    assert CORS not in answer.headers
    assert answer.headers["Vary"] == "Origin"


def test_a_fault_is_readable_too(shared: Running) -> None:
    answer = shared.get("/executions/nothing", key="", headers={"Origin": OURS})
    assert answer.status_code == 401
    assert answer.headers[CORS] == OURS


def asked(server: Running, origin: str, path: str = "/api/v1/executions") -> requests.Response:
    return server.ask(
        "OPTIONS", path, key="", headers={"Origin": origin, "Access-Control-Request-Method": "POST"}
    )


def test_a_browser_may_ask_before_it_sends(shared: Running) -> None:
    answer = asked(shared, OURS)
    assert answer.status_code == 204
    assert answer.headers[CORS] == OURS
    assert answer.headers["Access-Control-Allow-Methods"] == "GET,POST,PUT,DELETE,OPTIONS"
    taken = answer.headers["Access-Control-Allow-Headers"].split(",")
    assert {"Content-Type", "X-Auth-Token", "St2-Api-Key", "X-Request-ID"} <= set(taken)


@pytest.mark.parametrize("origin", STRANGERS)
def test_who_asks_from_elsewhere_is_told_nothing(shared: Running, origin: str) -> None:
    answer = asked(shared, origin)
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize("origin", [OURS, *STRANGERS])
def test_without_the_setting_nobody_may_read(server: Running, origin: str) -> None:
    for answer in (server.get("/executions", headers={"Origin": origin}), asked(server, origin)):
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize("path", ["/chat", "/nothing"])
def test_only_the_api_is_shared(shared: Running, path: str) -> None:
    assert CORS not in shared.get(path, headers={"Origin": OURS}).headers
    assert CORS not in asked(shared, OURS, path).headers


@pytest.mark.parametrize(
    "wrong",
    [
        "*",
        "null",
        "https://*.example.com",
        "https://a.example/",
        "a.example",
        "ftp://a.example",
        "https://me@a.example",
        "https://A.example",
        "",
    ],
)
def test_a_setting_that_is_no_origin_is_refused(wrong: str) -> None:
    with pytest.raises(BadSettings):
        Cors([wrong])


def test_the_stream_is_shared_too(shared: Running) -> None:
    with listening(shared, headers={"Origin": OURS}) as stream:
        assert stream.response.headers[CORS] == OURS
