"""The receiver of docs/how-to/receive-callbacks.md, run as it stands there."""

import base64
import os
import re
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError

import pytest

from engine.callbacks.message import headers_of, signing_key
from engine.clock import utcnow
from tests.engine.world import wait_until
from tests.ports import free_port

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "receive-callbacks.md"
SECRET = f"whsec_{base64.b64encode(b's' * 32).decode()}"
BODY = b'{"data": {"status": "succeeded", "action": "core.noop", "id": "6a5b"}}'


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Its address, and the file that holds what it prints."""
    (code,) = re.findall(r"```python receiver\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    script, said = tmp_path / "receiver.py", tmp_path / "said"
    script.write_text(code, encoding="utf-8")
    port = free_port()
    environment = {**os.environ, "CROW_SECRET": SECRET}
    with said.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, str(script), str(port)], stdout=out, stderr=subprocess.DEVNULL, env=environment
        )
    try:
        wait_until(lambda: is_open(port), timeout_s=60)
        yield f"http://127.0.0.1:{port}/", said
    finally:
        process.kill()
        process.wait(20)


def is_open(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def post(url: str, body: bytes, *, secret: str = SECRET, signed: bytes = b"") -> int:
    headers = headers_of("msg_1", signed or body, key=signing_key(secret), at=utcnow())
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30) as answer:
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code


def test_it_believes_what_is_signed_and_works_on_it_once(receiver: tuple[str, Path]) -> None:
    url, said = receiver
    assert [post(url, BODY), post(url, BODY)] == [204, 204]
    assert said.read_text() == "succeeded core.noop 6a5b\n"


def test_it_refuses_what_is_not(receiver: tuple[str, Path]) -> None:
    url, said = receiver
    other = f"whsec_{base64.b64encode(b'o' * 32).decode()}"
    assert post(url, BODY, secret=other) == 401
    assert post(url, BODY.replace(b"succeeded", b"failed"), signed=BODY) == 401
    assert said.read_text() == ""
