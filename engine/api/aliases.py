"""Chat commands over REST: the aliases, which one fits a text, help, and running one."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from engine.alias_executions import AliasExecution
from engine.aliases.help import help_strings
from engine.aliases.match import AliasMatch
from engine.api import listing, wire
from engine.api import wire_content_shapes as content_shapes
from engine.api import wire_run_shapes as run_shapes
from engine.api.call import Call, json_answer
from engine.api.callbacks import callback_of
from engine.api.repeated import alone, replayed, terms_of
from engine.api.resource import Endpoint
from engine.api.scopes import narrowed
from engine.api.shape import Listed
from engine.api.waiting import outcome_of_all, patience_of_command, settled_all
from engine.api.wire import Document
from engine.errors import BadInput, Denied, NotFound
from engine.records.execution import Terms
from engine.rights.place import Where
from engine.specs.alias import AliasSpec
from engine.specs.right import Right


def list_aliases(call: Call) -> Response:
    """Formats with a named group stand last: Hubot stops reading at the first of them."""
    query = call.query
    scope = narrowed(call, Right.ACTION_ALIAS_LIST)
    found = [
        doc
        for doc in call.documents.all("actionalias").values()
        if listing.fits(doc, query) and (scope is None or scope.has_action(doc["action_ref"]))
    ]
    found = listing.ordered(found, query.names("sort"))
    return listing.paged(call, sorted(found, key=lambda document: "(?P<" in str(document["formats"])))


def get_alias(call: Call) -> Response:
    return json_answer(
        listing.selected(call.documents.one("actionalias", call.path["ref_or_id"]), call.query)
    )


def match(call: Call) -> Response:
    found = call.engine.match(_required(call.object(), "command"))
    return json_answer(
        {
            "actionalias": call.documents.one("actionalias", found.alias.ref),
            "display": found.display,
            "representation": found.representation,
        }
    )


def list_help(call: Call) -> Response:
    """`filter` is a regular expression on the display; `available` counts all that it fits."""
    query = call.query
    found = help_strings(call.engine.registry, filter=query.text("filter"), pack=query.text("pack"))
    limit, offset = query.integer("limit", 100), query.integer("offset", 0)
    shown = found[offset : offset + limit] if limit > 0 else found[offset:]
    helpstrings = [
        {"pack": entry.pack, "display": entry.display, "description": entry.description} for entry in shown
    ]
    return json_answer({"available": len(found), "helpstrings": helpstrings})


async def execute(call: Call) -> Response:
    """As Hubot asks: the alias by its name, and which of its formats the command is written in."""
    body = call.object()

    def chosen() -> AliasMatch:
        alias = _alias(call, _required(body, "name"))
        # First of all: what is wrong with the format tells of the others.
        call.engine.rights.check_run(_user(call, body), alias.action_ref, alias=alias.ref, where=Where())
        return call.engine.alias_index.chosen(alias, _required(body, "format"), _required(body, "command"))

    started = await _started(call, body, "/aliasexecution", chosen)
    return json_answer(started.results[0], status=started.status, headers=started.headers)


async def match_and_execute(call: Call) -> Response:
    body = call.object()
    path = "/aliasexecution/match_and_execute"
    started = await _started(call, body, path, lambda: call.engine.match(_required(body, "command")))
    return json_answer({"results": started.results}, status=started.status, headers=started.headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Started:
    """What is answered."""

    results: list[Document]
    status: int
    headers: Mapping[str, str]


async def _started(call: Call, body: dict[str, Any], path: str, find: Callable[[], AliasMatch]) -> _Started:
    """Kept, answered and waited for as a request of POST /executions is."""
    patience, user = patience_of_command(call), _user(call, body)
    terms = replace(terms_of(call, path, user), callback=await callback_of(call, body))
    with alone(call, terms, user):
        made = await run_in_threadpool(lambda: _run(call, body, find(), terms))
    ended = await settled_all(call, [one.execution for one in made], patience)
    status, headers = outcome_of_all(call, ended, patience) if patience.is_asked else (201, {})
    told = replayed(made[0].execution, terms)
    results = [_result(call, replace(one, execution=now)) for one, now in zip(made, ended, strict=True)]
    return _Started(results=results, status=status, headers={**told, **headers})


def _user(call: Call, body: dict[str, Any]) -> str:
    """Whose command it is. Raises Denied.

    With roles on file nobody lends their rights to whomever a chat names: the bot acts for that person,
    or the settings say that everybody there runs commands as the bot.
    """
    name, asking = str(body.get("user") or ""), call.requester.user
    if name in ("", asking):
        return asking
    if call.may_impersonate(name):
        return name
    if call.engine.rights.has_roles and asking not in call.engine.settings.auth.shared_bots:
        raise Denied(
            f'User "{asking}" may not act for {name[:64]!r}.',
            hint=f"Give {asking} a role that grants impersonate on user:{name[:64]} (none helps for an "
            f"administrator). Or name {asking} in auth.shared_bots: then everybody has the bot's rights.",
        )
    return asking


def _run(call: Call, body: dict[str, Any], found: AliasMatch, terms: Terms) -> list[AliasExecution]:
    """`user` in the body is what the chat calls the person."""
    name, user = str(body.get("user") or ""), _user(call, body)
    route = body.get("notification_route") or body.get("notification_channel")
    source_context = body.get("source_context")
    return call.engine.run_alias(
        found,
        user=user,
        chat_user=name,
        extra_context=call.impersonated(user),
        source_channel=_required(body, "source_channel"),
        source_context=source_context if isinstance(source_context, dict) else {},
        notify_route=route if isinstance(route, str) else "",
        terms=terms,
    )


def _result(call: Call, made: AliasExecution) -> Document:
    return wire.without_falsy(
        {
            "execution": call.documents.execution(made.execution),
            "actionalias": call.documents.one("actionalias", made.match.alias.ref),
            "message": made.message,
            "extra": made.extra,
        }
    )


def _alias(call: Call, name: str) -> AliasSpec:
    """By name alone, as StackStorm's clients give it, or by ref. Raises NotFound, BadInput."""
    aliases = call.engine.registry.aliases
    found = aliases.get(name) or next((alias for alias in aliases.values() if alias.name == name), None)
    if found is None:
        raise NotFound(f'Unable to identify action alias with name "{name}".')
    if not found.enabled:
        raise BadInput(f'Action alias with name "{name}" is disabled.')
    return found


