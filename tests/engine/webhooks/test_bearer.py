"""JSON Web Tokens: the key decides on the algorithm, and every claim is looked at."""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from engine.specs.webhook import Way
from engine.webhooks.delivery import Delivery, Refused
from engine.webhooks.fetched import Fetched, Missing
from engine.webhooks.verify import Verifier
from tests.engine.webhooks.senders import NOW

URL = "https://issuer.example/jwks"
CLAIMS = {
    "aud": "https://crow.example/hook",
    "iss": "https://issuer.example",
    "exp": NOW + 60,
    "email": "a@b.c",
}
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def number(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8))


def key_set() -> bytes:
    public, curve = RSA.public_key().public_numbers(), EC.public_key().public_numbers()
    keys = [
        {"kty": "RSA", "kid": "r", "e": number(public.e), "n": number(public.n)},
        {"kty": "EC", "crv": "P-256", "kid": "e", "x": number(curve.x), "y": number(curve.y)},
    ]
    return json.dumps({"keys": keys}).encode()


def token(algorithm: str = "RS256", *, kid: str | None = "r", secret: bytes = b"", **claims: Any) -> str:
    header = {"alg": algorithm, **({"kid": kid} if kid else {})}
    body = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    signed = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(body).encode())}"
    if algorithm == "RS256":
        signature = RSA.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    elif algorithm == "ES256":
        r, s = decode_dss_signature(EC.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        signature = r.to_bytes(32) + s.to_bytes(32)
    else:
        signature = hmac.new(secret, signed.encode(), hashlib.sha256).digest() if secret else b""
    return f"{signed}.{b64(signature)}"


def check(text: str, *secrets: str, fetched: Fetched | None = None, **way: Any) -> None:
    """Raises Refused."""
    values = {"audience": CLAIMS["aud"], "tolerance_s": 60, "jwks_url": URL, **way}
    keys = fetched or Fetched(lambda _url: key_set())
    verifier = Verifier([Way(type="bearer_jwt", **values)], secrets=secrets, fetched=keys)
    delivery = Delivery(headers={"authorization": f"Bearer {text}"}, body=b"{}", received_at=NOW)
    for _ in range(3):
        try:
            return verifier.check(delivery)
        except Missing as missing:
            keys.fetch(missing.url)
    raise AssertionError("it asks for the keys again and again")


@pytest.mark.parametrize(("algorithm", "kid"), [("RS256", "r"), ("ES256", "e"), ("RS256", None)])
def test_a_token_signed_by_its_issuer_passes(algorithm: str, kid: str | None) -> None:
    check(token(algorithm, kid=kid))
    check(token(algorithm, kid=kid), issuer="https://issuer.example", claims={"email": "a@b.c"})
    check(token(algorithm, kid=kid, aud=["other", CLAIMS["aud"]]))


def test_a_key_set_may_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "jwks.json").write_bytes(key_set())
    check(token(), jwks_url="", jwks_file=str(tmp_path / "jwks.json"))
    with pytest.raises(Refused, match="cannot be read"):
        check(token(), jwks_url="", jwks_file=str(tmp_path / "nothing"))


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"aud": "other"}, "another audience"),
        ({"aud": None}, "another audience"),
        ({"iss": "https://evil.example"}, "another issuer"),
        ({"exp": NOW - 61}, "expired"),
        ({"exp": None}, "expired"),
        ({"exp": "soon"}, "no time"),
        ({"nbf": NOW + 61}, "not good yet"),
        ({"iat": NOW + 61}, "not good yet"),
        ({"email": "x@y.z"}, "claim email"),
    ],
)
def test_a_token_with_another_claim_is_refused(claims: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        check(token(**claims), issuer="https://issuer.example", claims={"email": "a@b.c"})


def test_the_public_key_is_no_secret() -> None:
    confused = token("HS256", secret=key_set())
    with pytest.raises(Refused):
        check(confused)
    with pytest.raises(Refused):
        check(token("none"))


def test_a_shared_secret_signs_with_hs256_only() -> None:
    check(token("HS256", secret=b"sec"), "other", "sec", jwks_url="")
    with pytest.raises(Refused, match="not ours"):
        check(token("HS256", secret=b"sec"), "other", jwks_url="")
    with pytest.raises(Refused, match="HS256"):
        check(token("none"), "sec", jwks_url="")


def test_another_key_of_that_name_is_refused() -> None:
    with pytest.raises(Refused, match="not signed with a key"):
        check(token("ES256", kid="r"))


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "....", "e30.e30.", "x" * 20_000, "W10.W10.AA"])
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        check(text)


def test_a_key_set_that_cannot_be_had_refuses() -> None:
    def fails(_url: str) -> bytes:
        raise OSError

    with pytest.raises(Refused, match="cannot be read"):
        check(token(), fetched=Fetched(fails))
