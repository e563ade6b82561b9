"""The web chat refuses what other sites ask a browser to do."""

import http.client
from urllib.parse import urlsplit

import pytest

from tests.bot.conftest import House

BODY = b'{"channel": "ops", "text": "!true", "delivery_key": "security-key"}'


def request(
    house: House, method: str, path: str, headers: dict[str, str], body: bytes = b""
) -> tuple[int, str]:
    """Exactly these headers, over a plain connection."""
    parts = urlsplit(house.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": parts.netloc, **headers}.items():
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def signed(house: House) -> dict[str, str]:
    return {"St2-Api-Key": house.key, "Content-Type": "application/json"}


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost.evil.example"]
)
def test_a_post_from_another_origin_is_refused(house: House, origin: str) -> None:
    status, _ = request(house, "POST", "/chat/messages", {**signed(house), "Origin": origin}, BODY)
    assert status == 403


def test_a_post_that_the_browser_calls_cross_site_is_refused(house: House) -> None:
    headers = {**signed(house), "Sec-Fetch-Site": "cross-site"}
    assert request(house, "POST", "/chat/messages", headers, BODY)[0] == 403


def test_a_post_from_our_own_page_is_taken(house: House) -> None:
    headers = {**signed(house), "Origin": house.url, "Sec-Fetch-Site": "same-origin"}
    assert request(house, "POST", "/chat/messages", headers, BODY)[0] == 201


@pytest.mark.parametrize("host", ["evil.example", "evil.example:9101", "127.0.0.1.evil.example", ""])
def test_another_host_name_is_refused(house: House, host: str) -> None:
    """DNS rebinding: the browser believes that the name of the attacker is ours."""
    assert request(house, "GET", "/chat/session", {"Host": host})[0] in (400, 403)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_what_a_form_can_send_is_refused(house: House, kind: str) -> None:
    headers = {"St2-Api-Key": house.key, **({"Content-Type": kind} if kind else {})}
    assert request(house, "POST", "/chat/messages", headers, BODY)[0] == 400


def test_the_page_allows_no_foreign_and_no_inline_script(house: House) -> None:
    answer = house.http.get(f"{house.url}/chat", timeout=30)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "<script>" not in answer.text
    assert "style=" not in answer.text
    assert "http://" not in answer.text
    assert "https://" not in answer.text


@pytest.mark.parametrize(
    ("name", "status"),
    [("..%2f..%2fapp.py", 404), ("%2e%2e", 404), ("app.py", 404), ("index.html%00.js", 400)],
)
def test_only_the_files_of_the_page_are_served(house: House, name: str, status: int) -> None:
    assert request(house, "GET", f"/chat/static/{name}", signed(house))[0] == status


def test_no_file_of_the_page_names_another_host() -> None:
    from bot.adapters.web import app

    for path in app._STATIC.iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "//cdn" not in text
        assert "innerHTML" not in text
        assert "eval(" not in text


def test_a_body_that_is_too_long_is_refused(house: House) -> None:
    body = b'{"channel": "ops", "text": "' + b"x" * 300_000 + b'", "delivery_key": "long-key-1"}'
    assert request(house, "POST", "/chat/messages", signed(house), body)[0] in (400, 413)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"null", b'{"channel": 1}', b'{"channel": "ops"}', b'"x"']
)
def test_broken_requests_are_answered_and_not_crashed_on(house: House, body: bytes) -> None:
    status, text = request(house, "POST", "/chat/messages", signed(house), body)
    assert status == 400
    assert "Traceback" not in text


ANSWER = b'{"channel": "ops", "values": {}, "button": "approve"}'
ANSWERS = "/chat/prompts/65b0000000000000007f3a1c/answers"


@pytest.mark.parametrize(
    "more",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "evil.example"},
    ],
)
def test_an_answer_from_another_site_is_refused(house: House, more: dict[str, str]) -> None:
    assert request(house, "POST", ANSWERS, {**signed(house), **more}, ANSWER)[0] == 403


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_an_answer_that_a_form_of_another_site_can_send_is_refused(house: House, kind: str) -> None:
    headers = {"St2-Api-Key": house.key, **({"Content-Type": kind} if kind else {})}
    assert request(house, "POST", ANSWERS, headers, ANSWER)[0] == 400


@pytest.mark.parametrize("path", [ANSWERS, "/chat/prompts/65b0000000000000007f3a1c"])
def test_without_a_session_nothing_is_asked_and_nothing_answered(house: House, path: str) -> None:
    method, body = ("POST", ANSWER) if path == ANSWERS else ("GET", b"")
    assert request(house, method, path, {"Content-Type": "application/json"}, body)[0] == 401


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b'{"channel": "ops", "values": {"a": 1}}',
        b'{"channel": "ops", "values": []}',
        b'{"channel": "@bob", "values": {}}',
        b'{"values": {}}',
        b'{"channel": "ops", "values": {}, "button": 1}',
    ],
)
def test_a_broken_answer_is_refused(house: House, body: bytes) -> None:
    status, text = request(house, "POST", ANSWERS, signed(house), body)
    assert status in (400, 403)
    assert "Traceback" not in text


def test_an_answer_to_nothing_is_not_found(house: House) -> None:
    assert request(house, "POST", ANSWERS, signed(house), ANSWER)[0] == 404
