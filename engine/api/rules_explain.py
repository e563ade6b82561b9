"""Ours: why rules did or did not fire, what a rule would have done, and firing what was held back."""

from datetime import timedelta

from starlette.responses import Response

from engine.api import wire_event_shapes as event_shapes
from engine.api import wire_explain
from engine.api.call import Call, json_answer, moment
from engine.api.resource import Endpoint
from engine.api.shape import Listed
from engine.clock import utcnow
from engine.errors import BadInput, NotFound, nearest
from engine.rules.backtest import Backtester
from engine.rules.table import CompiledRule, compile_rule
from engine.specs.right import Right
from engine.stored_content import read_document

_DEFAULT_SPAN = timedelta(days=7)


def explain(call: Call) -> Response:
    """All rules on the trigger of an event, and what became of each."""
    engine = call.engine
    return json_answer(
        wire_explain.explanation_document(engine.explainer.explain(call.path["id"], engine.registry))
    )


def backtest(call: Call) -> Response:
    """Body: {"rule": ref} or {"document": a rule}, and "since", "until" (7 days until now by default)."""
    body = call.object()
    until = moment(str(body["until"]), "until") if body.get("until") else utcnow()
    since = moment(str(body["since"]), "since") if body.get("since") else until - _DEFAULT_SPAN
    if since >= until:
        raise BadInput('Parameter "since" must be before "until".')
    engine = call.engine
    tester = Backtester(
        engine.history,
        lambda rule, payload, criteria: engine.rules.verdict(rule, payload, criteria=criteria),
        revealed=engine.rules.revealed,
    )
    report = tester.run(_rule(call, body), engine.rules.table, since=since, until=until)
    return json_answer(wire_explain.backtest_document(report))


def _rule(call: Call, body: dict[str, object]) -> CompiledRule:
    document, ref = body.get("document"), body.get("rule")
    if isinstance(document, dict):
        return compile_rule(read_document("rule", document, user=call.requester.user))
    if not isinstance(ref, str):
        raise BadInput("The body needs `rule`, the ref of a rule, or `document`, a rule.")
    rules = call.engine.rules.table.rules
    if ref not in rules:
        raise NotFound(f'There is no rule "{ref}".', hint=nearest(ref, rules))
    return rules[ref]


def release(call: Call) -> Response:
    """Body: {"rule": ref}. Fires a rule on an event although a gate held it back; once."""
    rule = call.object().get("rule")
    if not isinstance(rule, str):
        raise BadInput("The body needs `rule`, the ref of the rule that was held back.")
    made = call.engine.held.release(rule, call.path["id"], user=call.requester.user)
    return json_answer([wire_explain.enforcement_summary(one) for one in made], status=201)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/triggerinstances/{id}/explain",
        handler=explain,
        right=Right.TRIGGER_VIEW,
        gives=event_shapes.EXPLANATION,
    ),
    Endpoint(
        method="POST",
        path="/triggerinstances/{id}/release",
        handler=release,
        right=Right.TRIGGER_ALL,
        takes=event_shapes.RELEASE,
        gives=Listed(event_shapes.ENFORCEMENT_SUMMARY, is_counted=False),
    ),
    Endpoint(
        method="POST",
        path="/rules/backtest",
        handler=backtest,
        right=Right.RULE_VIEW,
        takes=event_shapes.BACKTEST_BODY,
        gives=event_shapes.BACKTEST,
        status=200,
    ),
)
