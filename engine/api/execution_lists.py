"""Lists of executions: their filters, their order, and what may be left out of each."""

from dataclasses import replace
from typing import Any

from starlette.responses import Response

from engine.api import listing
from engine.api.call import Call, Query, json_answer, moment
from engine.api.origins import origins
from engine.api.scopes import narrowed
from engine.errors import BadInput
from engine.records.access import Scope
from engine.records.execution import Execution, ExecutionFilter
from engine.refs import liveaction_id
from engine.specs.right import Right
from engine.specs.runner_type import WORKFLOWS

ATTRIBUTES = frozenset({"result", "trigger_instance", "status"})
# Names in `filter=k:v` -> our query parameters.
_ADVANCED = {
    "action.ref": "action",
    "runner.name": "runner",
    "context.user": "user",
    "liveaction.id": "liveaction",
}


def list_executions(call: Call) -> Response:
    wanted = _filter(call)
    scope = narrowed(call, Right.EXECUTION_LIST)
    if scope is not None:
        wanted = replace(wanted, actions=_within(call, scope))
    page = listing.history_page(call)
    found, total = call.engine.executions(wanted)
    include, _ = listing.attributes(call.query)
    began, children = origins(call, found, include=include), _children(call, found, include)
    documents = (
        {**call.documents.execution(one, children=children.get(one.id, ())), **began.get(one.id, {})}
        for one in found
    )
    shown = [listing.selected(document, call.query, ("id",)) for document in documents]
    return json_answer(shown, headers=listing.page_headers(page, total))


def _children(call: Call, executions: list[Execution], include: list[str]) -> dict[str, list[str]]:
    """Of workflows, which alone have some; unless the caller leaves them out."""
    if include and "children" not in include:
        return {}
    return call.engine.children_of_each([one.id for one in executions if one.runner in WORKFLOWS])


def _within(call: Call, scope: Scope) -> frozenset[str]:
    """The refs of a limited key: those that it names itself, and the actions there are that fit a pattern."""
    there = (ref for ref in call.engine.registry.actions if scope.has_action(ref))
    return frozenset((*scope.actions, *there))


def list_filters(call: Call) -> Response:
    """What executions can be chosen by: each value that there is, once. `types`: only of these."""
    wanted = call.query.names("types")
    found = call.engine.execution_values()
    return json_answer({name: values for name, values in found.items() if not wanted or name in wanted})


def _filter(call: Call) -> ExecutionFilter:
    query = _with_advanced(call.query)
    include, exclude = listing.attributes(query)
    check_excluded(exclude)
    page = query.page()
    after, before = _between(query)
    return ExecutionFilter(
        ids=_ids(query),
        status=query.text("status"),
        action=query.text("action"),
        runner=query.text("runner"),
        user=query.text("user"),
        parent_id=query.text("parent"),
        rules=_rules(call, query.text("rule")),
        trigger_instance=query.text("trigger_instance"),
        trigger=query.text("trigger"),
        trigger_type=query.text("trigger_type"),
        after=after,
        before=before,
        offset=page.offset,
        limit=page.limit,
        oldest_first=listing.oldest_first(query, "start_timestamp"),
        with_result="result" not in exclude and (not include or any(_is_result(name) for name in include)),
    )


def _rules(call: Call, asked: str | None) -> list[str] | None:
    """By its ref, or as in StackStorm by its bare name."""
    if asked is None or "." in asked:
        return None if asked is None else [asked]
    return [ref for ref, rule in call.engine.registry.rules.items() if rule.name == asked]


def _is_result(path: str) -> bool:
    return path.partition(".")[0] == "result"


def check_excluded(exclude: list[str]) -> None:
    for name in exclude:
        if name not in ATTRIBUTES:
            raise BadInput(f'Invalid or unsupported exclude attribute specified: "{name}"')


def _with_advanced(query: Query) -> Query:
    """`filter=status:failed action:core.local` wins over the parameters of the same meaning."""
    text = query.text("filter")
    if text is None:
        return query
    given = {}
    for token in text.split():
        name, colon, value = token.partition(":")
        if not colon:
            raise BadInput(f'invalid format for filter "{token}"')
        given[_ADVANCED.get(name, name)] = value
    return Query({**query.values, **given})


def _ids(query: Query) -> list[str] | None:
    ids = query.names("id")
    liveaction = query.text("liveaction")
    if liveaction:
        try:
            ids.append(liveaction_id(liveaction))
        except ValueError as error:
            raise BadInput(f'"{liveaction}" is not an id.') from error
    return ids or None


def _between(query: Query) -> tuple[Any, Any]:
    """The moments that requests must lie between; `timestamp=a..b` gives both."""
    both = query.text("timestamp")
    if both is None:
        return query.moment("timestamp_gt"), query.moment("timestamp_lt")
    first, dots, last = both.partition("..")
    if not dots:
        raise BadInput('Parameter "timestamp" is not a range.', hint="Write FROM..TO.")
    earlier, later = sorted((moment(first, "timestamp"), moment(last, "timestamp")))
    return earlier, later
