"""Messages on a socket: four bytes of length, big-endian, then JSON."""

import json
import struct

_LENGTH = struct.Struct(">I")


def pack(message):
    """`message`, a dict, as bytes."""
    body = json.dumps(message, separators=(",", ":")).encode()
    return _LENGTH.pack(len(body)) + body


class Inbox:
    """Collects bytes as they come and gives back whole messages."""

    def __init__(self):
        self._data = bytearray()

    def feed(self, data):
        """The messages that are complete now, in order."""
        self._data += data
        messages = []
        while len(self._data) >= 4:
            (size,) = _LENGTH.unpack_from(self._data)
            if len(self._data) < 4 + size:
                break
            messages.append(json.loads(bytes(self._data[4 : 4 + size])))
            del self._data[: 4 + size]
        return messages
