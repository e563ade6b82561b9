"""Logging in with a password, or a token of others; longer and longer pauses after wrong ones."""

import hashlib
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from engine.access import Access
from engine.audit import Audit
from engine.errors import BadInput, Busy, Denied, TooOften, Unauthenticated, Untrusted
from engine.outside.callers import CI
from engine.outside.configured import Outside
from engine.outside.signed import LEEWAY_S, Claims
from engine.records.access import Token
from engine.records.outside import OutsidePerson
from engine.user_file import UserFile

log = logging.getLogger(__name__)

# Wrong passwords that cost nothing: of one name from one address, of an address, of a name.
_FREE = (5, 20, 50)
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 900.0
# Hashes are slow and large on purpose: so many at once.
AT_ONCE = 4
# Another server may take its time over each.
AT_ONCE_ELSEWHERE = 16
_REMEMBERED = 10_000
_WRONG = "Invalid or missing credentials"


class Pauses:
    """Counts failures by key; the oldest keys are forgotten when there are too many."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait_s(self, keys: Iterable[str]) -> float:
        """How long none of `keys` may try, in seconds; 0: it may now."""
        now = time.monotonic()
        with self._lock:
            return max((self._known.get(key, (0, now))[1] - now for key in keys), default=0.0)

    def fail(self, keys: Iterable[str]) -> None:
        now = time.monotonic()
        with self._lock:
            for key, free in zip(keys, _FREE, strict=True):
                count, until = self._known.pop(key, (0, now))
                if now - until > LONGEST_PAUSE_S:
                    count = 0
                over = count + 1 - free
                pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(over, 30)) if over >= 0 else 0.0
                self._known[key] = (count + 1, now + pause_s)
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)

    def forget(self, keys: Iterable[str]) -> None:
        with self._lock:
            for key in keys:
                self._known.pop(key, None)


class Logins:
    """`longest_s`: how long a token may live, and does when nobody says otherwise."""

    def __init__(
        self,
        access: Access,
        users: UserFile,
        outside: Outside,
        audit: Audit,
        *,
        longest_s: int,
        may_impersonate: Callable[[str, str], bool],
    ) -> None:
        """Names that the file of users does not have are asked of the directory of `outside`.

        `may_impersonate(user, other)`: whether a role lets somebody act for another.
        """
        self._may_impersonate = may_impersonate
        self._access = access
        self._audit = audit
        self._users = users
        self._groups = outside.groups
        access.withdrawals.attach(self._groups.look_again)
        self._elsewhere = outside.directory
        self._outside = outside
        self._longest_s = longest_s
        self._pauses = Pauses()
        self._room = threading.BoundedSemaphore(AT_ONCE)
        self._room_elsewhere = threading.BoundedSemaphore(AT_ONCE_ELSEWHERE)

    def with_password(
        self, user: str, password: str, *, address: str, ttl_s: int | None = None, act_as: str = ""
    ) -> tuple[str, Token]:
        """The token in clear, for this once, and its record.

        Raises BadInput, Unauthenticated, Denied, TooOften after too many wrong passwords, and Busy.
        """
        person = self._checked(user, password, address)
        life_s = self._life_s(ttl_s, longest_s=self._longest_s)
        noting = self._groups.noting(person)
        own, stamp = (user, self._users.stamp(user)) if person is None else (person.user, person.source)
        if act_as in ("", user, own):
            return self._access.create_token(own, life_s=life_s, stamp=stamp, noting=noting)
        if not self._may_impersonate(own, act_as):
            raise Denied(
                f'User "{own}" may not act as "{act_as}".',
                hint="Leave `user` out. It takes a role that grants `impersonate`.",
            )
        return self._access.create_token(act_as, life_s=life_s, stamp=stamp, acting_user=own, noting=noting)

    def with_proxy(
        self, headers: Sequence[tuple[bytes, bytes]], *, address: str, ttl_s: int | None = None
    ) -> tuple[str, Token]:
        """For whom a proxy in front of us has logged in. Raises BadInput, Unauthenticated."""
        person = self._of_proxy(headers, address)
        if person is None:
            raise Unauthenticated(_WRONG)
        life_s = self._life_s(ttl_s, longest_s=self._longest_s)
        noting = self._groups.noting(person)
        return self._access.create_token(person.user, life_s=life_s, stamp=person.source, noting=noting)

    def of_proxy(self, headers: Sequence[tuple[bytes, bytes]], *, address: str) -> OutsidePerson | None:
        """Whom the proxy names, with what it says of groups kept; None: nobody, or somebody else says it."""
        person = self._of_proxy(headers, address)
        if person is not None:
            self._groups.note(person)
        return person

    def _of_proxy(self, headers: Sequence[tuple[bytes, bytes]], address: str) -> OutsidePerson | None:
        try:
            return self._outside.proxy.person(headers, address)
        except Untrusted as error:
            log.warning("the word of the proxy at %s is not taken: %s", address, error.message)
            self._audit.login_failed(via="the word of a proxy")
            return None

    def with_token(self, token: str, *, ttl_s: int | None = None) -> tuple[str, Token]:
        """For a signed token: of a CI job, or of a person (an id_token for `stormcrow login`); once each.

        Raises BadInput, Denied, Unauthenticated; why stands in the log alone.
        """
        try:
            sign_in = self._outside.sign_ins.of_token(token)
            if sign_in is None:
                return self._for_job(token, ttl_s)
            person, claims = sign_in.person(token)
            life_s = self._life_s(ttl_s, longest_s=self._longest_s)
            return self._access.create_token(
                person.user,
                life_s=life_s,
                stamp=person.source,
                taken=_taken(claims),
                noting=self._groups.noting(person),
            )
        except Untrusted as error:
            log.warning("a token of others is not exchanged: %s", error.message)
            self._audit.login_failed(via="a token of others")
            raise Unauthenticated(_WRONG) from error

    def _for_job(self, token: str, ttl_s: int | None) -> tuple[str, Token]:
        life_s = self._life_s(ttl_s, longest_s=self._outside.token_life_s)
        requester, claims = self._outside.callers.checked(token)
        if requester.scope is not None:
            raise Denied(
                "This job is limited to some actions, and a token would not be.",
                hint="Send its own token as `Authorization: Bearer` with each request.",
            )
        return self._access.create_token(requester.user, life_s=life_s, stamp=CI, taken=_taken(claims))

    @staticmethod
    def _life_s(asked_s: int | None, *, longest_s: int) -> int:
        if asked_s is not None and asked_s < 1:
            raise BadInput(f"TTL specified {asked_s} must be a positive number of seconds.")
        if asked_s is not None and asked_s > longest_s:
            raise BadInput(f"TTL specified {asked_s} is greater than max allowed {longest_s}.")
        return longest_s if asked_s is None else asked_s

    def _checked(self, user: str, password: str, address: str) -> OutsidePerson | None:
        """None: the file of users knows them."""
        if not user:
            raise Unauthenticated(_WRONG)
        name = _folded(user)
        keys = (f"{name} from {address}", f"from {address}", name)
        wait_s = self._pauses.wait_s(keys)
        if wait_s > 0:
            raise TooOften("Too many wrong passwords.", retry_after_s=wait_s)
        is_elsewhere = self._elsewhere is not None and not self._users.stamp(user)
        room = self._room_elsewhere if is_elsewhere else self._room
        if not room.acquire(blocking=False):
            raise Busy("Too many people log in at once.")
        try:
            is_right, person = self._ask(user, password, is_elsewhere=is_elsewhere)
        finally:
            room.release()
        if not is_right:
            self._pauses.fail(keys)
            self._audit.login_failed(user if user in self._users.names() else "", via="password")
            raise Unauthenticated(_WRONG)
        self._pauses.forget(keys[:1])
        return person

    def _ask(self, user: str, password: str, *, is_elsewhere: bool) -> tuple[bool, OutsidePerson | None]:
        if self._elsewhere is None or not is_elsewhere:
            return self._users.fits(user, password), None
        try:
            person = self._elsewhere.person(user, password)
        except Untrusted as error:
            log.warning("a login is refused: %s", error.message)
            person = None
        return person is not None, person


def _folded(user: str) -> str:
    """What tries of a name are counted by: however it is spelled, as a directory may take no notice of that,
    and however long it is."""
    return hashlib.sha256(user.strip().casefold().encode()).hexdigest()[:32]


def _taken(claims: Claims) -> tuple[str, datetime]:
    """What a token is known by, and until when: it is accepted for a while after its end."""
    return claims.digest, claims.expires_at + timedelta(seconds=LEEWAY_S)
