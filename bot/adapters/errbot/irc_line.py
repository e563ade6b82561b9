"""The line to an IRC server, on which one bad line breaks nothing, and a long one is no error."""

import logging
from typing import Any

import irc.client

log = logging.getLogger(__name__)


class _Line(irc.client.ServerConnection):
    """The line to the server. What one handler makes of one line of it harms no other."""

    def _process_line(self, line: str) -> None:
        try:
            super()._process_line(line)
        except Exception:  # handlers of Errbot raise KeyError and more on what some servers send
            log.exception("a line of the server was not understood")

    def send_raw(self, string: str) -> None:
        if self.socket is None:
            raise irc.client.ServerNotConnectedError("Not connected.")
        data = string.translate({0: None, 10: None, 13: None}).encode("utf-8", "replace")
        try:
            self.socket.sendall(data + b"\r\n")
        except OSError as error:
            self.disconnect(f"The connection broke: {error}")


class Reactor(irc.client.Reactor):
    connection_class = _Line


class NoStrategy:
    """The connection itself sees to it that it comes back."""

    def run(self, _bot: Any) -> None:
        return
