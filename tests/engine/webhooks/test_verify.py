"""Deliveries of every sender we know: the good ones pass, and nothing else does."""

import inspect
from typing import Any

import pytest

from engine.errors import BadInput
from engine.specs.webhook import Way
from engine.specs.webhook_presets import PRESETS
from engine.webhooks import bearer, sns, verify
from engine.webhooks.delivery import Delivery, Refused, headers_of
from engine.webhooks.fetched import Fetched
from engine.webhooks.sign import signed_headers
from engine.webhooks.verify import Verifier
from tests.engine.webhooks.senders import NOW, SENDERS, WHSEC, Sender

BODY = '{"text": "Größe 5 µm, 日本", "n": 1.0}'.encode()
SIGNING = [sender for sender in SENDERS if not sender.is_plain]


def is_good(
    preset: str,
    headers: dict[str, str],
    body: bytes,
    *secrets: str,
    at: float = NOW,
    repeated: frozenset[str] = frozenset(),
    query: dict[str, str] | None = None,
) -> bool:
    verifier = Verifier(PRESETS[preset].ways, secrets=secrets, fetched=Fetched(never))
    delivery = Delivery(headers=headers, body=body, received_at=at, repeated=repeated, query=query or {})
    try:
        verifier.check(delivery)
    except Refused:
        return False
    return True


def never(url: str) -> bytes:
    raise AssertionError(f"{url} must not be fetched")


# golden vectors: V1 to V3 are the vendors' own


def test_github_s_published_signature_is_good() -> None:
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    secret = "It's a Secret to Everybody"
    assert is_good("github", {"x-hub-signature-256": signature}, b"Hello, World!", secret)


@pytest.mark.parametrize("preset", ["standard", "gitlab"])
def test_the_published_signature_of_standard_webhooks_is_good(preset: str) -> None:
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert is_good(preset, headers, b'{"test": 2432232314}', WHSEC, at=1614265330)


def test_slack_s_published_signature_is_good() -> None:
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554"
        b"%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    headers = {
        "x-slack-request-timestamp": "1531420618",
        "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    }
    assert is_good("slack", headers, body, "8f742231b10e8888abcd99yyyzzz85a5", at=1531420618)


@pytest.mark.parametrize("header", ["x-grafana-alerting-signature", "x-grafana-alert-signature"])
def test_the_recorded_signatures_of_grafana_are_good(header: str) -> None:
    plain = "b9e5b035caa680dd4c47ede4a477cbff5301538435e6c6cc7c138230577fd219"
    assert is_good("grafana", {header: plain}, b'{"a":1}', "g")
    stamped = "5b06f0caffc48a5da600803fc770196e85a8ce7fed2bc6058a93cea10fba941b"
    headers = {header: stamped, "x-grafana-alerting-timestamp": "1700000000"}
    assert is_good("grafana", headers, b'{"a":1}', "g")


def test_the_recorded_signature_of_sentry_is_good() -> None:
    signature = "0c73c24374671ab8c5413dd0aacf950899a6bf5d2a8505d4db9f22e697372ee7"
    assert is_good("sentry", {"sentry-hook-signature": signature}, b'{"a":1}', "cs")


def test_sentry_may_sign_the_body_without_its_blanks() -> None:
    signature = "0c73c24374671ab8c5413dd0aacf950899a6bf5d2a8505d4db9f22e697372ee7"
    assert is_good("sentry", {"sentry-hook-signature": signature}, b'{ "a": 1 }', "cs")
    assert not is_good("sentry", {"sentry-hook-signature": signature}, b'{ "a": 2 }', "cs")


def test_the_recorded_signature_of_pagerduty_is_good() -> None:
    signature = "v1=79f868344db2d2a8fd8943dd4eb5408cf772971d0e253d0d4891ed6d2a10bff3"
    body = b'{"event":{"id":"01X","event_type":"incident.triggered"}}'
    assert is_good("pagerduty", {"x-pagerduty-signature": signature}, body, "pdsecret")


