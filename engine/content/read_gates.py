"""The keys of a rule that are ours: x-match, x-actions, and what may hold it back."""

import datetime as dt
import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import jsonpath_rw

from engine.content.shape import Field, Path, Taken, WrongShape, expect, filled, shown, take
from engine.specs.gates import (
    WEEKDAYS,
    BudgetSpec,
    CorrelateSpec,
    DateWindow,
    FreezeSpec,
    GateSpec,
    PartSpec,
    ThresholdSpec,
    ThrottleSpec,
    WeeklyWindow,
)

_UNITS_S: Mapping[str, int] = MappingProxyType({"s": 1, "m": 60, "h": 3_600, "d": 86_400})
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")
_LONGEST_S = 366 * 86_400.0
# The state of a gate holds so many times at most.
_MOST_COUNTED = 10_000
# Quick, because parsing takes 10 ms; `where` is a word of jsonpath_rw's own.
_PLAIN_PATH = re.compile(r"trigger(\.(?!where(?![\w@\-]))[a-zA-Z_@][a-zA-Z0-9_@\-]*|\[-?[0-9]+\])*")
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_MINUTES_OF_DAY = 1_440

KNOWN = ("x-match", "x-actions", "x-correlate", "x-threshold", "x-freeze", "x-throttle", "x-budget")

CheckCriteria = Callable[[Any, Path], None]


def check_match(value: Any, path: Path, criteria: CheckCriteria) -> None:
    """Groups of criteria, as engine/criteria reads them. Raises WrongShape."""
    expect(value, "object", path)
    if not value:
        raise WrongShape("A group without criteria", path=path, hint="Delete it, or write a criterion.")
    for key, inner in value.items():
        here = (*path, key)
        if key in ("any", "all"):
            expect(inner, "array", here)
            if not inner:
                raise WrongShape(f"{key}: the list is empty", path=here)
            for index, part in enumerate(inner):
                check_match(part, (*here, index), criteria)
        elif key == "not":
            check_match(inner, here, criteria)
        else:
            criteria({key: inner}, path)


def read_gates(extensions: Mapping[str, Any], criteria: CheckCriteria) -> tuple[GateSpec, ...]:
    """In the order in which they are asked. Raises WrongShape."""
    readers: tuple[tuple[str, Callable[[Any, Path], GateSpec]], ...] = (
        ("x-correlate", lambda value, path: _correlate(value, path, criteria)),
        ("x-threshold", _threshold),
        ("x-freeze", _freeze),
        ("x-throttle", _throttle),
        ("x-budget", _budget),
    )
    return tuple(read(extensions[key], (key,)) for key, read in readers if extensions.get(key) is not None)


# values


def _seconds(value: Any, path: Path) -> float:
    """A number of seconds, or a text such as 90s, 10m, 2h, 7d."""
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if found:
        number = float(found[1]) * _UNITS_S[found[2]]
    if number is None or not math.isfinite(number):
        raise WrongShape(
            f"{path[-1]}: {shown(value)} is not a time span", path=path, hint="Write 90s, 10m, 2h or 7d."
        )
    if not 1 <= number <= _LONGEST_S:
        raise WrongShape(f"{path[-1]}: {shown(value)} is not between 1s and 366d", path=path)
    return float(number)


def _count(value: Any, path: Path, *, at_least: int = 1) -> int:
    expect(value, "integer", path)
    if not at_least <= value <= _MOST_COUNTED:
        raise WrongShape(f"{path[-1]}: {value} is not between {at_least} and {_MOST_COUNTED}", path=path)
    return int(value)


def _by(taken: Taken, path: Path) -> tuple[str, ...]:
    value = taken.values.get("by", [])
    paths = [value] if isinstance(value, str) else value
    expect(paths, "array", (*path, "by"))
    for index, one in enumerate(paths):
        here = (*path, "by", index)
        expect(one, "string", here)
        if not _is_path(one):
            raise WrongShape(
                f"by: {shown(one)} is not a path into the event",
                path=here,
                hint="Write it as in criteria, for example trigger.body.host.",
            )
    return tuple(paths)