def _required(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or (not value and name != "source_channel"):
        raise BadInput(f"'{name}' is a required property")
    return value


# for limited keys


def chosen_action(call: Call) -> Iterable[str]:
    """What POST /aliasexecution runs."""
    yield _alias(call, _required(call.object(), "name")).action_ref


def matched_action(call: Call) -> Iterable[str]:
    """What the command of the body runs."""
    yield call.engine.match(_required(call.object(), "command")).alias.action_ref


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/actionalias",
        handler=list_aliases,
        right=Right.ACTION_ALIAS_LIST,
        query=listing.CONTENT,
        gives=Listed(content_shapes.ALIAS),
    ),
    Endpoint(
        method="POST",
        path="/actionalias/match",
        handler=match,
        right=Right.ACTION_ALIAS_MATCH,
        takes=run_shapes.COMMAND,
        gives=run_shapes.MATCH,
        status=200,
    ),
    Endpoint(
        method="GET",
        path="/actionalias/help",
        handler=list_help,
        right=Right.ACTION_ALIAS_HELP,
        query=(*listing.PAGE, "filter", "pack"),
        gives=run_shapes.HELP,
    ),
    Endpoint(
        method="GET",
        path="/actionalias/{ref_or_id}",
        handler=get_alias,
        right=Right.ACTION_ALIAS_VIEW,
        query=listing.SELECTION,
        gives=content_shapes.ALIAS,
    ),
    Endpoint(
        method="POST",
        path="/aliasexecution",
        handler=execute,
        right=Right.ACTION_EXECUTE,
        query=("wait",),
        takes=run_shapes.ALIAS_EXECUTION,
        gives=run_shapes.ALIAS_STARTED,
        also=(200, 202),
    ),
    Endpoint(
        method="POST",
        path="/aliasexecution/match_and_execute",
        handler=match_and_execute,
        right=Right.ACTION_EXECUTE,
        query=("wait",),
        takes=run_shapes.ALIAS_COMMAND,
        gives=run_shapes.ALIASES_STARTED,
        also=(200, 202),
    ),
)
