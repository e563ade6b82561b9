"""Where alerts are shown, and when they become a storm: the configuration of the pack `alerts`."""

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from engine.records.alert import Alert

PACK = "alerts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Alerts whose labels all fit go to this channel."""

    match: Mapping[str, str]
    """Label, or `source`, `severity`, `title`, `hook` -> pattern with * and ?."""
    channel: str

    def fits(self, alert: Alert) -> bool:
        known = {
            **alert.labels,
            "source": alert.source,
            "severity": alert.severity.value,
            "title": alert.title,
            "hook": alert.hook,
        }
        return all(
            name in known and fnmatch.fnmatchcase(known[name], pattern)
            for name, pattern in self.match.items()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """Made with every reload from the pack's effective configuration."""

    routes: tuple[Route, ...] = ()
    channel: str = ""
    storm_limit: int = 10
    """More new alerts than this within a minute in one channel are told as one."""
    reopen: timedelta = timedelta(minutes=30)
    """An alert that fires again so soon after it was resolved goes on in its old message."""

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "Routing":
        routes = config.get("routes") or []
        return cls(
            routes=tuple(
                Route(
                    match={str(name): str(pattern) for name, pattern in (one.get("match") or {}).items()},
                    channel=str(one["channel"]).lstrip("#"),
                )
                for one in routes
            ),
            channel=str(config.get("channel") or "").lstrip("#"),
            storm_limit=int(config.get("storm_limit") or 10),
            reopen=timedelta(minutes=float(config.get("reopen_minutes", 30))),
        )

    def channel_of(self, alert: Alert) -> str:
        """The first route that fits, then the hook's own channel, then the pack's; empty: the engine's."""
        found = (route.channel for route in self.routes if route.fits(alert))
        return next(found, "") or alert.channel.lstrip("#") or self.channel
