"""What every request passes: path, host, size, request id."""

import http.client
import socket
from urllib.parse import urlsplit

import pytest

from engine.api.door import plain_path
from tests.engine.api.running import Running

NOUNS = {"executions", "keys", "tokens"}


@pytest.mark.parametrize(
    "path",
    [
        "/executions",
        "/executions/",
        "/v1/executions",
        "/v1/executions/",
        "/api/executions",
        "/api/v1/executions",
        "/api/v1/executions/",
        "/stream/v1/executions",
        "/actionexecutions",
        "/v1/actionexecutions/",
    ],
)
def test_every_spelling_of_a_path_is_one(path: str) -> None:
    assert plain_path(path, NOUNS) == "/executions"


@pytest.mark.parametrize("path", ["/chat", "/chat/", "/api/other/", "/v1x/executions", "/apiexecutions"])
def test_paths_that_are_not_the_apis_stay_as_they_are(path: str) -> None:
    assert plain_path(path, NOUNS) == path


def test_the_rest_of_a_path_keeps_its_spelling() -> None:
    assert plain_path("/api/v1/executions/5e/output/", NOUNS) == "/executions/5e/output"
    assert plain_path("/auth/tokens", NOUNS) == "/tokens"
    assert plain_path("/api/v1", NOUNS) == "/"


def test_no_spelling_is_redirected(server: Running) -> None:
    for path in ("/keys", "/keys/", "/v1/keys/", "/api/keys/", "/api/v1/keys/"):
        assert server.get(path).status_code == 200


def test_a_host_name_that_is_not_ours_is_refused(server: Running) -> None:
    answer = server.get("/healthz", headers={"Host": "evil.example:9101"})
    assert answer.status_code == 403
    assert "evil.example" in answer.json()["faultstring"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:80", "[::1]:9101", "127.8.8.8"])
def test_loopback_names_are_ours(server: Running, host: str) -> None:
    assert server.get("/healthz", headers={"Host": host}).status_code == 200


def test_a_host_header_that_is_no_host_is_refused(server: Running) -> None:
    assert server.get("/healthz", headers={"Host": "[::1"}).status_code == 403


def test_the_request_id_of_the_caller_comes_back(server: Running) -> None:
    assert server.get("/user", headers={"X-Request-ID": "mine-7"}).headers["X-Request-ID"] == "mine-7"


def test_a_request_without_an_id_gets_one(server: Running) -> None:
    first, second = (server.get("/user").headers["X-Request-ID"] for _ in range(2))
    assert first != second


def test_a_request_id_that_could_forge_a_log_line_is_replaced(server: Running) -> None:
    assert server.get("/user", headers={"X-Request-ID": "a b"}).headers["X-Request-ID"] != "a b"


def test_every_answer_carries_the_security_headers(server: Running) -> None:
    for path in ("/healthz", "/nothing", "/executions"):
        headers = server.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "Access-Control-Allow-Origin" not in headers
        assert "Server" not in headers


def test_a_body_over_the_limit_is_refused(server: Running) -> None:
    answer = server.post("/executions", {"action": "core.noop", "x": "x" * 1_048_576})
    assert answer.status_code == 413
    assert "1048576" in answer.json()["faultstring"]


def test_a_chunked_body_over_the_limit_is_refused(server: Running) -> None:
    answer = server.ask("POST", "/executions", data=(b"x" * 65_536 for _ in range(17)))
    assert answer.status_code == 413


def test_json_that_is_nested_too_deeply_is_refused(server: Running) -> None:
    text = b'{"action": "core.noop", "parameters": ' + b"[" * 70 + b"]" * 70 + b"}"
    answer = server.ask("POST", "/executions", data=text)
    assert answer.status_code == 400
    assert "64 levels" in answer.json()["faultstring"]


def test_many_brackets_inside_a_text_are_only_text(server: Running) -> None:
    answer = server.post("/actionalias/match", {"command": "say " + "[{" * 200})
    assert answer.status_code == 200


def test_a_body_that_is_not_json_is_refused(server: Running) -> None:
    assert server.ask("POST", "/executions", data=b"{").status_code == 400
    assert server.ask("POST", "/executions", data=b"[1]").status_code == 400


def test_another_kind_of_content_is_refused(server: Running) -> None:
    answer = server.ask("POST", "/executions", data=b"a=b", headers={"Content-Type": "text/xml"})
    assert answer.status_code == 415


def test_an_unknown_path_is_a_fault_in_json(server: Running) -> None:
    answer = server.get("/api/v1/nothing")
    assert answer.status_code == 404
    assert answer.json() == {"faultstring": "There is nothing at /api/v1/nothing."}


def test_a_method_that_a_path_does_not_know_is_405(server: Running) -> None:
    answer = server.ask("PATCH", "/executions")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, POST"
    assert "faultstring" in answer.json()


def test_a_query_that_is_no_number_is_a_fault(server: Running) -> None:
    answer = server.get("/actions?limit=many")
    assert (answer.status_code, answer.json()["faultstring"]) == (
        400,
        'Parameter "limit" is not of type integer',
    )


def test_a_fault_of_ours_shows_no_traceback(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("canary-5d1")

    monkeypatch.setattr(server.engine.access.keys, "all", broken)
    answer = server.get("/apikeys")
    assert answer.status_code == 500
    assert answer.headers["X-Request-ID"] in answer.json()["faultstring"]
    assert "canary" not in answer.text


def test_keep_alive_serves_many_requests_on_one_connection(server: Running) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(server.url).port, timeout=30)
    for _ in range(3):
        connection.request("GET", "/healthz")
        assert connection.getresponse().read().startswith(b'{"status":"ok"')
    connection.close()


def test_headers_that_never_end_close_the_connection(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.api.server.HEADER_TIME_S", 1.5)
    with socket.create_connection(("127.0.0.1", urlsplit(server.url).port or 0), timeout=30) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ")
        assert slow.recv(100) == b""


def test_a_body_that_comes_too_slowly_is_given_up(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.api.door.BODY_TIME_S", 0.3)
    head = f"POST /executions HTTP/1.1\r\nHost: [::1]\r\nSt2-Api-Key: {server.key}\r\nContent-Length: 9"
    with socket.create_connection(("127.0.0.1", urlsplit(server.url).port or 0), timeout=30) as slow:
        slow.sendall(head.encode() + b"\r\n\r\n{")
        assert slow.recv(100).startswith(b"HTTP/1.1 408 ")
