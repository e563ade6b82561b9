"""Who somebody on IRC is: by the account that services know them by, and never by their nickname.

Where the server does not tag messages with the account it is asked (WHOIS), for each message anew: a
nickname may have another owner a moment later. It imports the standard library only.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

# So many people are remembered with the nickname they had last.
_REMEMBERED = 10_000
# How long a message waits for what the server knows of its author.
ANSWER_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Whois:
    """What the server knows of a nickname."""

    nick: str
    user_host: str = ""
    """Empty: nobody has that nickname."""
    account: str = ""
    """Empty: not logged in, or a server without accounts."""

    @property
    def person(self) -> str:
        """The id: an account has no `!`, and no account is an address."""
        return self.account or f"{self.nick}!{self.user_host}"


Known = Callable[[Whois], None]


class People:
    """Belongs to one thread. `write` sends a line; `later` calls something after so many seconds."""

    def __init__(
        self, write: Callable[[str], None], later: Callable[[float, Callable[[], None]], None]
    ) -> None:
        self._write = write
        self._later = later
        self._asked: dict[str, tuple[Whois, list[Known]]] = {}
        self._nicks: OrderedDict[str, str] = OrderedDict()

    def ask(self, nick: str, known: Known) -> None:
        """Call `known` with what the server says of `nick`. What is asked already is not asked twice."""
        key = nick.lower()
        if key in self._asked:
            self._asked[key][1].append(known)
            return
        waiting = [known]
        self._asked[key] = (Whois(nick=nick), waiting)
        self._write(f"WHOIS {nick}")
        self._later(ANSWER_S, lambda: self._give_up(nick, waiting))

    def _give_up(self, nick: str, waiting: list[Known]) -> None:
        """Some servers do not answer who asks too often; then nobody is vouched for."""
        if nick.lower() in self._asked and self._asked[nick.lower()][1] is waiting:
            self.end(nick)

    def forget(self) -> None:
        """The connection is gone: what was asked is not answered any more."""
        asked = list(self._asked.values())
        self._asked.clear()
        for whois, waiting in asked:
            for known in waiting:
                known(Whois(nick=whois.nick))

    # what the server says

    def user(self, nick: str, user: str, host: str) -> None:
        self._learn(nick, user_host=f"{user}@{host}")

    def account(self, nick: str, account: str) -> None:
        self._learn(nick, account=account)

    def _learn(self, nick: str, *, user_host: str = "", account: str = "") -> None:
        key = nick.lower()
        if key not in self._asked:
            return
        before, waiting = self._asked[key]
        whois = Whois(nick=nick, user_host=user_host or before.user_host, account=account or before.account)
        self._asked[key] = (whois, waiting)

    def end(self, nick: str) -> None:
        whois, waiting = self._asked.pop(nick.lower(), (Whois(nick=nick), []))
        for known in waiting:
            known(whois)

    # where people are

    def seen(self, person: str, nick: str) -> None:
        self._nicks[person] = nick
        self._nicks.move_to_end(person)
        while len(self._nicks) > _REMEMBERED:
            self._nicks.popitem(last=False)

    def nick_of(self, person: str) -> str:
        """The nickname that this person probably has; to be verified."""
        return self._nicks.get(person) or person.partition("!")[0]
