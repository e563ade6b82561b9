"""Alertmanager, Grafana, CloudWatch, Datadog, Zabbix, Sensu: what watches numbers."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from engine.alerts.reading import TEXT_LIMIT, at, digest, items, labels, severity, text, texts
from engine.records.alert import Alert, AlertStatus, Severity

_NEVER = "0001-01-01"
_ZABBIX = {
    "5": Severity.CRITICAL,
    "4": Severity.CRITICAL,
    "3": Severity.ERROR,
    "2": Severity.WARNING,
    "1": Severity.INFO,
    "0": Severity.INFO,
}
_DATADOG_ENDS = ("recovered", "resolved")


def alertmanager(body: Any, _headers: Mapping[str, str]) -> Iterator[Alert]:
    """Prometheus Alertmanager, webhook version 4."""
    yield from _alertmanager(body, "alertmanager")


def grafana(body: Any, _headers: Mapping[str, str]) -> Iterator[Alert]:
    """Grafana's unified alerting: Alertmanager's shape with links and values."""
    yield from _alertmanager(body, "grafana")


def _alertmanager(body: Any, source: str) -> Iterator[Alert]:
    shared = texts(body, "commonAnnotations", limit=TEXT_LIMIT)
    for one in items(body, "alerts"):
        of_alert = texts(one, "labels")
        notes = {**shared, **texts(one, "annotations", limit=TEXT_LIMIT)}
        name = of_alert.get("alertname", "")
        title = name or notes.get("summary") or text(body, "title") or "Alert"
        words = notes.get("summary") or notes.get("description") or notes.get("message", "")
        ended_at = text(one, "endsAt")
        yield Alert(
            source=source,
            fingerprint=text(one, "fingerprint")
            or digest(*(f"{k}={v}" for k, v in sorted(of_alert.items()))),
            status=_firing(text(one, "status") != "resolved"),
            severity=severity(of_alert.get("severity", ""), Severity.ERROR),
            title=title,
            text=words if words != title else notes.get("description", ""),
            labels={key: value for key, value in of_alert.items() if key != "alertname"},
            links=labels(
                source=text(one, "generatorURL"),
                dashboard=text(one, "dashboardURL", "panelURL") or notes.get("dashboard_url", ""),
                runbook=notes.get("runbook_url", ""),
                silence=text(one, "silenceURL"),
            ),
            group=text(body, "groupKey"),
            value=", ".join(f"{key} {value}" for key, value in texts(one, "values").items()),
            started_at=text(one, "startsAt"),
            ended_at="" if ended_at.startswith(_NEVER) else ended_at,
        )


def cloudwatch(body: Any, _headers: Mapping[str, str]) -> Iterator[Alert]:
    """Amazon CloudWatch through SNS: the message is JSON in a text. Other messages are shown as they are."""
    if text(body, "Type") != "Notification":
        return
    message = text(body, "Message", limit=100_000)
    try:
        told = orjson.loads(message)
    except orjson.JSONDecodeError:
        told = None
    state = text(told, "NewStateValue")
    topic = text(body, "TopicArn")
    if not state:
        yield Alert(
            source="sns",
            fingerprint=digest(topic, text(body, "Subject")),
            severity=Severity.INFO,
            title=text(body, "Subject") or f"Message of {topic.rpartition(':')[2]}",
            text=message[:2_000],
            labels=labels(topic=topic),
            started_at=text(body, "Timestamp"),
        )
        return
    dimensions = {text(one, "name"): text(one, "value") for one in items(told, "Trigger.Dimensions")}
    name = text(told, "AlarmName")
    yield Alert(
        source="sns",
        fingerprint=text(told, "AlarmArn") or digest(topic, name),
        status=_firing(state != "OK"),
        severity=Severity.CRITICAL if state == "ALARM" else Severity.INFO,
        title=name,
        text=text(told, "NewStateReason"),
        labels={
            **labels(region=text(told, "Region"), metric=text(told, "Trigger.MetricName"), state=state),
            **dimensions,
        },
        started_at=text(told, "StateChangeTime"),
    )


def datadog(body: Any, _headers: Mapping[str, str]) -> Iterator[Alert]:
    """Datadog: its default body, or the richer template of our snippet."""
    title = text(body, "title", "event_title")
    fingerprint = text(body, "cycle", "monitor", "alert_id") or digest(title)
    transition = text(body, "transition", "alert_transition").lower()
    # The default body says it in the title only: "[Recovered] ...".
    is_over = transition in _DATADOG_ENDS or title.lower().startswith("[recovered")
    kind = text(body, "type", "alert_type", "event_type").lower()
    yield Alert(
        source="datadog",
        fingerprint=fingerprint if text(body, "cycle", "monitor", "alert_id") else digest(_bare(title)),
        status=_firing(not is_over),
        severity=severity(kind, Severity.WARNING if transition.startswith("warn") else Severity.ERROR),
        title=_bare(title) or "Datadog",
        text=text(body, "body", "text"),
        labels=labels(host=text(body, "host", "hostname"), priority=text(body, "priority"))
        | _tags(text(body, "tags")),
        links=labels(source=text(body, "link")),
        started_at=text(body, "date"),
    )


def zabbix(body: Any, _headers: Mapping[str, str]) -> Iterator[Alert]:
    """Zabbix, by the media type of our snippet."""
    tags = text(body, "tags", limit=20_000)
    try:
        pairs = {text(one, "tag"): text(one, "value") for one in items(orjson.loads(tags or "[]"), "")}
    except orjson.JSONDecodeError:
        pairs = _tags(tags)
    value = text(body, "event_value")
    acked = text(body, "update") == "1" and bool(text(body, "ack_by"))
    yield Alert(
        source="zabbix",
        fingerprint=text(body, "trigger_id", "event_id") or digest(text(body, "name"), text(body, "host")),
        status=AlertStatus.ACKED if acked and value != "0" else _firing(value != "0"),
        severity=_ZABBIX.get(text(body, "severity"), Severity.ERROR),
        title=text(body, "name") or "Zabbix",
        text=text(body, "opdata"),
        labels={**labels(host=text(body, "host"), ip=text(body, "ip")), **pairs},
        links=labels(source=text(body, "url")),
        value=text(body, "opdata", limit=200),
        by=text(body, "ack_by"),
    )


def sensu(body: Any, _headers: Mapping[str, str]) -> Iterator[Alert]:
    """Sensu Go events; status 0 is fine, 1 warns, 2 is critical."""
    entity, check = text(body, "entity.metadata.name"), text(body, "check.metadata.name")
    if not check:
        return
    code = text(body, "check.status")
    levels = {"1": Severity.WARNING, "2": Severity.CRITICAL}
    yield Alert(
        source="sensu",
        fingerprint=f"{text(body, 'entity.metadata.namespace')}/{entity}/{check}",
        status=_firing(code != "0"),
        severity=levels.get(code, Severity.ERROR),
        title=f"{check} on {entity}",
        text=text(body, "check.output"),
        labels=labels(entity=entity, check=check, namespace=text(body, "entity.metadata.namespace")),
        value=f"{text(body, 'check.occurrences')} times" if at(body, "check.occurrences") else "",
    )


def _firing(is_firing: bool) -> AlertStatus:
    return AlertStatus.FIRING if is_firing else AlertStatus.RESOLVED


def _bare(title: str) -> str:
    """Datadog writes `[Triggered] name` and `[Recovered] name`: the name is what stays the same."""
    return title.partition("]")[2].strip() if title.startswith("[") else title


def _tags(written: str) -> dict[str, str]:
    """`a:b, c` as labels."""
    made = {}
    for tag in written.split(",")[:50]:
        name, colon, value = tag.strip().partition(":")
        if name:
            made[name] = value.strip() if colon else "true"
    return made
