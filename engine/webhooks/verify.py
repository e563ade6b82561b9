"""Is a delivery from whom it says: signatures, tokens and addresses, checked on the raw bytes.

Everything that can be done once is done when a hook is compiled. All comparisons take the same time
whatever differs, and every secret and every signature is tried, so that the time tells nothing.
"""

import base64
import binascii
import hmac
import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from engine.errors import BadInput
from engine.specs.webhook import Way
from engine.webhooks import bearer, sns
from engine.webhooks.delivery import Delivery, Refused
from engine.webhooks.fetched import Fetched

# A way: whether it is the one that this delivery uses, and the check, which raises Refused.
Check = Callable[[Delivery], None]
# More signatures than any sender makes; each costs one comparison.
_MOST_SIGNATURES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    applies: Callable[[Delivery], bool]
    check: Check
    wants: str
    """What is missing where it does not apply."""


class Verifier:
    """All ways of one hook. `check` raises Refused, or Missing for what must be fetched first."""

    def __init__(
        self,
        ways: Sequence[Way],
        *,
        secrets: Sequence[str],
        networks: Sequence[str] = (),
        topics: Sequence[str] = (),
        fetched: Fetched,
    ) -> None:
        """Raises BadInput when a secret cannot be used."""
        self._networks = tuple(ipaddress.ip_network(network) for network in networks)
        self._ways = tuple(_compile(way, secrets=secrets, topics=topics, fetched=fetched) for way in ways)

    def check(self, delivery: Delivery) -> None:
        if self._networks and not self._is_near(delivery.address):
            raise Refused(f"the address {delivery.address} is not among the hook's networks", kind="address")
        for way in self._ways:
            if way.applies(delivery):
                way.check(delivery)
                return
        wanted = " or ".join(dict.fromkeys(way.wants for way in self._ways if way.wants))
        raise Refused(f"it has no {wanted}" if wanted else "the hook has no way to verify it")

    def _is_near(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        mapped = getattr(found, "ipv4_mapped", None)
        return any((mapped or found) in network for network in self._networks)


def _compile(way: Way, *, secrets: Sequence[str], topics: Sequence[str], fetched: Fetched) -> _Way:
    if way.type == "hmac":
        return _hmac(way, secrets)
    if way.type == "token":
        return _token(way, secrets)
    if way.type == "basic":
        return _basic(secrets)
    if way.type == "bearer_jwt":
        check = bearer.compile_check(way, secrets=secrets, fetched=fetched)
        return _Way(applies=_has_scheme("bearer"), check=check, wants="header authorization (Bearer)")
    if way.type == "sns":
        return _Way(
            applies=_always, check=sns.compile_check(topics, way.tolerance_s, fetched=fetched), wants=""
        )
    # ip: the networks were looked at already; none: written out in the hook's file.
    return _Way(applies=_always, check=_nothing, wants="")


def _always(_delivery: Delivery) -> bool:
    return True


def _nothing(_delivery: Delivery) -> None:
    pass


# hmac


def _hmac(way: Way, secrets: Sequence[str]) -> _Way:
    keys = signing_keys(way, secrets)
    decode = _unhex if way.encoding == "hex" else _unbase64

    def check(delivery: Delivery) -> None:
        given = _signatures(way, delivery.one(way.header) or "", decode)
        if not given:
            raise Refused(f"the header {way.header} holds no signature of this kind")
        _check_age(way, delivery)
        if not keys:
            raise Refused("the hook has no secret for signatures", kind="setup")
        bodies = [delivery.body]
        if way.compacted:
            bodies += _compacted(delivery.body)
        is_good = False
        for body in bodies:
            signed = signed_bytes(way, delivery, body)
            for key in keys:
                wanted = hmac.digest(key, signed, way.algorithm)
                for signature in given:
                    is_good |= hmac.compare_digest(wanted, signature)
        if not is_good:
            raise Refused(f"the signature in {way.header} is not ours: another secret, or another body")

    needed = tuple(name for name in (way.header, way.timestamp_header, way.id_header) if name)
    return _Way(
        applies=lambda delivery: all(name in delivery.headers for name in needed),
        check=check,
        wants=f"header {' with '.join(needed)}",
    )


def signing_keys(way: Way, secrets: Sequence[str]) -> list[bytes]:
    """The keys of a way from the hook's secrets. Raises BadInput for one that is no key."""
    if way.key_encoding == "utf8":
        return [secret.encode() for secret in secrets]
    # GitLab's plain tokens and signing secrets stand in one list: only whsec_... are keys.
    prefix = "whsec_" if way.key_encoding == "whsec" else ""
    keys = []
    for secret in secrets:
        if not secret.startswith(prefix):
            continue
        try:
            keys.append(base64.b64decode(secret.removeprefix(prefix), validate=True))
        except binascii.Error as error:
            raise BadInput(
                "A secret of the hook is not base64, as this sender's are.",
                hint="Copy it whole, with whsec_ in front where it has that.",
            ) from error
    return keys


def signed_bytes(way: Way, delivery: Delivery, body: bytes) -> bytes:
    """What the signature is over."""
    if way.signed == "{body}":
        return body
    before, _, after = way.signed.partition("{body}")
    values = {
        "timestamp": delivery.headers.get(way.timestamp_header, ""),
        "id": delivery.headers.get(way.id_header, ""),
    }
    return _filled(before, values) + body + _filled(after, values)


def _filled(text: str, values: dict[str, str]) -> bytes:
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text.encode("latin-1", "replace")


def _signatures(way: Way, header: str, decode: Callable[[str], bytes | None]) -> list[bytes]:
    """The signatures of this way's kind in a header; others beside them are let be."""
    words = header.split(way.separator) if way.separator else [header]
    found = []
    for word in words[:_MOST_SIGNATURES]:
        text = word.strip()
        if not text.startswith(way.prefix):
            continue
        signature = decode(text[len(way.prefix) :])
        if signature is not None:
            found.append(signature)
    return found


def _check_age(way: Way, delivery: Delivery) -> None:
    if not way.timestamp_header:
        return
    text = delivery.one(way.timestamp_header) or ""
    if way.id_header:
        delivery.one(way.id_header)
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise Refused(f"the header {way.timestamp_header} is no Unix time")
    age_s = delivery.received_at - int(text)
    if abs(age_s) > way.tolerance_s:
        raise Refused(f"it was signed {age_s:.0f} s ago; {way.tolerance_s} s are allowed", kind="stale")


def _compacted(body: bytes) -> list[bytes]:
    try:
        return [orjson.dumps(orjson.loads(body))]
    except (orjson.JSONDecodeError, RecursionError):
        return []


def _unhex(text: str) -> bytes | None:
    try:
        return binascii.unhexlify(text)
    except (binascii.Error, ValueError):
        return None


def _unbase64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


# tokens


def _token(way: Way, secrets: Sequence[str]) -> _Way:
    header, scheme = way.header, way.scheme.lower()

    def applies(delivery: Delivery) -> bool:
        if header and header in delivery.headers:
            return not scheme or _scheme_of(delivery.headers[header]) == scheme
        return bool(way.query) and way.query in delivery.query

    def check(delivery: Delivery) -> None:
        if header and header in delivery.headers:
            text = delivery.one(header) or ""
            given = text.partition(" ")[2].strip() if scheme else text
        else:
            given = delivery.query[way.query]
        if not is_one_of(given, secrets):
            raise Refused("its token is not one of the hook's")

    words = [f"header {header}{f' ({way.scheme})' if scheme else ''}"] if header else []
    words += [f"?{way.query}="] if way.query else []
    return _Way(applies=applies, check=check, wants=" or ".join(words))


def _basic(secrets: Sequence[str]) -> _Way:
    def check(delivery: Delivery) -> None:
        text = delivery.one("authorization") or ""
        decoded = _unbase64(text.partition(" ")[2].strip())
        given = (decoded or b"").decode("utf-8", "replace")
        if not is_one_of(given, [secret for secret in secrets if ":" in secret]):
            raise Refused("its user and password are not the hook's")

    return _Way(applies=_has_scheme("basic"), check=check, wants="header authorization (Basic)")


def _has_scheme(scheme: str) -> Callable[[Delivery], bool]:
    return lambda delivery: _scheme_of(delivery.headers.get("authorization", "")) == scheme


def _scheme_of(value: str) -> str:
    return value.partition(" ")[0].lower()


def is_one_of(given: str, secrets: Sequence[str]) -> bool:
    """Constant time for each secret; an empty text is none of them."""
    raw = given.encode("utf-8", "surrogatepass")
    found = False
    for secret in secrets:
        found |= bool(secret) and hmac.compare_digest(raw, secret.encode())
    return found


def plain_document(way: Way) -> dict[str, Any]:
    """What of a way is not at its default, for people."""
    return {"type": way.type, **way.model_dump(exclude_defaults=True, exclude={"type"})}
