"""Who a chat user is for the engine.

A person is known by (platform, team, id), never by the name that is shown. An adapter that has
authenticated somebody says as which user; everybody else gets a user of their own that begins
with ~, so that nobody can take another's place, rights or secrets by choosing a name.
"""

from dataclasses import dataclass

from bot.chat import Author

UNVERIFIED = "~"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    user: str
    """The engine's user: what executions run as."""
    chat_user: str
    """The name to show, and StackStorm's `api_user`; data."""
    is_verified: bool


def identify(platform: str, author: Author) -> Identity:
    """Always the same answer for the same person."""
    if author.engine_user:
        return Identity(user=author.engine_user, chat_user=author.name, is_verified=True)
    # The ids of our own web chat are the names that people pick; elsewhere two networks may share one.
    known_as = (
        author.id.removeprefix(UNVERIFIED) if platform == "web" else f"{platform}.{author.team}.{author.id}"
    )
    return Identity(user=f"{UNVERIFIED}{known_as}", chat_user=author.name, is_verified=False)
