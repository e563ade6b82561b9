"""Every source's own payload becomes the same shape; what is no alert becomes none."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.alerts.normalise import NORMALISERS, normalise
from engine.content.loader import load_registry
from engine.expressions.schema import compile_validator
from engine.foundation import shipped_packs
from engine.records.alert import Alert, AlertStatus, Severity, alert_of
from engine.settings import Settings
from tests.engine.alerts import samples

PAIRS = [
    ("alertmanager", samples.alertmanager(), samples.alertmanager("resolved")),
    ("grafana", samples.grafana(), samples.grafana("resolved")),
    ("sentry", samples.sentry(), samples.sentry("resolved")),
    ("sentry", samples.sentry_metric(), samples.sentry_metric("resolved")),
    ("github", samples.github(), samples.github("success")),
    ("gitea", samples.github(), samples.github("success")),
    ("gitlab", samples.gitlab(), samples.gitlab("success")),
    ("jenkins", samples.jenkins(), samples.jenkins("SUCCESS")),
    ("jenkins", samples.jenkins_outbound(), samples.jenkins_outbound("success")),
    ("pagerduty", samples.pagerduty(), samples.pagerduty("incident.resolved")),
    ("sns", samples.cloudwatch(), samples.cloudwatch("OK")),
    ("datadog", samples.datadog(), samples.datadog("Recovered")),
    ("datadog", samples.datadog_default(), samples.datadog_default("Recovered")),
    ("zabbix", samples.zabbix(), samples.zabbix("0")),
    ("sensu", samples.sensu(), samples.sensu(0)),
    ("circleci", samples.circleci(), samples.circleci("success")),
    ("terraform", samples.terraform(), samples.terraform("applied")),
    ("bitbucket", samples.bitbucket(), samples.bitbucket("SUCCESSFUL")),
    ("standard", samples.uptime_robot(), samples.uptime_robot("up")),
]


def one(preset: str, body: Any, **headers: str) -> Alert:
    (alert,) = normalise(preset, body, headers)
    return alert


@pytest.mark.parametrize(("preset", "firing", "resolved"), PAIRS)
def test_what_fires_and_what_ends_it_have_one_fingerprint(preset: str, firing: Any, resolved: Any) -> None:
    first, last = one(preset, firing), one(preset, resolved)
    assert (first.status, last.status) == (AlertStatus.FIRING, AlertStatus.RESOLVED)
    assert first.fingerprint == last.fingerprint != ""
    assert first.source == last.source
    assert first.title


@pytest.mark.parametrize(("preset", "firing", "_resolved"), PAIRS)
def test_every_alert_is_a_payload_of_the_trigger(preset: str, firing: Any, _resolved: Any) -> None:
    registry = load_registry(Settings(), shipped=shipped_packs(), generation=1)
    validator = compile_validator(registry.trigger_types["alerts.alert"].payload_schema)
    payload = one(preset, firing).payload()
    assert validator.problem(payload) is None
    assert alert_of(payload) == one(preset, firing)


def test_every_shape_has_a_sample() -> None:
    assert {preset for preset, _, _ in PAIRS} >= set(NORMALISERS)


def test_alertmanager_tells_all_it_knows() -> None:
    assert one("alertmanager", samples.alertmanager()) == Alert(
        source="alertmanager",
        fingerprint="1a30DiskFulldb1:9100",
        severity=Severity.CRITICAL,
        title="DiskFull",
        text="/var 96%",
        labels={"instance": "db1:9100", "severity": "critical"},
        links={"source": "http://prom/g", "runbook": "http://rb/disk"},
        group='{}:{alertname="DiskFull"}',
        started_at="2026-01-02T03:04:05Z",
    )


def test_grafana_has_values_and_links() -> None:
    alert = one("grafana", samples.grafana())
    assert alert.value == "B 96.1"
    assert (alert.links["silence"], alert.links["dashboard"]) == ("http://g/silence", "http://g/d")


@pytest.mark.parametrize(
    ("preset", "body", "severity"),
    [
        ("pagerduty", samples.pagerduty(), Severity.CRITICAL),
        ("zabbix", samples.zabbix(), Severity.CRITICAL),
        ("sensu", samples.sensu(1), Severity.WARNING),
        ("sentry", samples.sentry(), Severity.ERROR),
        ("jenkins", samples.jenkins("UNSTABLE"), Severity.WARNING),
        ("sns", samples.cloudwatch("INSUFFICIENT_DATA"), Severity.INFO),
    ],
)
def test_each_source_says_how_bad_it_is(preset: str, body: Any, severity: Severity) -> None:
    assert one(preset, body).severity is severity


def test_an_acknowledgement_elsewhere_is_one_here() -> None:
    alert = one("pagerduty", samples.pagerduty("incident.acknowledged"))
    assert (alert.status, alert.by) == (AlertStatus.ACKED, "Ann")


@pytest.mark.parametrize(
    ("preset", "body", "headers"),
    [
        ("github", {"zen": "Keep it simple"}, {"x-github-event": "ping"}),
        ("github", {"ref": "refs/heads/main"}, {"x-github-event": "push"}),
        ("github", samples.github("skipped"), {"x-github-event": "workflow_run"}),
        ("gitlab", {"object_kind": "push"}, {}),
        ("jenkins", {"name": "app", "build": {"phase": "STARTED"}}, {}),
        ("pagerduty", samples.pagerduty("incident.annotated"), {}),
        ("sns", {"Type": "SubscriptionConfirmation"}, {}),
        ("alertmanager", {"alerts": []}, {}),
        ("standard", {"hello": 1}, {}),
    ],
)
def test_what_is_no_alert_becomes_none(preset: str, body: Any, headers: dict[str, str]) -> None:
    assert normalise(preset, body, headers) == ()


def test_the_hook_and_its_channel_come_along() -> None:
    (alert,) = normalise("sensu", samples.sensu(), {}, hook="sensu", channel="web")
    assert (alert.hook, alert.channel) == ("sensu", "web")


def test_a_message_that_is_no_alarm_is_shown_as_it_is() -> None:
    body = {"Type": "Notification", "TopicArn": "arn:x:deploys", "Subject": "done", "Message": "v2 is live"}
    alert = one("sns", body)
    assert (alert.title, alert.text, alert.severity) == ("done", "v2 is live", Severity.INFO)


def test_a_very_long_body_is_cut() -> None:
    body = samples.alertmanager(annotations={"summary": "x" * 100_000})
    assert len(one("alertmanager", body).text) == 2_000
    many = {"alerts": samples.alertmanager()["alerts"] * 2_000}
    assert len(normalise("alertmanager", many, {})) == 500


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "alerts",
                    "labels",
                    "status",
                    "event",
                    "data",
                    "check",
                    "entity",
                    "metadata",
                    "title",
                    "build",
                    "name",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=25,
)


@settings(max_examples=300, deadline=None)
@given(preset=st.sampled_from([*NORMALISERS, "other"]), body=json_values)
def test_no_body_raises(preset: str, body: Any) -> None:
    for alert in normalise(preset, body, {"x-github-event": "workflow_run"}):
        assert isinstance(alert.title, str)
        assert all(isinstance(value, str) for value in alert.labels.values())
