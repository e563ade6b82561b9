"""From a sender's own payload to alerts in one shape. Pure: no database, no clock."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from engine.alerts import build_sources, incident_sources, metrics_sources
from engine.records.alert import Alert

Normaliser = Callable[[Any, Mapping[str, str]], Iterator[Alert]]

# One body may hold so many alerts; more of them are a fault of the sender.
MOST_ALERTS = 500

NORMALISERS: Mapping[str, Normaliser] = MappingProxyType(
    {
        "alertmanager": metrics_sources.alertmanager,
        "grafana": metrics_sources.grafana,
        "sns": metrics_sources.cloudwatch,
        "datadog": metrics_sources.datadog,
        "zabbix": metrics_sources.zabbix,
        "sensu": metrics_sources.sensu,
        "github": build_sources.github,
        "gitea": build_sources.github,
        "gitlab": build_sources.gitlab,
        "bitbucket": build_sources.bitbucket,
        "jenkins": build_sources.jenkins,
        "circleci": build_sources.circleci,
        "terraform": build_sources.terraform,
        "sentry": incident_sources.sentry,
        "pagerduty": incident_sources.pagerduty,
    }
)


def normalise(
    preset: str, body: Any, headers: Mapping[str, str], *, hook: str = "", channel: str = ""
) -> tuple[Alert, ...]:
    """The alerts of one delivery; none when it tells of something else (a push, a ping).

    `headers`: names in lower case. A preset that has no shape of its own is read by the usual names.
    """
    read = NORMALISERS.get(preset, incident_sources.generic)
    found = []
    for alert in read(body, headers):
        found.append(replace(alert, hook=hook, channel=channel, source=_source(alert.source, preset)))
        if len(found) == MOST_ALERTS:
            break
    return tuple(found)


def _source(source: str, preset: str) -> str:
    """A sender with another's shape keeps its own name."""
    return preset if preset in ("gitea",) or (source == "webhook" and preset) else source
