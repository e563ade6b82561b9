"""A log line is one record: what stands in it cannot look like another one."""

import json
import subprocess
import sys

PROGRAM = """
import logging, sys
from bot.logs import set_up_logging
from engine.settings.server import LogSettings
set_up_logging(LogSettings(format=sys.argv[1]))
evil = "a\\nTraceback (most recent call last):\\n2026-01-01 00:00:00,000 ERROR   forged: b\\x1b[31m\\u2028c"
log = logging.getLogger("probe")
log.error("said %s", evil)
try:
    raise ValueError(evil)
except ValueError:
    log.exception("broke on %s", evil)
log.info("the last")
"""


def logged(log_format: str) -> str:
    command = [sys.executable, "-c", PROGRAM, log_format]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stderr


def test_no_data_begins_a_line_of_the_text_log() -> None:
    lines = logged("text").splitlines()
    records = [line for line in lines if line[:2] == "20"]
    assert len(records) == 3, lines
    assert all(line.startswith("  | ") for line in lines if line not in records)
    assert any("ValueError" in line for line in lines)
    assert not any("\x1b" in line for line in lines)


def test_every_line_of_the_json_log_is_one_record() -> None:
    records = [json.loads(line) for line in logged("json").split("\n") if line]
    assert [one["level"] for one in records] == ["error", "error", "info"]
    assert "ValueError" in records[1]["exception"]
