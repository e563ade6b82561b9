"""The sockets that the server listens on: taken at the very beginning, open to callers only at the end."""

import socket
from dataclasses import replace

from engine.errors import StoreFailure
from engine.settings import Settings

# A few hundred clients may knock at the same moment.
BACKLOG = 512


class Listening:
    """Takes the ports, without listening yet. Raises StoreFailure.

    `settings`: those given, with the port that was taken where they leave it open.
    """

    def __init__(self, settings: Settings) -> None:
        self._sockets: list[socket.socket] = []
        server = settings.server
        try:
            self._sockets.append(_bind(server.host, server.port, "--port, or server.port in config.yaml"))
            for port, name in ((server.auth_port, "auth_port"), (server.stream_port, "stream_port")):
                if port:
                    self._sockets.append(_bind(server.host, port, f"server.{name} in config.yaml"))
        except StoreFailure:
            self.close()
            raise
        port = self._sockets[0].getsockname()[1]
        self.settings = replace(settings, server=replace(server, port=port))

    def open(self) -> list[socket.socket]:
        """From here on callers are let in."""
        for one in self._sockets:
            one.listen(BACKLOG)
        return self._sockets

    def close(self) -> None:
        """Idempotent."""
        for one in self._sockets:
            one.close()


def _bind(host: str, port: int, setting: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except OSError as error:
        made.close()
        raise StoreFailure(
            f"{host}:{port} cannot be used: {error.strerror}.",
            hint=f"Is another server there? Choose a port with {setting}.",
        ) from error
    return made
