"""The README's alert: curl, a message in the channel, a diagnosis in its thread, and its end."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import ROOT, blocks
from tests.durability.server import Server, text_of, wait_until


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Nothing but what we ship."""
    made = Server(tmp_path, files={})
    try:
        made.start()
        yield made
    finally:
        made.close()


def run_demo(server: Server, text: str) -> "subprocess.CompletedProcess[str]":
    """The block of the README as a newcomer types it, but for the port."""
    bin_ = server.folder / "bin"
    bin_.mkdir(exist_ok=True)
    command = bin_ / "stormcrow"
    python = f"PYTHONPATH={ROOT} exec {sys.executable} -m bot.cli"
    command.write_text(f'#!/bin/sh\n{python} "$@" --config {server.config}\n', encoding="utf-8")
    command.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STORMCROW_")}
    environment["PATH"] = f"{bin_}:{environment['PATH']}"
    script = text.replace("127.0.0.1:9101", f"127.0.0.1:{server.port}")
    return subprocess.run(
        ["sh", "-eu"], input=script, env=environment, capture_output=True, text=True, timeout=90, check=False
    )


def cards(server: Server) -> list[Any]:
    return [
        one for one in server.messages("alerts") if not one["thread"] and "DiskFull" in text_of(one["body"])
    ]


def test_the_alert_of_the_readme(server: Server) -> None:
    (block,) = [one for one in blocks("sh") if one.info == "sh demo"]
    text, end = block.text.split("alert resolved")
    done = run_demo(server, text)
    assert done.returncode == 0, done.stderr
    wait_until(lambda: len(cards(server)) == 1, timeout_s=60)
    (card,) = cards(server)
    assert "/var is 96 % full" in text_of(card["body"])

    def thread() -> str:
        return "\n".join(
            text_of(one["body"]) for one in server.messages("alerts") if one["thread"] == card["id"]
        )

    wait_until(lambda: "Disks" in thread(), timeout_s=60)
    resolving = text.replace("stormcrow webhook add", ": already").replace("alert firing", ": already")
    done = run_demo(server, f"{resolving}\nalert resolved {end}")
    assert done.returncode == 0, done.stderr
    wait_until(lambda: "resolved after" in text_of(cards(server)[0]["body"]), timeout_s=60)
    assert [one["id"] for one in cards(server)] == [card["id"]]
