"""Who people are in a workspace, and what its channels and user groups are called.

What was asked is kept for minutes, and forgotten as soon as Slack says that it has changed.

Slack vouches for ids. What stands are the facts of users.info, never a name in a message: guests, people of
other workspaces, bots and accounts that were switched off are told apart, and an e-mail address counts only
when Slack has confirmed it for a full member of our own workspace.
"""

import asyncio
import logging
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack import troubles
from bot.adapters.slack.loop import LoopThread
from bot.adapters.slack.mrkdwn import is_user
from bot.chat import Author, Standing

log = logging.getLogger(__name__)

KEPT_S = 300.0
# A name that was not there may be a channel that was made a moment ago.
UNKNOWN_KEPT_S = 10.0
MOST_KEPT = 20_000
ANSWER_S = 5.0
# A message with an id in it is better than none.
NAME_S = 2.0
_ALL = "all"

_ID = re.compile(r"[CDG][A-Z0-9]{6,30}")
_CHANNEL = re.compile(r"[^\s#@<>|,]{1,80}")
_TEAM = re.compile(r"[TE][A-Z0-9]{1,30}")
_GROUP_ID = re.compile(r"S[A-Z0-9]{2,30}")

T = TypeVar("T")


class _Kept(Generic[T]):
    """Answers by key, each for a while; one question at a time per key. For one event loop."""

    def __init__(self, ask: Callable[[str], Awaitable[T]], *, kept_s: float = KEPT_S) -> None:
        self._ask = ask
        self._kept_s = kept_s
        self._known: OrderedDict[str, tuple[float, T]] = OrderedDict()
        self._asking: dict[str, asyncio.Future[T]] = {}

    async def get(self, key: str, *, kept_s: float | None = None) -> T:
        """Raises what the question raises."""
        known = self._known.get(key)
        now = asyncio.get_running_loop().time()
        if known is not None and now - known[0] < (self._kept_s if kept_s is None else kept_s):
            return known[1]
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.ensure_future(self._ask(key))
            asking.add_done_callback(lambda done: self._learn(key, now, done))
        return await asyncio.shield(asking)

    def forget(self, key: str) -> None:
        """Also what is being asked now may be old already."""
        self._known.pop(key, None)
        self._asking.pop(key, None)

    def _learn(self, key: str, asked_at: float, done: "asyncio.Future[T]") -> None:
        is_forgotten = self._asking.get(key) is not done
        if not is_forgotten:
            del self._asking[key]
        if done.cancelled() or done.exception() is not None or is_forgotten:
            return
        self._known[key] = (asked_at, done.result())
        self._known.move_to_end(key)
        while len(self._known) > MOST_KEPT:
            self._known.popitem(last=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    id: str
    name: str
    is_member: bool
    """Whether the bot is in it."""
    is_private: bool = False
    is_archived: bool = False
    is_direct: bool = False
    """Between the bot and one person."""


class Directory:
    """Its methods with `await` are for the loop; the others for every other thread."""

    def __init__(self, web: AsyncWebClient, loop: LoopThread, *, platform: str) -> None:
        self._web = web
        self._loop = loop
        self._platform = platform
        self.team = ""
        """Our workspace; known after auth.test."""
        self._people = _Kept(self._ask_person)
        self._channels = _Kept(self._ask_channel)
        self._lists = _Kept(self._ask_lists)
        self._direct = _Kept(self._ask_direct)
        self._groups = _Kept(self._ask_groups)
        self._members = _Kept(self._ask_members)

    def heard(self, event: Mapping[str, Any]) -> None:
        """Something that we know has changed; for the loop."""
        kind = event.get("type")
        if kind == "user_change":
            self._people.forget(str((event.get("user") or {}).get("id", "")))
        elif kind in ("subteam_members_changed", "subteam_updated", "subteam_created"):
            group = event.get("subteam_id") or (event.get("subteam") or {}).get("id", "")
            self._members.forget(str(group))
            self._groups.forget(_ALL)
        elif kind in ("channel_rename", "channel_created", "channel_archive", "channel_unarchive"):
            self._lists.forget(_ALL)

    # people

    async def person(self, user_id: str, *, kept_s: float = KEPT_S) -> Author:
        """Raises SlackClientError, OSError, TimeoutError where Slack cannot be asked."""
        return await self._people.get(user_id, kept_s=kept_s)

    def recheck(self, author: Author) -> Author:
        """As Slack knows them now; as they were known where it cannot be asked."""
        try:
            return self._loop.run(self.person(author.id, kept_s=0), timeout_s=ANSWER_S)
        except (SlackClientError, *troubles.AWAY) as error:
            log.warning(
                "%s: %s; what was known of %s counts", self._platform, troubles.in_words(error), author.id
            )
            return author

    async def _ask_person(self, user_id: str) -> Author:
        try:
            answer = await self._web.users_info(user=user_id)
        except SlackApiError as error:
            if troubles.code_of(error) in ("user_not_found", "user_not_visible"):
                return Author(
                    id=user_id, name=user_id, standing=Standing.STRANGER, team="unknown", is_vouched=True
                )
            raise
        return author_of(answer["user"], team=self.team)

    # channels

    def channel_named(self, wanted: str) -> str:
        """The id of the channel; `#name` where Slack cannot say it now, empty where it is no name at all."""
        if _ID.fullmatch(wanted):
            return wanted
        name = wanted.removeprefix("#").lower()
        if not _CHANNEL.fullmatch(name):
            return ""
        try:
            return self._loop.run(self.channel_id(name), timeout_s=ANSWER_S) or f"#{name}"
        except (SlackClientError, *troubles.AWAY):
            return f"#{name}"

    async def channel_id(self, name: str) -> str:
        """Empty: there is no such channel, or the bot does not see it."""
        name = name.removeprefix("#").lower()
        found = (await self._lists.get(_ALL)).get(name)
        if found is None:
            found = (await self._lists.get(_ALL, kept_s=UNKNOWN_KEPT_S)).get(name)
        return "" if found is None else found.id

    async def channel(self, channel_id: str) -> Channel | None:
        """None: the bot does not see it."""
        return await self._channels.get(channel_id)

    async def all_channels(self) -> Collection[Channel]:
        return (await self._lists.get(_ALL)).values()

    async def _ask_channel(self, channel_id: str) -> Channel | None:
        try:
            answer = await self._web.conversations_info(channel=channel_id)
        except SlackApiError as error:
            if troubles.code_of(error) in ("channel_not_found", "missing_scope"):
                return None
            raise
        return _channel_of(answer["channel"])

    async def _ask_lists(self, _what: str) -> Mapping[str, Channel]:
        found: dict[str, Channel] = {}
        cursor = ""
        while True:
            page = await self._web.conversations_list(
                types="public_channel,private_channel", exclude_archived=True, limit=1000, cursor=cursor
            )
            for one in page.get("channels") or []:
                channel = _channel_of(one)
                found[channel.name.lower()] = channel
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return found

    async def direct_channel(self, user_id: str) -> str:
        """The channel between the bot and that person."""
        return await self._direct.get(user_id)

    async def _ask_direct(self, user_id: str) -> str:
        answer = await self._web.conversations_open(users=user_id)
        return str(answer["channel"]["id"])

    # names, for texts

    async def names(self, *, users: Collection[str], channels: Collection[str]) -> dict[str, str]:
        """What they are called; who cannot be asked for is left out."""
        found: dict[str, str] = {}
        for user_id in users:
            try:
                found[user_id] = (await self.person(user_id)).name
            except (SlackClientError, *troubles.AWAY):
                continue
        for channel_id in channels:
            try:
                channel = await self.channel(channel_id)
            except (SlackClientError, *troubles.AWAY):
                continue
            if channel is not None:
                found[channel_id] = channel.name
        return found

    # names, for people

    def is_account(self, team: str, person_id: str) -> bool:
        return _TEAM.fullmatch(team) is not None and is_user(person_id)

    def person_called(self, person_id: str) -> str:
        found = self._at_once(self.person(person_id))
        return found.name if found is not None and found.name != person_id else ""

    def channel_called(self, channel_id: str) -> str:
        found = self._at_once(self.channel(channel_id))
        if found is None:
            return ""
        return f"#{found.name}" if found.name and not found.is_direct else "a direct message"

    def _at_once(self, question: Coroutine[Any, Any, T]) -> T | None:
        """None: Slack cannot say now."""
        try:
            return self._loop.run(question, timeout_s=NAME_S)
        except (SlackClientError, *troubles.AWAY) as error:
            log.debug("%s: no name: %s", self._platform, troubles.in_words(error))
            return None

    # user groups

    def group_members(self, wanted: str) -> Collection[str] | None:
        """The accounts in a user group, `@oncall-db` or `S0123`; None: there is none, or Slack cannot say."""
        try:
            return self._loop.run(self._members_of(wanted), timeout_s=ANSWER_S)
        except (SlackClientError, *troubles.AWAY) as error:
            log.warning("%s: the user group %s: %s", self._platform, wanted, troubles.in_words(error))
            return None

    async def _members_of(self, wanted: str) -> Collection[str] | None:
        group_id = wanted
        if not _GROUP_ID.fullmatch(wanted):
            handles = await self._groups.get(_ALL)
            group_id = handles.get(wanted.removeprefix("@").lower(), "")
        if not group_id:
            return None
        members = await self._members.get(group_id)
        return frozenset(f"{self._platform}.{self.team}.{user}" for user in members)

    async def _ask_groups(self, _what: str) -> Mapping[str, str]:
        answer = await self._web.usergroups_list(include_disabled=False)
        return {str(one["handle"]).lower(): str(one["id"]) for one in answer.get("usergroups") or []}

    async def _ask_members(self, group_id: str) -> frozenset[str]:
        answer = await self._web.usergroups_users_list(usergroup=group_id)
        return frozenset(answer.get("users") or [])


def author_of(user: Mapping[str, Any], *, team: str) -> Author:
    """From a user object of users.info; `team`: our own workspace."""
    profile = user.get("profile") or {}
    theirs = str(user.get("team_id") or profile.get("team") or "")
    standing = _standing(user, is_ours=theirs == team or team in _teams(user))
    name = profile.get("display_name") or profile.get("real_name") or user.get("name") or user["id"]
    email = ""
    if standing is Standing.MEMBER and user.get("is_email_confirmed") is True:
        email = str(profile.get("email") or "").lower()
    return Author(
        id=str(user["id"]),
        name=str(name),
        standing=standing,
        # Somebody of another workspace of our own Enterprise Grid is one of ours.
        team=theirs if standing is Standing.STRANGER else team,
        is_vouched=True,
        email=email,
        zone=str(user.get("tz") or ""),
    )


def _teams(user: Mapping[str, Any]) -> Collection[str]:
    return (user.get("enterprise_user") or {}).get("teams") or ()


def _standing(user: Mapping[str, Any], *, is_ours: bool) -> Standing:
    if user.get("deleted"):
        return Standing.DEACTIVATED
    if user.get("is_bot") or user.get("is_workflow_bot") or user.get("id") == "USLACKBOT":
        return Standing.BOT
    if user.get("is_stranger") or not is_ours:
        return Standing.STRANGER
    if user.get("is_restricted") or user.get("is_ultra_restricted"):
        return Standing.GUEST
    return Standing.MEMBER


def _channel_of(found: Mapping[str, Any]) -> Channel:
    return Channel(
        id=str(found["id"]),
        name=str(found.get("name") or ""),
        # In a direct message both are, and of those between several the bot sees only its own.
        is_member=bool(found.get("is_member") or found.get("is_im") or found.get("is_mpim")),
        is_private=bool(found.get("is_private")),
        is_archived=bool(found.get("is_archived")),
        is_direct=bool(found.get("is_im")),
    )
