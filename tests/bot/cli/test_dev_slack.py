"""`stormcrow dev slack` as a process: without a terminal it serves until it is ended."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
import requests
from slack_sdk import WebClient


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The base URL that the process prints; it ends with 0 when it is asked to."""
    command = [sys.executable, "-m", "bot.cli", "dev", "slack", "--port", "0"]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        os.kill(process.pid, signal.SIGTERM)
        process.communicate(timeout=30)
        assert process.returncode == 0


def test_a_client_finds_the_people_and_channels_of_the_company(url: str) -> None:
    root = url.removesuffix("api/")
    token = requests.get(f"{root}control", timeout=20).json()["result"]["bot_token"]
    web = WebClient(token=token, base_url=url)
    people = {each["name"] for each in web.users_list()["members"]}
    assert {"ada", "ben", "cyd", "gus"} <= people
    channels = {each["name"] for each in web.conversations_list()["channels"]}
    assert {"ops", "deploys", "random"} <= channels


def test_tokens_are_the_same_at_every_start(url: str) -> None:
    root = url.removesuffix("api/")
    found = requests.get(f"{root}control", timeout=20).json()["result"]
    assert found["bot_token"] == "xoxb-000000001-for-trying-things-out"
    assert found["app_token"] == "xapp-1-A00STORM1-for-trying-things-out"
