"""How alerts look on the API; ours, StackStorm has none."""

from engine.api.wire import Document, without_none
from engine.clock import isoformat
from engine.records.alert import Episode


def alert_document(episode: Episode) -> Document:
    alert = episode.alert
    times = {
        "first_seen_at": episode.first_seen_at,
        "last_seen_at": episode.last_seen_at,
        "resolved_at": episode.resolved_at,
        "silenced_until": episode.silenced_until,
    }
    return without_none(
        {
            **alert.payload(),
            "id": episode.id,
            "status": episode.status.value,
            "channel": episode.channel,
            "count": episode.count,
            "in_storm": bool(episode.digest),
            "acked_by": episode.acked_by or None,
            "silenced_by": episode.silenced_by or None,
            "resolved_by": episode.resolved_by or None,
            **{name: isoformat(moment) for name, moment in times.items() if moment is not None},
        }
    )
