"""Who and what there is in this Slack: workspaces, people, channels, groups; made and changed by tests."""

import time
from collections.abc import Sequence

from bot.slack_emulator import posting
from bot.slack_emulator.loop import on_loop
from bot.slack_emulator.part import Part
from bot.slack_emulator.world import SCOPES, Channel, Group, Team, User


class Founding(Part):
    """A part of the class `Emulator`."""

    @on_loop
    def add_team(self, name: str, *, with_app: bool = True, has_own_app: bool = False) -> str:
        """The id of a new workspace.

        The app of the first is installed there too, and its sockets bring what is for either;
        `has_own_app`: one made for it. Without an app it only has people, who meet us in shared channels.
        """
        world = self._site.world
        team = Team(id=world.new_id("T"), name=name, app=self._app(has_own_app) if with_app else "")
        world.teams[team.id] = team
        if with_app:
            bot = User(
                id=world.new_id("U"),
                team=team.id,
                name="stormcrow",
                real_name="Stormcrow",
                bot_id=world.new_id("B"),
                app_id=team.app,
            )
            world.users[bot.id] = bot
            team.bot_user = bot.id
            team.bot_token = f"xoxb-{team.id[1:]}-{world.secret}"
            team.scopes = frozenset(SCOPES)
        return team.id

    def _app(self, is_new: bool) -> str:
        apps = self._site.world.apps
        return self._site.world.add_app().id if is_new or not apps else next(iter(apps))

    @on_loop
    def add_user(
        self,
        name: str,
        *,
        team: str = "",
        real_name: str = "",
        email: str = "",
        is_email_confirmed: bool = True,
        is_admin: bool = False,
        is_guest: bool = False,
        is_bot: bool = False,
    ) -> str:
        """The id of somebody new; `is_bot`: the bot of another app."""
        world = self._site.world
        user = User(
            id=world.new_id("U"),
            team=self._team(team).id,
            name=name,
            real_name=real_name or name.capitalize(),
            email=email,
            is_email_confirmed=is_email_confirmed,
            is_admin=is_admin,
            is_restricted=is_guest,
            bot_id=world.new_id("B") if is_bot else "",
            app_id="A00OTHER1" if is_bot else "",
        )
        world.users[user.id] = user
        world.touch()
        return user.id

    @on_loop
    def add_channel(
        self,
        name: str,
        *,
        team: str = "",
        members: Sequence[str] | None = None,
        is_private: bool = False,
        with_bot: bool = True,
        shared_with: Sequence[str] = (),
    ) -> str:
        """The id of a new channel; without `members` everybody of the workspace is in it."""
        world = self._site.world
        home = self._team(team)
        if members is None:
            inside = [user.id for user in world.users.values() if user.team == home.id and not user.bot_id]
        else:
            inside = [self._user(each).id for each in members]
        if with_bot and home.bot_user:
            inside.append(home.bot_user)
        channel = Channel(
            id=world.new_id("C"),
            team=home.id,
            name=name,
            kind="group" if is_private else "channel",
            members=inside,
            shared_with=tuple(self._team(each).id for each in shared_with),
            created_at=time.time(),
        )
        world.channels[channel.id] = channel
        world.touch()
        return channel.id

    @on_loop
    def add_group(self, handle: str, users: Sequence[str], *, team: str = "") -> str:
        """The id of a new user group."""
        world = self._site.world
        group = Group(
            id=world.new_id("S"),
            team=self._team(team).id,
            handle=handle,
            users=[self._user(each).id for each in users],
        )
        world.groups[group.id] = group
        return group.id

    @on_loop
    def join(self, user: str, channel: str) -> None:
        place, person = self._channel(channel), self._user(user)
        if person.id not in place.members:
            posting.enter(self._site, place, person.id)

    @on_loop
    def leave(self, user: str, channel: str) -> None:
        self._channel(channel).members.remove(self._user(user).id)

    @on_loop
    def archive(self, channel: str) -> None:
        self._channel(channel).is_archived = True

    @on_loop
    def rename(self, user: str, name: str) -> None:
        """The id stays; the app is told."""
        self._changed(self._user(user), name=name, real_name=name.capitalize())

    @on_loop
    def deactivate(self, user: str) -> None:
        self._changed(self._user(user), is_deleted=True)

    @on_loop
    def make_guest(self, user: str) -> None:
        self._changed(self._user(user), is_restricted=True)

    def _changed(self, user: User, **facts: str | bool) -> None:
        for name, value in facts.items():
            setattr(user, name, value)
        self._site.user_changed(user)

    @on_loop
    def set_group(self, group: str, users: Sequence[str]) -> None:
        """Who belongs to a user group from now on; by id or handle."""
        found = next(each for each in self._site.world.groups.values() if group in (each.id, each.handle))
        found.users = [self._user(each).id for each in users]
        self._site.group_changed(found)

    @on_loop
    def set_scopes(self, scopes: Sequence[str], *, team: str = "") -> None:
        """What the app may do from now on."""
        self._team(team).scopes = frozenset(scopes)

    @on_loop
    def without_scopes(self, *scopes: str) -> None:
        for team in self._site.world.teams.values():
            team.scopes = team.scopes - set(scopes)

    @on_loop
    def revoke_token(self, *, team: str = "") -> None:
        """The bot token of the workspace is worth nothing any more."""
        self._team(team).bot_token = ""
