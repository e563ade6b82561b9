"""CI jobs that show a token of their own system: auth.oidc_callers says which of them are whom here."""

import logging
from collections.abc import Mapping, Sequence

from engine.errors import Unauthenticated, Untrusted
from engine.outside.issuers import Issuer
from engine.outside.signed import Claims, check, said_by
from engine.records.access import Requester, Scope
from engine.settings.logins import OidcCaller

log = logging.getLogger(__name__)

CI = "oidc-ci"
"""The source of tokens that a job got for its own."""


class Callers:
    def __init__(
        self, entries: Sequence[OidcCaller], issuers: Mapping[str, Issuer], *, audience: str
    ) -> None:
        """`audience`: ours, where an entry names none."""
        self._entries = entries
        self._issuers = {one.issuer: issuers[one.issuer] for one in entries}
        self._audience = audience

    def requester(self, token: str, *, may_ask: bool) -> Requester:
        """Who the job is. `may_ask`: whether its issuer may be asked for keys; not on the event loop.

        Raises Unauthenticated; why stands in the log alone.
        """
        try:
            return self.checked(token, may_ask=may_ask)[0]
        except Untrusted as error:
            log.warning("the token of a CI job is refused: %s", error.message)
            raise Unauthenticated("Unauthorized - Token is not accepted.") from error

    def checked(self, token: str, *, may_ask: bool = True) -> tuple[Requester, Claims]:
        """Raises Untrusted."""
        named = said_by(token)[0]
        issuer = self._issuers.get(named)
        if issuer is None:
            raise Untrusted(f"no entry of auth.oidc_callers has the issuer {named[:200]!r}")
        entries = [one for one in self._entries if one.issuer == issuer.url]
        audience = {self._audience_of(one) for one in entries}
        claims = check(token, issuer, audience=audience, may_ask=may_ask)
        misfits = []
        for entry in entries:
            misfit = claims.misfit(entry.match)
            if self._audience_of(entry) not in claims.audience:
                misfit = f"it is for {claims.audience}"
            if not misfit:
                return self._made(entry, claims), claims
            misfits.append(f"{entry.user}: {misfit}")
        raise Untrusted(f"{claims.text('sub')[:200]!r} fits no entry: {'; '.join(misfits)}")

    def _audience_of(self, entry: OidcCaller) -> str:
        return entry.audience or self._audience

    def _made(self, entry: OidcCaller, claims: Claims) -> Requester:
        return Requester(
            user=entry.user,
            method="OIDC token",
            expires_at=claims.expires_at,
            scope=_scope(entry),
            details={"issuer": entry.issuer, "subject": claims.text("sub")},
        )


def _scope(entry: OidcCaller) -> Scope | None:
    """What the entry limits the job to; None: it does not."""
    if not (entry.actions or entry.webhooks or entry.rights):
        return None
    return Scope(actions=tuple(entry.actions), webhooks=tuple(entry.webhooks), rights=tuple(entry.rights))
