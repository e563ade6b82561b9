"""A plain start leaves out what few servers need: it is imported by whoever needs it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Prints what is imported when the port has just been opened, and ends.
PROGRAM = """
import sys
from pathlib import Path
from bot.app import run
from bot.cli.site import settings_of

def announce(app):
    print(*sys.modules, flush=True)
    raise SystemExit(0)

run(settings_of(Path("config.yaml"), Path("data")), announce=announce)
"""
# For another database, for other networks, for actions and webhooks of some kind, for the extras.
LEFT_OUT = {
    "aiohttp",
    "alembic",
    "cryptography.x509",
    "errbot",
    "fastapi",
    "jsonschema",
    "jwt",
    "ldap3",
    "mcp",
    "opentelemetry",
    "paramiko",
    "prometheus_client",
    "psycopg",
    "requests",
    "slack_bolt",
    "slack_sdk",
    "sqlalchemy.dialects.postgresql",
    "urllib3",
    "yaql",
}


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "config.yaml").write_text("server:\n  port: 0\n")
    variables = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    # The first start also makes the database; most starts do not.
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            cwd=folder,
            env=variables,
            check=True,
            capture_output=True,
            text=True,
            timeout=100,
        )
    return set(done.stdout.split())


def test_a_server_that_is_up_has_what_it_answers_with(imported: set[str]) -> None:
    assert {"engine.service", "engine.api.app", "uvicorn"} <= imported


@pytest.mark.parametrize("name", sorted(LEFT_OUT))
def test_a_plain_start_leaves_out(imported: set[str], name: str) -> None:
    assert name not in imported
