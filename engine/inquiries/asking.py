"""From the parameters of the runner `inquirer` to what is asked, checked once before anybody is asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection

from engine.chat_routes import ChatRoutes
from engine.errors import BadParameter, nearest
from engine.inquiries.origin import origin_of, places_of, root_of, route_places
from engine.inquiries.quorum import PARAMETER as QUORUM
from engine.inquiries.quorum import read_quorum
from engine.records.execution import Execution
from engine.records.inquiry import Asked, AskedPlace, Audience, Escalation, OnTimeout, Quorum, Subject
from engine.runners.base import RunRequest
from engine.subjects import PARAMETER as SUBJECT
from engine.subjects import Subjects

SEPARATE = "x-separate"
BREAK_GLASS = "x-emergency"
# A boolean of the schema that is marked so, or has one of these names, says yes or no.
_MARK = "x-decision"
_DECISIONS = ("approved", "continue")
_ESCALATE = ("after", "users", "roles", "groups", "route", "ttl", "on_timeout")
# What StackStorm gives as the result of a question that waits.
_RESULT = ("schema", "roles", "users", "route", "ttl")
# A century; no date is past the end of the calendar then.
_LONGEST_MIN = 52_560_000

ESCALATE_HINT = f"Write {{after: MINUTES, users: [...]}}; known: {', '.join(_ESCALATE)}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the parameters say by themselves."""

    asked: Callable[[Connection], Asked]
    """With where it comes from and where it is asked; raises nothing."""
    result: Mapping[str, Any]
    """Of the execution that waits: StackStorm's five parameters, secrets masked."""


