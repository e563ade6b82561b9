"""The report of an import at 80 columns: what does not run, what differs, what was taken, what is next."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from bot.cli.output import say
from engine.migration.carrying import Outcome
from engine.migration.finding import Item, Remark, Verdict, Weight
from engine.migration.pieces import State
from engine.migration.st2_conf import Proposal
from engine.migration.survey import Survey

WIDTH = 80
# Of one remark that many things share.
_MOST_PLACES = 3
_MOST_LOOKS = 15
_KINDS = (
    *("pack", "action", "alias", "rule", "sensor", "trigger", "policy", "config", "override", "key"),
    *("switch", "role", "assignment", "mapping", "apikey", "user"),
)
_PLURALS: Mapping[str, str] = {
    "alias": "aliases",
    "switch": "switches",
    "policy": "policies",
    "apikey": "API keys",
    "rights": "rights",
}


def document(source: Path, survey: Survey, outcomes: Sequence[Outcome], *, is_dry: bool) -> dict[str, Any]:
    """The same for machines."""
    return {
        "source": str(source),
        "dry_run": is_dry,
        "counts": {kind: dict(counts) for kind, counts in _counts(survey.items)},
        "items": [
            {
                "kind": item.kind,
                "name": item.name,
                "where": item.where,
                "verdict": item.verdict.value,
                "remarks": [asdict(remark) for remark in item.remarks],
            }
            for item in survey.items
        ],
        "taken": [asdict(outcome) for outcome in outcomes],
        "settings": [asdict(proposal) for proposal in survey.proposals],
        "environments": survey.environments,
        "webhooks": survey.hooks,
        "origins": survey.origins,
    }


def told(source: Path, survey: Survey, outcomes: Sequence[Outcome], *, is_dry: bool) -> None:
    say(f"StackStorm in {source}{', looked at only' if is_dry else ''}")
    say()
    _tell_counts(survey.items)
    failures = _of(survey.items, Weight.FAILS)
    new = {remark: items for remark, items in failures.items() if not remark.is_old}
    old = {remark: items for remark, items in failures.items() if remark.is_old}
    _tell_group("DOES NOT RUN HERE, OR IS NOT TAKEN", new)
    _tell_group("DOES NOT RUN, IN STACKSTORM 3.9 EITHER", old)
    _tell_group("DIFFERS (the rows of docs/differences.md)", _of(survey.items, Weight.DIFFERS))
    _tell_group("LOOK AT", _of(survey.items, Weight.LOOK), most=_MOST_LOOKS)
    _tell_outcomes(survey, outcomes, is_dry=is_dry)
    _tell_settings(survey.proposals)
    _tell_next(survey, is_dry=is_dry)


def _counts(items: Iterable[Item]) -> Iterator[tuple[str, dict[str, int]]]:
    found: dict[str, dict[str, int]] = {}
    for item in items:
        counts = found.setdefault(item.kind, {verdict.value: 0 for verdict in Verdict})
        counts[item.verdict.value] += 1
    for kind in _KINDS:
        if kind in found:
            yield kind, found[kind]


def _tell_counts(items: Sequence[Item]) -> None:
    say(f"{'':14}{'RUNS':>8}{'DIFFERS':>10}{'DOES NOT':>10}")
    for kind, counts in _counts(items):
        say(f"{_plural(kind):14}{counts['runs']:>8}{counts['differs']:>10}{counts['fails']:>10}")


def _plural(kind: str) -> str:
    return _PLURALS.get(kind, f"{kind}s")


def _of(items: Iterable[Item], weight: Weight) -> dict[Remark, list[Item]]:
    """Remarks that say the same in the same place, or of the same kind of thing, told once."""
    found: dict[Remark, list[Item]] = {}
    for item in items:
        for remark in item.remarks:
            if remark.weight is weight:
                found.setdefault(remark, []).append(item)
    return found


def _tell_group(title: str, remarks: Mapping[Remark, Sequence[Item]], *, most: int | None = None) -> None:
    together: dict[tuple[str, str, str], list[Remark]] = {}
    for remark in remarks:
        together.setdefault((remark.row, remark.text, remark.hint), []).append(remark)
    if not together:
        return
    say()
    say(title)
    shown = list(together.items())[:most]
    for (row, text, hint), same in shown:
        say()
        _tell(f"{row}: {text}" if row else text)
        if hint:
            _tell(f"→ {hint}", indent="  ", rest="    ")
        places = [remark.where for remark in same]
        for place in places[:_MOST_PLACES]:
            _tell(place, indent="  ")
        if len(places) > _MOST_PLACES:
            say(f"  and {len(places) - _MOST_PLACES} more")
    if len(together) > len(shown):
        say()
        say(f"and {len(together) - len(shown)} more; all of them: --output json")


def _tell(text: str, *, indent: str = "", rest: str | None = None) -> None:
    """Wrapped; a path or a command that is longer than a line is left whole.

    Names and values come from files of others: what would steer a terminal is made visible.
    """
    lines = textwrap.wrap(
        "".join(sign if sign.isprintable() else "�" for sign in text),
        WIDTH,
        initial_indent=indent,
        subsequent_indent=rest if rest is not None else f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    for line in lines:
        say(line)


def _tell_outcomes(survey: Survey, outcomes: Sequence[Outcome], *, is_dry: bool) -> None:
    say()
    say("WOULD BE TAKEN" if is_dry else "TAKEN")
    say()
    kinds = dict.fromkeys(outcome.kind for outcome in outcomes)
    for kind in kinds:
        states = [one.state for one in outcomes if one.kind == kind and not one.error]
        parts = [f"{states.count(state)} {state.value}" for state in State if state in states]
        say(f"{_plural(kind):14}{', '.join(parts) or 'none'}")
    if is_dry:
        # What of them is there already only the database knows, which a server may have.
        _tell_uncompared("key", len(survey.keys))
        _tell_uncompared("document", len(survey.documents))
    elif not kinds:
        say("nothing")
    for outcome in outcomes:
        if outcome.error:
            _tell(f"{outcome.kind} {outcome.name}: {outcome.error}", indent="  ")
        elif outcome.differences:
            _tell(f"{outcome.kind} {outcome.name}: {', '.join(outcome.differences)}", indent="  ")
    if any(outcome.state is State.DIFFERENT for outcome in outcomes):
        _tell("What is different was left alone. To write over it: --replace")


def _tell_uncompared(kind: str, count: int) -> None:
    if count:
        say(f"{_plural(kind):14}{count}, compared when they are taken")


def _tell_settings(proposals: Sequence[Proposal]) -> None:
    if not proposals:
        return
    say()
    say("SETTINGS (nothing of them is written; put into config.yaml what you mean)")
    say()
    sections: dict[str, list[Proposal]] = {}
    for proposal in proposals:
        if proposal.key and proposal.ours is not None and not proposal.is_set:
            sections.setdefault(proposal.key.partition(".")[0], []).append(proposal)
    for section, found in sections.items():
        say(f"+ {section}:")
        for proposal in found:
            value = yaml.safe_dump(proposal.ours, default_flow_style=True).removesuffix("\n...\n").strip()
            _tell(f"{proposal.key.partition('.')[2]}: {value}  # {proposal.was}", indent="+   ", rest="+   ")
    if sections:
        say()
    for proposal in proposals:
        if proposal.about or proposal.is_set:
            value = f" = {proposal.value}" if proposal.value else ""
            what = f"{proposal.key} is so already." if proposal.is_set else proposal.about
            _tell(f"{proposal.was}{value}: {what}")


def _tell_next(survey: Survey, *, is_dry: bool) -> None:
    say()
    say("NEXT")
    say()
    if is_dry:
        say("  the same command without --dry-run, with the server stopped")
        return
    if survey.environments:
        _tell(f"stormcrow pack setup {' '.join(survey.environments)}", indent="  ", rest="      ")
    unknown = sorted(ref for ref, address in survey.origins.items() if not address)
    if unknown:
        text = f"updates need an address: stormcrow pack install ADDRESS --force, for {', '.join(unknown)}"
        _tell(text, indent="  ", rest="      ")
    if survey.hooks:
        text = f"keys for who sends to {', '.join(survey.hooks)}: stormcrow apikey create --user NAME"
        _tell(text, indent="  ", rest="      ")
    if survey.has_clocks:
        text = "stop timers and sensors on the old box, or everything happens twice: docs/how-to/migrate.md"
        _tell(text, indent="  ", rest="      ")
    say("  stormcrow up")
