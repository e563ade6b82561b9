"""Where an inquiry comes from: who is behind it, and where it is asked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from engine.chat_routes import ChatRoutes
from engine.people import shown_name
from engine.records.execution import AGENT, ORIGIN_KEY, Execution
from engine.records.inquiry import AskedPlace, Origin
from engine.store import executions as store
from engine.store import triggers

# Rules and workflows that lead one to the other; no honest chain is longer.
_FARTHEST = 100


@dataclass(slots=True)
class _Ancestry:
    """What was found on the way back."""

    people: dict[str, None] = field(default_factory=dict)
    has_agent: bool = False
    seen: set[str] = field(default_factory=set)


def root_of(connection: Connection, execution: Execution) -> Execution:
    """The execution at the top of its workflows."""
    for _ in range(_FARTHEST):
        above = store.get(connection, execution.parent_id) if execution.parent_id else None
        if above is None:
            break
        execution = above
    return execution


def origin_of(connection: Connection, execution: Execution, root: Execution) -> Origin:
    found = _ancestry(connection, execution)
    return Origin(
        execution_id=root.id,
        action=root.action,
        task=_task(execution.context),
        user=root.user,
        name=shown_name(str(root.context.get("api_user") or ""), root.user),
        people=tuple(found.people),
        is_by_agent=found.has_agent,
    )


def people_behind(connection: Connection, execution: Execution) -> tuple[str, ...]:
    """Everybody who had a hand in it: users and shown names, through workflows, rules and what fired them."""
    return tuple(_ancestry(connection, execution).people)


def is_of_agent(connection: Connection, execution: Execution) -> bool:
    """Whether an agent began it, or what led to it."""
    return _ancestry(connection, execution).has_agent


def _ancestry(connection: Connection, execution: Execution) -> _Ancestry:
    found = _Ancestry()
    waiting = [execution.id]
    while waiting and len(found.seen) < _FARTHEST:
        execution_id = waiting.pop()
        if execution_id in found.seen:
            continue
        found.seen.add(execution_id)
        one = execution if execution_id == execution.id else store.get(connection, execution_id)
        if one is not None:
            found.people.update(dict.fromkeys(_named(one)))
            found.has_agent |= one.context.get(ORIGIN_KEY) == AGENT
            waiting += _before(connection, one, found)
    return found


def _named(execution: Execution) -> Iterator[str]:
    context = execution.context
    chat = context.get("chat")
    yield execution.user
    for value in (
        context.get("api_user"),
        context.get("user"),
        context.get("released_by"),
        context.get("impersonated_by"),
        chat.get("user") if isinstance(chat, Mapping) else None,
    ):
        if isinstance(value, str) and value:
            yield value


def _before(connection: Connection, execution: Execution, found: _Ancestry) -> Iterator[str]:
    """The executions that led to this one."""
    if execution.parent_id:
        yield execution.parent_id
    fired_by = execution.context.get("trigger_instance")
    instance_id = fired_by.get("id") if isinstance(fired_by, Mapping) else None
    instance = triggers.get(connection, instance_id) if isinstance(instance_id, str) else None
    if instance is None:
        return
    if instance.user:
        found.people[instance.user] = None
    # The end of an execution, told by the engine.
    ended = instance.payload.get("execution_id") if isinstance(instance.payload, Mapping) else None
    if instance.source == "engine" and isinstance(ended, str):
        yield ended


def places_of(root: Execution, route: str, routes: ChatRoutes) -> tuple[AskedPlace, ...]:
    """Where the command was given, and where the route leads; else the channel of the settings."""
    places = []
    chat = root.context.get("chat")
    if isinstance(chat, Mapping):
        thread = chat.get("thread")
        places.append(
            AskedPlace(
                adapter=str(chat.get("adapter") or ""),
                channel=str(chat.get("channel") or ""),
                thread=thread if isinstance(thread, str) else None,
                thread_key=str(chat.get("thread_key") or ""),
                is_command=True,
            )
        )
    return (*places, *route_places(route, routes, is_only=not places))


def route_places(route: str, routes: ChatRoutes, *, is_only: bool) -> tuple[AskedPlace, ...]:
    """`is_only`: it is asked nowhere else, so what leads nowhere is asked in the channel of the settings."""
    if routes.is_foreign(route):
        return ()
    target = routes.notified(route) if route else None
    if target is not None:
        return (AskedPlace(adapter=target.adapter, channel=target.channel),)
    return (AskedPlace(),) if is_only else ()


def _task(context: Mapping[str, Any]) -> str:
    for language, key in (("orquesta", "task_name"), ("chain", "name")):
        told = context.get(language)
        if isinstance(told, Mapping):
            return str(told.get(key) or "")
    return ""
