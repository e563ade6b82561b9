"""A receiver of callbacks on loopback: keeps what came, and answers as the test says."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Received:
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Receiver:
    """`statuses`: of the next answers, in order; then 200."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    came: list[Received] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)
    """Cleared: answers wait."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    made = Receiver()
    made.hold.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            made.came.append(Received(self.path, headers, body))
            made.hold.wait(30)
            status = made.statuses.pop(0) if made.statuses else 200
            try:
                self.send_response(status)
                if status in (301, 302, 307, 308):
                    self.send_header("Location", f"{made.url}/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()
            except OSError:
                # The sender was killed meanwhile.
                return

        def log_message(self, *_given: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.hold.set()
        http.shutdown()
        http.server_close()
        thread.join(10)
