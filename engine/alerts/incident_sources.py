"""Sentry, PagerDuty, and senders without a shape of their own."""

from collections.abc import Iterator, Mapping
from typing import Any

from engine.alerts.reading import at, digest, labels, severity, text, texts
from engine.records.alert import Alert, AlertStatus, Severity

_PAGERDUTY: Mapping[str, AlertStatus] = {
    "triggered": AlertStatus.FIRING,
    "reopened": AlertStatus.FIRING,
    "unacknowledged": AlertStatus.FIRING,
    "escalated": AlertStatus.FIRING,
    "acknowledged": AlertStatus.ACKED,
    "resolved": AlertStatus.RESOLVED,
}
_RESOLVED_WORDS = frozenset({"resolved", "ok", "closed", "recovered", "up", "healthy", "normal", "success"})
_ACKED_WORDS = frozenset({"ack", "acked", "acknowledged"})


def sentry(body: Any, headers: Mapping[str, str]) -> Iterator[Alert]:
    """Sentry's integration platform: issues, event alerts, metric alerts."""
    kind = headers.get("sentry-hook-resource", "")
    action = text(body, "action")
    if kind == "metric_alert" or at(body, "data.metric_alert") is not None:
        yield Alert(
            source="sentry",
            fingerprint=f"metric:{text(body, 'data.metric_alert.alert_rule.id', 'data.metric_alert.id')}",
            status=AlertStatus.RESOLVED if action == "resolved" else AlertStatus.FIRING,
            severity=severity(action, Severity.ERROR),
            title=text(body, "data.description_title", "data.metric_alert.alert_rule.name"),
            text=text(body, "data.description_text"),
            links=labels(source=text(body, "data.web_url")),
        )
        return
    place = "data.event" if at(body, "data.event") is not None else "data.issue"
    title = text(body, f"{place}.title")
    if not title:
        return
    is_over = action in ("resolved", "archived", "ignored")
    yield Alert(
        source="sentry",
        fingerprint=text(body, f"{place}.issue_id", f"{place}.id", f"{place}.event_id"),
        status=AlertStatus.RESOLVED if is_over else AlertStatus.FIRING,
        severity=severity(text(body, f"{place}.level"), Severity.ERROR),
        title=title,
        text=text(body, f"{place}.culprit"),
        labels=labels(
            project=text(body, f"{place}.project.slug", f"{place}.project"),
            rule=text(body, "data.triggered_rule"),
            environment=text(body, f"{place}.environment"),
        ),
        links=labels(source=text(body, f"{place}.web_url", f"{place}.permalink")),
        by=text(body, "actor.name") if is_over else "",
    )


def pagerduty(body: Any, _headers: Mapping[str, str]) -> Iterator[Alert]:
    """PagerDuty v3 incidents."""
    kind = text(body, "event.event_type")
    status = _PAGERDUTY.get(kind.partition(".")[2])
    if status is None or not kind.startswith("incident."):
        return
    place = "event.data"
    number = text(body, f"{place}.number")
    yield Alert(
        source="pagerduty",
        fingerprint=text(body, f"{place}.id"),
        status=status,
        severity=Severity.CRITICAL if text(body, f"{place}.urgency") == "high" else Severity.WARNING,
        title=text(body, f"{place}.title"),
        text=f"incident #{number}" if number else "",
        labels=labels(
            service=text(body, f"{place}.service.summary"),
            assignee=text(body, f"{place}.assignees.0.summary"),
            priority=text(body, f"{place}.priority.summary"),
        ),
        links=labels(source=text(body, f"{place}.html_url")),
        group=text(body, f"{place}.incident_key"),
        started_at=text(body, f"{place}.created_at", "event.occurred_at"),
        by=text(body, "event.agent.summary") if status is not AlertStatus.FIRING else "",
    )


def generic(body: Any, _headers: Mapping[str, str]) -> Iterator[Alert]:
    """Any sender: the usual names of the usual things. Without a title or text there is no alert."""
    title = text(
        body,
        "title",
        "alert.title",
        "name",
        "summary",
        "subject",
        "alertname",
        "incident.title",
        "monitor.name",
    )
    words = text(body, "text", "description", "message", "msg", "body", "details", "heartbeat.msg")
    if not title and not words:
        return
    title = title or words.partition("\n")[0][:120]
    state = text(body, "status", "state", "alert.status", "incident.state", "event_type").lower()
    of_body = texts(body, "labels") or texts(body, "tags")
    host = text(body, "host", "hostname", "instance", "source")
    status = AlertStatus.FIRING
    if state in _RESOLVED_WORDS:
        status = AlertStatus.RESOLVED
    elif state in _ACKED_WORDS:
        status = AlertStatus.ACKED
    yield Alert(
        source="webhook",
        fingerprint=text(body, "fingerprint", "dedup_key", "alert_id", "incident.incident_id")
        or digest(title, host),
        status=status,
        severity=severity(text(body, "severity", "level", "priority", "labels.severity"), Severity.ERROR),
        title=title,
        text=words if words != title else "",
        labels={**labels(host=host), **of_body},
        links=labels(
            source=text(body, "url", "link", "html_url"), runbook=text(body, "runbook_url", "runbook")
        ),
        started_at=text(body, "started_at", "startsAt", "timestamp", "date"),
    )
