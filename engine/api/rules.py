"""Rules: those of files to read and to switch, those of the API to write too; and what they did."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from engine.api import listing
from engine.api import wire_content_shapes as content_shapes
from engine.api import wire_event_shapes as event_shapes
from engine.api.call import Call, json_answer, nothing
from engine.api.resource import Endpoint
from engine.api.shape import Listed
from engine.api.wire import Document, without_none
from engine.api.wire_rules import RULE_TYPES, enforcement_document
from engine.errors import AlreadyThere, BadInput, Conflict, NotFound, nearest
from engine.records.trigger import EnforcementFilter
from engine.rights.place import Where
from engine.specs.right import Right
from engine.specs.rule import RuleSpec

# What a rule is made of; the rest of its document is computed.
_WRITTEN = (
    "name",
    "pack",
    "description",
    "enabled",
    "type",
    "trigger",
    "criteria",
    "action",
    "tags",
    "context",
)


def list_rules(call: Call) -> Response:
    return listing.content_list(call, "rules")


def get_rule(call: Call) -> Response:
    return json_answer(listing.selected(call.documents.one("rules", call.path["ref_or_id"]), call.query))


def create_rule(call: Call) -> Response:
    """201; whoever makes a rule is whom its actions run as."""
    written = _written(call.object())
    _check_trigger(call, written)
    ref = f"{written.get('pack') or 'default'}.{written.get('name')}"
    if ref in call.engine.registry.rules:
        raise AlreadyThere(
            f'Rule "{ref}" already exists.',
            hint="Change it with PUT, or take another name.",
            existing_id=call.documents.one("rules", ref)["id"],
        )
    _check_actions(call, written)
    spec = call.engine.stored.put("rule", written, user=call.requester.user)
    return json_answer(call.documents.one("rules", spec.ref), status=201)


def update_rule(call: Call) -> Response:
    """A rule of the API is replaced; one of a file can only be switched on and off."""
    ref = call.documents.ref("rules", call.path["ref_or_id"])
    written = _written(call.object())
    old = call.engine.registry.rules[ref]
    enabled = written.get("enabled", old.enabled)
    if not isinstance(enabled, bool):
        raise BadInput("'enabled' must be true or false.")
    if _same(written, old):
        call.engine.stored.set_enabled("rule", ref, enabled=enabled, user=call.requester.user)
        return json_answer(call.documents.one("rules", ref))
    if not call.engine.stored.is_stored("rule", ref):
        raise Conflict(
            f'The rule "{ref}" is the file {old.pack}/{old.metadata_file}.',
            hint="Only `enabled` can be changed here. Change the file and reload.",
        )
    _check_trigger(call, written)
    _check_actions(call, written)
    spec = call.engine.stored.replace("rule", ref, written, user=call.requester.user)
    return json_answer(call.documents.one("rules", spec.ref))


def delete_rule(call: Call) -> Response:
    call.engine.stored.remove("rule", call.documents.ref("rules", call.path["ref_or_id"]))
    return nothing()


def _check_actions(call: Call, written: Document) -> None:
    """Its actions run as who writes it, so who may not run them need not write it. Raises Denied."""
    more = written.get("x-actions")
    for one in (written.get("action"), *(more if isinstance(more, list) else ())):
        ref = one.get("ref") if isinstance(one, Mapping) else None
        if isinstance(ref, str):
            call.engine.rights.check_run(call.requester.user, ref, where=Where())


def _written(body: Mapping[str, Any]) -> Document:
    """What a caller may say of a rule; clients send back the whole document that they were given."""
    given = {name: body[name] for name in _WRITTEN if name in body}
    given.update({name: value for name, value in body.items() if name.startswith("x-")})
    unknown = set(body) - set(given) - {"id", "ref", "uid", "metadata_file"}
    if unknown:
        name = sorted(unknown)[0]
        raise BadInput(
            f"Additional properties are not allowed ('{name}' was unexpected)", hint=nearest(name, _WRITTEN)
        )
    trigger = given.get("trigger")
    if isinstance(trigger, Mapping):
        given["trigger"] = {name: value for name, value in trigger.items() if name != "ref"}
    if isinstance(given.get("context"), Mapping):
        # StackStorm writes the maker there; ours is kept where no caller can choose it.
        given["context"] = {name: value for name, value in given["context"].items() if name != "user"}
    return given


def _same(written: Document, rule: RuleSpec) -> bool:
    """Whether nothing but `enabled` differs."""
    if not all(isinstance(written.get(part) or {}, Mapping) for part in ("type", "trigger", "action")):
        return False
    trigger = written.get("trigger") or {}
    action = written.get("action") or {}
    # As `_written` leaves it: the maker is not a caller's to change.
    context = {name: value for name, value in rule.context.items() if name != "user"}
    pairs = (
        (written.get("name"), rule.name),
        (written.get("pack", rule.pack), rule.pack),
        (written.get("description", rule.description) or "", rule.description),
        ((written.get("type") or {}).get("ref", rule.type["ref"]), rule.type["ref"]),
        (trigger.get("type"), rule.trigger["type"]),
        (trigger.get("parameters") or {}, rule.trigger.get("parameters") or {}),
        (written.get("criteria") or {}, dict(rule.criteria)),
        (action.get("ref"), rule.action["ref"]),
        (action.get("parameters") or {}, rule.action.get("parameters") or {}),
        (written.get("tags", list(rule.tags)) or [], list(rule.tags)),
        (written.get("context", context) or {}, context),
        ({name: value for name, value in written.items() if name.startswith("x-")}, dict(rule.extensions)),
    )
    return all(given == known for given, known in pairs)


def _check_trigger(call: Call, written: Document) -> None:
    trigger = written.get("trigger")
    kind = trigger.get("type") if isinstance(trigger, Mapping) else None
    types = call.engine.registry.trigger_types
    if isinstance(kind, str) and kind not in types:
        raise BadInput(
            f'Trigger "{kind}" defined in the rule does not exist in system or it\'s missing required '
            '"parameters" attribute',
            hint=nearest(kind, types),
        )


# views


def list_views(call: Call) -> Response:
    found = [
        _view(call, ref)
        for ref, document in call.documents.all("rules").items()
        if listing.fits(document, call.query)
    ]
    return listing.paged(call, listing.ordered(found, call.query.names("sort")))


def get_view(call: Call) -> Response:
    return json_answer(_view(call, call.documents.ref("rules", call.path["ref_or_id"])))


def _view(call: Call, ref: str) -> Document:
    """The rule with what its action and its trigger type say of themselves."""
    document = call.documents.one("rules", ref)
    registry = call.engine.registry
    action = registry.actions.get(document["action"]["ref"])
    kind = registry.trigger_types.get(document["trigger"]["type"])
    return {
        **document,
        "action": {**document["action"], "description": action.description if action else ""},
        "trigger": {**document["trigger"], "description": kind.description if kind else ""},
    }


def list_types(_call: Call) -> Response:
    return json_answer(list(RULE_TYPES.values()))


def get_type(call: Call) -> Response:
    wanted = call.path["id"]
    for document in RULE_TYPES.values():
        if wanted in (document["id"], document["name"]):
            return json_answer(document)
    raise NotFound(f'There is no rule type "{wanted}".', hint=nearest(wanted, RULE_TYPES))


# enforcements


def list_enforcements(call: Call) -> Response:
    return _enforcements(call, is_view=False)


def list_enforcement_views(call: Call) -> Response:
    return _enforcements(call, is_view=True)


def _enforcements(call: Call, *, is_view: bool) -> Response:
    query, page = call.query, listing.history_page(call, limit=50)
    ids = query.names("id")
    rule_ref = query.text("rule_ref")
    rule_id = query.text("rule_id")
    if rule_id is not None:
        rule_ref = call.documents.ref("rules", rule_id)
    wanted = EnforcementFilter(
        ids=tuple(ids) if ids else None,
        rule_ref=rule_ref,
        instance_id=query.text("trigger_instance"),
        execution_id=query.text("execution"),
        after=query.moment("enforced_at_gt"),
        before=query.moment("enforced_at_lt"),
        offset=page.offset,
        limit=page.limit,
        oldest_first=listing.oldest_first(query, "enforced_at"),
    )
    found, total = call.engine.history.enforcements(wanted)
    documents = [enforcement_document(one) for one in found]
    if is_view:
        documents = [_enforcement_view(call, document) for document in documents]
    shown = [listing.selected(document, query) for document in documents]
    return json_answer(shown, headers=listing.page_headers(page, total))


def get_enforcement(call: Call) -> Response:
    return json_answer(enforcement_document(call.engine.history.enforcement(call.path["id"])))


def get_enforcement_view(call: Call) -> Response:
    document = enforcement_document(call.engine.history.enforcement(call.path["id"]))
    return json_answer(_enforcement_view(call, document))


def _enforcement_view(call: Call, document: Document) -> Document:
    """With its event and its execution in it."""
    engine = call.engine
    instance = engine.history.instance(document["trigger_instance_id"])
    execution = engine.execution(document["execution_id"]) if "execution_id" in document else None
    return without_none(
        {
            **document,
            "trigger_instance": {
                "id": instance.id,
                "trigger": instance.trigger,
                "payload": instance.payload,
                "status": instance.status.value,
            },
            "execution": call.documents.execution(execution) if execution else None,
        }
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/rules/views",
        handler=list_views,
        right=Right.RULE_LIST,
        query=listing.CONTENT,
        gives=Listed(content_shapes.RULE),
    ),
    Endpoint(
        method="GET",
        path="/rules/views/{ref_or_id}",
        handler=get_view,
        right=Right.RULE_VIEW,
        gives=content_shapes.RULE,
    ),
    Endpoint(
        method="GET",
        path="/rules",
        handler=list_rules,
        right=Right.RULE_LIST,
        query=listing.CONTENT,
        gives=Listed(content_shapes.RULE),
    ),
    Endpoint(
        method="POST",
        path="/rules",
        handler=create_rule,
        right=Right.RULE_CREATE,
        takes=content_shapes.RULE_BODY,
        gives=content_shapes.RULE,
    ),
    Endpoint(
        method="GET",
        path="/rules/{ref_or_id}",
        handler=get_rule,
        right=Right.RULE_VIEW,
        query=listing.SELECTION,
        gives=content_shapes.RULE,
    ),
    Endpoint(
        method="PUT",
        path="/rules/{ref_or_id}",
        handler=update_rule,
        right=Right.RULE_MODIFY,
        takes=content_shapes.RULE_BODY,
        gives=content_shapes.RULE,
    ),
    Endpoint(method="DELETE", path="/rules/{ref_or_id}", handler=delete_rule, right=Right.RULE_DELETE),
    Endpoint(
        method="GET",
        path="/ruletypes",
        handler=list_types,
        right=None,
        gives=Listed(content_shapes.RULE_TYPE, is_counted=False),
    ),
    Endpoint(
        method="GET", path="/ruletypes/{id}", handler=get_type, right=None, gives=content_shapes.RULE_TYPE
    ),
    Endpoint(
        method="GET",
        path="/ruleenforcements/views",
        handler=list_enforcement_views,
        right=Right.RULE_ENFORCEMENT_LIST,
        query=(
            *listing.LIST,
            *listing.ORDER,
            "enforced_at_gt",
            "enforced_at_lt",
            "execution",
            "id",
            "rule_id",
            "rule_ref",
            "trigger_instance",
        ),
        gives=Listed(event_shapes.ENFORCEMENT_VIEW),
    ),
    Endpoint(
        method="GET",
        path="/ruleenforcements/views/{id}",
        handler=get_enforcement_view,
        right=Right.RULE_ENFORCEMENT_VIEW,
        gives=event_shapes.ENFORCEMENT_VIEW,
    ),
    Endpoint(
        method="GET",
        path="/ruleenforcements",
        handler=list_enforcements,
        right=Right.RULE_ENFORCEMENT_LIST,
        query=(
            *listing.LIST,
            *listing.ORDER,
            "enforced_at_gt",
            "enforced_at_lt",
            "execution",
            "id",
            "rule_id",
            "rule_ref",
            "trigger_instance",
        ),
        gives=Listed(event_shapes.ENFORCEMENT),
    ),
    Endpoint(
        method="GET",
        path="/ruleenforcements/{id}",
        handler=get_enforcement,
        right=Right.RULE_ENFORCEMENT_VIEW,
        gives=event_shapes.ENFORCEMENT,
    ),
)
