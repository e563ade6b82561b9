"""One file that grows: gives its new whole lines, also after it was rotated, truncated or made anew."""

import os

# A line without an end is held back up to this size, then given in pieces.
LONGEST_LINE_BYTES = 65536
MOST_BYTES_A_LOOK = 4 * 1024 * 1024


class FollowedFile:
    """Begins at the end of what is there; a file that is missing now will be read from its beginning."""

    def __init__(self, path):
        self.path = path
        self._rest = b""
        # Kept open, so that the last lines of a file that was moved away are not lost.
        self._stream = self._opened()
        if self._stream is not None:
            self._stream.seek(0, os.SEEK_END)

    def new_lines(self):
        """Texts without line ends; bytes that are no UTF-8 are replaced. OSError when it cannot be read."""
        lines = self._read_on()
        if self._is_replaced():
            fresh = self._opened()
            if fresh is not None:
                lines += self._read_on()
                if self._rest:
                    lines.append(self._rest)
                self.close()
                self._stream = fresh
                lines += self._read_on()
        return [line.rstrip(b"\r").decode("utf-8", "replace") for line in lines]

    def close(self):
        if self._stream is not None:
            self._stream.close()
        self._stream, self._rest = None, b""

    def _opened(self):
        try:
            return self.path.open("rb", buffering=0)
        except FileNotFoundError:
            return None

    def _is_replaced(self):
        if self._stream is None:
            return True
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return False
        return not os.path.samestat(found, os.fstat(self._stream.fileno()))

    def _read_on(self):
        if self._stream is None:
            return []
        if os.fstat(self._stream.fileno()).st_size < self._stream.tell():
            # Truncated: what is there now is new from its first byte.
            self._stream.seek(0)
            self._rest = b""
        fresh = self._stream.read(MOST_BYTES_A_LOOK) or b""
        *lines, self._rest = (self._rest + fresh).split(b"\n")
        while len(self._rest) > LONGEST_LINE_BYTES:
            lines.append(self._rest[:LONGEST_LINE_BYTES])
            self._rest = self._rest[LONGEST_LINE_BYTES:]
        return lines
