"""What somebody may run at a place: for help, completions and menus."""

from bot.chat import Place
from bot.identities import Identity
from engine.aliases.help import HelpEntry, help_strings
from engine.rights.place import Where
from engine.service import Engine
from engine.specs.alias import AliasSpec


def where_of(identity: Identity, place: Place) -> Where:
    """The place as rights know it."""
    return Where(platform=identity.platform, channel=place.channel)


def runnable_by(engine: Engine, identity: Identity, place: Place | None) -> tuple[AliasSpec, ...]:
    """The aliases that this person may run there; without a place: somewhere."""
    return engine.rights.runnable(identity.user, where_of(identity, place) if place is not None else None)


def commands_for(engine: Engine, identity: Identity, place: Place | None) -> list[HelpEntry]:
    """The commands of these aliases as help shows them."""
    refs = {alias.ref for alias in runnable_by(engine, identity, place)}
    return [entry for entry in help_strings(engine.registry) if entry.alias in refs]