# every sender


@pytest.mark.parametrize("sender", SENDERS, ids=str)
def test_a_good_delivery_passes(sender: Sender) -> None:
    assert is_good(sender.preset, sender.headers(BODY), BODY, sender.secret)


@pytest.mark.parametrize("sender", SENDERS, ids=str)
def test_either_of_two_secrets_is_good(sender: Sender) -> None:
    assert is_good(sender.preset, sender.headers(BODY), BODY, sender.other, sender.secret)
    assert is_good(sender.preset, sender.headers(BODY), BODY, sender.secret, sender.other)


@pytest.mark.parametrize("sender", SENDERS, ids=str)
def test_another_secret_is_refused(sender: Sender) -> None:
    assert not is_good(sender.preset, sender.headers(BODY, secret=sender.other), BODY, sender.secret)


@pytest.mark.parametrize("sender", SENDERS, ids=str)
def test_a_delivery_without_its_header_is_refused(sender: Sender) -> None:
    headers = sender.headers(BODY)
    del headers[sender.header]
    assert not is_good(sender.preset, headers, BODY, sender.secret)
    assert not is_good(sender.preset, {**headers, sender.header: ""}, BODY, sender.secret)


@pytest.mark.parametrize("sender", SENDERS, ids=str)
def test_a_header_that_stands_there_twice_is_refused(sender: Sender) -> None:
    assert not is_good(
        sender.preset, sender.headers(BODY), BODY, sender.secret, repeated=frozenset({sender.header})
    )


@pytest.mark.parametrize("sender", SENDERS, ids=str)
def test_a_hook_without_secrets_refuses_everything(sender: Sender) -> None:
    assert not is_good(sender.preset, sender.headers(BODY), BODY)


@pytest.mark.parametrize("sender", SIGNING, ids=str)
def test_one_changed_byte_is_refused(sender: Sender) -> None:
    assert not is_good(sender.preset, sender.headers(BODY), BODY.replace(b"5", b"6"), sender.secret)


@pytest.mark.parametrize("sender", SIGNING, ids=str)
def test_the_body_written_anew_is_refused(sender: Sender) -> None:
    again = '{"text": "Größe 5 µm, 日本",  "n": 1.0}'.encode()
    assert not is_good(sender.preset, sender.headers(BODY), again, sender.secret)


@pytest.mark.parametrize("sender", SIGNING, ids=str)
@pytest.mark.parametrize("wrong", ["", "x", "zz" * 32, "00" * 32, "ü", "AAAA="])
def test_what_is_no_signature_is_refused(sender: Sender, wrong: str) -> None:
    headers = sender.headers(BODY)
    kind = headers[sender.header][: 3 if sender.stamped in ("slack", "standard") else len(sender.prefix)]
    assert not is_good(sender.preset, {**headers, sender.header: kind + wrong}, BODY, sender.secret)


@pytest.mark.parametrize("sender", [one for one in SIGNING if one.stamped != "standard"], ids=str)
def test_the_case_of_hexadecimal_digits_does_not_matter(sender: Sender) -> None:
    headers = sender.headers(BODY)
    prefix, equals, digits = headers[sender.header].rpartition("=")
    headers[sender.header] = f"{prefix}{equals}{digits.upper()}"
    assert is_good(sender.preset, headers, BODY, sender.secret)


@pytest.mark.parametrize("sender", [one for one in SENDERS if one.stamped], ids=str)
def test_what_was_signed_too_long_ago_or_ahead_is_refused(sender: Sender) -> None:
    headers = sender.headers(BODY)
    assert is_good(sender.preset, headers, BODY, sender.secret, at=NOW + 299)
    assert not is_good(sender.preset, headers, BODY, sender.secret, at=NOW + 301)
    assert not is_good(sender.preset, headers, BODY, sender.secret, at=NOW - 301)


