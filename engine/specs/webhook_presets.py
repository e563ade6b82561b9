"""The senders we know: how each signs, where it names its deliveries, and what it sends.

Data, because the content reader checks webhook files against it, and `stormcrow webhook` prints it.
A preset's ways are tried in order: the first whose headers a delivery has decides.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from pydantic import BaseModel, ConfigDict

from engine.specs.webhook import IdSource, Way


class Preset(BaseModel):
    model_config = ConfigDict(frozen=True)

    name: str
    title: str
    ways: tuple[Way, ...]
    delivery_id: tuple[IdSource, ...] = ()
    alerts: bool = True
    """Whether what it sends can be read as alerts."""
    key_kind: Literal["random", "whsec", "given"] = "random"
    """How a new secret is made; `given`: the sender makes it, and it must be named."""
    json_text: bool = False
    """Its body is JSON, whatever its Content-Type says."""
    form_field: str = ""
    """The field of a form that holds the JSON."""
    event_header: str = ""
    """Says what kind of event it is; in lower case."""


def _hmac(header: str, **more: object) -> Way:
    return Way.model_validate({"type": "hmac", "header": header, **more})


def _token(header: str, **more: object) -> Way:
    return Way.model_validate({"type": "token", "header": header, **more})


def _standard(prefix: str) -> Way:
    """Standard Webhooks (standardwebhooks.com), under the names `webhook-...` or Svix's own."""
    return Way(
        type="hmac",
        header=f"{prefix}-signature",
        timestamp_header=f"{prefix}-timestamp",
        id_header=f"{prefix}-id",
        signed="{id}.{timestamp}.{body}",
        encoding="base64",
        prefix="v1,",
        separator=" ",
        key_encoding="whsec",
    )


_BEARER = _token("authorization", scheme="Bearer")
_OWN_TOKEN = _token("x-stormcrow-token", query="token")
_BASIC = Way(type="basic")
_BODY = IdSource(body=True)
# A sender that names nothing repeats what it has to say every few hours, which is news; what it
# sends again because an answer was lost comes within minutes.
_SAME_MINUTES = IdSource(body=True, within_s=300)


def _fields(*names: str) -> IdSource:
    return IdSource(fields=names)


_ALL = (
    Preset(
        name="alertmanager",
        title="Prometheus Alertmanager",
        ways=(_BEARER, _BASIC),
        delivery_id=(_SAME_MINUTES,),
    ),
    Preset(
        name="grafana",
        title="Grafana alerting",
        ways=(
            *(
                _hmac(name, timestamp_header="x-grafana-alerting-timestamp", signed="{timestamp}:{body}")
                for name in ("x-grafana-alerting-signature", "x-grafana-alert-signature")
            ),
            _hmac("x-grafana-alerting-signature"),
            _hmac("x-grafana-alert-signature"),
            _BEARER,
            _BASIC,
        ),
        delivery_id=(_SAME_MINUTES,),
    ),
    Preset(
        name="github",
        title="GitHub",
        ways=(_hmac("x-hub-signature-256", prefix="sha256="),),
        delivery_id=(IdSource(header="x-github-delivery"), _BODY),
        form_field="payload",
        event_header="x-github-event",
    ),
    Preset(
        name="gitlab",
        title="GitLab",
        ways=(_standard("webhook"), _token("x-gitlab-token")),
        delivery_id=(
            IdSource(header="idempotency-key"),
            IdSource(header="webhook-id"),
            IdSource(header="x-gitlab-event-uuid"),
            _BODY,
        ),
        event_header="x-gitlab-event",
    ),
    Preset(
        name="sentry",
        title="Sentry",
        ways=(_hmac("sentry-hook-signature", compacted=True),),
        delivery_id=(IdSource(header="request-id"), _BODY),
        key_kind="given",
        event_header="sentry-hook-resource",
    ),
    Preset(
        name="pagerduty",
        title="PagerDuty",
        ways=(_hmac("x-pagerduty-signature", prefix="v1=", separator=","),),
        delivery_id=(_fields("event.id"), _BODY),
        key_kind="given",
    ),
    Preset(
        name="sns",
        title="Amazon SNS (CloudWatch alarms)",
        ways=(Way(type="sns", tolerance_s=86_400),),
        delivery_id=(_fields("MessageId"),),
        json_text=True,
        event_header="x-amz-sns-message-type",
    ),
    Preset(
        name="datadog",
        title="Datadog",
        ways=(_BEARER, _OWN_TOKEN, _BASIC),
        delivery_id=(_fields("id", "transition"), _SAME_MINUTES),
    ),
    Preset(
        name="jenkins",
        title="Jenkins",
        ways=(_BEARER, _OWN_TOKEN),
        delivery_id=(
            _fields("name", "build.number", "build.phase"),
            _fields("projectName", "buildName", "event"),
            _SAME_MINUTES,
        ),
    ),
    Preset(
        name="zabbix",
        title="Zabbix",
        ways=(_BEARER, _OWN_TOKEN),
        delivery_id=(_fields("event_id", "event_value", "update_at"), _SAME_MINUTES),
    ),
    Preset(
        name="sensu",
        title="Sensu",
        ways=(_BEARER, _OWN_TOKEN),
        delivery_id=(_fields("id"), _fields("client.name", "check.name", "occurrences"), _SAME_MINUTES),
    ),
    Preset(
        name="standard",
        title="Standard Webhooks: Svix, incident.io, Resend and others",
        ways=(_standard("webhook"), _standard("svix")),
        delivery_id=(IdSource(header="webhook-id"), IdSource(header="svix-id")),
        alerts=False,
        key_kind="whsec",
    ),
    Preset(
        name="circleci",
        title="CircleCI",
        ways=(_hmac("circleci-signature", prefix="v1=", separator=","),),
        delivery_id=(_fields("id"), _BODY),
        event_header="circleci-event-type",
    ),
    Preset(
        name="terraform",
        title="HCP Terraform",
        ways=(_hmac("x-tfe-notification-signature", algorithm="sha512"),),
        delivery_id=(_fields("run_id", "notifications.0.trigger"), _BODY),
    ),
    Preset(
        name="gitea",
        title="Gitea and Forgejo",
        ways=(
            _hmac("x-gitea-signature"),
            _hmac("x-forgejo-signature"),
            _hmac("x-hub-signature-256", prefix="sha256="),
        ),
        delivery_id=(
            IdSource(header="x-gitea-delivery"),
            IdSource(header="x-forgejo-delivery"),
            _BODY,
        ),
        event_header="x-gitea-event",
    ),
    Preset(
        name="bitbucket",
        title="Bitbucket and Jira Cloud",
        ways=(_hmac("x-hub-signature", prefix="sha256="),),
        delivery_id=(
            IdSource(header="x-request-uuid"),
            IdSource(header="x-atlassian-webhook-identifier"),
            _BODY,
        ),
        event_header="x-event-key",
    ),
    Preset(
        name="slack",
        title="Slack (HTTP requests)",
        ways=(
            _hmac(
                "x-slack-signature",
                timestamp_header="x-slack-request-timestamp",
                signed="v0:{timestamp}:{body}",
                prefix="v0=",
            ),
        ),
        delivery_id=(_fields("event_id"), _fields("trigger_id"), IdSource(header="x-slack-signature")),
        alerts=False,
        key_kind="given",
        form_field="payload",
    ),
    Preset(
        name="generic",
        title="Anything that can send a token",
        ways=(_BEARER, _OWN_TOKEN, _BASIC),
    ),
)
PRESETS: Mapping[str, Preset] = MappingProxyType({preset.name: preset for preset in _ALL})
