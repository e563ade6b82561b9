"""The pipe between a sensor and the server: questions with their answers, orders, and log records.

Everything here keeps the functions that it was loaded with: a sensor whose library patches the
standard library (eventlet, gevent) changes nothing for the pipe. A sensor may ask from many
threads at once; each waits for its own answer.
"""

import _thread
import itertools
import os
import signal
from _queue import SimpleQueue

from _stormcrow import wire

RECEIVE_BYTES = 262144
# The server refuses longer messages, and ends who sends one.
MESSAGE_LIMIT_BYTES = 16 * 1024 * 1024

_read, _write, _close, _getpid = os.read, os.write, os.close, os.getpid
new_lock, _thread_id, start_thread = _thread.allocate_lock, _thread.get_ident, _thread.start_new_thread


class Refused(Exception):
    """The server's answer to a question was no; the text says why."""


class TooLarge(Exception):
    """A message is longer than the pipe takes."""


class Stop(SystemExit):
    """Raised in the main thread when the sensor is to end; the code is a shell's for SIGTERM."""


class Channel:
    """`fd`: our end. When the other end is gone this process ends; the shim sees to what it started."""

    def __init__(self, fd):
        self.orders = SimpleQueue()
        self._fd = fd
        self._pid = _getpid()
        self._main = _thread_id()
        self._is_main_busy = False
        self._is_stop_due = False
        self._write_lock = new_lock()
        self._waiting = {}
        self._numbers = itertools.count(1)
        os.register_at_fork(after_in_child=self._forked)

    def start(self):
        """Read from now on, in a thread of our own."""
        start_thread(self._serve, ())

    def ask(self, message):
        """The server's answer, a dict. Raises Refused, TooLarge."""
        return self.ask_all([message])[0]

    def ask_all(self, messages):
        """Send all questions, then wait for all answers: the server works on many at once."""
        packed, places = [], {}
        for message in messages:
            number = next(self._numbers)
            packed.append(_packed(dict(message, n=number)))
            places[number] = _Place()
        self._waiting.update(places)
        try:
            for data in packed:
                self._send(data)
            answers = [place.wait() for place in places.values()]
        finally:
            for number in places:
                self._waiting.pop(number, None)
        for answer in answers:
            if "error" in answer:
                raise Refused(answer["error"])
        return answers

    def tell(self, message):
        """Send what needs no answer. Raises TooLarge."""
        self._send(_packed(message))

    def stop_main(self):
        """For the handler of a signal: ends the main thread, but never within a message."""
        if self._is_main_busy:
            self._is_stop_due = True
            return
        raise Stop(128 + signal.SIGTERM)

    def _send(self, data):
        if _getpid() != self._pid:
            raise RuntimeError("A forked process cannot speak for its sensor; use a thread.")
        is_main = _thread_id() == self._main
        if is_main:
            self._is_main_busy = True
        try:
            with self._write_lock:
                rest = memoryview(data)
                while rest:
                    rest = rest[_write(self._fd, rest) :]
        except OSError:
            self._lost()
        finally:
            if is_main:
                self._is_main_busy = False
        if is_main and self._is_stop_due:
            self._is_stop_due = False
            raise Stop(128 + signal.SIGTERM)

    def _serve(self):
        inbox = wire.Inbox()
        while True:
            try:
                data = _read(self._fd, RECEIVE_BYTES)
            except OSError:
                data = b""
            if not data:
                self._lost()
            for message in inbox.feed(data):
                place = self._waiting.pop(message.get("n"), None)
                if place is not None:
                    place.give(message)
                elif "op" in message:
                    self.orders.put(message)

    def _lost(self):
        """The server is gone: nothing that we find out now would reach anybody."""
        os.kill(self._pid, signal.SIGKILL)

    def _forked(self):
        # A child that kept our end open would hide our own end from the server.
        _close(self._fd)


class _Place:
    """Where one answer arrives."""

    __slots__ = ("_answer", "_lock")

    def __init__(self):
        self._answer = None
        self._lock = new_lock()
        self._lock.acquire()

    def give(self, answer):
        self._answer = answer
        self._lock.release()

    def wait(self):
        with self._lock:
            return self._answer


def read_first(fd):
    """The first message, and nothing behind it. None when the server is gone."""
    data = bytearray()
    wanted = 4
    while len(data) < wanted:
        piece = _read(fd, wanted - len(data))
        if not piece:
            return None
        data += piece
        if wanted == 4 and len(data) == 4:
            wanted += int.from_bytes(data, "big")
    return wire.Inbox().feed(bytes(data))[0]


def _packed(message):
    data = wire.pack(message)
    if len(data) > MESSAGE_LIMIT_BYTES:
        raise TooLarge("it has %d bytes; the limit is %d" % (len(data), MESSAGE_LIMIT_BYTES))
    return data