class Asking:
    def __init__(self, subjects: Subjects, routes: ChatRoutes) -> None:
        self._subjects = subjects
        self._routes = routes

    def question(self, execution: Execution, request: RunRequest) -> Question:
        """Raises BadParameter, NotFound for the action of a subject."""
        given = request.runner_parameters
        subject = self._subjects.of(given[SUBJECT]) if given.get(SUBJECT) is not None else None
        # Whatever is shown, stored or said from here on.
        shown: dict[str, Any] = request.masker.value(dict(given))
        schema = shown.get("schema")
        if not isinstance(schema, Mapping):
            raise BadParameter('"schema" must be a JSON schema of an object.')
        quorum = read_quorum(given.get(QUORUM))
        terms = _Terms.of(given, decision=decision_of(schema), quorum=quorum, subject=subject)

        def asked(connection: Connection) -> Asked:
            root = root_of(connection, execution)
            places = places_of(root, terms.route, self._routes)
            return Asked(
                text=_text(shown, schema),
                schema=dict(schema),
                route=terms.route,
                audience=_audience(given, ""),
                ttl_min=terms.ttl_min,
                on_timeout=terms.on_timeout,
                remind_min=terms.remind_min,
                escalation=self._escalation(terms, places),
                quorum=quorum,
                is_separate=terms.is_separate,
                break_glass=_names(given, BREAK_GLASS, ""),
                needs_reason=given.get("reason") == "required",
                subject=subject,
                decision=terms.decision,
                is_approval=terms.is_approval,
                places=places,
                origin=origin_of(connection, execution, root),
            )

        _audience(given, "")
        _names(given, BREAK_GLASS, "")
        self._escalation(terms, ())
        return Question(asked=asked, result={name: shown.get(name) for name in _RESULT})

    def _escalation(self, terms: "_Terms", known: tuple[AskedPlace, ...]) -> Escalation | None:
        if not terms.escalate:
            return None
        written = terms.escalate
        audience = _audience(written, "escalate.")
        route = _word(written, "route", "escalate.")
        places = route_places(route, self._routes, is_only=False)
        if audience.is_everybody and not route:
            raise BadParameter('"escalate" names neither people nor a route.', hint=ESCALATE_HINT)
        after = written.get("after")
        return Escalation(
            after_min=None if after is None else _minutes("escalate.after", after, at_least=1),
            audience=audience,
            places=tuple(place for place in places if place not in known),
            route=route,
            ttl_min=_minutes("escalate.ttl", written.get("ttl", terms.ttl_min)),
            then=_then(written, is_approval=terms.is_approval),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Terms:
    """The words and numbers of the parameters, checked against each other."""

    route: str
    ttl_min: int
    on_timeout: OnTimeout
    remind_min: int
    escalate: Mapping[str, Any]
    is_separate: bool
    is_approval: bool
    decision: str

    @classmethod
    def of(
        cls, given: Mapping[str, Any], *, decision: str, quorum: Quorum | None, subject: Subject | None
    ) -> "_Terms":
        escalate = given.get("escalate") or {}
        if not isinstance(escalate, Mapping):
            raise BadParameter('"escalate" must be an object.', hint=ESCALATE_HINT)
        unknown = next((str(name) for name in escalate if name not in _ESCALATE), None)
        if unknown is not None:
            raise BadParameter(
                f'"escalate" has no "{unknown}".', hint=nearest(unknown, _ESCALATE) or ESCALATE_HINT
            )
        on_timeout = _on_timeout(given.get("on_timeout") or "fail")
        is_separate = given.get(SEPARATE) is True
        is_approval = (
            quorum is not None
            or subject is not None
            or is_separate
            or "reject" in (on_timeout, escalate.get("on_timeout"))
        )
        if is_approval and not decision:
            raise BadParameter(
                "An approval needs a yes or no, and the schema has none.",
                hint=f"Give it a boolean called {' or '.join(_DECISIONS)}, or one with `{_MARK}: true`.",
            )
        if on_timeout == "escalate" and not escalate:
            raise BadParameter('"on_timeout: escalate" needs "escalate".', hint=ESCALATE_HINT)
        return cls(
            route=str(given.get("route") or ""),
            ttl_min=_minutes("ttl", given.get("ttl")),
            on_timeout=on_timeout,
            remind_min=_minutes("remind", given.get("remind") or 0, at_least=0),
            escalate=escalate,
            is_separate=is_separate,
            is_approval=is_approval,
            decision=decision,
        )


def decision_of(schema: Mapping[str, Any]) -> str:
    """The boolean property that says yes or no; empty: the schema has none."""
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return ""
    yes_or_no = [
        str(name)
        for name, part in properties.items()
        if isinstance(part, Mapping) and part.get("type") == "boolean"
    ]
    marked = [name for name in yes_or_no if properties[name].get(_MARK) is True]
    return next(iter((*marked, *(name for name in _DECISIONS if name in yes_or_no))), "")


def _on_timeout(word: Any) -> OnTimeout:
    words: tuple[OnTimeout, ...] = ("fail", "reject", "escalate")
    found = next((known for known in words if known == word), None)
    if found is None:
        raise BadParameter(f'"on_timeout" must be one of {", ".join(words)}.')
    return found


def _then(written: Mapping[str, Any], *, is_approval: bool) -> Literal["fail", "reject"]:
    word = written.get("on_timeout", "reject" if is_approval else "fail")
    if word not in ("fail", "reject"):
        raise BadParameter('"escalate.on_timeout" must be fail or reject.')
    return "reject" if word == "reject" else "fail"


def _minutes(name: str, value: Any, *, at_least: int = -_LONGEST_MIN) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not at_least <= value <= _LONGEST_MIN:
        lowest = f" from {at_least}" if at_least >= 0 else ""
        raise BadParameter(f'"{name}" must be a whole number of minutes{lowest}, at most {_LONGEST_MIN}.')
    return value


def _audience(given: Mapping[str, Any], where: str) -> Audience:
    return Audience(
        users=_names(given, "users", where),
        roles=_names(given, "roles", where),
        groups=_names(given, "groups", where),
    )


def _names(given: Mapping[str, Any], name: str, where: str) -> tuple[str, ...]:
    value = given.get(name)
    if value is None:
        return ()
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise BadParameter(f'"{where}{name}" must be a list of names.')
    return tuple(dict.fromkeys(value))


def _word(given: Mapping[str, Any], name: str, where: str) -> str:
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise BadParameter(f'"{where}{name}" must be a text.')
    return value or ""


def _text(given: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """The question in words; where none is given, what the schema says of itself."""
    for value in (given.get("text"), schema.get("description")):
        if isinstance(value, str) and value.strip():
            return value
    return ""
