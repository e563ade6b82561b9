"""What to write into each sender's configuration, with the URL and the secret filled in."""

import json
from collections.abc import Mapping
from string import Template
from types import MappingProxyType

_DATADOG_BODY = {
    "id": "$ID",
    "cycle": "$ALERT_CYCLE_KEY",
    "transition": "$ALERT_TRANSITION",
    "type": "$ALERT_TYPE",
    "title": "$EVENT_TITLE",
    "body": "$TEXT_ONLY_MSG",
    "priority": "$ALERT_PRIORITY",
    "host": "$HOSTNAME",
    "tags": "$TAGS",
    "link": "$LINK",
    "date": "$DATE",
    "monitor": "$ALERT_ID",
}
_ZABBIX_PARAMETERS = {
    "event_id": "{EVENT.ID}",
    "event_value": "{EVENT.VALUE}",
    "update": "{EVENT.UPDATE.STATUS}",
    "update_at": "{EVENT.UPDATE.DATE} {EVENT.UPDATE.TIME}",
    "severity": "{EVENT.NSEVERITY}",
    "name": "{EVENT.NAME}",
    "host": "{HOST.NAME}",
    "ip": "{HOST.IP}",
    "opdata": "{EVENT.OPDATA}",
    "tags": "{EVENT.TAGSJSON}",
    "trigger_id": "{TRIGGER.ID}",
    "url": "{TRIGGER.URL}",
}
_ZABBIX_SCRIPT = (
    "var given = JSON.parse(value), to = given.stormcrow_url, token = given.stormcrow_token;",
    "delete given.stormcrow_url; delete given.stormcrow_token;",
    "var request = new HttpRequest();",
    "request.addHeader('Content-Type: application/json');",
    "request.addHeader('Authorization: Bearer ' + token);",
    "request.post(to, JSON.stringify(given));",
    "if (request.getStatus() !== 202) { throw 'Stormcrow answered with ' + request.getStatus(); }",
    "return 'OK';",
)

# $url and $secret are filled in; $$ is one dollar.
_TEXTS: Mapping[str, str] = MappingProxyType(
    {
        "alertmanager": """\
# alertmanager.yml
receivers:
  - name: stormcrow
    webhook_configs:
      - url: $url
        send_resolved: true
        http_config:
          authorization:
            type: Bearer
            credentials: $secret
# and in `route:`   receiver: stormcrow
""",
        "grafana": """\
# provisioning/alerting/stormcrow.yaml, or the same in Alerting > Contact points > Webhook
apiVersion: 1
contactPoints:
  - orgId: 1
    name: stormcrow
    receivers:
      - uid: stormcrow
        type: webhook
        settings:
          url: $url
          httpMethod: POST
          hmacConfig:
            secret: $secret
            header: X-Grafana-Alerting-Signature
            timestampHeader: X-Grafana-Alerting-Timestamp
""",
        "github": """\
# Settings > Webhooks > Add webhook: content type application/json, these events; or:
gh api repos/OWNER/REPO/hooks -f name=web -F active=true \\
  -f 'events[]=workflow_run' -f 'events[]=deployment_status' \\
  -f 'config[url]=$url' -f 'config[content_type]=json' -f 'config[secret]=$secret'
""",
        "gitlab": """\
# Settings > Webhooks > Add new webhook: URL, secret token, pipeline events; or:
curl -fsS --request POST --header "PRIVATE-TOKEN: $$GITLAB_TOKEN" \\
  "https://gitlab.example.com/api/v4/projects/ID/hooks" \\
  --data-urlencode 'url=$url' --data-urlencode 'token=$secret' \\
  --data 'pipeline_events=true' --data 'deployment_events=true'
""",
        "sentry": """\
# Settings > Developer Settings > Custom Integrations > New internal integration
#   Webhook URL: $url
#   Alert Rule Action: on; webhooks: issue, error
# Then use the integration as an action in your alert rules.
""",
        "pagerduty": """\
# Integrations > Generic Webhooks (v3) > New Webhook
#   Webhook URL: $url
#   Event subscription: incident.triggered, incident.acknowledged, incident.resolved ...
""",
        "sns": """\
aws sns subscribe --topic-arn $topic --protocol https \\
  --notification-endpoint '$url'
# The subscription is confirmed by itself.
""",
        "datadog": """\
# Integrations > Webhooks > New
#   Name: stormcrow
#   URL: $url
#   Custom headers: {"Authorization": "Bearer $secret"}
#   Payload:
$datadog
# Then write @webhook-stormcrow into the message of your monitors.
""",
        "jenkins": """\
# Job > Configure > Job Notifications (Notification plugin)
#   Format: JSON   Protocol: HTTP   Event: Job Completed
#   URL: $url?token=$secret
""",
        "zabbix": """\
# Alerts > Media types > Import
zabbix_export:
  version: '6.0'
  media_types:
    - name: Stormcrow
      type: WEBHOOK
      parameters:
        - {name: stormcrow_url, value: '$url'}
        - {name: stormcrow_token, value: '$secret'}
$zabbix_parameters
      script: |
$zabbix_script
""",
        "sensu": """\
# sensuctl create -f stormcrow.yaml, then `handlers: [stormcrow]` in your checks
type: Handler
api_version: core/v2
metadata: {name: stormcrow}
spec:
  type: pipe
  timeout: 15
  command: >-
    curl -fsS --data-binary @- -H 'Content-Type: application/json'
    -H 'Authorization: Bearer $secret' '$url'
""",
        "standard": """\
# Endpoint URL:   $url
# Signing secret: $secret
# Where the sender makes the secret: stormcrow webhook add standard --secret whsec_...
""",
        "circleci": """\
# Project Settings > Webhooks > Add Webhook
#   Receiver URL: $url
#   Secret token: $secret
#   Event: Workflow Completed
""",
        "terraform": """\
resource "tfe_notification_configuration" "stormcrow" {
  name             = "stormcrow"
  enabled          = true
  destination_type = "generic"
  triggers         = ["run:completed", "run:errored", "run:needs_attention"]
  url              = "$url"
  token            = "$secret"
  workspace_id     = "ws-..."
}
""",
        "gitea": """\
# Settings > Webhooks > Add Webhook > Gitea (or Forgejo)
#   Target URL: $url
#   HTTP method: POST   POST content type: application/json
#   Secret: $secret
""",
        "bitbucket": """\
# Repository settings > Webhooks > Add webhook
#   URL: $url
#   Secret: $secret
#   Triggers: build status created, build status updated
""",
        "slack": """\
# api.slack.com/apps > your app > Event Subscriptions
#   Request URL: $url
""",
        "generic": """\
curl -fsS '$url' -H 'Authorization: Bearer $secret' \\
  -H 'Content-Type: application/json' -d '{"title": "Disk full", "severity": "critical", "host": "db1"}'
""",
    }
)


def snippet(preset: str, *, url: str, secret: str, topic: str = "") -> str:
    """Lines for the sender's configuration. `preset`: a name of PRESETS."""
    return Template(_TEXTS[preset]).substitute(
        url=url,
        secret=secret,
        topic=topic,
        datadog=json.dumps(_DATADOG_BODY, indent=2),
        zabbix_parameters="\n".join(
            f"        - {{name: {name}, value: '{value}'}}" for name, value in _ZABBIX_PARAMETERS.items()
        ),
        zabbix_script="\n".join(f"        {line}" for line in _ZABBIX_SCRIPT),
    )
