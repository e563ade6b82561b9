"""Who a chat user is for the engine.

A person is known by (platform, team, id), never by the name that is shown. In this order: the user
that the adapter has authenticated; the user that the settings, a one-time code or a verified e-mail
address give to the account; else the account is a user of its own: `slack.T1.U7` where the chat
vouches for the id, and behind a ~ where nothing does, so that nobody can take another's place,
rights or secrets by choosing a name.
"""

from dataclasses import dataclass
from typing import Protocol

from bot.chat import Author, Standing
from engine.accounts import Accounts
from engine.errors import Denied
from engine.names import Names
from engine.people import People
from engine.records.account import Account, How
from engine.records.audit import Actor
from engine.settings import Settings

UNVERIFIED = "~"
# Of these nobody is let in without being named in the settings.
_OUTSIDE = {
    Standing.GUEST: "Guests of this workspace",
    Standing.STRANGER: "People of other workspaces",
    Standing.BOT: "Other bots",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    user: str
    """The engine's user: what executions run as."""
    chat_user: str
    """The name to show, and StackStorm's `api_user`; data."""
    is_verified: bool
    platform: str
    """The chat's name."""
    account: str = ""
    """How the chat knows them, as settings spell it: slack.T1.U7."""
    how: How | None = None
    """Why the account is this user; None: it is a user of its own, or the adapter has signed it in."""


class Site(Protocol):
    """What they are asked of; class Engine is one."""

    @property
    def accounts(self) -> Accounts: ...
    @property
    def people(self) -> People: ...
    @property
    def names(self) -> Names: ...
    @property
    def settings(self) -> Settings: ...


class Identities:
    """`of` may be called for every message: it reads memory, and writes only what it learns."""

    def __init__(self, engine: Site) -> None:
        self._accounts = engine.accounts
        self._people = engine.people
        self._names = engine.names
        self._settings = engine.settings.people

    def of(self, platform: str, author: Author) -> Identity:
        """Raises Denied for whoever is no full member and not named in the settings."""
        account = account_of(platform, author)
        self._names.learn(account.ref, author.name)
        self._check_standing(platform, author, account)
        if author.engine_user:
            return Identity(
                user=author.engine_user,
                chat_user=author.name,
                is_verified=True,
                platform=platform,
                account=account.ref,
            )
        if not author.is_vouched:
            # The ids of our own web chat are names that people pick; elsewhere two networks may share one.
            known_as = author.id.removeprefix(UNVERIFIED) if platform == "web" else account.ref
            return Identity(
                user=f"{UNVERIFIED}{known_as}",
                chat_user=author.name,
                is_verified=False,
                platform=platform,
                account=account.ref,
            )
        user, how = self._mapped(account, author)
        return Identity(
            user=user or account.ref,
            chat_user=author.name,
            is_verified=True,
            platform=platform,
            account=account.ref,
            how=how,
        )

    def admits(self, platform: str, author: Author) -> bool:
        """Whether they are a full member, or named in the settings."""
        if author.standing in (Standing.MEMBER, Standing.DEACTIVATED):
            return author.standing is Standing.MEMBER
        return author.is_vouched and self._people.is_known(account_of(platform, author).ref)

    def _check_standing(self, platform: str, author: Author, account: Account) -> None:
        if self.admits(platform, author):
            return
        if author.standing is Standing.DEACTIVATED:
            raise Denied("This account is deactivated.")
        raise Denied(
            f"{_OUTSIDE[author.standing]} may not use this bot.",
            hint=f"An administrator can name {account.ref} in config.yaml, under people.",
        )

    def _mapped(self, account: Account, author: Author) -> tuple[str, How | None]:
        """The user of an account that the chat vouches for; empty where nobody gave it one."""
        named = self._people.owner(account.ref)
        if named:
            return named, How.CONFIG
        known = self._accounts.find(account)
        if known is not None and known.how is How.CODE:
            return known.user, How.CODE
        user = self._by_email(account, author)
        self._accounts.note_email(account, user, name=author.name)
        return (user, How.EMAIL) if user else ("", None)

    def _by_email(self, account: Account, author: Author) -> str:
        if author.standing is not Standing.MEMBER or not author.email:
            return ""
        if f"{account.platform}.{account.team}" not in self._settings.email_teams:
            return ""
        return self._people.user_with_email(author.email)


def actor_of(identity: Identity) -> Actor:
    """The person as the audit names them."""
    return Actor(user=identity.user, via=identity.platform, account=identity.account)


def account_of(platform: str, author: Author) -> Account:
    return Account(platform=platform, team=author.team, id=author.id)
