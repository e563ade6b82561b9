"""Amazon SNS, with a certificate of our own and a fetcher that hands it out."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from engine.specs.webhook_presets import PRESETS
from engine.webhooks.delivery import Delivery, Refused
from engine.webhooks.fetched import Fetched, Missing, https_get
from engine.webhooks.sns import is_amazons, subscribe_url
from engine.webhooks.verify import Verifier

TOPIC = "arn:aws:sns:eu-west-1:1:alarms"
CERTIFICATE = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-x.pem"
SENT_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def certificate(key: rsa.RSAPrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(SENT_AT - timedelta(days=1))
        .not_valid_after(SENT_AT + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def message(key: rsa.RSAPrivateKey, *, version: str = "2", **changed: Any) -> dict[str, Any]:
    """As Amazon's guide describes it; None leaves a field out."""
    fields = {
        "Type": "Notification",
        "MessageId": "m1",
        "TopicArn": TOPIC,
        "Subject": "ALARM",
        "Message": '{"AlarmName":"cpu"}',
        "Timestamp": "2026-01-02T03:04:05.000Z",
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE,
        **changed,
    }
    made = {name: value for name, value in fields.items() if value is not None}
    if made["Type"] == "Notification":
        names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    else:
        names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    text = "".join(f"{name}\n{made[name]}\n" for name in names if name in made)
    algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()
    signature = key.sign(text.encode(), padding.PKCS1v15(), algorithm)
    return {**made, "Signature": base64.b64encode(signature).decode()}


def check(document: Any, certificate: bytes, *, late_s: float = 0, topic: str = TOPIC) -> list[str]:
    """Raises Refused; gives what was fetched."""
    asked: list[str] = []

    def fetch(url: str) -> bytes:
        asked.append(url)
        return certificate

    fetched = Fetched(fetch)
    verifier = Verifier(PRESETS["sns"].ways, secrets=(), topics=(topic,), fetched=fetched)
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    delivery = Delivery(headers={}, body=body, received_at=SENT_AT.timestamp() + late_s)
    while True:
        try:
            verifier.check(delivery)
        except Missing as missing:
            fetched.fetch(missing.url)
        else:
            return asked


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_message_that_amazon_signed_passes(
    key: rsa.RSAPrivateKey, certificate: bytes, version: str
) -> None:
    assert check(message(key, version=version), certificate) == [CERTIFICATE]
    assert check(message(key, version=version, Subject=None), certificate) == [CERTIFICATE]


def test_a_confirmation_signs_other_fields(key: rsa.RSAPrivateKey, certificate: bytes) -> None:
    url = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"
    made = message(key, Type="SubscriptionConfirmation", Subject=None, SubscribeURL=url, Token="t")
    check(made, certificate)
    assert subscribe_url(made) == url
    with pytest.raises(Refused, match="not Amazon's"):
        check({**made, "SubscribeURL": "https://sns.eu-west-1.amazonaws.com/other"}, certificate)


@pytest.mark.parametrize("name", ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"])
def test_a_changed_field_is_refused(key: rsa.RSAPrivateKey, certificate: bytes, name: str) -> None:
    changed = {
        "Timestamp": "2026-01-02T03:04:06.000Z",
        "Type": "SubscriptionConfirmation",
        "TopicArn": f"{TOPIC}2",
    }
    made = {**message(key), name: changed.get(name, "changed")}
    with pytest.raises(Refused):
        check(made, certificate, topic=made["TopicArn"])


def test_a_subject_cannot_be_put_in_or_taken_out(key: rsa.RSAPrivateKey, certificate: bytes) -> None:
    made = message(key)
    del made["Subject"]
    with pytest.raises(Refused, match="not Amazon's"):
        check(made, certificate)


def test_a_topic_that_is_not_listed_is_refused_though_amazon_signed_it(
    key: rsa.RSAPrivateKey, certificate: bytes
) -> None:
    with pytest.raises(Refused, match="topic"):
        check(message(key, TopicArn="arn:aws:sns:eu-west-1:666:evil"), certificate)


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/x.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/x.pem",
        "https://evil.example/sns.eu-west-1.amazonaws.com/x.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/x.pem",
        "https://user@sns.eu-west-1.amazonaws.com/x.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/x.pem",
        "https://sns.x.amazonaws.com/x.pem",
        "https://s3.eu-west-1.amazonaws.com/x.pem",
        "file:///etc/passwd",
        "",
        "https://[",
    ],
)
def test_a_certificate_from_elsewhere_is_never_fetched(
    key: rsa.RSAPrivateKey, certificate: bytes, url: str
) -> None:
    assert not is_amazons(url)
    with pytest.raises(Refused, match="not at Amazon"):
        check(message(key, SigningCertURL=url), certificate)
    made = message(key, Type="SubscriptionConfirmation", Subject=None, SubscribeURL=url, Token="t")
    assert subscribe_url(made) is None


def test_china_has_a_domain_of_its_own() -> None:
    assert is_amazons("https://sns.cn-north-1.amazonaws.com.cn/x.pem")


def test_an_old_message_is_refused(key: rsa.RSAPrivateKey, certificate: bytes) -> None:
    check(message(key), certificate, late_s=86_000)
    with pytest.raises(Refused, match="86400 s are allowed"):
        check(message(key), certificate, late_s=86_401)


def test_another_key_is_refused(certificate: bytes) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with pytest.raises(Refused, match="not Amazon's"):
        check(message(other), certificate)


@pytest.mark.parametrize("wrong", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_a_certificate_that_is_none_is_refused(key: rsa.RSAPrivateKey, wrong: bytes) -> None:
    with pytest.raises(Refused):
        check(message(key), wrong)


@pytest.mark.parametrize("version", ["3", None, "2.0"])
def test_another_version_of_signature_is_refused(
    key: rsa.RSAPrivateKey, certificate: bytes, version: str | None
) -> None:
    with pytest.raises(Refused, match="SignatureVersion"):
        check({**message(key), "SignatureVersion": version}, certificate)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"nonsense", b'{"Type": "Other"}', b"[" * 5000])
def test_what_is_no_message_is_refused(certificate: bytes, body: bytes) -> None:
    with pytest.raises(Refused):
        check(body, certificate)


def test_a_certificate_that_cannot_be_had_is_not_asked_for_at_once_again(key: rsa.RSAPrivateKey) -> None:
    asked: list[str] = []

    def fails(url: str) -> bytes:
        asked.append(url)
        raise OSError("no network")

    fetched = Fetched(fails)
    fetched.fetch(CERTIFICATE)
    assert fetched.get(CERTIFICATE) is None
    assert asked == [CERTIFICATE]


def test_a_certificate_is_kept() -> None:
    fetched = Fetched(lambda _url: b"it")
    with pytest.raises(Missing):
        fetched.get(CERTIFICATE)
    fetched.fetch(CERTIFICATE)
    assert fetched.get(CERTIFICATE) == b"it"
    fetched.again(CERTIFICATE)


def test_only_https_is_fetched() -> None:
    with pytest.raises(Exception, match="not https"):
        https_get("http://127.0.0.1:9/x")
