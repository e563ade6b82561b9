"""Traces, put together from the events, enforcements and executions that name them."""

from collections.abc import Sequence

from sqlalchemy import Connection

from engine.errors import NotFound
from engine.records.execution import ExecutionFilter
from engine.records.trace import Trace, TraceHead
from engine.store import executions as execution_store
from engine.store import traces as store
from engine.store import triggers as trigger_store
from engine.store.database import Database

# How far back a rule's traces are looked for.
_OF_RULE = 500


class Traces:
    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, trace_id: str) -> Trace:
        """By its id, or by that of an event or execution in it. Raises NotFound."""
        with self._database.read() as connection:
            found = (
                store.of_instance(connection, trace_id)
                or store.of_execution(connection, trace_id)
                or trace_id
            )
            head = store.head(connection, found)
            if head is None:
                raise NotFound(f'There is no trace "{trace_id}".', hint="List them: stormcrow trace list")
            return _whole(connection, head)

    def page(
        self,
        *,
        tag: str | None = None,
        ids: Sequence[str] = (),
        execution: str | None = None,
        instance: str | None = None,
        rule: str | None = None,
        offset: int = 0,
        limit: int | None = 100,
        oldest_first: bool = False,
    ) -> tuple[list[Trace], int]:
        """By time, and how many there are in all.

        One of `ids`, `execution`, `instance` and `rule` counts, in this order.
        """
        end = None if limit is None else offset + limit
        with self._database.read() as connection:
            chosen = _chosen(connection, ids, execution, instance, rule)
            if chosen is None:
                total = store.count(connection, tag=tag)
                heads = store.heads(
                    connection, tag=tag, offset=offset, limit=limit, oldest_first=oldest_first
                )
            else:
                found = [head for one in chosen if one and (head := store.head(connection, one)) is not None]
                fitting = [head for head in found if tag in (None, head.tag)]
                fitting.sort(key=lambda head: head.started_at, reverse=not oldest_first)
                heads, total = fitting[offset:end], len(fitting)
            return [_whole(connection, head) for head in heads], total


def _chosen(
    connection: Connection, ids: Sequence[str], execution: str | None, instance: str | None, rule: str | None
) -> Sequence[str | None] | None:
    """The ids of the traces that are asked for; None: all of them."""
    if ids:
        return ids
    if execution is not None:
        return [store.of_execution(connection, execution)]
    if instance is not None:
        return [store.of_instance(connection, instance)]
    return None if rule is None else store.of_rule(connection, rule, limit=_OF_RULE)


def _whole(connection: Connection, head: TraceHead) -> Trace:
    instance_ids = store.instances(connection, head.id)
    execution_ids = store.executions(connection, head.id)
    instances = [found for one in instance_ids if (found := trigger_store.get(connection, one)) is not None]
    enforcements = [one for each in instance_ids for one in trigger_store.enforcements_of(connection, each)]
    wanted = ExecutionFilter(ids=execution_ids, limit=None, oldest_first=True, with_result=False)
    executions = execution_store.page(connection, wanted)[0] if execution_ids else []
    return Trace(
        head=head,
        instances=tuple(instances),
        enforcements=tuple(enforcements),
        executions=tuple(executions),
    )
