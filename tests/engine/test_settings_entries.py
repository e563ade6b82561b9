"""Lists of mappings in config.yaml: each entry is checked, and shown without its secrets."""

from pathlib import Path

import pytest

from engine.configuration import read_settings, show
from engine.errors import BadSettings

CALLER = "{issuer: 'https://ci.example.org', user: ci, match: {repository: acme/web, ref_protected: true}}"
LOGIN = "{name: corp, issuer: 'https://id.example.org', client_id: us, client_secret: hush-hush}"


def read(folder: Path, key: str, entry: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(f"auth:\n  {key}:\n    - {entry}\n", encoding="utf-8")
    return path


def test_an_entry_is_read_with_its_defaults(tmp_path: Path) -> None:
    found = read_settings(read(tmp_path, "oidc_callers", CALLER), {}).auth.oidc_callers[0]
    assert (found.issuer, found.user, found.roles) == ("https://ci.example.org", "ci", [])
    assert found.match == {"repository": "acme/web", "ref_protected": "true"}


@pytest.mark.parametrize(
    ("key", "entry", "said"),
    [
        ("oidc_callers", "ci", "wanted a mapping"),
        ("oidc_callers", "{isuer: x}", "Did you mean issuer?"),
        ("oidc_callers", "{issuer: 'https://x.org', user: ci}", "Match is empty"),
        ("oidc_callers", "{issuer: 'http://x.org', user: ci, match: {a: b}}", "must be an https URL"),
        ("oidc_callers", "{issuer: 'http://127.0.0.1.evil.org', user: ci, match: {a: b}}", "https URL"),
        ("oidc_callers", "{issuer: 'https://x.org', match: {a: b}}", "User is missing"),
        ("oidc_callers", "{issuer: 'https://x.org', user: ci, match: {a: [b]}}", "match: Found"),
        ("oidc_logins", "{name: corp, issuer: 'https://x.org'}", "Client_id is missing"),
        ("oidc_logins", "{name: ldap, issuer: 'https://x.org', client_id: a}", "no name for it"),
        ("oidc_logins", "{name: ../x, issuer: 'https://x.org', client_id: a}", "no name for it"),
        ("oidc_logins", "{name: a, issuer: 'https://x.org', client_id: a, scopes: [email]}", "openid"),
    ],
)
def test_a_wrong_entry_is_told_with_its_place(tmp_path: Path, key: str, entry: str, said: str) -> None:
    with pytest.raises(BadSettings) as caught:
        read_settings(read(tmp_path, key, entry), {})
    assert said in str(caught.value)
    assert f"config.yaml:2: auth.{key}, entry 1" in caught.value.where


def test_the_secret_of_an_entry_is_not_shown(tmp_path: Path) -> None:
    settings = read_settings(read(tmp_path, "oidc_logins", LOGIN), {})
    assert settings.auth.oidc_logins[0].client_secret == "hush-hush"
    text = show(settings)
    assert "hush-hush" not in text
    assert "client_secret: '********'" in text


def test_entries_may_come_from_a_variable() -> None:
    settings = read_settings(None, {"STORMCROW_AUTH__OIDC_CALLERS": f"[{CALLER}]"})
    assert settings.auth.oidc_callers[0].user == "ci"
