"""Counting approvals: how many people, and how many of each group; everybody counts once."""

from collections.abc import Mapping, Sequence
from typing import Any

from engine.errors import BadParameter
from engine.people import People
from engine.records.inquiry import Audience, Count, Quorum, Vote

PARAMETER = "x-quorum"
# Members of the parameter that are no groups.
_PEOPLE, _VETO = "people", "veto"
# Nobody finds more than that.
MOST = 100
_WANTED = (
    f"Write a number of people, or {{GROUP: NUMBER}}; {_PEOPLE} and {_VETO} may stand beside the groups."
)


def read_quorum(value: Any) -> Quorum | None:
    """From the parameter `x-quorum`. Raises BadParameter."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        return Quorum(people=_number(PARAMETER, value))
    each = {
        str(name): _number(f"{PARAMETER}.{name}", number)
        for name, number in value.items()
        if name not in (_PEOPLE, _VETO)
    }
    people = _number(f"{PARAMETER}.{_PEOPLE}", value[_PEOPLE]) if _PEOPLE in value else 1
    veto = value.get(_VETO) or ()
    if not isinstance(veto, list | tuple) or not all(isinstance(name, str) for name in veto):
        raise BadParameter(f'"{PARAMETER}.{_VETO}" must be a list of users, groups or roles.')
    return Quorum(people=max(people, sum(each.values())), each=each, veto=tuple(veto))


def _number(name: str, value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 4:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST:
        raise BadParameter(f'"{name}" must be a whole number from 1 to {MOST}.', hint=_WANTED)
    return value


def is_reserved(quorum: Quorum) -> bool:
    """Whether only members of the groups that it names can count."""
    return bool(quorum.each) and sum(quorum.each.values()) >= quorum.people


def tally(quorum: Quorum, votes: Sequence[Vote]) -> tuple[Count, ...]:
    """How far it is. A vote fills one place of one group; the places are filled as well as can be."""
    given = [vote for vote in votes if vote.is_yes]
    filled = _filled(quorum.each, [vote.memberships for vote in given])
    groups = tuple(Count(name=name, have=filled[name], need=need) for name, need in quorum.each.items())
    if is_reserved(quorum):
        return groups
    return (Count(name="", have=len(given), need=quorum.people), *groups)


def is_met(counts: Sequence[Count]) -> bool:
    return all(count.have >= count.need for count in counts)


def _filled(each: Mapping[str, int], memberships: Sequence[Sequence[str]]) -> dict[str, int]:
    """How many places of each group can be filled at once: a matching, found by augmenting paths."""
    places = [(name, number) for name, need in each.items() for number in range(need)]
    taken: dict[tuple[str, int], int] = {}

    def seat(voter: int, tried: set[tuple[str, int]]) -> bool:
        for place in places:
            if place[0] not in memberships[voter] or place in tried:
                continue
            tried.add(place)
            if place not in taken or seat(taken[place], tried):
                taken[place] = voter
                return True
        return False

    for voter in range(len(memberships)):
        seat(voter, set())
    return {name: sum(place[0] == name for place in taken) for name in each}


def why_nobody(
    quorum: Quorum | None, audiences: Sequence[Audience], people: People, excluded: Sequence[str]
) -> str:
    """Why those who may answer cannot bring it to an end, as the settings are; empty when they can.

    `excluded`: who may not answer although they are in an audience.
    """
    found = [people.everybody_in(audience) for audience in audiences]
    if any(one is None for one in found):
        able = None
    else:
        able = frozenset().union(*(one for one in found if one is not None))
        able = frozenset(one for one in able if not people.is_one_of(one, excluded))
    if able is not None and len(able) < (quorum.people if quorum else 1):
        return _too_few(able, quorum)
    if quorum is None:
        return ""
    for name, need in quorum.each.items():
        members = [one for one in people.members(name) if not people.is_one_of(one, excluded)]
        if able is not None:
            members = [one for one in members if one in able]
        if len(members) < need:
            return f"It needs {need} of {name}, and {_count(len(members))} of them may answer."
    return ""


def _too_few(able: frozenset[str], quorum: Quorum | None) -> str:
    if not able:
        return "Nobody may answer: see roles and groups in the section `people` of the settings."
    need = quorum.people if quorum else 1
    return f"It needs {need} people, and {_count(len(able))} may answer: {', '.join(sorted(able))}."


def _count(number: int) -> str:
    return f"only {number}" if number else "none"
