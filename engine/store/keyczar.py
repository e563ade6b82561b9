"""Values that StackStorm encrypted: read with its key file, so that a datastore can move here.

StackStorm writes them in Keyczar's old format, as hexadecimal digits: a header of 5 bytes, 16 bytes that
AES-256 in CBC mode starts from, the text in whole blocks, and an HMAC-SHA1 of all that stands before it.
We never write this format.
"""

import base64
import binascii
import hmac
from pathlib import Path
from typing import Any

import orjson
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from engine.errors import BadInput

_HEADER_BYTES = 5
_BLOCK_BYTES = 16
_MAC_BYTES = 20
_SHORTEST_BYTES = _HEADER_BYTES + 2 * _BLOCK_BYTES + _MAC_BYTES


class KeyczarKey:
    def __init__(self, aes_key: bytes, hmac_key: bytes) -> None:
        self._aes_key = aes_key
        self._hmac_key = hmac_key

    def decrypt(self, text: str) -> str:
        """Raises BadInput when it is not in this format, or not of this key."""
        try:
            raw = binascii.unhexlify(text.strip())
        except (binascii.Error, ValueError) as error:
            raise BadInput(
                "This is not a value that StackStorm encrypted.", hint="It has hex digits."
            ) from error
        if len(raw) < _SHORTEST_BYTES or (len(raw) - _HEADER_BYTES - _MAC_BYTES) % _BLOCK_BYTES:
            raise BadInput("This is not a value that StackStorm encrypted: its length is wrong.")
        signed, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        if not hmac.compare_digest(hmac.digest(self._hmac_key, signed, "sha1"), mac):
            raise BadInput(
                "The value was encrypted with another key of StackStorm, or was changed.",
                hint="Name the key file that keyvalue.encryption_key_path of st2.conf names.",
            )
        start = signed[_HEADER_BYTES : _HEADER_BYTES + _BLOCK_BYTES]
        opened = Cipher(AES(self._aes_key), CBC(start)).decryptor()
        padded = opened.update(signed[_HEADER_BYTES + _BLOCK_BYTES :]) + opened.finalize()
        unpadder = PKCS7(8 * _BLOCK_BYTES).unpadder()
        try:
            return (unpadder.update(padded) + unpadder.finalize()).decode()
        except ValueError as error:
            raise BadInput("The value does not decrypt to text.") from error


def read_key(path: Path) -> KeyczarKey:
    """StackStorm's key file, as its keyvalue.encryption_key_path names it. Raises BadInput."""
    try:
        document = orjson.loads(path.read_bytes())
        aes_key, hmac_key = _bytes(document["aesKeyString"]), _bytes(document["hmacKey"]["hmacKeyString"])
        mode = document.get("mode", "CBC")
    except OSError as error:
        raise BadInput(f"StackStorm's key file {path} cannot be read: {error.strerror}.") from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise BadInput(
            f"{path} is no key file of StackStorm.", hint="It is JSON with aesKeyString and hmacKey."
        ) from error
    if mode != "CBC" or len(aes_key) not in (16, 24, 32) or not hmac_key:
        raise BadInput(f"{path} holds a key of a kind that StackStorm does not use.")
    return KeyczarKey(aes_key, hmac_key)


def _bytes(text: Any) -> bytes:
    """Web-safe base64 without its padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