@pytest.mark.parametrize("sender", [one for one in SENDERS if one.stamped], ids=str)
@pytest.mark.parametrize("wrong", ["", "soon", "-1", "1e9", "٣", "1" * 40])
def test_a_time_that_is_none_is_refused(sender: Sender, wrong: str) -> None:
    headers = sender.headers(BODY)
    stamp = next(name for name in headers if name.endswith("timestamp"))
    assert not is_good(sender.preset, {**headers, stamp: wrong}, BODY, sender.secret)
    assert not is_good(sender.preset, headers, BODY, sender.secret, repeated=frozenset({stamp}))


@pytest.mark.parametrize("sender", [one for one in SENDERS if one.stamped], ids=str)
def test_a_newer_time_over_an_old_signature_is_refused(sender: Sender) -> None:
    headers = sender.headers(BODY, at=NOW - 1000)
    stamp = next(name for name in headers if name.endswith("timestamp"))
    assert not is_good(sender.preset, {**headers, stamp: str(int(NOW))}, BODY, sender.secret)


def test_the_time_cannot_be_taken_away_from_a_stamped_signature() -> None:
    sender = next(one for one in SENDERS if one.stamped == "grafana")
    headers = sender.headers(BODY)
    del headers["x-grafana-alerting-timestamp"]
    assert not is_good("grafana", headers, BODY, sender.secret)


@pytest.mark.parametrize(("preset", "separator"), [("pagerduty", ","), ("circleci", ","), ("standard", " ")])
def test_one_good_signature_of_two_is_enough(preset: str, separator: str) -> None:
    sender = next(one for one in SENDERS if one.preset == preset)
    good = sender.headers(BODY)
    bad = sender.headers(BODY, secret=sender.other)[sender.header]
    for both in (f"{bad}{separator}{good[sender.header]}", f"{good[sender.header]}{separator}{bad}"):
        assert is_good(preset, {**good, sender.header: both}, BODY, sender.secret)
    assert not is_good(preset, {**good, sender.header: f"{bad}{separator}{bad}"}, BODY, sender.secret)


def test_more_signatures_than_anybody_makes_are_not_tried() -> None:
    sender = next(one for one in SENDERS if one.preset == "pagerduty")
    good = sender.headers(BODY)[sender.header]
    many = ",".join([f"v1={'00' * 32}"] * 1000 + [good])
    assert not is_good("pagerduty", {sender.header: many}, BODY, sender.secret)


def test_a_sha1_signature_does_not_do_for_github() -> None:
    assert not is_good("github", {"x-hub-signature": "sha1=" + "00" * 20}, BODY, "s")


def test_a_plain_token_of_gitlab_is_no_key_and_a_signing_secret_no_token_beside_it() -> None:
    sender = next(one for one in SENDERS if one.preset == "gitlab" and one.stamped)
    assert is_good("gitlab", sender.headers(BODY), BODY, "plain-token", sender.secret)
    assert not is_good("gitlab", sender.headers(BODY), BODY, "plain-token")


def test_a_signing_secret_that_is_no_base64_is_told_when_the_hook_is_compiled() -> None:
    with pytest.raises(BadInput, match="not base64"):
        Verifier(PRESETS["standard"].ways, secrets=["whsec_!!"], fetched=Fetched(never))


# tokens, passwords, addresses


def test_user_and_password_are_compared_whole() -> None:
    good = {"authorization": "Basic YW06cGFzczp3b3Jk"}
    assert is_good("alertmanager", good, BODY, "am:pass:word")
    assert not is_good("alertmanager", good, BODY, "am:pass")
    assert not is_good("alertmanager", {"authorization": "Basic ***"}, BODY, "am:pass:word")
    assert not is_good("alertmanager", {"authorization": "Basic "}, BODY, ":")


def test_a_bare_secret_is_no_password() -> None:
    assert not is_good("alertmanager", {"authorization": "Basic YWJj"}, BODY, "abc")


