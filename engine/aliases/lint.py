"""What `stormcrow pack check` finds wrong with aliases: formats, and the parameters they give."""

from collections.abc import Iterator

from engine.aliases.index import AliasIndex
from engine.aliases.lookup import FormatEntry
from engine.aliases.match import known_parameters, pairs_allowed
from engine.aliases.pattern import Pattern
from engine.content.check import Finding
from engine.content.registry import Registry
from engine.errors import nearest
from engine.specs.action import ActionSpec
from engine.specs.alias import AliasSpec

_VALUE = "value"
_ANCHORED = r"The text is compared between two spaces: write ^\s* and \s*$, or leave ^ and $ out."
_TORN = "Pairs like key=value are taken off the end of a text before it is compared."


def lint(registry: Registry) -> list[Finding]:
    """The findings on the registry's enabled aliases; errors first, then in the order of the files.

    Aliases that name an action which is not there are found by engine.content.check.
    """
    index = AliasIndex(registry)
    findings = [
        Finding(severity="error", where=broken.where, text=broken.reason, hint=broken.hint)
        for broken in index.findings
    ]
    for alias in registry.aliases.values():
        if alias.enabled:
            findings.extend(_alias(alias))
    for entry in index.entries:
        findings.extend(_reach(entry, index))
        action = registry.actions.get(entry.alias.action_ref)
        if action is not None:
            findings.extend(_parameters(entry, action))
    return sorted(dict.fromkeys(findings), key=lambda finding: (finding.severity != "error", finding.where))


def _alias(alias: AliasSpec) -> Iterator[Finding]:
    for each in alias.formats:
        if not each.representations:
            yield _finding(alias, f"The format {each.display!r} has no representation: nothing matches it.")


def _reach(entry: FormatEntry, index: AliasIndex) -> Iterator[Finding]:
    pattern = entry.compiled.pattern
    is_plain = pattern.is_linear or Pattern(pattern.source.replace(r"\b", "")).is_linear
    if not is_plain:
        yield _finding(
            entry.alias,
            f"The format {entry.representation!r} can take long to compare; long texts will not fit it.",
            "Write it without lookarounds, references and repetitions of what may be empty.",
        )
    sample = pattern.sample(_VALUE)
    if sample is None or not sample.strip():
        return
    text = sample.strip()
    fitting = index.fitting(text)
    if entry not in fitting:
        # A sample is only made for what the text itself says, not for what stands around it.
        if not pattern.is_linear:
            return
        yield _finding(
            entry.alias,
            f"The format {entry.representation!r} never matches.",
            _ANCHORED if "^" in entry.representation or "$" in entry.representation else _TORN,
        )
        return
    others = sorted({each.alias.ref for each in fitting if each.alias.ref != entry.alias.ref})
    if others:
        yield _finding(
            entry.alias,
            f"{text!r} fits {entry.alias.ref} and {', '.join(others)}: people will be told to choose.",
        )
    first = next(each for each in fitting if each.alias.ref == entry.alias.ref)
    if first is not entry:
        yield _finding(
            entry.alias,
            f"{text!r} is taken by the format {first.representation!r} before {entry.representation!r}.",
            "Put the more special format first.",
        )


def _parameters(entry: FormatEntry, action: ActionSpec) -> Iterator[Finding]:
    alias = entry.alias
    known = known_parameters(action)
    for name in sorted((entry.compiled.names | set(alias.immutable_parameters)) - known):
        yield Finding(
            severity="error",
            where=f"{alias.pack}/{alias.metadata_file}",
            text=f"The alias {alias.ref} gives the parameter {name}, which {alias.action_ref} does not know.",
            hint=nearest(name, known),
        )
    given = pairs_allowed(alias, action, entry.compiled.names) | set(alias.immutable_parameters)
    for name, parameter in action.parameters.items():
        needs = parameter.required and not parameter.has_default and not parameter.immutable
        if needs and name not in given:
            yield _finding(
                alias,
                f"No text of the format {entry.representation!r} can give the parameter {name},"
                f" which {alias.action_ref} requires.",
            )
        elif needs and name not in entry.compiled.names and name not in alias.immutable_parameters:
            yield _finding(
                alias,
                f"The format {entry.representation!r} does not give the parameter {name},"
                f" which {alias.action_ref} requires.",
                f"People have to write {name}=... at the end.",
            )


def _finding(alias: AliasSpec, text: str, hint: str = "") -> Finding:
    return Finding(severity="warning", where=f"{alias.pack}/{alias.metadata_file}", text=text, hint=hint)
