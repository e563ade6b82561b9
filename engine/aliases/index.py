"""Every format of every enabled alias, read once for a registry: which one does a text fit?"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice

from engine.aliases.beginnings import Beginning, beginning, steps_of
from engine.aliases.corrections import corrections
from engine.aliases.grammar import CompiledFormat, compile_format
from engine.aliases.help import missing, nearest_displays
from engine.aliases.kv import Tail, split_pairs
from engine.aliases.lookup import FormatEntry, FormatTable
from engine.aliases.match import AliasMatch, check_pairs, known_parameters, pairs_allowed, unknown_pairs
from engine.content.registry import Registry, Unavailable
from engine.errors import BadContent, BadInput, NoMatch
from engine.specs.action import ActionSpec
from engine.specs.alias import AliasFormat, AliasSpec

_MOST_CORRECTIONS = 8
_BRACKETS = (("{", "}"), ("[", "]"), ("(", ")"))


class NoCommand(NoMatch):
    """No alias fits; the hint is worked out when somebody reads it."""

    def __init__(self, text: str, index: "AliasIndex") -> None:
        self._text = text
        self._index = index
        super().__init__(f"Command '{text}' matched no patterns")

    @property
    def hint(self) -> str:
        return self._index.hint(self._text)

    @hint.setter
    def hint(self, value: str) -> None:
        """What the base class puts there is empty: the hint comes from the index."""


class AliasIndex:
    """Never changed after it was made. A format that cannot be used is in `findings`."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        # By ref and representation, filled as they are asked for.
        self._pairs_allowed: dict[tuple[str, str], frozenset[str]] = {}
        findings: list[Unavailable] = []
        entries = list(_entries(registry, findings))
        multiple = {entry.alias.ref for entry in entries if entry.is_multiple}
        self.findings: tuple[Unavailable, ...] = tuple(findings)
        self.entries: tuple[FormatEntry, ...] = tuple(entries)
        # StackStorm asks for whole aliases: one format with match_multiple takes all of its alias along.
        # Each with what an error says of it.
        self._tables = (
            ("", FormatTable(entry for entry in entries if entry.alias.ref not in multiple)),
            (" (multi)", FormatTable(entry for entry in entries if entry.alias.ref in multiple)),
        )

    def match(self, text: str) -> AliasMatch:
        """The one alias that fits. Aliases with match_multiple are asked when no other fits.

        Raises NoMatch when none or several fit, BadParameter for a key=value that may not be given.
        Several formats of one alias are no contradiction: the first in its file is taken.
        """
        tail = split_pairs(text)
        padded = f" {tail.rest} "
        for kind, table in self._tables:
            hits = [hit for entry in table.candidates(padded) if (hit := _attempt(entry, text, tail))]
            if hits:
                return self._checked(_only(text, hits, kind))
        if tail.start < len(text):
            hits = [
                hit for entry in self._candidates_whole(text) if (hit := self._attempt_known(entry, text))
            ]
            if hits:
                return self._checked(_only(text, hits, ""))
        raise NoCommand(text, self)

    def _candidates_whole(self, text: str) -> Iterator[FormatEntry]:
        for _, table in self._tables:
            yield from table.candidates(f" {text} ")

    def _attempt_known(self, entry: FormatEntry, text: str) -> AliasMatch | None:
        """Where StackStorm finds nothing: only keys that the action knows make a pair."""
        action = self._registry.actions.get(entry.alias.action_ref)
        known = known_parameters(action) | entry.compiled.names if action else frozenset()
        return _attempt(entry, text, split_pairs(text, known=known))

    def _checked(self, match: AliasMatch) -> AliasMatch:
        action = self._registry.actions.get(match.alias.action_ref)
        if action is None or not match.given or match.given <= self._allowed(match, action):
            return match
        torn = self._untorn(match, action)
        if torn is not None:
            match = torn
        check_pairs(match, action)
        return match

    def _allowed(self, match: AliasMatch, action: ActionSpec) -> frozenset[str]:
        key = (match.alias.ref, match.representation)
        found = self._pairs_allowed.get(key)
        if found is None:
            found = self._pairs_allowed[key] = pairs_allowed(match.alias, action, match.named)
        return found

    def _untorn(self, match: AliasMatch, action: ActionSpec) -> AliasMatch | None:
        """The match without pairs that were text: torn out of quotes, or keys that cannot be meant."""
        unknown = unknown_pairs(match, action)
        if not unknown:
            return None
        start = split_pairs(match.text).start
        if all(key.isidentifier() for key in unknown) and not _is_open(match.text[:start]):
            return None
        wanted = (match.alias.ref, match.representation)
        entry = next(e for e in self.entries if (e.alias.ref, e.representation) == wanted)
        return self._attempt_known(entry, match.text)

    def find_format(self, alias: AliasSpec, format: str) -> AliasFormat:
        """The format of the alias that has this representation. Raises BadInput with StackStorm's words."""
        for each in alias.formats:
            if format in each.representations:
                return each
        raise BadInput(
            f'Format string "{format}" is not available on the alias "{alias.name}"',
            hint="It has: " + " | ".join(text for each in alias.formats for text in each.representations),
        )

    def chosen(self, alias: AliasSpec, format: str, text: str) -> AliasMatch:
        """The match of a text with one format, as clients that match by themselves ask for it.

        Raises BadInput, NoMatch, BadContent, BadParameter.
        """
        found = self.find_format(alias, format)
        entry = FormatEntry(
            number=0,
            alias=alias,
            display=found.display,
            representation=format,
            is_multiple=found.match_multiple,
            compiled=self._compiled(alias, format),
        )
        match = _attempt(entry, text, split_pairs(text)) or self._attempt_known(entry, text)
        if match is None:
            entry.compiled.extract(text)
            raise NoMatch(f'Command "{text}" doesn\'t match format string "{format}"')
        return self._checked(match)

    def _compiled(self, alias: AliasSpec, format: str) -> CompiledFormat:
        same = (e.compiled for e in self.entries if e.alias.ref == alias.ref and e.representation == format)
        return next(same, None) or compile_format(format)

    def fitting(self, text: str) -> list[FormatEntry]:
        """Every format that the text fits, among aliases with and without match_multiple alike."""
        tail = split_pairs(text)
        padded = f" {tail.rest} "
        found = [
            entry
            for _, table in self._tables
            for entry in table.candidates(padded)
            if _attempt(entry, text, tail)
        ]
        return sorted(found, key=lambda entry: entry.number)

    def beginning(self, text: str) -> Beginning | None:
        """The command that a text begins and does not say to the end; None: there is none."""
        return beginning(text, (entry for entry in self.entries if not entry.is_multiple))

    @cached_property
    def first_words(self) -> frozenset[str]:
        """What commands begin with, those whose formats are plain."""
        read = (steps_of(entry.representation) for entry in self.entries)
        return frozenset(steps[0].text for steps in read if steps)

    def corrected(self, text: str) -> str:
        """The text without its typing errors, where it then fits one alias; else an empty text."""
        for wanted in islice(corrections(text, self.entries), _MOST_CORRECTIONS):
            try:
                self.match(wanted)
            except BadInput:
                continue
            return wanted
        return ""

    def missing(self, text: str) -> str:
        """`deploy needs: app, env.` when the text begins a command, else an empty text."""
        return missing(text, ((entry.representation, entry.display or "") for entry in self.entries))

    def hint(self, text: str) -> str:
        """What was missing, and the nearest commands."""
        near = nearest_displays(text, (entry.display for entry in self.entries if entry.display))
        named = f"Did you mean: {' | '.join(near)}" if near else ""
        return " ".join(part for part in (self.missing(text), named) if part)


