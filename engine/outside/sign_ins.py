"""Issuers with which people log in: the way there and back (authorization code with PKCE), and who came.

What must be the same on the way back (state, nonce, the verifier, which issuer) is a `Flow`; it travels in
a sealed cookie of the browser that set out, so that nobody finishes what another has begun.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from engine.errors import BadSettings, NotFound, Untrusted
from engine.outside.fetching import check_address, fetch
from engine.outside.issuers import Issuer
from engine.outside.names import Names
from engine.outside.signed import Claims, check, said_by
from engine.records.outside import OutsidePerson
from engine.settings.logins import OidcLogin


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One way there and back that a browser is on."""

    name: str
    """Of the entry of auth.oidc_logins."""
    state: str
    nonce: str
    verifier: str
    ends_at: float
    """Seconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """What the issuer sends the browser back with; empty where it is not there."""

    code: str
    state: str
    issuer: str
    error: str


def authorization_url(
    metadata: Mapping[str, Any],
    *,
    name: str,
    client_id: str,
    scopes: Sequence[str],
    redirect_uri: str,
    ends_at: float,
) -> tuple[str, Flow]:
    """Where the browser goes, and what must be so when it is back. Raises Untrusted."""
    flow = Flow(
        name=name,
        state=secrets.token_urlsafe(24),
        nonce=secrets.token_urlsafe(24),
        verifier=secrets.token_urlsafe(48),
        ends_at=ends_at,
    )
    digest = hashlib.sha256(flow.verifier.encode()).digest()
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(scopes),
        "state": flow.state,
        "nonce": flow.nonce,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    place = check_address(metadata.get("authorization_endpoint"))
    return f"{place}{'&' if '?' in place else '?'}{urlencode(query)}", flow


class SignIn:
    """One entry of auth.oidc_logins."""

    def __init__(
        self,
        entry: OidcLogin,
        issuer: Issuer,
        names: Names,
        *,
        secret: str,
        user_with_email: Callable[[str], str],
    ) -> None:
        """`user_with_email`: whose address it is by people.emails; empty: nobody's."""
        self.entry = entry
        self.issuer = issuer
        self._names = names
        self._secret = secret
        self._user_with_email = user_with_email

    @property
    def terminal_client_id(self) -> str:
        return self.entry.terminal_client_id or self.entry.client_id

    # in the browser

    def begin(self, *, redirect_uri: str, ends_at: float) -> tuple[str, Flow]:
        """Where the browser goes, and what must be so when it is back. Raises Untrusted."""
        return authorization_url(
            self.issuer.metadata(),
            name=self.entry.name,
            client_id=self.entry.client_id,
            scopes=self.entry.scopes,
            redirect_uri=redirect_uri,
            ends_at=ends_at,
        )

    def finish(self, flow: Flow, back: Return, *, redirect_uri: str) -> OutsidePerson:
        """Who came. Asks the issuer. Raises Untrusted."""
        if flow.name != self.entry.name or not _is_same(flow.state, back.state):
            raise Untrusted("the browser came back from a way that it had not set out on")
        metadata = self.issuer.metadata()
        says_who = metadata.get("authorization_response_iss_parameter_supported") is True
        if (back.issuer or says_who) and back.issuer != self.issuer.url:
            raise Untrusted(f"the answer is from {back.issuer[:200]!r}, not from {self.issuer.url}")
        if back.error or not back.code:
            raise Untrusted(f"{self.issuer.url} says {back.error[:100]!r}")
        answer = self._redeemed(flow, back.code, redirect_uri)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise Untrusted(f"{self.issuer.url} gave no id_token")
        claims = self._checked(token, {self.entry.client_id})
        if not _is_same(claims.text("nonce"), flow.nonce):
            raise Untrusted("the id_token was made for another login")
        return self._person(self._filled(claims, answer.get("access_token")))

    def _redeemed(self, flow: Flow, code: str, redirect_uri: str) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": flow.verifier,
        }
        metadata, headers = self.issuer.metadata(), {}
        known = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if self._secret and "client_secret_basic" in known:
            pair = f"{quote(self.entry.client_id, safe='')}:{quote(self._secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form["client_id"] = self.entry.client_id
            if self._secret:
                form["client_secret"] = self._secret
        return fetch(check_address(metadata.get("token_endpoint")), form=form, headers=headers)

    # from a terminal

    def person(self, token: str) -> tuple[OutsidePerson, Claims]:
        """Who an id_token is about that was made for `stormcrow login`. Raises Untrusted."""
        claims = self._checked(token, {self.terminal_client_id})
        return self._person(claims), claims

    # who it is

    def _checked(self, token: str, audience: set[str]) -> Claims:
        claims = check(token, self.issuer, audience=audience)
        party = claims.text("azp")
        if (len(claims.audience) > 1 or party) and party not in audience:
            raise Untrusted(f"the id_token was given to {party[:100]!r}")
        return claims

    def _filled(self, claims: Claims, access_token: object) -> Claims:
        """With what only the address userinfo says, where name or groups are not in the token."""
        wanted = (self.entry.user_claim, self.entry.groups_claim, *self.entry.match)
        place = self.issuer.metadata().get("userinfo_endpoint")
        if (
            all(one in claims.values for one in wanted if one)
            or not isinstance(access_token, str)
            or not place
        ):
            return claims
        more = fetch(check_address(place), headers={"Authorization": f"Bearer {access_token}"})
        if more.get("sub") != claims.text("sub"):
            raise Untrusted(f"{place} speaks of somebody else")
        return Claims({**more, **claims.values}, claims.digest)

    def _person(self, claims: Claims) -> OutsidePerson:
        entry = self.entry
        misfit = claims.misfit(entry.match)
        if misfit:
            raise Untrusted(f"{claims.text('sub')[:100]!r} may not log in: {misfit}")
        name = claims.text(entry.user_claim)
        if entry.user_claim == "email":
            if claims.values.get("email_verified") is not True:
                raise Untrusted(f"nobody has verified the address {name[:100]!r} (claim email_verified)")
            name = self._user_with_email(name) or name
        if not name:
            raise Untrusted(f"the id_token has no claim {entry.user_claim} (user_claim of {entry.name})")
        # What is not said any more is not so any more.
        groups = (claims.texts(entry.groups_claim) or ()) if entry.groups_claim else None
        return OutsidePerson(
            user=self._names.checked(name, source=entry.name), source=entry.name, groups=groups
        )


def _is_same(one: str, other: str) -> bool:
    # As bytes: the comparison takes no text beyond ASCII, and whoever comes back may send any.
    return hmac.compare_digest(one.encode(), other.encode())


class SignIns:
    """All entries of auth.oidc_logins."""

    def __init__(self, ways: Sequence[SignIn]) -> None:
        """Raises BadSettings for two of one name."""
        self.ways = tuple(ways)
        names = [one.entry.name for one in ways]
        if len(set(names)) < len(names):
            raise BadSettings("auth.oidc_logins: two entries have one name.", hint="Give each its own.")

    def named(self, name: str) -> SignIn:
        """Raises NotFound."""
        found = next((one for one in self.ways if one.entry.name == name), None)
        if found is None:
            raise NotFound(f"There is no way to log in with {name[:40]!r}.", hint="See auth.oidc_logins.")
        return found

    def of_token(self, token: str) -> SignIn | None:
        """The entry for whose terminals this id_token says to be made; nothing of it is checked yet.

        Raises Untrusted for what cannot be read.
        """
        issuer, audience = said_by(token)
        fits = (one for one in self.ways if one.issuer.url == issuer and one.terminal_client_id in audience)
        return next(fits, None)