def test_a_token_may_stand_in_the_query_of_senders_that_set_no_header() -> None:
    assert is_good("jenkins", {}, BODY, "tok", query={"token": "tok"})
    assert not is_good("jenkins", {}, BODY, "tok", query={"token": "tik"})
    assert not is_good("github", {}, BODY, "tok", query={"token": "tok"})


def test_a_wrong_header_is_not_made_good_by_the_query() -> None:
    assert not is_good("jenkins", {"x-stormcrow-token": "tik"}, BODY, "tok", query={"token": "tok"})


def test_an_empty_secret_lets_nobody_in() -> None:
    assert not is_good("jenkins", {"x-stormcrow-token": ""}, BODY, "")
    assert not is_good("jenkins", {"authorization": "Bearer "}, BODY, "")


def by_address(address: str, *networks: str, type: str = "ip") -> bool:
    verifier = Verifier((Way(type=type),), secrets=(), networks=networks, fetched=Fetched(never))
    try:
        verifier.check(Delivery(headers={}, body=b"", received_at=NOW, address=address))
    except Refused:
        return False
    return True


def test_a_delivery_from_another_network_is_refused() -> None:
    assert by_address("192.0.2.7", "192.0.2.0/24", "2001:db8::/32")
    assert by_address("2001:db8::1", "192.0.2.0/24", "2001:db8::/32")
    assert by_address("::ffff:192.0.2.7", "192.0.2.0/24")
    assert not by_address("198.51.100.1", "192.0.2.0/24")
    assert not by_address("", "192.0.2.0/24")
    assert not by_address("198.51.100.1", "192.0.2.0/24", type="none")


def test_a_custom_signature_is_described_in_full() -> None:
    way = Way(
        type="hmac",
        header="x-sign",
        algorithm="sha1",
        encoding="base64",
        signed="{timestamp}|{id}|{body}",
        timestamp_header="x-time",
        id_header="x-id",
        tolerance_s=10,
    )
    headers = signed_headers([way], ["k"], BODY, now=NOW)
    verifier = Verifier([way], secrets=["k"], fetched=Fetched(never))
    verifier.check(Delivery(headers=headers, body=BODY, received_at=NOW + 9))
    with pytest.raises(Refused, match="signed 11 s ago"):
        verifier.check(Delivery(headers=headers, body=BODY, received_at=NOW + 11))
    with pytest.raises(Refused, match="another secret, or another body"):
        verifier.check(Delivery(headers={**headers, "x-id": "other"}, body=BODY, received_at=NOW))


@pytest.mark.parametrize("preset", [name for name in PRESETS if name != "sns"])
def test_what_we_sign_for_a_test_passes(preset: str) -> None:
    secret = WHSEC if PRESETS[preset].key_kind == "whsec" else "secret"
    headers = signed_headers(PRESETS[preset].ways, [secret], BODY, now=NOW)
    assert is_good(preset, headers, BODY, secret)


def test_what_only_amazon_can_sign_is_not_signed() -> None:
    with pytest.raises(BadInput, match="Only the real sender"):
        signed_headers(PRESETS["sns"].ways, [], BODY, now=NOW)


def test_names_of_headers_are_compared_in_lower_case_and_repeats_are_seen() -> None:
    pairs = [(b"X-A", b"1"), (b"x-a", b"2"), (b"X_A", b"3"), (b"Host", b"h\xe9")]
    headers, repeated = headers_of(pairs)
    assert headers == {"x-a": "1,2", "x_a": "3", "host": "hé"}
    assert repeated == {"x-a"}


@pytest.mark.parametrize("module", [verify, bearer])
def test_secrets_are_compared_in_constant_time_only(module: Any) -> None:
    text = inspect.getsource(module)
    assert "compare_digest" in text
    assert not [
        line for line in text.splitlines() if " == " in line and ("digest" in line or "signature" in line)
    ]
    assert "verify(signature" in inspect.getsource(sns)
