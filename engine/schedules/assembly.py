"""Puts the parts of schedules together, and hangs them into rules and timers."""

from collections.abc import Callable
from dataclasses import dataclass

from engine.alias_executions import AliasExecutions
from engine.aliases.match import AliasMatch
from engine.content.registry import Content
from engine.errors import BadInput, BadSettings
from engine.executions import Executions
from engine.expressions.params import Plans
from engine.rights.room import Rights
from engine.rules.evaluate import RuleEngine
from engine.schedules.book import Schedules
from engine.schedules.firing import ScheduleFiring
from engine.schedules.requests import ScheduleRequests
from engine.schedules.views import ScheduleViews
from engine.store.database import Database
from engine.stored_content import StoredContent
from engine.timers import Timers
from engine.timing import zones


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleParts:
    """What schedules stand on. `match` finds the alias of a command."""

    database: Database
    content: Content
    stored: StoredContent
    timers: Timers
    rules: RuleEngine
    executions: Executions
    aliases: AliasExecutions
    plans: Plans
    match: Callable[[str], AliasMatch]
    rights: Rights


def make_schedules(parts: ScheduleParts, *, zone: str) -> Schedules:
    """`zone`: that of times that name none; empty: the machine's. Raises BadSettings."""
    requests = ScheduleRequests(
        parts.content, parts.aliases, parts.plans, match=parts.match, rights=parts.rights
    )
    firing = ScheduleFiring(parts.database, parts.rules, parts.timers, requests)
    parts.rules.scheduled = firing.request_for
    parts.timers.on_fire = firing.fired
    return Schedules(
        parts.database,
        parts.stored,
        parts.timers,
        parts.executions,
        views=ScheduleViews(parts.database, parts.content, parts.timers),
        requests=requests,
        zone=_known(zone),
    )


def _known(name: str) -> str:
    try:
        zones.zone(name)
    except BadInput as error:
        raise BadSettings(error.message, hint=error.hint, where="chat.timezone") from error
    return name or zones.system_zone()
