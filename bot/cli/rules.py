"""`rule`: what rules there are, why they fired or did not, and what one would do."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.cli.exits import Code
from bot.cli.given import seconds
from bot.cli.output import emit_json, fields, local_time, note, paint, say, table
from bot.cli.site import Config, Data, Json, Url, connect

rules = typer.Typer(no_args_is_help=True, help="Rules: which events start which actions, and why.")

Pack = Annotated[str | None, typer.Option("--pack", "-p", metavar="PACK", help="Only of this pack.")]
Rule = Annotated[str, typer.Argument(metavar="PACK.RULE")]
Instance = Annotated[str, typer.Argument(metavar="EVENT", help="Id of a trigger instance, or last.")]

_BACKTEST_LIMIT_S = 300.0
# How an outcome is written, and the word whose colour it has.
_RESULTS = {"true": ("yes", "ok"), "false": ("no", "warning"), "error": ("error", "error")}


@rules.command("list")
def list_rules(
    pack: Pack = None, as_json: Json = False, url: Url = None, config: Config = None, data: Data = None
) -> None:
    """All rules."""
    found = connect(url, config, data).get("rules", query={"limit": -1, "pack": pack})
    if as_json:
        emit_json(found)
        return
    rows = [
        (one["ref"], "on" if one["enabled"] else "off", one["trigger"]["type"], one["action"]["ref"])
        for one in found
    ]
    table(("rule", "state", "trigger", "action"), rows, whole=("rule", "state"))


@rules.command("show")
def show_rule(
    rule: Rule, as_json: Json = False, url: Url = None, config: Config = None, data: Data = None
) -> None:
    """One rule, as it is in force."""
    found = connect(url, config, data).get("rules", rule)
    if as_json:
        emit_json(found)
        return
    names = ("ref", "description", "enabled", "type", "metadata_file", "trigger", "criteria", "action")
    ours = sorted(name for name in found if name.startswith("x-"))
    fields({name.replace("_", " "): found.get(name) for name in (*names, *ours)})


@rules.command("test")
def try_rule(
    rule: Annotated[Path, typer.Option("--rule", "-r", metavar="FILE", help="The rule.")],
    event: Annotated[
        str,
        typer.Option("--event", "-e", metavar="FILE", help="Its payload, JSON or YAML; - is standard input."),
    ],
    as_json: Json = False,
) -> None:
    """Whether a rule matches an event; needs no server. Exit code 0: it matches, 1: it does not."""
    from bot.cli import rule_files  # noqa: PLC0415 - heavy

    report = rule_files.judge(rule_files.rule_from(rule), rule_files.event_from(event), file=rule)
    if as_json:
        emit_json(report)
    else:
        _say_test(report)
    raise typer.Exit(Code.OK if report["matches"] else Code.FAILED)


def _say_test(report: Mapping[str, Any]) -> None:
    trigger = report["trigger"]
    if not trigger["matches"]:
        say(f"{_mark('false')} the event is of {trigger['given']}, the rule is on {trigger['wanted']}")
    _say_criteria(report["criteria"])
    say(f"{report['rule']} {'matches' if report['matches'] else 'does not match'}.")
    if report["matches"] and report["gates"]:
        note(f"Then it asks {', '.join(report['gates'])}.")
    for text in report["notes"]:
        note(text)


@rules.command("explain")
def explain(
    instance: Instance, as_json: Json = False, url: Url = None, config: Config = None, data: Data = None
) -> None:
    """Why each rule did or did not fire on an event."""
    found = connect(url, config, data).get("triggerinstances", instance, "explain")
    if as_json:
        emit_json(found)
        return
    event = found["trigger_instance"]
    shown = {"event": event["id"], "trigger": event["trigger_type"], "parameters": event["parameters"]}
    came = local_time(event["occurrence_time"])
    fields({**shown, "from": event["source"], "at": came, "status": event["status"]})
    if event["reason"]:
        say(event["reason"])
    for report in found["rules"]:
        say()
        say(f"{report['ref']}: {paint(_COLOUR_OF.get(report['conclusion'], ''), text=report['conclusion'])}")
        for made in report["enforcements"]:
            if made["execution_id"]:
                say(f"  execution {made['execution_id']}")
        if report["reason"]:
            say(f"  {report['reason']}")
        _say_criteria(report["criteria"], indent="  ")
    for gone in found["gone"]:
        say(f"{gone['rule']['ref']}: {gone['status']}; this rule is not there any more")
    if not found["rules"]:
        say("No rule is on this trigger.")
    if found["same_type"]:
        note(f"On this type with other parameters: {', '.join(found['same_type'])}.")


_COLOUR_OF = {"fired": "succeeded", "held": "warning", "failed": "failed"}


@rules.command("backtest")
def backtest(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="PACK.RULE, or a file.")],
    *,
    since: Annotated[str, typer.Option("--since", metavar="TIME", help="7d, 12h, 30m before now.")] = "7d",
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """For which recorded events a rule would have fired; nothing is run."""
    until = datetime.now(UTC)
    begin = until - timedelta(seconds=seconds(since))
    body: dict[str, Any] = {"since": _stamp(begin), "until": _stamp(until)}
    if rule.endswith((".yaml", ".yml")):
        from bot.cli import rule_files  # noqa: PLC0415 - heavy

        body["document"] = rule_files.document_from(Path(rule))
    else:
        body["rule"] = rule
    found = connect(url, config, data).post("rules", "backtest", body=body, timeout_s=_BACKTEST_LIMIT_S)
    if as_json:
        emit_json(found)
        return
    rows = [
        (local_time(fire["at"]), fire["trigger_instance"], "late" if fire["late"] else "")
        for fire in found["fired"]
    ]
    table(("at", "event", ""), rows, whole=("at", "event"))
    say(
        f"Events on its trigger: {found['events']}; matched: {found['matched']}; "
        f"it would have fired: {found['fires']}."
    )
    for gate, count in found["held"].items():
        say(f"{gate} held {count}.")
    for error, count in found["errors"].items():
        note(f"{count} times: {error}")
    if found["is_cut"]:
        note("There are more events than were looked at; name a shorter time.")
    for text in found["caveats"]:
        note(text)


@rules.command("release")
def release(
    rule: Rule,
    instance: Instance,
    *,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Fire a rule on an event although a throttle, budget or freeze held it back."""
    made = connect(url, config, data).post("triggerinstances", instance, "release", body={"rule": rule})
    if as_json:
        emit_json(made)
        return
    for one in made:
        say(one["execution_id"] or one["failure_reason"])


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _mark(result: str) -> str:
    word, colour = _RESULTS[result]
    return f"{paint(colour, text=word)}{' ' * (5 - len(word))}"


def _say_criteria(criteria: Iterable[Mapping[str, Any]], indent: str = "") -> None:
    for one in criteria:
        where = f"  {one['where']}" if one.get("where") else ""
        say(f"{indent}{_mark(one['result'])} {one['key']}{where}")
        inner = f"{indent}      "
        if "operator" in one and not one.get("parts"):
            say(f"{inner}{one['operator']} {_short(one['pattern'])}; it was {_short(one['value'])}")
        if one.get("error") and not one.get("parts"):
            say(f"{inner}{one['error']}")
        _say_criteria(one.get("parts", ()), inner)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 200 else f"{text[:197]}..."
