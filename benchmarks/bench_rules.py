"""Criteria: each operator on a webhook's payload, and 20 candidate rules for one event."""

from collections.abc import Callable
from typing import Any

from benchmarks.bench_aliases import seconds_each
from benchmarks.serving import report
from engine.criteria.compile import Criteria, compile_criteria
from engine.expressions.jinja import Templates
from engine.expressions.lookups import KeyLookup, key_lookups
from engine.settings.content import TemplateSettings

_CANDIDATES = 20
_PAYLOAD = {
    "headers": {"X-Github-Event": "push", "Content-Type": "application/json"},
    "headers_lower": {"x-github-event": "push", "content-type": "application/json"},
    "body": {
        "status": "firing",
        "receiver": "stormcrow",
        "alerts": [
            {
                "labels": {
                    "alertname": f"Disk{number}",
                    "severity": "critical",
                    "instance": f"db-{number}:9100",
                }
            }
            for number in range(4)
        ],
        "age": 17,
    },
}
_ONE: tuple[tuple[str, str, Any], ...] = (
    ("trigger.body.status", "equals", "firing"),
    ("trigger.body.alerts[0].labels.alertname", "startswith", "Disk"),
    ("trigger.headers['X-Github-Event']", "iequals", "PUSH"),
    ("trigger.body.receiver", "contains", "crow"),
    ("trigger.body.receiver", "matchregex", "storm|rain"),
    ("trigger.body.receiver", "regex", "^st.*w$"),
    ("trigger.body.receiver", "matchwildcard", "storm*"),
    ("trigger.body.age", "gt", 5),
    ("trigger.body.status", "inside", ["firing", "resolved"]),
    ("trigger.body", "exists", True),
)
_TEMPLATE = ("trigger.body.age", "equals", "{{ trigger.body.age }}")


class NoKeys:
    def get(self, scope: str, name: str, *, user: str | None) -> str | None:
        del scope, name, user
        return None


def main() -> None:
    templates = Templates(TemplateSettings())
    system: KeyLookup = key_lookups(NoKeys(), user=None)["system"]

    def asked(rules: list[Criteria]) -> Callable[[], object]:
        def work() -> None:
            for rule in rules:
                rule.evaluate(_PAYLOAD, system=system, templates=templates)

        return work

    def rule_of(*criteria: tuple[str, str, Any]) -> Criteria:
        made = compile_criteria(
            {
                f"{path}#{n}": {"type": kind, "pattern": value}
                for n, (path, kind, value) in enumerate(criteria)
            }
        )
        assert made.evaluate(_PAYLOAD, system=system, templates=templates).matched
        return made

    worst = max(seconds_each(asked([rule_of(one)]), times=5_000) for one in _ONE)
    report("rules: one criterion, the slowest of ten operators", worst * 1e6, "us", "< 5")
    whole = seconds_each(asked([rule_of(*_ONE)]), times=1_000)
    report("rules: ten criteria in one rule", whole * 1e6, "us", "< 50")
    templated = seconds_each(asked([rule_of(_TEMPLATE)]), times=1_000)
    report("rules: one criterion with a template for a pattern", templated * 1e6, "us", "")
    # As in practice: most candidates are turned away by their first criterion, some by their second.
    candidates = [
        compile_criteria(
            {
                "trigger.body.status": {"type": "equals", "pattern": "firing" if number % 2 else "resolved"},
                "trigger.body.alerts[0].labels.alertname": {"type": "equals", "pattern": f"Disk{number}"},
            }
        )
        for number in range(_CANDIDATES)
    ]
    report(
        "rules: 20 candidates for one event", seconds_each(asked(candidates), times=500) * 1e6, "us", "< 50"
    )
    all_true = [rule_of(_ONE[0], _ONE[1]) for _ in range(_CANDIDATES)]
    report(
        "rules: 20 candidates, all of which match",
        seconds_each(asked(all_true), times=500) * 1e6,
        "us",
        "< 50",
    )


if __name__ == "__main__":
    main()
