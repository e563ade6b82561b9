"""Secrets at rest: who can open them, and where."""

import stat
from pathlib import Path

import pytest

from engine.errors import StoreFailure
from engine.store.vault import Vault, open_or_make

VAULT = Vault(b"k" * 32)


def test_what_was_sealed_opens_in_its_place() -> None:
    assert VAULT.unseal(VAULT.seal(b"hush", place="row:1"), place="row:1") == b"hush"


def test_the_sealed_form_does_not_show_the_secret() -> None:
    assert b"hush" not in VAULT.seal(b"hush", place="row:1")


def test_a_secret_moved_to_another_row_does_not_open() -> None:
    with pytest.raises(StoreFailure, match="row:2"):
        VAULT.unseal(VAULT.seal(b"hush", place="row:1"), place="row:2")


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(StoreFailure):
        Vault(b"other" * 8).unseal(VAULT.seal(b"hush", place="row:1"), place="row:1")


def test_a_signature_counts_for_its_purpose_alone() -> None:
    signature = VAULT.sign("session", "alice")
    assert VAULT.is_signed("session", "alice", signature)
    assert not VAULT.is_signed("run token", "alice", signature)
    assert not VAULT.is_signed("session", "bob", signature)
    assert not VAULT.is_signed("session", "alice", "")


def test_the_key_file_is_ours_alone(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    sealed = open_or_make(path, may_make=True).seal(b"hush", place="x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert open_or_make(path, may_make=False).unseal(sealed, place="x") == b"hush"


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    open_or_make(path, may_make=True)
    path.chmod(0o644)
    with pytest.raises(StoreFailure, match="chmod 600"):
        open_or_make(path, may_make=False)


def test_a_missing_key_of_an_old_database_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(StoreFailure, match="missing"):
        open_or_make(tmp_path / "secret.key", may_make=False)