def _is_path(text: str) -> bool:
    if _PLAIN_PATH.fullmatch(text):
        return True
    try:
        jsonpath_rw.parse(text)
    except Exception:  # noqa: BLE001  jsonpath_rw raises bare Exception for a bad path
        return False
    return text.startswith("trigger")


def _word(value: Any, path: Path, words: tuple[str, ...]) -> Any:
    if value not in words:
        raise WrongShape(f"{path[-1]}: {shown(value)} is none of {', '.join(words)}", path=path)
    return value


def _need(taken: Taken, path: Path, *names: str) -> None:
    for name in names:
        if name not in taken.values:
            raise WrongShape(f"{name!r} is a required property", path=path)


# gates

_THROTTLE = {
    **{name: Field("any") for name in ("once_within", "once_after", "once_quiet", "at_latest", "within")},
    "at_most": Field("any"),
    "by": Field("any"),
}
_KINDS = ("once_within", "once_after", "once_quiet", "at_most")


def _throttle(value: Any, path: Path) -> ThrottleSpec:
    taken = take(value, _THROTTLE, path=path)
    given = taken.values
    kinds = [kind for kind in _KINDS if kind in given]
    if len(kinds) != 1:
        raise WrongShape(f"A throttle has exactly one of {', '.join(_KINDS)}", path=path)
    (kind,) = kinds
    for name, partner in (("within", "at_most"), ("at_latest", "once_quiet")):
        if name in given and kind != partner:
            raise WrongShape(f"{name} goes with {partner} only", path=(*path, name))
    if kind == "at_most":
        _need(taken, path, "within")
        limit = _count(given["at_most"], (*path, "at_most"))
        window_s = _seconds(given["within"], (*path, "within"))
        return ThrottleSpec(kind="at_most", window_s=window_s, limit=limit, by=_by(taken, path))
    window_s = _seconds(given[kind], (*path, kind))
    latest_s = _seconds(given["at_latest"], (*path, "at_latest")) if "at_latest" in given else None
    if latest_s is not None and latest_s < window_s:
        raise WrongShape("at_latest is shorter than the quiet it waits for", path=(*path, "at_latest"))
    return ThrottleSpec(kind=kind, window_s=window_s, latest_s=latest_s, by=_by(taken, path))  # type: ignore[arg-type]  # one of _KINDS


_THRESHOLD = {"count": Field("any"), "within": Field("any"), "by": Field("any")}


def _threshold(value: Any, path: Path) -> ThresholdSpec:
    taken = take(value, _THRESHOLD, path=path)
    _need(taken, path, "count", "within")
    return ThresholdSpec(
        count=_count(taken.values["count"], (*path, "count"), at_least=2),
        window_s=_seconds(taken.values["within"], (*path, "within")),
        by=_by(taken, path),
    )


_CORRELATE = {"within": Field("any"), "by": Field("any"), "with": Field("object", required=True)}
_PART = {
    "trigger": Field("object", required=True),
    "criteria": Field("object"),
    "by": Field("any"),
}
_PART_TRIGGER = {"type": Field("string", required=True, check=filled), "parameters": Field("object")}


def _correlate(value: Any, path: Path, criteria: CheckCriteria) -> CorrelateSpec:
    taken = take(value, _CORRELATE, path=path)
    _need(taken, path, "within")
    own = _by(taken, path)
    here = (*path, "with")
    if not taken.values["with"]:
        raise WrongShape("with: no other event is named", path=here)
    parts = []
    for name, inner in taken.values["with"].items():
        at = (*here, name)
        part = take(inner, _PART, path=at)
        trigger = take(part.values["trigger"], _PART_TRIGGER, path=(*at, "trigger")).values
        criteria(part.values.get("criteria", {}), (*at, "criteria"))
        by = _by(part, at) if "by" in part.values else own
        if len(by) != len(own):
            raise WrongShape(
                f"by: {len(by)} paths, but the rule's own event has {len(own)}",
                path=(*at, "by"),
                hint="The values at both are compared one by one.",
            )
        parts.append(
            PartSpec(
                name=str(name),
                trigger_type=trigger["type"],
                parameters=trigger.get("parameters", {}),
                criteria=part.values.get("criteria", {}),
                by=by,
            )
        )
    window_s = _seconds(taken.values["within"], (*path, "within"))
    return CorrelateSpec(window_s=window_s, by=own, parts=tuple(parts))


