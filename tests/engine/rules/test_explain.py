"""Why a rule fired or did not: every criterion, its value, and no secret."""

from pathlib import Path
from typing import Any

import pytest

from engine.errors import NotFound
from engine.records.trigger import Emitted, Event
from engine.rules.explain import Explanation, RuleReport, masker_for
from engine.service import Engine

WEBHOOK = "core.st2.webhook"


def put(engine: Engine, name: str, **changed: Any) -> None:
    document = {
        "name": name,
        "enabled": True,
        "trigger": {"type": WEBHOOK, "parameters": {"url": "alert"}},
        "criteria": {"trigger.body.n": {"type": "gt", "pattern": 3}},
        "action": {"ref": "probe.nothing"},
    }
    engine.stored.put("rule", {**document, **changed}, user="alice")


def emit(engine: Engine, body: Any, url: str = "alert") -> Emitted:
    return engine.emit(Event(trigger=WEBHOOK, parameters={"url": url}, payload={"body": body}))


def explained(engine: Engine, emitted: Emitted) -> Explanation:
    return engine.explainer.explain(emitted.instance.id, engine.registry)


def only(explanation: Explanation) -> RuleReport:
    (report,) = explanation.reports
    return report


def test_a_rule_that_fired_shows_its_execution_and_what_held(engine: Engine) -> None:
    put(engine, "big")
    emitted = emit(engine, {"n": 5})
    report = only(explained(engine, emitted))
    assert (report.conclusion, report.matched) == ("fired", True)
    assert report.enforcements == emitted.enforcements
    outcome = report.criteria[0].outcome
    assert (outcome.key, outcome.value, outcome.pattern, outcome.is_met) == ("trigger.body.n", 5, 3, True)


def test_a_rule_that_did_not_match_shows_the_value_that_was_there(engine: Engine) -> None:
    put(engine, "big")
    report = only(explained(engine, emit(engine, {"n": 1})))
    assert (report.conclusion, report.matched, report.enforcements) == ("no match", False, ())
    assert report.criteria[0].outcome.value == 1


def test_what_cannot_be_answered_is_a_failure_with_its_reason(engine: Engine) -> None:
    put(engine, "big")
    emitted = emit(engine, {"n": "many"})
    report = only(explained(engine, emitted))
    assert report.conclusion == "failed"
    assert report.reason.startswith(
        f'Failed to match rule "default.big" against trigger instance "{emitted.instance.id}": '
        "There might be a problem with the criteria in rule default.big: trigger.body.n gt 3: "
    )


def test_a_rule_that_was_held_says_by_what(engine: Engine) -> None:
    put(engine, "big", **{"x-throttle": {"once_within": "1h"}})
    emit(engine, {"n": 5})
    report = only(explained(engine, emit(engine, {"n": 6})))
    assert report.conclusion == "held"
    assert "x-throttle once_within 1h" in report.reason


def test_a_disabled_rule_and_a_backstop_say_why_they_were_not_asked(engine: Engine) -> None:
    put(engine, "big")
    put(engine, "off", enabled=False)
    put(engine, "rest", type={"ref": "backstop"}, criteria={})
    reports = {one.rule.ref: one for one in explained(engine, emit(engine, {"n": 5})).reports}
    assert reports["default.off"].reason == "The rule is disabled."
    assert "backstop" in reports["default.rest"].reason
    assert [one.conclusion for one in reports.values()] == ["fired", "not asked", "not asked"]


def test_rules_on_the_same_type_with_other_parameters_are_named(engine: Engine) -> None:
    put(engine, "big")
    put(engine, "other", trigger={"type": WEBHOOK, "parameters": {"url": "other"}})
    explanation = explained(engine, emit(engine, {"n": 5}))
    assert only(explanation).rule.ref == "default.big"
    assert explanation.elsewhere == ("default.other",)


def test_a_rule_that_is_gone_is_still_told(engine: Engine) -> None:
    put(engine, "big")
    emitted = emit(engine, {"n": 5})
    engine.stored.remove("rule", "default.big")
    explanation = explained(engine, emitted)
    assert explanation.reports == ()
    assert [one.rule_ref for one in explanation.gone] == ["default.big"]


