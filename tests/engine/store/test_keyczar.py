"""Values that StackStorm encrypted are read, and only with their key.

The encoder is written here once more, with AES in single blocks and hmac, from the description of the
format alone: 5 bytes of header, IV, AES-256-CBC with PKCS5 padding, HMAC-SHA1 over all of it.
"""

import base64
import hashlib
import hmac
import json
import secrets
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import BadInput
from engine.store.keyczar import KeyczarKey, read_key

AES_KEY = bytes(range(32))
HMAC_KEY = bytes(range(100, 132))


def encoded(
    text: str, *, aes_key: bytes = AES_KEY, hmac_key: bytes = HMAC_KEY, header: bytes = b"00000"
) -> str:
    data = text.encode()
    pad = 16 - len(data) % 16
    data += bytes([pad]) * pad
    block = Cipher(AES(aes_key), ECB()).encryptor()
    before = start = secrets.token_bytes(16)
    made = b""
    for index in range(0, len(data), 16):
        mixed = bytes(a ^ b for a, b in zip(data[index : index + 16], before, strict=True))
        before = block.update(mixed)
        made += before
    message = header + start + made
    inner = hashlib.sha1(bytes(b ^ 0x36 for b in hmac_key.ljust(64, b"\0")) + message).digest()
    mac = hashlib.sha1(bytes(b ^ 0x5C for b in hmac_key.ljust(64, b"\0")) + inner).digest()
    assert mac == hmac.new(hmac_key, message, "sha1").digest()
    return (message + mac).hex().upper()


def key_file(path: Path, **more: Any) -> Path:
    def plain(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    document = {
        "hmacKey": {"hmacKeyString": plain(HMAC_KEY), "size": 256},
        "size": 256,
        "aesKeyString": plain(AES_KEY),
        "mode": "CBC",
        **more,
    }
    path.write_text(json.dumps(document))
    return path


KEY = KeyczarKey(AES_KEY, HMAC_KEY)


@settings(deadline=None, max_examples=60)
@given(st.text(st.characters(blacklist_categories=["Cs"]), max_size=200))
def test_what_the_format_says_is_read(text: str) -> None:
    assert KEY.decrypt(encoded(text)) == text


def test_the_header_does_not_matter_and_the_case_neither() -> None:
    assert KEY.decrypt(encoded("hush", header=b"\x00\x01\x02\x03\x04")) == "hush"
    assert KEY.decrypt(f"{encoded('hush').lower()}\n") == "hush"


def test_the_key_file_of_stackstorm_is_read(tmp_path: Path) -> None:
    assert read_key(key_file(tmp_path / "key.json")).decrypt(encoded("hush")) == "hush"


@pytest.mark.parametrize(
    ("aes_key", "hmac_key"), [(b"a" * 32, HMAC_KEY), (AES_KEY, b"h" * 32)], ids=["aes", "hmac"]
)
def test_another_key_does_not_open_it(aes_key: bytes, hmac_key: bytes) -> None:
    with pytest.raises(BadInput):
        KeyczarKey(aes_key, hmac_key).decrypt(encoded("a longer text, of several blocks"))


def test_a_changed_value_is_refused() -> None:
    good = encoded("hush")
    for index in range(0, len(good), 7):
        other = "0" if good[index] != "0" else "1"
        with pytest.raises(BadInput):
            KEY.decrypt(good[:index] + other + good[index + 1 :])


@pytest.mark.parametrize("text", ["", "zz", "3030303030", "AB" * 57, "AB" * 60, "plain text", "é"])
def test_what_is_not_in_the_format_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        KEY.decrypt(text)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"aesKeyString": "AAAA", "hmacKey": {"hmacKeyString": "AA"}}']
)
def test_another_file_is_no_key(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key.json"
    path.write_text(text)
    with pytest.raises(BadInput, match=str(path)):
        read_key(path)


def test_a_missing_key_file_is_told_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"none\.json cannot be read"):
        read_key(tmp_path / "none.json")
