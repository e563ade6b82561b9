"""Every metric that `/metrics` shows: its name, its labels, and what it says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

OTHER = "other"
"""Stands for all words of a label that came after the first `metrics.label_limit`."""

_SHORT_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_LONG_S = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0)


class Kind(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """`name` without the prefix; of a counter without the `_total` that it is shown with."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    """Upper ends, in the unit of the name; a last one without an end follows."""

    @property
    def shown(self) -> str:
        """As it stands in a query; a histogram has _bucket, _sum and _count behind it."""
        return f"stormcrow_{self.name}{'_total' if self.kind is Kind.COUNTER else ''}"


def _counter(name: str, help: str, *labels: str) -> Metric:
    return Metric(name=name, kind=Kind.COUNTER, help=help, labels=labels)


def _gauge(name: str, help: str, *labels: str) -> Metric:
    return Metric(name=name, kind=Kind.GAUGE, help=help, labels=labels)


def _histogram(name: str, help: str, *labels: str, buckets: Sequence[float]) -> Metric:
    return Metric(name=name, kind=Kind.HISTOGRAM, help=help, labels=labels, buckets=tuple(buckets))


_ALL = (
    # executions
    _counter("executions_requested", "Executions that were asked for.", "action"),
    _counter(
        "executions_finished",
        "Executions that ended, by how: succeeded, failed, timeout, canceled, abandoned.",
        "action",
        "status",
    ),
    _histogram("action_duration_seconds", "From the start to the end of a run.", "action", buckets=_LONG_S),
    _histogram(
        "execution_wait_seconds",
        "From the request to the start, of what nobody asked to be delayed.",
        buckets=_SHORT_S,
    ),
    _gauge("executions", "Executions that have not ended, by status.", "status"),
    _gauge(
        "execution_queue_age_seconds",
        "How long the oldest has waited past its time, by status: requested, scheduled, delayed.",
        "status",
    ),
    _gauge("workers", "Workers, by state: busy or free.", "state"),
    # events and rules
    _counter(
        "events",
        "Events that were taken, by trigger type and source: sensor, webhook, timer, api, engine.",
        "trigger_type",
        "source",
    ),
    _gauge("events_waiting", "Events whose rules are not evaluated yet."),
    _counter("rule_matches", "Events that a rule's criteria held for, or could not be answered for.", "rule"),
    _counter(
        "rule_enforcements",
        "What became of a rule's actions: succeeded (started), failed, held (by a gate).",
        "rule",
        "outcome",
    ),
    # webhooks
    _counter("webhook_deliveries", "Deliveries that were taken: new or duplicate.", "hook", "outcome"),
    _counter(
        "webhook_refusals",
        "Deliveries that were not verified, by why: key, credentials, address, stale, setup, fetch. "
        "Addresses that nobody set up are the hook `other`.",
        "hook",
        "reason",
    ),
    # sensors
    _gauge("sensor_state", "1 for the state that a sensor is in.", "sensor", "state"),
    _counter("sensor_restarts", "How often a sensor failed, and was started again.", "sensor"),
    _counter("sensor_events", "Events of a sensor that were committed.", "sensor"),
    # chat
    _gauge("chat_up", "1 when people are heard there.", "chat"),
    _gauge("chat_connections", "Connections that are open: sockets of Slack, the child of Errbot.", "chat"),
    _gauge("chat_connections_wanted", "Connections that should be open.", "chat"),
    _gauge("chat_outbox_messages", "Messages that wait to be sent.", "chat"),
    _gauge("chat_outbox_age_seconds", "How long the oldest message waits to be sent.", "chat"),
    # inquiries
    _gauge("inquiries_open", "Questions to people that wait for an answer."),
    _gauge("inquiry_age_seconds", "How long the oldest open question waits."),
    # the store
    _counter("commits", "Transactions that were committed."),
    _histogram("commit_seconds", "How long a transaction took, its commit included.", buckets=_SHORT_S),
    _histogram(
        "commit_jobs", "How many writes shared a transaction.", buckets=(1, 2, 5, 10, 25, 50, 100, 256)
    ),
    _counter("commit_failures", "Transactions that were rolled back."),
    _gauge("writes_waiting", "Writes that wait for their transaction."),
    _gauge("journal_lag_entries", "Entries of the journal that a reader has not handled yet.", "reader"),
    _gauge("database_size_bytes", "Size of the database; of SQLite with its write-ahead log."),
    _gauge(
        "audit_acts", "Number of the newest act of the audit; it never falls, unless somebody took acts away."
    ),
    _gauge("disk_free_bytes", "Free space where the data folder is."),
    # HTTP
    _histogram(
        "http_request_duration_seconds",
        "From a request to the first line of its answer. `route` is the route's template; "
        "`status` the class: 2xx, 4xx ...",
        "method",
        "route",
        "status",
        buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0),
    ),
    _gauge("stream_readers", "Open event streams."),
    # ourselves
    _counter("log_records", "Warnings and errors of the log, those that are not repeated included.", "level"),
    _counter(
        "spans",
        "Spans of traces, by what became of them: sent (handed to the exporter) or dropped.",
        "outcome",
    ),
    _gauge("build_info", "1; the versions of Stormcrow and of Python.", "version", "python"),
    _gauge("content_unavailable", "Files of content that could not be used."),
    _gauge("started_time_seconds", "When the server started, in seconds since 1970."),
)

METRICS: Mapping[str, Metric] = MappingProxyType({one.name: one for one in _ALL})
