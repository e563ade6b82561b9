"""Amazon SNS: its signature over some fields of the body, and the confirmation of a subscription."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import orjson
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from engine.webhooks.delivery import Delivery, Refused
from engine.webhooks.fetched import Fetched

# Only Amazon can have a certificate under such a name.
_HOST = re.compile(r"sns\.[a-z0-9-]{3,}\.amazonaws\.com(\.cn)?")
_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_SIGNED: Mapping[str, Sequence[str]] = {
    "Notification": _NOTIFICATION,
    "SubscriptionConfirmation": _CONFIRMATION,
    "UnsubscribeConfirmation": _CONFIRMATION,
}
_HASHES: Mapping[str, Callable[[], hashes.HashAlgorithm]] = {"1": hashes.SHA1, "2": hashes.SHA256}
_OPTIONAL = "Subject"


def compile_check(topics: Sequence[str], tolerance_s: int, *, fetched: Fetched) -> Callable[[Delivery], None]:
    allowed = frozenset(topics)

    def check(delivery: Delivery) -> None:
        message = _message(delivery.body)
        # Anybody may have SNS sign a message for a topic of their own.
        if message.get("TopicArn") not in allowed:
            raise Refused("its topic is not one of the hook's")
        url = str(message.get("SigningCertURL", ""))
        if not is_amazons(url):
            raise Refused("its certificate is not at Amazon SNS")
        _check_age(message, delivery, tolerance_s)
        certificate = fetched.get(url)
        if certificate is None:
            raise Refused("its certificate could not be fetched", kind="fetch")
        _check_signature(message, certificate)

    return check


def _message(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except (orjson.JSONDecodeError, RecursionError) as error:
        raise Refused("its body is not JSON") from error
    if not isinstance(found, dict) or found.get("Type") not in _SIGNED:
        raise Refused("it is no message of Amazon SNS")
    return found


def is_amazons(url: str) -> bool:
    """Whether it is a plain https URL of Amazon SNS itself."""
    try:
        parts = urlsplit(url)
        is_plain = parts.scheme == "https" and parts.username is None and parts.port in (None, 443)
        return is_plain and bool(_HOST.fullmatch(parts.hostname or ""))
    except ValueError:
        return False


def _check_age(message: Mapping[str, Any], delivery: Delivery, tolerance_s: int) -> None:
    try:
        sent_at = datetime.fromisoformat(str(message.get("Timestamp", "")))
    except ValueError as error:
        raise Refused("its Timestamp is no time") from error
    moment = sent_at if sent_at.tzinfo else sent_at.replace(tzinfo=UTC)
    age_s = delivery.received_at - moment.timestamp()
    if abs(age_s) > tolerance_s:
        raise Refused(f"it was sent {age_s:.0f} s ago; {tolerance_s} s are allowed", kind="stale")


def _check_signature(message: Mapping[str, Any], certificate: bytes) -> None:
    algorithm = _HASHES.get(str(message.get("SignatureVersion")))
    if algorithm is None:
        raise Refused("its SignatureVersion is neither 1 nor 2")
    from cryptography.x509 import load_pem_x509_certificate  # noqa: PLC0415 - slow to import, for Amazon alone

    try:
        key = load_pem_x509_certificate(certificate).public_key()
        signature = base64.b64decode(str(message.get("Signature", "")), validate=True)
        if not isinstance(key, RSAPublicKey):
            raise Refused("its certificate holds no RSA key")
        key.verify(signature, signed_text(message).encode(), padding.PKCS1v15(), algorithm())
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, binascii.Error) as error:
        raise Refused("its signature is not Amazon's") from error


def signed_text(message: Mapping[str, Any]) -> str:
    """Name and value of the signed fields, a line each, in the order of their bytes."""
    names = _SIGNED[str(message["Type"])]
    missing = [name for name in names if name not in message and name != _OPTIONAL]
    if missing:
        raise Refused(f"it has no {missing[0]}")
    return "".join(f"{name}\n{message[name]}\n" for name in names if message.get(name) is not None)


def subscribe_url(body: Any) -> str | None:
    """Where a verified confirmation is to be confirmed; None for any other message."""
    if not isinstance(body, Mapping) or body.get("Type") != "SubscriptionConfirmation":
        return None
    url = str(body.get("SubscribeURL", ""))
    return url if is_amazons(url) else None
