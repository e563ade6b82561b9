"""Webhook files: nobody is let in by a missing line, and what is wrong is told with its place."""

import pytest

from engine.specs.webhook import IdSource, Way
from tests.engine.content.site import Site

GITHUB = "preset: github\nsecrets: [webhook.github]\nchannel: deploys\n"


def test_a_preset_and_a_secret_are_enough(site: Site) -> None:
    site.write("webhooks/github.yaml", GITHUB)
    spec = site.load().webhooks["github"]
    assert (spec.preset, spec.secrets, spec.channel, spec.alerts) == (
        "github",
        ("webhook.github",),
        "deploys",
        True,
    )
    assert [way.header for way in spec.ways] == ["x-hub-signature-256"]
    assert spec.delivery_id[0] == IdSource(header="x-github-delivery")
    assert spec.metadata_file == "webhooks/github.yaml"


def test_the_url_may_have_slashes_inside(site: Site) -> None:
    site.write("webhooks/a.yaml", "url: /ci/builds/\n" + GITHUB)
    assert list(site.load().webhooks) == ["ci/builds"]


def test_without_a_channel_nothing_is_an_alert(site: Site) -> None:
    site.write("webhooks/a.yaml", "preset: github\nsecrets: [k]\n")
    site.write("webhooks/b.yaml", "preset: github\nsecrets: [k]\nalerts: true\n")
    hooks = site.load().webhooks
    assert [hooks[name].alerts for name in ("a", "b")] == [False, True]


def test_a_way_of_one_s_own_is_written_out(site: Site) -> None:
    site.write(
        "webhooks/own.yaml",
        """
        verify: {type: hmac, header: X-Sign, algorithm: sha512, encoding: base64, prefix: "v=",
                 signed: "{timestamp}.{body}", timestamp_header: X-Time, tolerance_s: 60}
        secrets: [old, new]
        networks: [192.0.2.0/24]
        delivery_id: {header: X-Id}
        respond_with: {template: "{{ trigger.body.challenge }}", content_type: text/plain}
        """,
    )
    spec = site.load().webhooks["own"]
    assert spec.ways == (
        Way(
            type="hmac",
            header="x-sign",
            algorithm="sha512",
            encoding="base64",
            prefix="v=",
            signed="{timestamp}.{body}",
            timestamp_header="x-time",
            tolerance_s=60,
        ),
    )
    assert spec.delivery_id == (IdSource(header="x-id"),)
    assert spec.respond_with is not None
    assert spec.respond_with.content_type == "text/plain"


def test_a_bare_word_is_a_way(site: Site) -> None:
    site.write("webhooks/open.yaml", "verify: none\n")
    site.write("webhooks/token.yaml", "verify: token\nsecrets: [k]\n")
    hooks = site.load().webhooks
    assert hooks["open"].ways == (Way(type="none"),)
    assert hooks["token"].ways == (Way(type="token", header="authorization", scheme="Bearer"),)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("description: x\n", 1, "Nothing says how a delivery is verified"),
        ("verify:\nsecrets: [a]\n", 1, "Nothing says how a delivery is verified"),
        ("preset: githup\nsecrets: [k]\n", 1, "There is no preset 'githup'"),
        ("preset: github\n", 1, "It needs `secrets:`"),
        ("preset: github\nsecrets: []\n", 1, "It needs `secrets:`"),
        ("preset: sns\n", 1, "It needs `topics:`"),
        ("verify: ip\n", 1, "`verify: ip` needs `networks:`"),
        ("verify: maybe\n", 1, "'maybe' is no way to verify"),
        ("verify: [none, {type: token}]\nsecrets: [k]\n", 1, "`none` and `ip` stand alone"),
        ("secrets: [k]\nverify:\n  type: hmac\n", 2, "'header' is a required property"),
        ("secrets: [k]\nverify:\n  type: hmac\n  header: x\n  algorithm: md5\n", 5, "algorithm: 'md5'"),
        ("secrets: [k]\nverify:\n  type: hmac\n  header: x\n  signed: '{timestamp}{body}'\n", 5, "both or"),
        ("secrets: [k]\nverify:\n  type: hmac\n  header: x\n  signed: 'x'\n", 5, "must hold {body} once"),
        ("verify: {type: bearer_jwt, jwks_url: x}\n", 1, "'audience' is a required property"),
        ("verify: {type: bearer_jwt, audience: x}\n", 1, "It needs `secrets:`"),
        ("verify: none\nnetworks:\n- 192.0.2.1/8\n", 3, "is no network"),
        ("verify: none\nurl: a//b\n", 2, "cannot be the address"),
        ("verify: none\nurl: st2\n", 2, "StackStorm's own webhook"),
        ("verify: none\nsecret: 5\n", 2, "'secret' was unexpected"),
        ("verify: none\ndelivery_id: {}\n", 2, "delivery_id takes"),
        ("verify: none\nrespond_with: {status: 200}\n", 2, "needs `action:` or `template:`"),
        ("verify: none\nrespond_with:\n  template: x\n  status: 99\n", 4, "status must be"),
        ("verify: none\nrespond_with:\n  template: x\n  timeout_s: 61\n", 4, "timeout_s must be"),
        ("", 1, "The file is empty"),
    ],
)
def test_a_wrong_file_is_unavailable_with_line_and_reason(
    site: Site, text: str, line: int, reason: str
) -> None:
    site.write("webhooks/wrong.yaml", text)
    registry = site.load()
    assert registry.webhooks == {}
    (broken,) = [item for item in registry.unavailable if item.kind == "webhook"]
    assert broken.where == f"webhooks/wrong.yaml:{line}"
    assert reason in broken.reason


def test_of_two_files_with_one_url_the_second_is_unavailable(site: Site) -> None:
    site.write("webhooks/a.yaml", "url: hook\nverify: none\n")
    site.write("webhooks/b.yaml", "url: hook\npreset: github\nsecrets: [k]\n")
    registry = site.load()
    assert registry.webhooks["hook"].metadata_file == "webhooks/a.yaml"
    assert "webhooks/a.yaml has the same url" in registry.unavailable[-1].reason
