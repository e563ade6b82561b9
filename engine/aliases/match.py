"""A chat text that fits an alias, and which of the given parameters it may take."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from engine.aliases.grammar import compile_format
from engine.errors import BadInput, BadParameter, nearest
from engine.specs.action import ActionSpec
from engine.specs.alias import AliasSpec
from engine.specs.runner_type import RUNNER_TYPES

ALLOWED_KEY = "x-allow-parameters"


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasMatch:
    """`parameters` has one entry, with match_multiple one for each match in the text."""

    alias: AliasSpec
    display: str | None
    representation: str
    parameters: tuple[Mapping[str, str | None], ...]
    """None for a part of the format that the text left out."""
    named: frozenset[str]
    """What the format itself fills."""
    given: frozenset[str]
    """What stood at the end of the text as key=value."""
    text: str


def known_parameters(action: ActionSpec) -> frozenset[str]:
    """All names that the action takes, its runner's among them."""
    return frozenset(action.parameters) | _runner_parameters(action)


def _runner_parameters(action: ActionSpec) -> frozenset[str]:
    runner = RUNNER_TYPES.get(action.runner_type)
    return frozenset(runner.parameters) if runner else frozenset()


def pairs_allowed(alias: AliasSpec, action: ActionSpec, named: Collection[str]) -> frozenset[str]:
    """The names that a chat text may give as key=value.

    What the format names, and the action's own parameters. The runner's (sudo, env, cwd, hosts ...)
    only where the alias lists them under x-allow-parameters; immutable ones never.
    """
    runner = _runner_parameters(action)
    allowed = {name for name in action.parameters if name not in runner}
    allowed.update(name for name in _listed(alias) if name in runner or name in action.parameters)
    allowed = {name for name in allowed if not _is_immutable(action, name)}
    return frozenset(allowed) | frozenset(named)


def _listed(alias: AliasSpec) -> list[str]:
    listed = alias.extensions.get(ALLOWED_KEY)
    return [str(name) for name in listed] if isinstance(listed, list | tuple) else []


def _is_immutable(action: ActionSpec, name: str) -> bool:
    own = action.parameters.get(name)
    runner = RUNNER_TYPES.get(action.runner_type)
    runners = runner.parameters.get(name) if runner else None
    return bool((own and own.immutable) or (runners and runners.immutable))


def unknown_pairs(match: AliasMatch, action: ActionSpec) -> list[str]:
    """The given keys that the action does not know at all, in the order of the alphabet."""
    return sorted(match.given - known_parameters(action) - match.named)


def check_pairs(match: AliasMatch, action: ActionSpec) -> None:
    """Raises BadParameter for a given key=value that chat may not give, saying what it may.

    Immutable parameters of the alias are left to those who fill them in.
    """
    if not match.given:
        return
    allowed = pairs_allowed(match.alias, action, match.named)
    takes = ", ".join(sorted(allowed - set(match.alias.immutable_parameters))) or "no pairs"
    for name in sorted(match.given - allowed - set(match.alias.immutable_parameters)):
        if name in known_parameters(action):
            raise BadParameter(
                f'The parameter "{name}" cannot be given in chat for {match.alias.ref}.',
                hint=f"This command takes: {takes}. The alias can allow more with {ALLOWED_KEY}.",
            )
        similar = nearest(name, allowed)
        raise BadParameter(
            f'{action.ref} has no parameter "{name}".',
            hint=f"{similar} This command takes: {takes}. Text with = stands in quotes.".strip(),
        )


def check_changes(alias: AliasSpec, action: ActionSpec, given: Collection[str]) -> None:
    """Raises BadParameter, BadInput for parameters that a run may not be repeated with from a chat.

    As with the pairs of a command: what a format of the alias fills, and what may be given as a pair.
    """
    named = frozenset(
        name
        for each in alias.formats
        for representation in each.representations
        for name in compile_format(representation).names
    )
    fixed = sorted(set(alias.immutable_parameters) & set(given))
    if fixed:
        raise BadInput(f"{alias.ref} fixes {', '.join(fixed)}: that cannot be changed in chat.")
    match = AliasMatch(
        alias=alias,
        display=None,
        representation="",
        parameters=(),
        named=named,
        given=frozenset(given),
        text="",
    )
    check_pairs(match, action)
