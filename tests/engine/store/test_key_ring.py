"""The key file: who may read it, what is in it, and how it changes."""

import json
import stat
from pathlib import Path

import pytest

from engine.errors import StoreFailure
from engine.store.key_ring import KeyRing


def kept(path: Path) -> KeyRing:
    ring = KeyRing(path)
    ring.keep()
    return ring


def test_the_key_file_is_ours_alone(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    sealed = kept(path).vault.seal(b"hush", place="x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert KeyRing(path).vault.unseal(sealed, place="x") == b"hush"


def test_a_key_is_not_written_before_it_is_kept(tmp_path: Path) -> None:
    assert KeyRing(tmp_path / "secret.key").is_new
    assert list(tmp_path.iterdir()) == []


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    kept(path)
    path.chmod(0o644)
    with pytest.raises(StoreFailure, match="chmod 600"):
        KeyRing(path)


def test_a_file_of_32_bytes_is_one_key(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    path.touch(mode=0o600)
    path.write_bytes(b"k" * 32)
    assert len(KeyRing(path).ids) == 1
    assert not KeyRing(path).is_new


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"keys": []}', '{"keys": [{"key": "AAAA"}]}', "x" * 31])
def test_a_damaged_key_file_is_refused_by_its_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "secret.key"
    path.touch(mode=0o600)
    path.write_text(text)
    with pytest.raises(StoreFailure, match=str(path)):
        KeyRing(path)


def test_a_new_key_is_in_the_file_before_it_is_used(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    ring = kept(path)
    (old,) = ring.ids
    fresh = ring.add(is_leaked=False)
    assert ring.vault.key_id == old
    # What a start would find, were we killed now.
    assert KeyRing(path).ids == [fresh, old]
    ring.renew()
    assert ring.vault.key_id == fresh
    assert ring.ids == [fresh, old]


def test_an_old_key_stays_for_its_signatures_and_leaves_when_they_are_over(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    ring = kept(path)
    signature = ring.vault.sign("session", "alice")
    ring.add(is_leaked=False)
    ring.renew()
    assert ring.vault.is_signed("session", "alice", signature)
    assert ring.drop_old(still_used=()) == []
    ring.add(is_leaked=True)
    ring.renew()
    assert not ring.vault.is_signed("session", "alice", signature)
    assert len(ring.drop_old(still_used=())) == 2
    assert len(json.loads(path.read_text())["keys"]) == 1


def test_an_old_key_that_something_is_sealed_with_stays(tmp_path: Path) -> None:
    ring = kept(tmp_path / "secret.key")
    (old,) = ring.ids
    ring.add(is_leaked=True)
    ring.renew()
    assert ring.drop_old(still_used={old}) == []
    assert len(ring.ids) == 2