def _entries(registry: Registry, findings: list[Unavailable]) -> Iterator[FormatEntry]:
    number = 0
    for alias in registry.aliases.values():
        for each in alias.formats if alias.enabled else ():
            for representation in each.representations:
                try:
                    compiled = compile_format(representation)
                except BadContent as error:
                    findings.append(_finding(alias, representation, error))
                    continue
                number += 1
                yield FormatEntry(
                    number=number,
                    alias=alias,
                    display=each.display,
                    representation=representation,
                    is_multiple=each.match_multiple,
                    compiled=compiled,
                )


def _finding(alias: AliasSpec, representation: str, error: BadContent) -> Unavailable:
    return Unavailable(
        kind="alias",
        pack=alias.pack,
        name=alias.name,
        where=f"{alias.pack}/{alias.metadata_file}",
        reason=f"The format {representation!r} cannot be used: {error.message}",
        hint=error.hint,
    )


def _attempt(entry: FormatEntry, text: str, tail: Tail) -> AliasMatch | None:
    compiled = entry.compiled
    try:
        found = (
            tuple(compiled.extract_all_from(tail))
            if entry.is_multiple
            else (compiled.extract_from(text, tail),)
        )
    except NoMatch:
        return None
    if not found:
        return None
    return AliasMatch(
        alias=entry.alias,
        display=entry.display,
        representation=entry.representation,
        parameters=found,
        named=compiled.names,
        given=frozenset(tail.pairs),
        text=text,
    )


def _only(text: str, hits: Sequence[AliasMatch], kind: str) -> AliasMatch:
    if len(hits) == 1:
        return hits[0]
    by_alias = {hit.alias.ref: hit for hit in reversed(hits)}
    if len(by_alias) == 1:
        return hits[0]
    named = [
        f'{hit.alias.ref} ("{hit.display or hit.representation}")' for hit in reversed(by_alias.values())
    ]
    raise NoMatch(
        f"Command '{text}' matched more than 1{kind} pattern",
        hint=f"It fits {', '.join(named[:-1])} and {named[-1]}.",
    )


def _is_open(text: str) -> bool:
    """Whether a quote or a bracket that was opened in `text` is still open at its end."""
    if any(text.count(opening) > text.count(closing) for opening, closing in _BRACKETS):
        return True
    words = text.split()
    return text.count('"') % 2 == 1 or (
        sum(word.startswith("'") for word in words) > sum(word.endswith("'") for word in words)
    )