def test_a_rule_that_changed_since_says_so(engine: Engine) -> None:
    put(engine, "big")
    emitted = emit(engine, {"n": 5})
    put(engine, "big", criteria={"trigger.body.n": {"type": "gt", "pattern": 10}})
    report = only(explained(engine, emitted))
    assert (report.conclusion, report.matched) == ("fired", False)
    assert "changed since" in report.reason


def test_secrets_are_hidden_by_name_and_wherever_they_appear(engine: Engine) -> None:
    criteria = {
        "trigger.body.api_key": {"type": "equals", "pattern": "tok-12345678"},
        "trigger.body.text": {"type": "contains", "pattern": "x"},
    }
    put(engine, "big", criteria=criteria)
    body = {
        "api_key": "tok-12345678",
        "text": "it is tok-12345678",
        "headers": {"Authorization": "Basic abc="},
    }
    explanation = explained(engine, emit(engine, body))
    shown = repr(explanation)
    assert "tok-12345678" not in shown.replace(repr(only(explanation).rule), "")
    assert "Basic abc=" not in shown
    assert only(explanation).criteria[0].outcome.is_met


def test_secrets_are_hidden_by_the_schema_of_the_trigger() -> None:
    schema = {"type": "object", "properties": {"pin": {"type": "string", "secret": True}}}
    assert masker_for({"pin": "1234", "n": "1234"}, schema).value({"a": "1234"}) == {"a": "********"}


def test_a_rule_of_a_file_names_the_line(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "packs" / "probe" / "rules" / "filed.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "name: filed\nenabled: true\ntrigger: {type: core.st2.webhook, parameters: {url: alert}}\n"
        "criteria:\n  trigger.body.n: {type: gt, pattern: 3}\n"
        "x-match:\n  any:\n    - trigger.body.n: {type: eq, pattern: 5}\naction: {ref: probe.nothing}\n"
    )
    engine.reload()
    report = only(explained(engine, emit(engine, {"n": 5})))
    assert [one.where.rpartition(":")[2] for one in report.criteria] == ["5", "7"]
    assert report.criteria[0].where == "packs/probe/rules/filed.yaml:5"
    inner = report.criteria[1].parts[0]
    assert (inner.outcome.value, inner.where.rpartition(":")[2]) == (5, "8")


def test_an_event_that_another_rule_waits_for_is_told(engine: Engine) -> None:
    part = {
        "trigger": {"type": WEBHOOK, "parameters": {"url": "deploy"}},
        "criteria": {"trigger.body.n": {"type": "eq", "pattern": 1}},
    }
    put(engine, "bad", **{"x-correlate": {"within": "1h", "with": {"deploy": part}}})
    noted = only(explained(engine, emit(engine, {"n": 1}, url="deploy")))
    assert (noted.conclusion, noted.reason) == ("noted", "x-correlate waits for such an event as deploy.")
    other = only(explained(engine, emit(engine, {"n": 2}, url="deploy")))
    assert (other.conclusion, other.criteria[0].outcome.value) == ("no match", 2)


def test_last_is_the_newest_event(engine: Engine) -> None:
    with pytest.raises(NotFound, match="No event"):
        engine.explainer.explain("last", engine.registry)
    put(engine, "big")
    emit(engine, {"n": 1})
    newest = emit(engine, {"n": 2})
    assert engine.explainer.explain("last", engine.registry).instance.id == newest.instance.id


def test_what_is_not_there_is_not_explained(engine: Engine) -> None:
    with pytest.raises(NotFound):
        engine.explainer.explain("0" * 24, engine.registry)


def test_a_loop_of_rules_is_stopped_and_names_the_rules(engine: Engine) -> None:
    put(engine, "big")
    limit = engine.settings.events.depth_limit
    first = emit(engine, {"n": 5})
    deep = Event(
        trigger=WEBHOOK,
        parameters={"url": "alert"},
        payload={"body": {"n": 5}},
        depth=limit,
        trace_id=first.instance.trace_id,
    )
    explanation = explained(engine, engine.emit(deep))
    assert explanation.instance.status == "processing_failed"
    assert f"{limit} rules" in explanation.instance.reason
    assert "default.big" in explanation.instance.reason
    assert only(explanation).conclusion == "not asked"
    assert only(explanation).reason == explanation.instance.reason
