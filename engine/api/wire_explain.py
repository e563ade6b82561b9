"""The JSON of what we say about rules beyond StackStorm: explanations, tests, backtests."""

from typing import Any

from engine.api.wire import Document
from engine.clock import isoformat
from engine.records.trigger import Enforcement
from engine.rules.backtest import Backtest
from engine.rules.explain import Explained, Explanation, RuleReport


def criterion_document(shown: Explained) -> Document:
    """`result` is true, false or error; `pattern` and `value` are left out of groups."""
    outcome = shown.outcome
    document: dict[str, Any] = {
        "key": outcome.key,
        "result": "error" if outcome.error else str(outcome.is_met).lower(),
    }
    if outcome.operator:
        document |= {"operator": outcome.operator, "pattern": outcome.pattern, "value": outcome.value}
    if outcome.error:
        document["error"] = outcome.error
    if shown.where:
        document["where"] = shown.where
    if shown.parts:
        document["parts"] = [criterion_document(part) for part in shown.parts]
    return document


def enforcement_summary(enforcement: Enforcement) -> Document:
    return {
        "id": enforcement.id,
        "rule": {"ref": enforcement.rule_ref},
        "number": enforcement.number,
        "status": enforcement.status.value,
        "execution_id": enforcement.execution_id,
        "failure_reason": enforcement.failure_reason,
        "enforced_at": isoformat(enforcement.enforced_at),
    }


def explanation_document(explanation: Explanation) -> Document:
    instance = explanation.instance
    return {
        "trigger_instance": {
            "id": instance.id,
            "trigger": instance.trigger,
            "trigger_type": instance.trigger_type,
            "parameters": instance.parameters,
            "occurrence_time": isoformat(instance.occurred_at),
            "status": instance.status.value,
            "reason": instance.reason,
            "source": instance.source,
            "trace_tag": instance.trace_tag,
            "payload": instance.payload,
        },
        "rules": [_report(report) for report in explanation.reports],
        "same_type": list(explanation.elsewhere),
        "gone": [enforcement_summary(enforcement) for enforcement in explanation.gone],
    }


def _report(report: RuleReport) -> Document:
    return {
        "ref": report.rule.ref,
        "enabled": report.rule.enabled,
        "conclusion": report.conclusion,
        "reason": report.reason,
        "matches": report.matched,
        "criteria": [criterion_document(shown) for shown in report.criteria],
        "enforcements": [enforcement_summary(enforcement) for enforcement in report.enforcements],
    }


def backtest_document(report: Backtest) -> Document:
    return {
        "rule": report.rule_ref,
        "since": isoformat(report.since),
        "until": isoformat(report.until),
        "events": report.events,
        "matched": report.matched,
        "fires": report.fires,
        "fired": [
            {"trigger_instance": fire.instance_id, "at": isoformat(fire.at), "late": fire.is_late}
            for fire in report.fired
        ],
        "held": dict(report.held),
        "errors": dict(report.errors.most_common(20)),
        "is_cut": report.is_cut,
        "caveats": list(report.caveats),
    }
