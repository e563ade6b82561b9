"""Tokens that an issuer has signed (JWT): read without belief, then checked."""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from engine.errors import Untrusted
from engine.outside.issuers import ALGORITHMS, Issuer

LEEWAY_S = 60
_LONGEST = 16_384
_FORM = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Claims:
    """What a checked token says."""

    values: Mapping[str, Any]
    digest: str
    """Of issuer and id: the same token has the same, however it is written."""

    @property
    def audience(self) -> list[str]:
        found = self.values["aud"]
        return [found] if isinstance(found, str) else list(found)

    @property
    def expires_at(self) -> datetime:
        return datetime.fromtimestamp(self.values["exp"], UTC)

    def text(self, name: str) -> str:
        """The claim where it is a text, else empty."""
        found = self.values.get(name)
        return found if isinstance(found, str) else ""

    def texts(self, name: str) -> tuple[str, ...] | None:
        """The claim where it is a list of texts, or one; None: it is not there."""
        found = self.values.get(name)
        if found is None:
            return None
        items = found if isinstance(found, list) else [found]
        return tuple(one for one in items if isinstance(one, str) and one)

    def misfit(self, wanted: Mapping[str, str]) -> str:
        """The first of the wanted claims that is not so, in words; empty: all are."""
        for name, pattern in wanted.items():
            found = self.values.get(name)
            items = found if isinstance(found, list) else [found]
            if found is None or not any(fnmatchcase(_word(one), pattern) for one in items):
                return f"the claim {name} is {str(found)[:100]!r}, wanted {pattern!r}"
        return ""


def is_signed(text: str) -> bool:
    """Whether it has the form of such a token; API keys and tokens of ours have not."""
    return text.startswith("eyJ") and _FORM.fullmatch(text) is not None


def said_by(token: str) -> tuple[str, list[str]]:
    """The issuer and the audience that it names, not checked in any way. Raises Untrusted."""
    body = _part(token, 1)
    issuer, audience = body.get("iss"), body.get("aud")
    items = audience if isinstance(audience, list) else [audience]
    return issuer if isinstance(issuer, str) else "", [one for one in items if isinstance(one, str)]


def claim_of(token: str, name: str) -> object:
    """A claim, not checked in any way. Raises Untrusted for what cannot be read."""
    return _part(token, 1).get(name)


def check(token: str, issuer: Issuer, *, audience: Collection[str], may_ask: bool = True) -> Claims:
    """Raises Untrusted with the reason: signature, issuer, audience, times, or what is missing.

    `may_ask`: whether the issuer may be asked for its keys.
    """
    import jwt  # noqa: PLC0415 - heavy, and not everybody's

    header = _part(token, 0)
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise Untrusted(f"the algorithm {str(algorithm)[:20]!r} is none of {', '.join(ALGORITHMS)}")
    if "crit" in header or not (kid is None or isinstance(kid, str)):
        raise Untrusted("its header has what we do not know")
    key = issuer.key(kid, algorithm, may_ask=may_ask)
    try:
        values = jwt.decode(
            token,
            key.key,
            algorithms=[algorithm],
            audience=list(audience),
            issuer=issuer.url,
            leeway=LEEWAY_S,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
    except jwt.PyJWTError as error:
        raise Untrusted(f"{type(error).__name__}: {error}") from error
    name = values.get("jti")
    body = token.rpartition(".")[0]
    known_by = f"{issuer.url}\0jti\0{name}" if isinstance(name, str) and name else f"{issuer.url}\0{body}"
    return Claims(values, hashlib.sha256(known_by.encode()).hexdigest())


def _part(token: str, number: int) -> dict[str, Any]:
    """Header (0) or body (1)."""
    if len(token) > _LONGEST or not is_signed(token):
        raise Untrusted("it has not the form of a signed token")
    text = token.split(".")[number]
    try:
        found = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise Untrusted("it cannot be read") from error
    if not isinstance(found, dict):
        raise Untrusted("a part of it is no object")
    return found


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
