"""Says who we are to an IRC server: capabilities, SASL, NickServ. It imports the standard library only."""

import base64
from collections.abc import Callable, Sequence

# What makes the server say who somebody is, with each message.
ACCOUNT_TAG = "account-tag"
_WANTED = (ACCOUNT_TAG, "message-tags")
_SASL = "sasl"
# A line of SASL holds so many characters at most.
_CHUNK = 400


class Login:
    """One for each connection. `write` sends a line; `fail` is called when there is a `problem`."""

    def __init__(
        self,
        *,
        account: str,
        password: str,
        uses_sasl: bool,
        write: Callable[[str], None],
        fail: Callable[[], None],
    ) -> None:
        self._account = account
        self._password = password
        self._uses_sasl = uses_sasl
        self._write = write
        self._fail = fail
        self._offered: set[str] = set()
        self.enabled: set[str] = set()
        self._is_over = False
        self.problem = ""
        """What went wrong, as a sentence; it stays for as long as the connection."""

    def capability(self, words: Sequence[str]) -> None:
        """A CAP line, from its subcommand on."""
        verb = words[0].upper() if words else ""
        names = [one.partition("=")[0] for one in (words[-1].split() if len(words) > 1 else [])]
        if verb == "LS":
            self._offered |= set(names)
            if "*" not in words[1:-1]:
                self._ask()
        elif verb == "ACK":
            self.enabled |= set(names)
            if _SASL in self.enabled and self._uses_sasl:
                self._write("AUTHENTICATE PLAIN")
            else:
                self._end()
        elif verb == "NAK":
            self._end()

    def _ask(self) -> None:
        wanted = [one for one in _WANTED if one in self._offered]
        if self._uses_sasl:
            if _SASL in self._offered:
                wanted.append(_SASL)
            else:
                self._failed("The server has no SASL; set login: nickserv.")
        if wanted:
            self._write(f"CAP REQ :{' '.join(wanted)}")
        else:
            self._end()

    def authenticate(self, word: str) -> None:
        """The server asks for the account and its password."""
        if word != "+" or self._is_over:
            return
        secret = base64.b64encode(f"\0{self._account}\0{self._password}".encode()).decode()
        for start in range(0, len(secret), _CHUNK):
            self._write(f"AUTHENTICATE {secret[start : start + _CHUNK]}")
        if len(secret) % _CHUNK == 0:
            self._write("AUTHENTICATE +")

    def authenticated(self) -> None:
        self._end()

    def refused(self, reason: str) -> None:
        self._failed(f"The server refuses the account {self._account}: {reason or 'wrong password?'}")
        self._end()

    def _failed(self, problem: str) -> None:
        self.problem = problem
        self._fail()

    def _end(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._write("CAP END")
