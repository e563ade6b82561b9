"""Who is told of the end of an execution: the routes of its notify section.

A section stands in the action's file, or came with the request; what came with the request counts
alone. Only what stands in a file is rendered: the text of a caller is data.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import orjson

from engine.chat_routes import ChatRoutes
from engine.clock import isoformat
from engine.content.read_notify import check_notify
from engine.content.registry import Content
from engine.content.shape import WrongShape
from engine.errors import BadInput, BadTemplate
from engine.expressions.jinja import Templates
from engine.expressions.lookups import KeyLookup, KeyValues
from engine.expressions.masking import ValueMasker
from engine.expressions.params import Plans
from engine.notices import Notice
from engine.records.execution import Execution
from engine.records.trigger import Event
from engine.status import FAILURES, FINISHED, Status

log = logging.getLogger(__name__)

NOTIFY_TRIGGER = "core.st2.generic.notifytrigger"
# The key of an execution's context that holds the section of its request.
CONTEXT_KEY = "notify"

# Section -> at which ends it speaks, and the last word of its message where it has none.
_SECTIONS: Mapping[str, tuple[frozenset[Status], str]] = MappingProxyType(
    {
        "on-complete": (frozenset(FINISHED), "completed."),
        "on-success": (frozenset({Status.SUCCEEDED}), "succeeded."),
        "on-failure": (frozenset(FAILURES), "failed."),
    }
)
# What StackStorm's bots carry through a notification for themselves.
_NOT_SHOWN = frozenset({"user", "source_channel", "source_context", "result"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Notifications:
    """What follows from one end."""

    events: tuple[Event, ...] = ()
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    """One of on-complete, on-success, on-failure, its texts as they are said."""

    name: str
    routes: tuple[str, ...]
    channels: tuple[str, ...]
    """Channels of a chat of ours."""
    message: str
    """Empty where none is written."""
    data: Mapping[str, Any]


def requested_notify(value: Any) -> Mapping[str, Any] | None:
    """The notify section of a request, checked. Raises BadInput."""
    if not value:
        return None
    try:
        check_notify(value, (CONTEXT_KEY,))
    except WrongShape as error:
        where = ".".join(str(step) for step in error.path)
        raise BadInput(f"{where}: {error.message}", hint=error.hint) from error
    sections: Mapping[str, Any] = value
    return sections


class Notifier:
    """`event_for(execution, trigger, payload)` makes the event of something an execution did."""

    def __init__(
        self,
        content: Content,
        plans: Plans,
        templates: Templates,
        keys: KeyValues,
        routes: ChatRoutes,
        *,
        event_for: Callable[[Execution, str, Any], Event],
    ) -> None:
        self._content = content
        self._plans = plans
        self._templates = templates
        self._keys = keys
        self._routes = routes
        self._event_for = event_for

    def of(self, execution: Execution, *, is_heard: bool) -> Notifications:
        """`is_heard`: whether a rule listens to the notify trigger; without one it is not fired."""
        events: list[Event] = []
        notices: list[Notice] = []
        for section in self._sections(execution):
            for route in section.routes:
                if is_heard:
                    payload = _payload(execution, route, section)
                    events.append(self._event_for(execution, NOTIFY_TRIGGER, payload))
                notices.extend(self._notices(section, execution, route))
        return Notifications(events=tuple(events), notices=tuple(notices))

    def _sections(self, execution: Execution) -> Iterator[_Section]:
        """Those that speak at this end, with their texts rendered."""
        is_trusted = not execution.context.get(CONTEXT_KEY)
        wanted = self._of_file(execution) if is_trusted else _of_request(execution)
        for name, (statuses, _) in _SECTIONS.items():
            written = wanted.get(name)
            if written and execution.status in statuses:
                message, data = str(written.get("message") or ""), dict(written.get("data") or {})
                if is_trusted:
                    message, data = self._rendered(name, message, data, execution)
                yield _Section(
                    name=name,
                    routes=tuple(written.get("routes") or written.get("channels") or ()),
                    # Beside routes, `channels` is free to name the channels of a chat of ours.
                    channels=tuple(written.get("channels") or ()) if written.get("routes") else (),
                    message=message,
                    data=data,
                )

    def _of_file(self, execution: Execution) -> Mapping[str, Any]:
        action = self._content.current.actions.get(execution.action)
        own = (action.notify if action else None) or {}
        node = execution.context.get("chain")
        if not isinstance(node, Mapping) or node.get("notify") is None:
            return own
        # What a chain's file says of its task; empty for one that is skipped, and then nobody is told.
        inherited: Mapping[str, Any] = node["notify"]
        return (own or inherited) if inherited else {}

    def _rendered(
        self, name: str, message: str, data: dict[str, Any], execution: Execution
    ) -> tuple[str, dict[str, Any]]:
        context = {
            "action_parameters": self._parameters(execution),
            "action_context": execution.context,
            "action_results": execution.result,
            "st2kv": {"system": KeyLookup(self._keys, "system", None)},
        }
        try:
            decrypted: list[str] = []
            message = self._templates.render(message, context, decrypted=decrypted)
            data = self._templates.render_values(data, context, decrypted=decrypted)
            # What is told to people and kept in the journal holds no secret.
            masker = ValueMasker(decrypted)
            message, data = masker.text(message), masker.value(data)
        except BadTemplate as error:
            # As StackStorm: the news is more than its wording.
            log.warning("notify.%s of %s cannot be rendered: %s", name, execution.action, error)
        return message, data

    def _parameters(self, execution: Execution) -> Mapping[str, Any]:
        action = self._content.current.actions.get(execution.action)
        return self._plans.get(action).told(execution.parameters) if action else execution.parameters

    def _notices(self, section: _Section, execution: Execution, route: str) -> Iterator[Notice]:
        target = self._routes.notified(route)
        if target is None:
            return
        source = section.data.get("source_channel")
        for channel in section.channels or [target.channel or (source if isinstance(source, str) else "")]:
            yield Notice(
                key=f"notification:{execution.id}:{section.name}:{route}:{channel}",
                channel=channel,
                adapter=target.adapter,
                text=section.message,
                fields=tuple(
                    (key, str(value))
                    for key, value in section.data.items()
                    if key not in _NOT_SHOWN and isinstance(value, str | int | float)
                ),
                execution_id=execution.id,
            )


def _of_request(execution: Execution) -> Mapping[str, Any]:
    try:
        return requested_notify(execution.context[CONTEXT_KEY]) or {}
    except BadInput as error:
        # The context of a rule is anything that somebody wrote.
        log.warning("execution %s: %s", execution.id, error)
        return {}


def _payload(execution: Execution, route: str, section: _Section) -> dict[str, Any]:
    result = orjson.dumps(execution.result, option=orjson.OPT_NON_STR_KEYS).decode()
    return {
        "execution_id": execution.id,
        "status": execution.status.value,
        "start_timestamp": isoformat(execution.requested_at),
        "end_timestamp": isoformat(execution.ended_at) if execution.ended_at else None,
        "action_ref": execution.action,
        "runner_ref": execution.runner,
        "channel": route,
        "route": route,
        "message": section.message or f"Action {execution.action} {_SECTIONS[section.name][1]}",
        # As StackStorm: the result is JSON text here, so that a template can pass it on whole.
        "data": {**section.data, "result": result},
    }
