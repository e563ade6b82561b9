"""Secrets at rest: who can open them, and where."""

from datetime import timedelta

import pytest

from engine.clock import utcnow
from engine.errors import StoreFailure
from engine.store.vault import SealKey, Vault

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


def key(letter: bytes, *, signs_for_s: float | None = None) -> SealKey:
    until = None if signs_for_s is None else utcnow() + timedelta(seconds=signs_for_s)
    return SealKey(secret=letter * 32, made_at=utcnow(), signs_until=until)


def test_an_older_key_opens_and_the_first_seals() -> None:
    sealed = Vault(key(b"a")).seal(b"hush", place="row:1")
    both = Vault(key(b"b"), key(b"a"))
    assert both.unseal(sealed, place="row:1") == b"hush"
    with pytest.raises(StoreFailure, match="not in secret"):
        Vault(key(b"a")).unseal(both.seal(b"hush", place="row:1"), place="row:1")


def test_signatures_of_an_older_key_count_until_their_time() -> None:
    old = Vault(key(b"a")).sign("session", "alice")
    assert Vault(key(b"b"), key(b"a", signs_for_s=60)).is_signed("session", "alice", old)
    assert not Vault(key(b"b"), key(b"a", signs_for_s=-1)).is_signed("session", "alice", old)
    assert Vault(key(b"b"), key(b"a", signs_for_s=60)).sign("session", "alice") != old


def test_a_value_that_was_cut_short_does_not_open() -> None:
    sealed = VAULT.seal(b"hush", place="row:1")
    for length in (0, 3, 4, 10, 16, len(sealed) - 1):
        with pytest.raises(StoreFailure):
            VAULT.unseal(sealed[:length], place="row:1")
