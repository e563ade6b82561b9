"""`schedule` in the chat: what was understood, when it runs next, the list, and what became of it."""

import re
from datetime import datetime

from bot import formatting
from bot.chat import Author, Button, Fields, Piece, Reply, Table, Text, Tone
from engine.errors import EngineError
from engine.people import shown_name
from engine.schedules.views import LIVING, ScheduleView
from engine.service import Engine
from engine.timing import zones

SHAPE = re.compile(
    r"schedule(?:\s+(?:"
    r"(?P<list>list(?P<all>\s+all)?)"
    r"|(?P<verb>show|pause|resume|cancel|run)\s+\#?(?P<number>\d{1,9})"
    r"|(?P<when>(?:(?:in|at|on|today|tomorrow|every|cron|(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)"
    r"(?:day)?|\d{4}-\d\d-\d\d)\s|[\"']).+)"
    r"))?",
    re.DOTALL | re.IGNORECASE,
)
# `at 22:00 deploy api` is `schedule at 22:00 deploy api`; at something else is no time.
AT_SHAPE = re.compile(
    r"at(?:\s+(?:"
    r"(?P<list>list(?P<all>\s+all)?)"
    r"|(?P<verb>show|pause|resume|cancel|run)\s+\#?(?P<number>\d{1,9})"
    r"|(?P<when>\d.*)"
    r"))?",
    re.DOTALL | re.IGNORECASE,
)
_LISTED = 25


def command_in(engine: Engine, when: str) -> str:
    """What is to be said at the time that `when` begins with; empty when that is not understood."""
    if not when:
        return ""
    try:
        return engine.schedules.understand(when).rest
    except EngineError:
        return ""


def when_in(text: str) -> str:
    """The time and the command in `schedule WHEN COMMAND` and `at TIME COMMAND`; empty: it is neither."""
    fits = AT_SHAPE.fullmatch(text)
    if fits:
        return f"at {fits['when']}" if fits["when"] else ""
    fits = SHAPE.fullmatch(text)
    return fits["when"] or "" if fits else ""


def zone_of(author: Author) -> str:
    """The person's own time zone, where the chat knows one that there is; else empty."""
    return author.zone if zones.is_zone(author.zone) else ""


def added(view: ScheduleView) -> Reply:
    """What was understood, in our own words."""
    number = view.schedule.number
    what = formatting.clean(view.schedule.command or view.schedule.action)
    return Reply(
        title=f"Schedule {number}",
        pieces=(
            Text(text=f"I read: {view.schedule.text}."),
            Text(text=f"I will say “{what}”, next {_next(view)}."),
        ),
        tone=Tone.GOOD,
        buttons=_buttons(view),
    )


def shown(view: ScheduleView) -> Reply:
    """Everything about one."""
    schedule = view.schedule
    last = schedule.last_execution_id
    rows = [
        ("command", formatting.clean(schedule.command) or schedule.action),
        ("when", schedule.text),
        ("state", _state(view)),
        ("next", ", ".join(_moment(moment, view) for moment in view.next_times)),
        ("by", formatting.clean(shown_name(schedule.chat_user, schedule.user))),
        ("missed runs", view.misfire),
        ("last run", f"status {formatting.short_id(last)}" if last else ""),
        ("last failure", formatting.clean(schedule.last_failure)),
        ("rule", schedule.rule_ref),
    ]
    return Reply(
        title=f"Schedule {schedule.number}",
        pieces=(Fields(rows=tuple((name, value) for name, value in rows if value)),),
        buttons=_buttons(view),
    )


def listed(engine: Engine, *, with_ended: bool, prefix: str) -> Reply:
    views = engine.schedules.list(with_ended=with_ended)
    if not views:
        example = f"{prefix}schedule every weekday at 9 COMMAND"
        return Reply(pieces=(Text(text=f"Nothing is scheduled. For example: {example}"),))
    rows = tuple(
        (
            str(view.schedule.number),
            formatting.clean(view.schedule.command or view.schedule.action),
            view.schedule.text,
            _state(view) if view.state != "active" else _next(view),
            formatting.clean(shown_name(view.schedule.chat_user, view.schedule.user)),
        )
        for view in views[:_LISTED]
    )
    pieces: list[Piece] = [Table(columns=("number", "command", "when", "next", "by"), rows=rows)]
    if len(views) > _LISTED:
        pieces.append(Text(text=f"{len(views) - _LISTED} more: stormcrow schedule list"))
    verbs = " · ".join(f"{prefix}schedule {verb} N" for verb in ("show", "run", "pause", "resume", "cancel"))
    pieces.append(Text(text=verbs))
    return Reply(title=f"{len(views)} scheduled", pieces=tuple(pieces))


def changed(engine: Engine, verb: str, number: int, *, user: str) -> Reply:
    """`pause`, `resume` or `cancel`. Raises NotFound, Conflict."""
    if verb == "cancel":
        view = engine.schedules.cancel(number, user=user)
        said = "cancelled"
    else:
        view = engine.schedules.set_enabled(number, enabled=verb == "resume", user=user)
        said = _going_on(view) if verb == "resume" else "paused; what passes meanwhile is not made up"
    what = formatting.clean(view.schedule.command or view.schedule.action)
    return Reply(pieces=(Text(text=f"Schedule {number} ({what}): {said}."),), buttons=_buttons(view))


def _going_on(view: ScheduleView) -> str:
    return f"goes on, next {_next(view)}" if view.next_times else "goes on, but its time is past: cancel it"


def _state(view: ScheduleView) -> str:
    schedule = view.schedule
    by = f" by {schedule.ended_by}" if schedule.ended_by else ""
    return f"{view.state}{by}"


def _next(view: ScheduleView) -> str:
    return _moment(view.next_times[0], view) if view.next_times else "never"


def _moment(moment: datetime, view: ScheduleView) -> str:
    """today 22:00 (+01:00, in 3 h)"""
    where = zones.zone(view.schedule.zone)
    local, now = moment.astimezone(where), view.seen_at.astimezone(where)
    days = (local.date() - now.date()).days
    day = {0: "today", 1: "tomorrow"}.get(days, f"{local:%a %Y-%m-%d}")
    clock = f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
    return f"{day} {clock} ({zones.offset_text(local)}, in {formatting.span((moment - now).total_seconds())})"


def _buttons(view: ScheduleView) -> tuple[Button, ...]:
    if view.state not in LIVING:
        return ()
    number = view.schedule.number
    switch = "resume" if view.state == "paused" else "pause"
    return (
        Button(label="Run now", command=f"schedule run {number}"),
        Button(label=switch.capitalize(), command=f"schedule {switch} {number}"),
        Button(label="Cancel", command=f"schedule cancel {number}", style="danger"),
    )
