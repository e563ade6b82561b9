"""Every answer says what a browser may do with it: pages, data, faults and files alike."""

from collections.abc import Iterator

import pytest
import requests

from tests.bot.conftest import House, make_settings

PATHS = [
    "/",
    "/chat",
    "/chat/static/app.js",
    "/chat/static/nothing.js",
    "/chat/anything/else",
    "/docs",
    "/docs/docs.js",
    "/docs/docs.css",
    "/openapi.json",
    "/healthz",
    "/readyz",
    "/metrics",
    "/api/v1/executions",
    "/api/v1/nothing/here",
    "/nothing",
    "/auth/v1/tokens",
    "/stream/v1/nothing",
]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(make_settings(tmp_path_factory.mktemp("headers")))
    try:
        yield made
    finally:
        made.stop()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_an_answer_carries_the_headers_of_security(house: House, path: str, accept: str) -> None:
    answer = requests.get(house.url + path, headers={"Accept": accept}, timeout=30, allow_redirects=False)
    headers = answer.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    policy = headers["Content-Security-Policy"]
    assert policy.startswith(("default-src 'none'", "default-src 'self'"))
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "*" not in policy
    assert headers["X-Request-ID"]
    assert "Server" not in headers
    assert "X-Powered-By" not in headers
    assert not [name for name in headers if name.lower().startswith("access-control")]
    assert answer.status_code < 500


def test_a_result_that_is_downloaded_is_a_file(house: House) -> None:
    body = {"action": "core.noop"}
    made = house.http.post(f"{house.url}/executions?wait=30", json=body, timeout=60).json()
    answer = house.http.get(f"{house.url}/executions/{made['id']}/result?download=1", timeout=30)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
