"""A collector of OpenTelemetry's traces (OTLP over HTTP), in this process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A span, its ids in hexadecimal digits; `parent` empty: it has none."""

    name: str
    trace: str
    id: str
    parent: str
    links: tuple[str, ...]
    start_ns: int
    end_ns: int
    is_failure: bool
    attributes: dict[str, Any]


@dataclass
class Collector:
    url: str = ""
    spans: list[Received] = field(default_factory=list)
    raw: bytes = b""
    headers: list[dict[str, str]] = field(default_factory=list)
    status: int = 200
    """What it answers with."""

    def named(self, name: str) -> list[Received]:
        return [span for span in list(self.spans) if span.name == name]

    def of(self, execution_id: str, name: str) -> list[Received]:
        return [s for s in self.named(name) if s.attributes.get("stormcrow.execution_id") == execution_id]


def _received(body: bytes) -> Iterator[Received]:
    request = ExportTraceServiceRequest()
    request.ParseFromString(body)
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Received(
                    name=span.name,
                    trace=span.trace_id.hex(),
                    id=span.span_id.hex(),
                    parent=span.parent_span_id.hex(),
                    links=tuple(link.span_id.hex() for link in span.links),
                    start_ns=span.start_time_unix_nano,
                    end_ns=span.end_time_unix_nano,
                    is_failure=span.status.code == 2,
                    attributes={
                        one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes
                    },
                )


@contextmanager
def collecting() -> Iterator[Collector]:
    made = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if made.status == 200:
                made.headers.append(dict(self.headers))
                made.raw += body
                made.spans += _received(body)
            self.send_response(made.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_given: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}/v1/traces"
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
