"""An alert, or a storm of them, as one message."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from engine.alerts.reading import digest
from engine.notices import Notice, Tone
from engine.records.alert import AlertStatus, Episode, Severity

# As many as read well on a phone; `alert show ID` has them all.
_LABELS = 6
_LINKS = 4
_IN_DIGEST = 8
_SIGNS = {
    Severity.CRITICAL: "🔴",
    Severity.ERROR: "🟠",
    Severity.WARNING: "🟡",
    Severity.INFO: "🔵",
}
_LINK_WORDS = {"source": "Source", "dashboard": "Dashboard", "runbook": "Runbook", "silence": "Silence there"}


def key_of(source: str, fingerprint: str) -> str:
    """The notice of a fingerprint; each episode is a generation of it."""
    return f"alert:{digest(source, fingerprint)}"


def short(episode_id: str) -> str:
    """What people type."""
    return episode_id[-6:]


def card(episode: Episode, *, now: datetime) -> Notice:
    """One message per episode, edited for as long as it lasts."""
    alert = episode.alert
    labels = list(alert.labels.items())
    fields = [*labels[:_LABELS]]
    if len(labels) > _LABELS:
        fields.append(("…", f"{len(labels) - _LABELS} more: alert show {short(episode.id)}"))
    if alert.value:
        fields.append(("value", alert.value))
    fields.append(("seen", _seen(episode)))
    if episode.is_open and episode.is_silenced(now):
        until = f"{episode.silenced_until:%H:%M} UTC" if episode.silenced_until else ""
        fields.append(("silenced", f"until {until} by {episode.silenced_by}"))
    return Notice(
        key=key_of(alert.source, alert.fingerprint),
        generation=episode.id,
        channel=episode.channel,
        title=f"{_sign(episode)} {alert.title}",
        text="\n".join(part for part in (alert.text, _state(episode)) if part),
        tone=_tone(episode),
        fields=tuple(fields),
        links=tuple((_LINK_WORDS.get(name, name), url) for name, url in alert.links.items() if _is_link(url))[
            :_LINKS
        ],
        commands=_commands(episode, now),
        named=tuple(filter(None, (episode.acked_by, episode.silenced_by, episode.resolved_by))),
    )


def storm(episodes: Sequence[Episode], *, storm_id: str, channel: str) -> Notice:
    """Many alerts of one channel in one message."""
    opened = [episode for episode in episodes if episode.is_open]
    titles = Counter(episode.alert.title for episode in opened or episodes)
    lines = []
    for title, number in titles.most_common(_IN_DIGEST):
        places = [_place(episode) for episode in opened or episodes if episode.alert.title == title]
        shown = ", ".join(list(dict.fromkeys(place for place in places if place))[:5])
        lines.append(f"{title} ×{number}" + (f" ({shown}{', …' if number > 5 else ''})" if shown else ""))
    if len(titles) > _IN_DIGEST:
        lines.append(f"and {len(titles) - _IN_DIGEST} other alerts")
    first, last = episodes[0].first_seen_at, max(episode.last_seen_at for episode in episodes)
    worst = min((list(Severity).index(one.alert.severity) for one in opened or episodes), default=1)
    sign = _SIGNS[list(Severity)[worst]] if opened else "✅"
    return Notice(
        key=f"alert-storm:{channel}",
        generation=storm_id,
        channel=channel,
        title=f"{sign} {len(episodes)} alerts in a storm, {len(opened)} still firing",
        text="\n".join(lines),
        tone="bad" if opened else "good",
        fields=(("seen", f"{first:%H:%M} to {last:%H:%M} UTC"),),
        commands=(("List", "alert list"),) if opened else (),
    )


def _place(episode: Episode) -> str:
    labels = episode.alert.labels
    return next(
        (labels[name] for name in ("instance", "host", "entity", "service", "pod") if name in labels), ""
    )


def _seen(episode: Episode) -> str:
    first = f"{episode.first_seen_at:%H:%M} UTC"
    if episode.count == 1:
        return first
    return f"×{episode.count}, first {first}, last {episode.last_seen_at:%H:%M} UTC"


def _state(episode: Episode) -> str:
    if episode.status is AlertStatus.RESOLVED and episode.resolved_at is not None:
        by = f" by {episode.resolved_by}" if episode.resolved_by else ""
        return (
            f"resolved{by} after {_duration((episode.resolved_at - episode.first_seen_at).total_seconds())}"
        )
    return f"acknowledged by {episode.acked_by or 'somebody'}" if episode.status is AlertStatus.ACKED else ""


def _sign(episode: Episode) -> str:
    if episode.status is AlertStatus.RESOLVED:
        return "✅"
    return "👀" if episode.status is AlertStatus.ACKED else _SIGNS[episode.alert.severity]


def _tone(episode: Episode) -> Tone:
    if episode.status is AlertStatus.RESOLVED:
        return "good"
    severe = episode.alert.severity in (Severity.CRITICAL, Severity.ERROR)
    return "bad" if severe and episode.status is AlertStatus.FIRING else "warning"


def _commands(episode: Episode, now: datetime) -> tuple[tuple[str, str], ...]:
    if not episode.is_open:
        return ()
    word = short(episode.id)
    found = [("Details", f"alert show {word}")]
    if episode.is_silenced(now):
        found.insert(0, ("End silence", f"alert unsilence {word}"))
    else:
        found.insert(0, ("Silence 1h", f"alert silence {word} 1h"))
    if episode.status is AlertStatus.FIRING:
        found.insert(0, ("Ack", f"alert ack {word}"))
    return tuple(found)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h {minutes}m"
    return f"{minutes}m {rest}s" if minutes else f"{rest}s"


def _is_link(url: str) -> bool:
    return url.startswith(("https://", "http://"))
