"""The way out to a collector: OpenTelemetry's own exporter, behind the extra `otel`."""

from datetime import datetime

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from engine.metrics.sources import version
from engine.settings.watching import TracingSettings
from engine.tracing.ids import SpanRef
from engine.tracing.spans import Span

_KINDS = {"internal": SpanKind.INTERNAL, "server": SpanKind.SERVER}


class Exporter:
    """A bounded queue and a thread of the library's: what the collector does not take in time is dropped."""

    def __init__(self, settings: TracingSettings) -> None:
        self._resource = Resource.create({"service.name": settings.service, "service.version": version()})
        self._scope = InstrumentationScope("stormcrow", version())
        self._processor = BatchSpanProcessor(
            OTLPSpanExporter(
                endpoint=settings.endpoint, headers=dict(settings.headers), timeout=settings.timeout_s
            ),
            max_queue_size=settings.queue_limit,
            max_export_batch_size=min(512, settings.queue_limit),
            schedule_delay_millis=round(settings.delay_s * 1000),
        )

    def send(self, span: Span) -> None:
        """Returns at once."""
        self._processor.on_end(
            ReadableSpan(
                name=span.name,
                context=_context(span.ref),
                parent=None if span.parent is None else _context(span.parent),
                resource=self._resource,
                attributes=dict(span.attributes),
                links=[Link(_context(link)) for link in span.links],
                kind=_KINDS[span.kind],
                status=Status(StatusCode.ERROR if span.is_failure else StatusCode.UNSET),
                start_time=_ns(span.start),
                end_time=_ns(span.end),
                instrumentation_scope=self._scope,
            )
        )

    def close(self) -> None:
        """Sends what is left, for as long as one export may take."""
        self._processor.shutdown()  # type: ignore[no-untyped-call]  # the library has not typed it


def _context(ref: SpanRef) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED if ref.is_sampled else TraceFlags.DEFAULT)
    return SpanContext(trace_id=ref.trace_id, span_id=ref.span_id, is_remote=False, trace_flags=flags)


def _ns(moment: datetime) -> int:
    """Whole microseconds: a float would lose some."""
    return (int(moment.timestamp()) * 1_000_000 + moment.microsecond) * 1000
