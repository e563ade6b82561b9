"""The signature of a callback, by the published example of Standard Webhooks, and what may be asked for."""

from datetime import UTC, datetime

import pytest

from engine.callbacks.message import headers_of, signing_key
from engine.callbacks.orders import check_host, key_of, place_of
from engine.callbacks.sender import LONGEST_PAUSE_S, pause_s
from engine.errors import BadInput, Denied


def test_the_signature_is_that_of_the_standard() -> None:
    headers = headers_of(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        b'{"test": 2432232314}',
        key=signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        at=datetime.fromtimestamp(1614265330, UTC),
    )
    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("secret", ["hunter-9f3", "whsec_???", "whsec_c2hvcnQ=", ""])
def test_what_is_no_secret_is_refused_without_a_word_of_it(secret: str) -> None:
    with pytest.raises(BadInput) as caught:
        signing_key(secret)
    assert not secret or secret not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://ci.example.org/",
        "file:///etc/passwd",
        "https:///no-host",
        "https://user:pass@ci.example.org/",
        "https://ci.example.org/\nHost: other",
        "https://ci.example.org\\@127.0.0.1/",
        "https://ci.example.org:port/",
        f"https://ci.example.org/{'x' * 3000}",
        "",
    ],
)
def test_what_is_no_plain_url_is_refused(url: str) -> None:
    with pytest.raises(BadInput):
        place_of(url)


def test_the_query_is_not_shown() -> None:
    assert place_of("https://ci.example.org:8443/hook?token=x#y") == "https://ci.example.org:8443/hook"


@pytest.mark.parametrize(
    ("host", "allowed", "may"),
    [
        ("ci.example.org", ["ci.example.org"], True),
        ("CI.Example.ORG.", ["ci.example.org"], True),
        ("a.hooks.example.org", ["*.hooks.example.org"], True),
        ("hooks.example.org.evil.net", ["*.hooks.example.org"], False),
        ("ci.example.org", [], False),
        ("127.0.0.1", ["ci.example.org"], False),
        ("[::1]", ["ci.example.org"], False),
    ],
)
def test_only_hosts_of_the_settings_may_be_named(host: str, allowed: list[str], may: bool) -> None:
    if may:
        check_host(f"https://{host}/x", allowed)
        return
    with pytest.raises(Denied):
        check_host(f"https://{host}/x", allowed)


def test_a_secret_is_named_as_templates_name_it() -> None:
    assert key_of("st2kv.system.ci.secret") == ("system", "ci.secret")
    assert key_of("st2kv.user.mine") == ("user", "mine")
    for wrong in ("ci.secret", "st2kv.other.x", "st2kv.system.", "st2kv.system"):
        with pytest.raises(BadInput):
            key_of(wrong)


def test_pauses_grow_to_a_bound_and_are_not_the_same() -> None:
    assert 0.5 <= pause_s(1) <= 1
    assert 4 <= pause_s(4) <= 8
    assert LONGEST_PAUSE_S / 2 <= pause_s(60) <= LONGEST_PAUSE_S
    assert len({pause_s(9) for _ in range(20)}) > 1
