"""Who is who among those who answer: roles, groups, and accounts that are one person."""

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType

from engine.records.inquiry import Audience
from engine.settings import PeopleSettings

# Before the name of a user whom nothing vouches for.
UNVERIFIED = "~"


class People:
    """A person is named by the first of their accounts."""

    def __init__(self, settings: PeopleSettings) -> None:
        self.trusts_unverified = settings.trust_unverified
        self._first: Mapping[str, str] = MappingProxyType(
            {name: first for first, others in settings.linked.items() for name in (first, *others)}
        )
        self._roles = self._members(settings.roles)
        self._groups = self._members(settings.groups)
        # By what they are called: where a quorum names one, a group comes before a role.
        self._named = {**self._roles, **self._groups}
        self._known = frozenset(self._first).union(
            *(members for named in (settings.roles, settings.groups) for members in named.values())
        )

    def _members(self, named: Mapping[str, Collection[str]]) -> Mapping[str, frozenset[str]]:
        return {name: frozenset(map(self.person, users)) for name, users in named.items()}

    def person(self, user: str) -> str:
        """The one name of all accounts of a person."""
        return self._first.get(user, user)

    def is_known(self, user: str) -> bool:
        """Whether the settings name this very account."""
        return user in self._known

    def is_one_of(self, user: str, others: Iterable[str]) -> bool:
        """Whether `user` may be one of `others`. In doubt it is: names that differ in case, or in
        whether somebody vouches for them, are the same."""
        mine = self._aliases(user)
        return any(mine & self._aliases(other) for other in others)

    def _aliases(self, user: str) -> frozenset[str]:
        first = self.person(user)
        accounts = {user, first, *(name for name, one in self._first.items() if one == first)}
        return frozenset(_bare(name) for name in accounts)

    def is_in(self, user: str, audience: Audience) -> bool:
        """Whether they are in each of the lists that are not empty."""
        person = self.person(user)
        users = audience.users
        return (
            (not users or user in users or person in map(self.person, users))
            and (not audience.roles or any(person in self._roles.get(name, ()) for name in audience.roles))
            and (not audience.groups or any(person in self._groups.get(name, ()) for name in audience.groups))
        )

    def members(self, name: str) -> frozenset[str]:
        """The people of a group, or of a role where there is no such group; empty when neither is there."""
        return self._named.get(name, frozenset())

    def memberships(self, user: str, names: Iterable[str]) -> tuple[str, ...]:
        """Which of these groups and roles they are in."""
        person = self.person(user)
        return tuple(name for name in names if person in self.members(name))

    def everybody_in(self, audience: Audience) -> frozenset[str] | None:
        """All people of an audience; None: it is open to everybody."""
        found: list[frozenset[str]] = []
        if audience.users:
            found.append(frozenset(map(self.person, audience.users)))
        for names, members in ((audience.roles, self._roles), (audience.groups, self._groups)):
            if names:
                found.append(frozenset().union(*(members.get(name, frozenset()) for name in names)))
        return frozenset.intersection(*found) if found else None


def _bare(name: str) -> str:
    return name.removeprefix(UNVERIFIED).casefold()
