"""Who is who: roles, groups, and accounts that are one person.

Roles and groups come from the settings; a group `slack:@oncall-db` (or `slack:S0123`) is asked of that
chat at the moment when it matters, and may be a member of a group of ours.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType

from engine.accounts import Accounts
from engine.records.inquiry import Audience
from engine.settings.people import PeopleSettings

# Before the name of a user whom nothing vouches for.
UNVERIFIED = "~"

GroupSource = Callable[[str], Collection[str] | None]
"""A chat's own user groups: `@oncall-db` or `S0123` -> its members now, as accounts (`slack.T1.U7`).

None: there is no such group, or nobody can say; then nobody is in it. Called from any thread, for each
decision; an answer may be up to five minutes old, and must come within a few seconds.
"""


class People:
    """A person is named by the first of their accounts."""

    def __init__(self, settings: PeopleSettings, accounts: Accounts) -> None:
        self.trusts_unverified = settings.trust_unverified
        self._settings = settings
        self._accounts = accounts
        self._first: Mapping[str, str] = MappingProxyType(
            {name: first for first, others in settings.linked.items() for name in (first, *others)}
        )
        self._emails = {mail.casefold(): user for user, mails in settings.emails.items() for mail in mails}
        self._known = frozenset(self._first).union(
            *(members for named in (settings.roles, settings.groups) for members in named.values())
        )
        self._sources: dict[str, GroupSource] = {}
        self._outside: Callable[[str], Collection[str]] = lambda _group: ()
        self._assigned: Mapping[str, Collection[str]] = {}
        self._mapped: Mapping[str, Collection[str]] = {}

    def join(self, platform: str, source: GroupSource) -> None:
        """From now on groups that begin with `platform:` are asked of this chat."""
        self._sources[platform] = source

    def trust(self, outside: Callable[[str], Collection[str]]) -> None:
        """From now on groups that neither settings nor chats have are asked here: a group -> its users."""
        self._outside = outside

    def assign(
        self, roles: Mapping[str, Collection[str]], groups: Mapping[str, Collection[str]] | None = None
    ) -> None:
        """The roles that content files give, each with its users, and each with the groups whose members
        have it; they come on top of the settings'."""
        self._assigned, self._mapped = roles, groups or {}

    # accounts and persons

    def person(self, user: str) -> str:
        """The one name of all accounts of a person."""
        named = self._first.get(user)
        if named is not None:
            return named
        owner = self._accounts.owner(user)
        return self._first.get(owner, owner) if owner else user

    def owner(self, account: str) -> str:
        """The user that people.linked gives to an account that its chat vouches for; empty: none."""
        for spelling in (account, f"{UNVERIFIED}{account}"):
            first = self._first.get(spelling, spelling)
            if first != spelling:
                return first
        return ""

    def user_with_email(self, email: str) -> str:
        """Of people.emails; empty: nobody has it."""
        return self._emails.get(email.casefold(), "")

    def is_known(self, user: str) -> bool:
        """Whether the settings name this very account."""
        return user in self._known

    def is_one_of(self, user: str, others: Iterable[str]) -> bool:
        """Whether `user` may be one of `others`. In doubt it is: names that differ in case, or in
        whether somebody vouches for them, are the same, and so are accounts that were linked once."""
        mine = self._same(user)
        return any(_bare(other) in mine for other in others)

    def _same(self, user: str) -> frozenset[str]:
        """All names that are or were the same person as `user`."""
        pairs = [(_bare(one), _bare(other)) for one, other in (*self._first.items(), *self._accounts.pairs())]
        found = {_bare(user)}
        while True:
            more = {name for pair in pairs if not found.isdisjoint(pair) for name in pair}
            if more <= found:
                return frozenset(found)
            found |= more

    # roles and groups

    def is_in(self, user: str, audience: Audience) -> bool:
        """Whether they are in each of the lists that are not empty."""
        person = self.person(user)
        users = audience.users
        return (
            (not users or user in users or person in map(self.person, users))
            and (not audience.roles or any(person in self._with_role(name) for name in audience.roles))
            and (not audience.groups or any(person in self._in_group(name) for name in audience.groups))
        )

    def members(self, name: str) -> frozenset[str]:
        """The people of a group, or of a role where there is no such group; empty when neither is there."""
        if name in self._settings.groups or self._source_of(name) is not None:
            return self._in_group(name)
        return self._with_role(name)

    def memberships(self, user: str, names: Iterable[str]) -> tuple[str, ...]:
        """Which of these groups and roles they are in."""
        person = self.person(user)
        return tuple(name for name in names if person in self.members(name))

    def groups_of(self, user: str) -> tuple[str, ...]:
        """The groups of the settings that they are in."""
        person = self.person(user)
        return tuple(name for name in self._settings.groups if person in self._in_group(name))

    def is_in_group(self, user: str, name: str) -> bool:
        return self.person(user) in self._in_group(name)

    def has_role(self, user: str, name: str) -> bool:
        return self.person(user) in self._with_role(name)

    def roles_of(self, user: str) -> tuple[str, ...]:
        """The roles that the settings and content files give them."""
        person = self.person(user)
        names = dict.fromkeys((*self._settings.roles, *self._assigned, *self._mapped))
        return tuple(name for name in names if person in self._with_role(name))

    def everybody_in(self, audience: Audience) -> frozenset[str] | None:
        """All people of an audience; None: it is open to everybody."""
        found: list[frozenset[str]] = []
        if audience.users:
            found.append(frozenset(map(self.person, audience.users)))
        for names, members in ((audience.roles, self._with_role), (audience.groups, self._in_group)):
            if names:
                found.append(frozenset().union(*map(members, names)))
        return frozenset.intersection(*found) if found else None

    def _with_role(self, name: str) -> frozenset[str]:
        users = (*self._settings.roles.get(name, ()), *self._assigned.get(name, ()))
        in_groups = (frozenset(map(self.person, self.mapped(group))) for group in self._mapped.get(name, ()))
        return frozenset(map(self.person, users)).union(*in_groups)

    # rights: of somebody whom nothing vouches for only what their very name has

    def names(self, user: str) -> frozenset[str]:
        """All names whose rights they have: those of one person, linked now."""
        if user.startswith(UNVERIFIED):
            return frozenset((user,))
        person = self.person(user)
        others = self._settings.linked.get(person, ())
        accounts = (account for name in (person, *others) for account in self._accounts.of(name))
        return frozenset((user, person, *others, *accounts))

    def mapped(self, group: str) -> frozenset[str]:
        """The members of a mapping's group: one of ours or of a chat, else one that logins have named."""
        return frozenset(self._listed(group)) or self.mapped_outside(group)

    def mapped_outside(self, group: str) -> frozenset[str]:
        """Its users by what logins said; nobody where the settings or a chat have a group of that name."""
        is_ours = group in self._settings.groups or self._source_of(group) is not None
        return frozenset(() if is_ours else self._outside(group))

    def holds(self, group: str, names: frozenset[str]) -> bool:
        """Whether the group names one of these."""
        return not names.isdisjoint(self._listed(group))

    def _in_group(self, name: str) -> frozenset[str]:
        return frozenset(map(self.person, self._listed(name)))

    def _listed(self, group: str) -> set[str]:
        """Its members as they are named, those of a chat's own group as accounts."""
        found: set[str] = set()
        for member in self._settings.groups.get(group, (group,) if self._source_of(group) else ()):
            source = self._source_of(member)
            found.update((member,) if source is None else source(member.partition(":")[2]) or ())
        return found

    def _source_of(self, name: str) -> GroupSource | None:
        platform, colon, _ = name.partition(":")
        return self._sources.get(platform) if colon else None


def shown_name(name: str, user: str) -> str:
    """`alice (bob)` where somebody calls themselves alice, and is the user bob."""
    return f"{name} ({user})" if name and _bare(name) != _bare(user) else name or user


def _bare(name: str) -> str:
    return name.removeprefix(UNVERIFIED).casefold()