_BUDGET = {
    **{name: Field("any") for name in ("at_most", "within", "by", "on_exceed")},
    "channel": Field("string"),
}


def _budget(value: Any, path: Path) -> BudgetSpec:
    taken = take(value, _BUDGET, path=path)
    _need(taken, path, "at_most", "within")
    on_exceed = taken.values.get("on_exceed", "notify")
    return BudgetSpec(
        limit=_count(taken.values["at_most"], (*path, "at_most")),
        window_s=_seconds(taken.values["within"], (*path, "within")),
        by=_by(taken, path),
        on_exceed=_word(on_exceed, (*path, "on_exceed"), ("ask", "drop", "notify")),
        channel=taken.values.get("channel", ""),
    )


_FREEZE = {
    "windows": Field("array", required=True),
    "timezone": Field("string"),
    "override": Field("string", check=filled),
    "on_freeze": Field("any"),
    "channel": Field("string"),
}
_WINDOW = {name: Field("any") for name in ("days", "from", "to", "begins", "ends")}


def _freeze(value: Any, path: Path) -> FreezeSpec:
    taken = take(value, _FREEZE, path=path)
    zone = taken.values.get("timezone", "UTC")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise WrongShape(
            f"timezone: {shown(zone)} is not known", path=(*path, "timezone"), hint="Write Europe/Zurich."
        ) from error
    here = (*path, "windows")
    if not taken.values["windows"]:
        raise WrongShape("windows: the list is empty", path=here)
    on_freeze = taken.values.get("on_freeze", "drop")
    return FreezeSpec(
        windows=tuple(_window(one, (*here, index)) for index, one in enumerate(taken.values["windows"])),
        timezone=zone,
        override=taken.values.get("override", ""),
        on_freeze=_word(on_freeze, (*path, "on_freeze"), ("drop", "notify")),
        channel=taken.values.get("channel", ""),
    )


def _window(value: Any, path: Path) -> WeeklyWindow | DateWindow:
    taken = take(value, _WINDOW, path=path)
    given = taken.values
    if "begins" in given or "ends" in given:
        if set(given) != {"begins", "ends"}:
            raise WrongShape("A window between dates has begins and ends, and nothing else", path=path)
        begins, ends = (_moment(given[name], (*path, name)) for name in ("begins", "ends"))
        if ends <= begins:
            raise WrongShape("It ends before it begins", path=(*path, "ends"))
        return DateWindow(begins=begins, ends=ends)
    days = given.get("days", list(WEEKDAYS))
    days = [days] if isinstance(days, str) else days
    expect(days, "array", (*path, "days"))
    for index, day in enumerate(days):
        _word(day, (*path, "days", index), WEEKDAYS)
    return WeeklyWindow(
        days=frozenset(WEEKDAYS.index(day) for day in days),
        begins=_clock(given.get("from", "00:00"), (*path, "from")),
        ends=_clock(given.get("to", "00:00"), (*path, "to")),
    )


def _clock(value: Any, path: Path) -> dt.time:
    # YAML reads 22:00 without quotes as a number of minutes, and 6:30 too.
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MINUTES_OF_DAY:
        return dt.time(*divmod(value, 60))
    found = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise WrongShape(
            f"{path[-1]}: {shown(value)} is not a time of day", path=path, hint='Write "22:00", in quotes.'
        )
    return dt.time(int(found[1]), int(found[2]))


def _moment(value: Any, path: Path) -> dt.datetime:
    """Wall clock time; YAML may have made a date of it already."""
    try:
        if isinstance(value, dt.date):
            value = value.isoformat()
        moment = dt.datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise WrongShape(
            f"{path[-1]}: {shown(value)} is not a date", path=path, hint='Write "2026-12-24 18:00".'
        ) from error
    if moment.tzinfo is not None:
        raise WrongShape(f"{path[-1]}: the zone stands in `timezone`", path=path, hint="Leave it out here.")
    return moment
