"""Who may do what: the one place that is asked, at the doors of the engine.

Without any file about roles everybody may what the API and the chats let them do; from the first one
on nobody may run or answer what no role of theirs grants. Limits hold on top of either.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.content.registry import Content, Registry
from engine.errors import Denied
from engine.people import People
from engine.records.execution import Execution
from engine.records.inquiry import Inquiry
from engine.rights.book import Book
from engine.rights.place import ChannelNamed, Where, fits
from engine.specs.alias import AliasSpec
from engine.specs.permissions import ADMIN, IMPERSONATE, SYSTEM_ADMIN
from engine.specs.right import Right
from engine.specs.rights import LimitSpec, RightsSpec

log = logging.getLogger(__name__)

EXECUTE, RERUN, STOP = Right.ACTION_EXECUTE, Right.EXECUTION_RERUN, Right.EXECUTION_STOP


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether somebody may, and why; `reason` is a sentence in either case."""

    may: bool
    reason: str
    hint: str = ""


class Rights:
    """`always`: users who may everything: the administrator, and whom rules act as."""

    def __init__(
        self,
        content: Content,
        people: People,
        *,
        roles: Mapping[str, list[str]],
        always: Iterable[str],
    ) -> None:
        self._content = content
        self._people = people
        self._named = roles
        self._always = frozenset(always)
        self._channels: dict[str, ChannelNamed] = {}
        self._sound: RightsSpec | None = None
        self._book = Book(RightsSpec(), Registry(), named=roles)

    def adopt(self, registry: Registry) -> None:
        """New content is in force. A broken file changes nothing of what was in force before."""
        is_closed = False
        if not registry.rights.is_broken:
            self._sound = registry.rights
        elif self._sound is None:
            is_closed = True
            log.error("a file of rights cannot be used: nobody but the administrator may run anything")
        else:
            log.error("a file of rights cannot be used: the rights stay as they were")
        self._book = Book(self._sound or RightsSpec(), registry, named=self._named, is_closed=is_closed)
        self._people.assign(self._book.users_by_role(), self._book.groups_by_role())

    def join(self, platform: str, named: ChannelNamed) -> None:
        """From now on limits may name the channels of this chat as people do."""
        self._channels[platform] = named

    @property
    def has_roles(self) -> bool:
        """Whether roles decide; else everybody may what is not limited."""
        return self._book.has_roles

    # roles

    def roles_of(self, user: str) -> tuple[str, ...]:
        names = self._people.names(user)
        return self._roles(names, self._book)

    def _roles(self, names: frozenset[str], book: Book) -> tuple[str, ...]:
        given = book.roles_of(names)
        if not self._always.isdisjoint(names):
            given = [SYSTEM_ADMIN, *given]
        mapped = (one for one in book.mapped if not names.isdisjoint(self._people.mapped(one.group)))
        given += [role for one in mapped for role in one.roles]
        return tuple(dict.fromkeys(given))

    def allows(self, user: str, permission: str, resource: str = "") -> Verdict:
        """Whether a role of theirs grants it; without any roles on file it is granted.

        `resource`: action:core:local, pack:core ...; empty: on nothing in particular.
        """
        return self._granted(user, permission, resource, self._book)

    def _granted(self, user: str, permission: str, resource: str, book: Book) -> Verdict:
        if not book.has_roles and permission != IMPERSONATE:
            return Verdict(may=True, reason="No roles are on file, so nothing has to be granted.")
        roles = self._roles(self._people.names(user), book)
        role = book.granting(roles, permission, resource)
        on = f" on {resource}" if resource else ""
        if role:
            return Verdict(may=True, reason=f"The role {role} grants {permission}{on}.")
        have = f"the role{'s' if len(roles) > 1 else ''} {', '.join(roles)}" if roles else "no role"
        if book.is_closed:
            return Verdict(
                may=False,
                reason="A file of rights cannot be used, so nobody may run anything.",
                hint="An administrator sees it with: stormcrow rights lint",
            )
        return Verdict(
            may=False,
            reason=f"{user} has {have}, which does not grant {permission}{on}."
            if roles
            else f"{user} has {have}, and it takes {permission}{on}.",
            hint="An administrator can give a role in the folder rbac.",
        )

    # running

    def why(
        self, user: str, action: str, *, alias: str = "", where: Where | None, permission: str = EXECUTE
    ) -> list[Verdict]:
        """Every single answer about running an action, or an alias of it; all must be yes."""
        book = self._book
        found = [self._granted(user, permission, uid("action", action), book)]
        limits = [*(book.limits("alias", alias) if alias else ()), *book.limits("action", action)]
        if limits:
            names = self._people.names(user)
            roles = self._roles(names, book)
            found += [self._within(one, names, roles, where) for one in dict.fromkeys(limits)]
        return found

    def _within(
        self, limit: LimitSpec, names: frozenset[str], roles: tuple[str, ...], where: Where | None
    ) -> Verdict:
        if SYSTEM_ADMIN in roles:
            return Verdict(may=True, reason=f"Limits do not bind the role {SYSTEM_ADMIN}.")
        what = ", ".join((*limit.aliases, *limit.actions))
        is_for_all = not (limit.users or limit.roles or limit.groups)
        if not is_for_all and not (
            not names.isdisjoint(limit.users)
            or not set(roles).isdisjoint(limit.roles)
            or any(self._people.holds(group, names) for group in limit.groups)
        ):
            lists = (("the users", limit.users), ("the role", limit.roles), ("the group", limit.groups))
            who = " or ".join(f"{word} {', '.join(listed)}" for word, listed in lists if listed)
            return self._refused(limit, f"{what} is for {who} only")
        if where is not None and limit.channels and not self._is_there(limit, where):
            return self._refused(limit, f"{what} runs only in {', '.join(limit.channels)}, not in {where}")
        return Verdict(may=True, reason=f"Within {limit.where}.")

    def _is_there(self, limit: LimitSpec, where: Where) -> bool:
        named = self._channels.get(where.platform)
        return any(fits(one, where, named) for one in limit.channels)

    @staticmethod
    def _refused(limit: LimitSpec, said: str) -> Verdict:
        return Verdict(may=False, reason=f"{said} ({limit.where}).", hint=limit.reason)

    def may_run(self, user: str, action: str, *, alias: str = "", where: Where | None) -> bool:
        """`where` None: somewhere, whatever limits say of channels."""
        return all(one.may for one in self.why(user, action, alias=alias, where=where))

    def check_run(
        self, user: str, action: str, *, alias: str = "", where: Where, permission: str = EXECUTE
    ) -> None:
        """Raises Denied with the first reason against it."""
        for one in self.why(user, action, alias=alias, where=where, permission=permission):
            if not one.may:
                raise Denied(f"You may not run {alias or action}: {one.reason}", hint=one.hint)

    def runnable(self, user: str, where: Where | None) -> tuple[AliasSpec, ...]:
        """The enabled aliases that they may run there (None: somewhere), by ref."""
        return tuple(
            alias
            for ref, alias in sorted(self._content.current.aliases.items())
            if alias.enabled and self.may_run(user, alias.action_ref, alias=ref, where=where)
        )

    def check_rerun(self, user: str, execution: Execution, *, where: Where) -> None:
        """As the command that began it, where one did. Raises Denied."""
        alias = str((execution.context.get("action_alias_ref") or {}).get("id") or "")
        self.check_run(user, execution.action, alias=alias, where=where, permission=RERUN)

    def may_view(self, user: str, execution: Execution, *, where: Where) -> Verdict:
        """What it was given and what it printed: one's own, of an action that one may look at, and what was
        asked at this very place, where everybody reads the answer."""
        if not self._people.names(user).isdisjoint(self._people.names(execution.user)):
            return Verdict(may=True, reason="It is their own.")
        if where.platform and Where.of(execution.context) == where:
            return Verdict(may=True, reason=f"It was asked in {where}.")
        return self.allows(user, Right.EXECUTION_VIEW, uid("action", execution.action))

    def check_stop(self, user: str, execution: Execution) -> None:
        """Cancel, pause or resume; everybody may do that with what they began. Raises Denied."""
        if not self._people.names(user).isdisjoint(self._people.names(execution.user)):
            return
        verdict = self.allows(user, STOP, uid("action", execution.action))
        if not verdict.may:
            raise Denied(f"You may not stop {execution.action}: {verdict.reason}", hint=verdict.hint)

    # answering

    def may_answer(self, user: str, inquiry: Inquiry) -> Verdict:
        """Whoever is asked by name may; else it takes inquiry_respond, or the right to run what asks."""
        if any(not one.is_everybody for one in inquiry.audiences):
            return Verdict(may=True, reason="The question says who is asked.")
        own = self.allows(user, Right.INQUIRY_RESPOND, f"inquiry:{inquiry.id}")
        if own.may:
            return own
        by_action = self.allows(user, EXECUTE, uid("action", inquiry.asked.origin.action))
        return by_action if by_action.may else own

    # acting for others

    def may_impersonate(self, user: str, other: str) -> bool:
        """Only where a role says so, of the user or of a role that they have; never an administrator."""
        roles = self.roles_of(other)
        if not {SYSTEM_ADMIN, ADMIN}.isdisjoint(roles):
            return False
        meant = (f"user:{other}", *(f"role:{role}" for role in roles))
        return any(self.allows(user, IMPERSONATE, one).may for one in meant)


def uid(kind: str, ref: str) -> str:
    """action:core:local from core.local."""
    return f"{kind}:{ref.replace('.', ':', 1)}"
