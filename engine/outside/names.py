"""Which names others may give to the people that they send us."""

from collections.abc import Iterable

from engine.errors import Untrusted
from engine.records.access import USER_NAME

ADMIN = "admin"
_CHATS = ("slack", "web")


class Names:
    """Nobody outside can name somebody the administrator, whom rules act as, or an account in a chat.

    Whoever shall be one of those is named so here: people.linked, an assignment in the folder rbac.
    """

    def __init__(self, *, acting: str, chats: Iterable[str]) -> None:
        """`acting`: whom rules act as; `chats`: the names of chats besides Slack and the web chat."""
        self._taken = frozenset({ADMIN, acting.casefold()})
        self._prefixes = tuple(f"{name.casefold()}." for name in (*_CHATS, *chats))

    def checked(self, name: object, *, source: str) -> str:
        """Raises Untrusted."""
        if not isinstance(name, str) or not USER_NAME.fullmatch(name):
            raise Untrusted(f"{source} gives the name {str(name)[:80]!r}, which cannot be the name of a user")
        folded = name.casefold()
        # Further workspaces of Slack are slack-NAME.
        is_account = folded.startswith(self._prefixes) or folded.partition(".")[0].startswith("slack-")
        if folded in self._taken or is_account:
            raise Untrusted(f"{source} gives the name {name!r}, which is for nobody from outside")
        return name
