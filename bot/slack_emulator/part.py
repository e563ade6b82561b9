"""What every part of the class `Emulator` stands on: the site, its thread, and finding things by name."""

from bot.slack_emulator.interactions import Interactions
from bot.slack_emulator.loop import LoopThread
from bot.slack_emulator.seen import Seen, SeenView
from bot.slack_emulator.site import Site
from bot.slack_emulator.sockets import Sockets
from bot.slack_emulator.world import Channel, Message, Team, User, View


class Part:
    """Its methods may be called from any thread; those that begin with _ only in the loop's."""

    _thread: LoopThread
    _site: Site
    _sockets: Sockets
    _interactions: Interactions

    def _team(self, name: str = "") -> Team:
        """By id or name; without one it is the first."""
        teams = self._site.world.teams
        if not name:
            return next(iter(teams.values()))
        for team in teams.values():
            if name in (team.id, team.name, team.domain):
                return team
        raise LookupError(f"no workspace is called {name!r}")

    def _user(self, name: str) -> User:
        """By id, or by name with or without the @."""
        users = self._site.world.users
        if name in users:
            return users[name]
        wanted = name.removeprefix("@")
        for user in users.values():
            if user.name == wanted:
                return user
        known = ", ".join(user.name for user in users.values())
        raise LookupError(f"nobody is called {name!r}; there are: {known}")

    def _channel(self, name: str, user: User | None = None) -> Channel:
        """By id or name; `@ada` is the direct message of `user` with her."""
        if user is not None and name.startswith("@"):
            other = self._user(name)
            return self._site.world.direct(user.team, [user.id, other.id])
        found = self._site.world.channel_named(name)
        if found is None:
            known = ", ".join(channel.name for channel in self._site.world.channels.values() if channel.name)
            raise LookupError(f"no channel is called {name!r}; there are: {known}")
        return found

    def _message(self, wanted: Seen) -> tuple[Channel, Message]:
        """The message as it is now. Raises LookupError when it is gone."""
        channel = self._site.world.channels[wanted.channel]
        found = channel.messages.get(wanted.ts)
        if found is None:
            whispered = (each for each in self._site.world.ephemerals if each.ts == wanted.ts)
            found = next(whispered, None)
        if found is None:
            raise LookupError(f"the message {wanted.ts} is gone")
        return channel, found

    def _view(self, wanted: SeenView) -> View:
        world = self._site.world
        homes = (view for view in world.homes.values() if view.id == wanted.id)
        return world.views.get(wanted.id) or next(homes)
