"""What senders send by default: one firing and one resolved body of each source, made by hand."""

import json
from typing import Any


def alertmanager(
    status: str = "firing", *, name: str = "DiskFull", instance: str = "db1:9100", **more: Any
) -> Any:
    labels = {"alertname": name, "instance": instance, "severity": "critical"}
    return {
        "version": "4",
        "groupKey": f'{{}}:{{alertname="{name}"}}',
        "truncatedAlerts": 0,
        "status": status,
        "receiver": "crow",
        "groupLabels": {"alertname": name},
        "commonLabels": {"alertname": name, "severity": "critical"},
        "commonAnnotations": {},
        "externalURL": "http://am:9093",
        "alerts": [
            {
                "status": status,
                "labels": labels,
                "annotations": {"summary": "/var 96%", "runbook_url": "http://rb/disk"},
                "startsAt": "2026-01-02T03:04:05Z",
                "endsAt": "0001-01-01T00:00:00Z" if status == "firing" else "2026-01-02T03:24:05Z",
                "generatorURL": "http://prom/g",
                "fingerprint": f"1a30{name}{instance}",
                **more,
            }
        ],
    }


def grafana(status: str = "firing") -> Any:
    body = alertmanager(status, values={"B": 96.1}, silenceURL="http://g/silence", dashboardURL="http://g/d")
    return {**body, "version": "1", "orgId": 1, "title": "[FIRING:1] DiskFull", "state": "alerting"}


def sentry(action: str = "triggered") -> Any:
    event = {"event_id": "e1", "issue_id": "42", "title": "ValueError: x", "level": "error", "culprit": "a.b"}
    return {
        "action": action,
        "data": {"triggered_rule": "5xx", "event": {**event, "web_url": "https://s/42", "project": 1}},
        "actor": {"type": "application", "id": "sentry", "name": "Sentry"},
    }


def sentry_metric(action: str = "critical") -> Any:
    return {
        "action": action,
        "data": {
            "metric_alert": {"id": "7", "alert_rule": {"name": "p95"}},
            "description_title": "p95 is high",
            "description_text": "1.9 s",
            "web_url": "https://s/7",
        },
    }


def github(conclusion: str = "failure") -> Any:
    run = {"id": 9, "name": "ci", "head_branch": "main", "head_sha": "abc", "conclusion": conclusion}
    return {
        "action": "completed",
        "workflow_run": {**run, "html_url": "https://gh/9", "run_attempt": 1},
        "repository": {"full_name": "o/r"},
        "sender": {"login": "ann"},
    }


def gitlab(status: str = "failed") -> Any:
    return {
        "object_kind": "pipeline",
        "object_attributes": {
            "id": 31,
            "ref": "main",
            "status": status,
            "sha": "abc",
            "url": "https://gl/31",
        },
        "project": {"path_with_namespace": "g/p", "web_url": "https://gl/g/p"},
        "user": {"username": "ann"},
    }


def jenkins(status: str = "FAILURE") -> Any:
    return {
        "name": "app",
        "url": "job/app/",
        "build": {
            "full_url": "http://j/job/app/18/",
            "number": 18,
            "phase": "COMPLETED",
            "status": status,
            "scm": {"branch": "main", "commit": "abc"},
        },
    }


def jenkins_outbound(event: str = "failure") -> Any:
    return {"projectName": "app", "buildName": "#16", "buildUrl": "http://j/job/app/16/", "event": event}


def pagerduty(kind: str = "incident.triggered") -> Any:
    return {
        "event": {
            "id": "01B",
            "event_type": kind,
            "resource_type": "incident",
            "occurred_at": "2026-01-02T03:04:05Z",
            "agent": {"summary": "Ann"},
            "data": {
                "id": "PT4",
                "type": "incident",
                "number": 12,
                "status": "triggered",
                "title": "DB down",
                "urgency": "high",
                "html_url": "https://pd/PT4",
                "service": {"summary": "db"},
                "assignees": [{"summary": "Ann"}],
            },
        }
    }


def cloudwatch(state: str = "ALARM") -> Any:
    message = {
        "AlarmName": "cpu",
        "NewStateValue": state,
        "NewStateReason": "> 90",
        "StateChangeTime": "2026-01-02T03:04:05.000+0000",
        "Region": "EU (Ireland)",
        "AlarmArn": "arn:aws:cloudwatch:eu-west-1:1:alarm:cpu",
        "Trigger": {"MetricName": "CPUUtilization", "Dimensions": [{"name": "InstanceId", "value": "i-1"}]},
    }
    return {
        "Type": "Notification",
        "MessageId": "m1",
        "TopicArn": "arn:aws:sns:eu-west-1:1:t",
        "Subject": "ALARM",
        "Timestamp": "2026-01-02T03:04:05.000Z",
        "Message": json.dumps(message),
    }


def datadog(transition: str = "Triggered") -> Any:
    return {
        "id": "1",
        "cycle": "c9",
        "transition": transition,
        "type": "error",
        "title": f"[{transition}] CPU is high on web1",
        "body": "over 90",
        "priority": "P2",
        "host": "web1",
        "tags": "env:prod,team:web",
        "link": "https://dd/1",
        "date": "1767323045000",
    }


def datadog_default(word: str = "Triggered") -> Any:
    return {
        "body": "over 90",
        "last_updated": "1767323045000",
        "event_type": "query_alert_monitor",
        "title": f"[{word}] CPU is high",
        "date": "1767323045000",
        "org": {"id": "1", "name": "o"},
        "id": "77" if word == "Triggered" else "78",
    }


def zabbix(value: str = "1") -> Any:
    return {
        "event_id": "500",
        "event_value": value,
        "update": "0",
        "severity": "4",
        "name": "Disk is full",
        "host": "db1",
        "ip": "10.0.0.1",
        "opdata": "96 %",
        "tags": '[{"tag":"scope","value":"capacity"}]',
        "trigger_id": "13",
        "url": "http://z/13",
    }


def sensu(status: int = 2) -> Any:
    return {
        "id": "uuid",
        "timestamp": 1767323045,
        "entity": {"metadata": {"name": "web1", "namespace": "default"}},
        "check": {"metadata": {"name": "http"}, "status": status, "occurrences": 3, "output": "timeout"},
    }


def circleci(status: str = "failed") -> Any:
    return {
        "type": "workflow-completed",
        "id": "c1",
        "workflow": {"name": "build", "status": status, "url": "https://cc/w", "created_at": "2026-01-02"},
        "pipeline": {"vcs": {"branch": "main", "revision": "abc"}},
        "project": {"slug": "gh/o/r"},
    }


def terraform(status: str = "errored") -> Any:
    return {
        "run_url": "https://tf/run",
        "run_id": "run-1",
        "workspace_name": "prod",
        "organization_name": "o",
        "notifications": [{"message": "Run Errored", "trigger": "run:errored", "run_status": status}],
    }


def bitbucket(state: str = "FAILED") -> Any:
    return {
        "commit_status": {"name": "build", "state": state, "refname": "main", "url": "https://bb/1"},
        "repository": {"full_name": "o/r"},
        "actor": {"nickname": "ann"},
    }


def uptime_robot(status: str = "down") -> Any:
    return {
        "title": "Site is down",
        "description": "timeout",
        "status": status,
        "host": "web1",
        "severity": "high",
    }
