"""JSON Web Tokens in `Authorization: Bearer`: signature, audience, issuer, times and claims."""

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from engine.specs.webhook import Way
from engine.webhooks.delivery import Delivery, Refused
from engine.webhooks.fetched import Fetched

_LONGEST = 16_384
Keys = Callable[[], Mapping[str, Any]]
"""The key set, as in RFC 7517. Raises Refused, Missing."""


def compile_check(way: Way, *, secrets: Sequence[str], fetched: Fetched) -> Callable[[Delivery], None]:
    def check(delivery: Delivery) -> None:
        text = (delivery.one("authorization") or "").partition(" ")[2].strip()
        header, claims, signed, signature = _parts(text)
        if way.jwks_url or way.jwks_file:
            _check_by_key_set(way, header, signed, signature, fetched)
        else:
            _check_by_secret(header, signed, signature, secrets)
        _check_claims(way, claims, delivery.received_at)

    return check


def _parts(text: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    pieces = text.split(".")
    if len(text) > _LONGEST or len(pieces) != 3:
        raise Refused("its token is no JSON Web Token")
    try:
        header, claims = (orjson.loads(_unbase64(piece)) for piece in pieces[:2])
        signature = _unbase64(pieces[2])
    except (ValueError, binascii.Error) as error:
        raise Refused("its token is no JSON Web Token") from error
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise Refused("its token is no JSON Web Token")
    return header, claims, f"{pieces[0]}.{pieces[1]}".encode("latin-1", "replace"), signature


def _check_by_secret(header: dict[str, Any], signed: bytes, signature: bytes, secrets: Sequence[str]) -> None:
    # The kind of key decides on the algorithm, never the token.
    if header.get("alg") != "HS256":
        raise Refused("its token is not signed with HS256")
    is_good = False
    for secret in secrets:
        wanted = hmac.digest(secret.encode(), signed, "sha256")
        is_good |= hmac.compare_digest(wanted, signature)
    if not is_good:
        raise Refused("the signature of its token is not ours")


def _check_by_key_set(
    way: Way, header: dict[str, Any], signed: bytes, signature: bytes, fetched: Fetched
) -> None:
    name = header.get("kid")
    found = [key for key in _key_set(way, fetched) if name is None or key.get("kid") == name]
    if not found and way.jwks_url:
        # Keys are changed now and then; a name that nobody knows may be a new one.
        fetched.again(way.jwks_url)
    for key in found:
        if _is_signed_by(key, str(header.get("alg")), signed, signature):
            return
    raise Refused("its token is not signed with a key of its issuer")


def _key_set(way: Way, fetched: Fetched) -> list[Mapping[str, Any]]:
    try:
        raw = Path(way.jwks_file).read_bytes() if way.jwks_file else fetched.get(way.jwks_url)
        keys = orjson.loads(raw or b"")["keys"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise Refused("the keys of its issuer cannot be read", kind="fetch") from error
    return [key for key in keys if isinstance(key, dict)] if isinstance(keys, list) else []


def _is_signed_by(key: Mapping[str, Any], algorithm: str, signed: bytes, signature: bytes) -> bool:
    try:
        if key.get("kty") == "RSA" and algorithm == "RS256":
            public = rsa.RSAPublicNumbers(_number(key["e"]), _number(key["n"])).public_key()
            public.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
            return True
        if key.get("kty") == "EC" and key.get("crv") == "P-256" and algorithm == "ES256":
            if len(signature) != 64:
                return False
            curve = ec.EllipticCurvePublicNumbers(_number(key["x"]), _number(key["y"]), ec.SECP256R1())
            pair = (int.from_bytes(half) for half in (signature[:32], signature[32:]))
            curve.public_key().verify(encode_dss_signature(*pair), signed, ec.ECDSA(hashes.SHA256()))
            return True
    except (InvalidSignature, ValueError, KeyError, TypeError, binascii.Error):
        return False
    return False


def _check_claims(way: Way, claims: Mapping[str, Any], now: float) -> None:
    audience = claims.get("aud")
    if way.audience not in (audience if isinstance(audience, list) else [audience]):
        raise Refused("its token is for another audience")
    if way.issuer and claims.get("iss") != way.issuer:
        raise Refused("its token is of another issuer")
    if now > _moment(claims, "exp", default=0) + way.tolerance_s:
        raise Refused("its token has expired", kind="stale")
    if now < max(_moment(claims, name, default=now) for name in ("nbf", "iat")) - way.tolerance_s:
        raise Refused("its token is not good yet")
    for name, wanted in way.claims.items():
        if claims.get(name) != wanted:
            raise Refused(f"the claim {name} of its token is another one")


def _moment(claims: Mapping[str, Any], name: str, *, default: float) -> float:
    """Unix time. Raises Refused for what is none."""
    value = claims.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(f"the claim {name} of its token is no time")
    return value


def _number(text: Any) -> int:
    return int.from_bytes(_unbase64(str(text)))


def _unbase64(text: str) -> bytes:
    return base64.b64decode(f"{text}{'=' * (-len(text) % 4)}", altchars=b"-_", validate=True)
