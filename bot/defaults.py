"""`defaults`: parameters that commands of a channel have without naming them."""

import re
from functools import partial

from bot import formatting, forms
from bot.asked import Asked
from bot.chat import Reply, Table, Text, Tone
from engine.errors import BadInput, Denied
from engine.records.comforts import ChannelDefault
from engine.service import Engine
from engine.store import comforts as store

_LONGEST = 1_000
_MOST = 50


class Defaults:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def answer(self, fits: re.Match[str], asked: Asked) -> Reply:
        """Lists, sets or clears them. Raises BadInput, Denied."""
        if fits["pairs"]:
            return self._set(fits["pairs"], asked)
        if fits["clear"]:
            return self._clear(tuple(fits["names"].split()), asked)
        return self._listed(asked)

    def of(self, adapter: str, channel: str) -> list[ChannelDefault]:
        """Those of a channel, by name."""
        with self._engine.database.read() as connection:
            return store.defaults(connection, adapter, channel)

    def _set(self, written: str, asked: Asked) -> Reply:
        pairs = forms.pairs_in(written)
        if not pairs:
            raise BadInput("I read name=value pairs, and something else stands between them.")
        for name, value in pairs.items():
            if self._engine.may_be_secret(name):
                raise BadInput(
                    f"{name} is a secret of some action, and a default is no place for one.",
                    hint="Let the action's own default read it from the datastore.",
                )
            if len(value) > _LONGEST:
                raise BadInput(f"{name} has {len(value):,} characters; a default has {_LONGEST:,} at most.")
        self._check_may(asked)
        message = asked.message
        known = {one.name for one in self.of(message.adapter, message.channel)}
        if len(known | pairs.keys()) > _MOST:
            raise BadInput(f"A channel has {_MOST} defaults at most.", hint="Clear some: defaults clear NAME")

        job = partial(
            store.set_defaults,
            adapter=message.adapter,
            channel=message.channel,
            values=pairs,
            by=asked.identity.chat_user,
        )
        self._engine.database.write(job)
        return self._listed(asked)

    def _clear(self, names: tuple[str, ...], asked: Asked) -> Reply:
        self._check_may(asked)
        message = asked.message
        gone = self._engine.database.write(
            partial(store.clear_defaults, adapter=message.adapter, channel=message.channel, names=names)
        )
        said = f"{gone} cleared." if gone else "There was nothing to clear."
        return Reply(pieces=(Text(text=said), *self._listed(asked).pieces))

    def _listed(self, asked: Asked) -> Reply:
        found = self.of(asked.message.adapter, asked.message.channel)
        if not found:
            example = f"{asked.prefix}defaults env=prod"
            return Reply(pieces=(Text(text=f"This channel has no defaults. For example: {example}"),))
        rows = tuple(
            (
                one.name,
                formatting.clean(one.value),
                formatting.clean(one.set_by),
                f"{one.set_at:%Y-%m-%d %H:%M} UTC",
            )
            for one in found
        )
        how = f"A command that names one itself has its own. Clear: {asked.prefix}defaults clear NAME"
        return Reply(
            title="Defaults of this channel",
            pieces=(Table(columns=("name", "value", "set by", "at"), rows=rows), Text(text=how)),
            tone=Tone.NEUTRAL,
        )

    def _check_may(self, asked: Asked) -> None:
        """Whoever the settings name; where they name nobody, everybody for whom the chat vouches."""
        user, people = asked.identity.user, self._engine.people
        names = self._engine.settings.chat.defaults_by
        if not names:
            if asked.identity.is_verified:
                return
            raise Denied(
                "Nothing vouches for you here, and defaults change what others run.", hint="Sign in."
            )
        persons = {people.person(name) for name in names}
        if people.person(user) not in persons and not people.memberships(user, names):
            raise Denied(
                "You may not change the defaults of a channel.",
                hint=f"That may: {', '.join(names)} (chat.defaults_by).",
            )
