"""`stormcrow user`: passwords, given and taken away on the machine of the server."""

import json
import os
import pwd
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bot.cli.exits import Code
from bot.cli.main import app
from engine.audit import Audit
from engine.records.audit import AuditEntry, AuditFilter
from engine.store.database import Database, sqlite_url
from engine.user_file import UserFile


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    made = tmp_path / "data"
    made.mkdir()
    return made


def user(folder: Path, *words: str, input: str = "") -> Any:
    return CliRunner().invoke(app, ["user", *words, "--data", str(folder)], input=input)


def test_a_password_comes_from_standard_input_and_fits_then(folder: Path) -> None:
    done = user(folder, "add", "ann", "--password-stdin", input="correct horse\n")
    assert (done.exit_code, done.stdout) == (0, "ann  may log in\n")
    users = UserFile(folder / "users")
    assert users.fits("ann", "correct horse")
    assert not users.fits("ann", "correct horses")
    assert "correct horse" not in users.path.read_text()


def test_the_list_names_who_has_one(folder: Path) -> None:
    for name in ("bob", "ann"):
        user(folder, "add", name, "--password-stdin", input="correct horse\n")
    assert json.loads(user(folder, "list", "--json").stdout) == [{"user": "ann"}, {"user": "bob"}]
    assert user(folder, "remove", "bob").exit_code == 0
    assert user(folder, "list").stdout == "ann\n"
    assert user(folder, "remove", "bob").exit_code == Code.NOT_FOUND


@pytest.mark.parametrize("name", ["", "a:b", "a\nb", "~ann", "x" * 65])
def test_a_name_that_would_spoil_the_file_is_refused(folder: Path, name: str) -> None:
    assert user(folder, "add", name, "--password-stdin", input="correct horse\n").exit_code == Code.WRONG
    assert not (folder / "users").exists()


def test_a_short_password_is_refused(folder: Path) -> None:
    done = user(folder, "add", "ann", "--password-stdin", input="short\n")
    assert done.exit_code == Code.WRONG
    assert "8 to 1024" in done.stderr


def test_a_change_counts_for_who_reads_the_file_already(folder: Path) -> None:
    users = UserFile(folder / "users")
    assert users.stamp("ann") == ""
    user(folder, "add", "ann", "--password-stdin", input="correct horse\n")
    first = users.stamp("ann")
    user(folder, "add", "ann", "--password-stdin", input="correct horse\n")
    assert first
    assert users.stamp("ann") != first


def test_who_changed_what_stands_in_the_audit_and_no_password_does(folder: Path) -> None:
    for word in ("correct horse", "another horse"):
        user(folder, "add", "ann", "--password-stdin", input=f"{word}\n")
    user(folder, "remove", "ann")
    found = acts(folder)
    assert [(one.kind, one.object, json.loads(one.details)["what"]) for one in found] == [
        (f"user.{word}", "ann", what)
        for what in ("added", "new password", "removed")
        for word in ("writing", "written")
    ]
    account = pwd.getpwuid(os.getuid()).pw_name
    assert {(one.via, one.account) for one in found} == {("command line", f"os.{account}")}
    assert b"horse" not in b"".join(one.details for one in found)


def test_what_is_refused_is_no_act(folder: Path) -> None:
    user(folder, "add", "ann", "--password-stdin", input="short\n")
    user(folder, "remove", "nobody")
    assert not (folder / "stormcrow.db").exists()


def acts(folder: Path) -> list[AuditEntry]:
    """The oldest first, from the database that the commands have made."""
    database = Database(sqlite_url(folder))
    database.start()
    try:
        audit = Audit(database)
        return list(audit.entries(AuditFilter(), audit.head()))
    finally:
        database.close()
