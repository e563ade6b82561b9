"""Keys and configurations of an old box, with the secrets in them."""

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.clock import isoformat, utcnow
from engine.errors import BadInput
from engine.migration.pieces import State
from engine.migration.survey import Survey
from engine.settings import Settings
from tests.engine import world
from tests.engine.migration.old_box import (
    box,
    carried,
    exported,
    failure,
    foundation,
    item,
    server,
    site,
    states,
    survey,
    taken,
)
from tests.engine.store.test_keyczar import encoded, key_file


def keys_of(tmp_path: Path, *entries: Any, crypto: bool = True) -> tuple[Survey, Settings]:
    here = site(tmp_path / "new")
    dump = exported(tmp_path / "keys.json", *entries)
    crypto_key = key_file(tmp_path / "datastore_key.json") if crypto else None
    return survey(box(tmp_path / "old"), here, only="keys", keys=dump, crypto_key=crypto_key), here


def test_keys_come_with_scope_owner_and_secrecy(tmp_path: Path) -> None:
    made, here = keys_of(
        tmp_path,
        {"name": "url", "value": "https://shop", "scope": "st2kv.system", "secret": False},
        {
            "name": "token",
            "value": encoded("hush"),
            "scope": "st2kv.system",
            "secret": True,
            "encrypted": True,
        },
        {"name": "pin", "value": "1234", "scope": "st2kv.user", "user": "ann", "secret": True},
        {"name": "bob:colour", "value": "red", "scope": "st2kv.user"},
    )
    assert set(states(carried(made, here)).values()) == {State.NEW}
    with foundation(here) as below:
        read = below.datastore.read
        assert read("system", "url").value == "https://shop"  # type: ignore[union-attr]  # it is there
        found = [read("system", "token", decrypt=True), read("user", "pin", user="ann", decrypt=True)]
        assert [(key.value, key.secret) for key in found if key] == [("hush", True), ("1234", True)]
        assert below.datastore.get("user", "colour", user="bob") == "red"
    again = carried(made, here)
    assert set(states(again).values()) == {State.SAME}


def test_a_key_of_another_value_is_left_alone_and_its_value_not_told(tmp_path: Path) -> None:
    made, here = keys_of(tmp_path, {"name": "token", "value": "hush-one", "secret": True})
    carried(made, here)
    made, here = keys_of(tmp_path, {"name": "token", "value": "hush-two", "secret": True})
    (outcome,) = carried(made, here)
    assert (outcome.state, outcome.differences) == (State.DIFFERENT, ("it has another value",))
    assert "hush" not in f"{outcome}{made}{asdict(outcome)}"
    with foundation(here) as below:
        assert below.datastore.read("system", "token", decrypt=True).value == "hush-one"  # type: ignore[union-attr]


def test_a_key_with_an_end_keeps_it_and_one_whose_time_is_up_is_left_out(tmp_path: Path) -> None:
    end = utcnow() + timedelta(hours=3)
    made, here = keys_of(
        tmp_path,
        {"name": "lock", "value": "x", "expire_timestamp": isoformat(end)},
        {"name": "old", "value": "x", "expire_timestamp": "2020-01-01T00:00:00.000000Z"},
    )
    carried(made, here)
    with foundation(here) as below:
        lock = below.datastore.read("system", "lock")
        assert lock is not None
        assert lock.expires_at is not None
        assert abs(lock.expires_at - end) < timedelta(minutes=10)
        assert below.datastore.read("system", "old") is None
    assert "time is up" in item(made, "key", "old").remarks[0].text


def test_a_value_of_another_key_of_stackstorm_is_told_and_the_others_come(tmp_path: Path) -> None:
    made, _ = keys_of(
        tmp_path,
        {"name": "good", "value": encoded("hush"), "encrypted": True},
        {"name": "bad", "value": encoded("hush", hmac_key=b"h" * 32), "encrypted": True},
    )
    assert "another key" in failure(made, "key", "bad").text
    assert [piece.name for piece in made.keys] == ["good"]


def test_without_the_key_file_an_encrypted_value_is_not_taken(tmp_path: Path) -> None:
    made, _ = keys_of(tmp_path, {"name": "token", "value": encoded("hush"), "encrypted": True}, crypto=False)
    assert "--keyczar" in failure(made, "key", "token").hint


def test_the_key_file_is_found_in_the_copy_of_etc_st2(tmp_path: Path) -> None:
    old = box(tmp_path / "old" / "opt/stackstorm")
    (tmp_path / "old/etc/st2/keys").mkdir(parents=True)
    key_file(tmp_path / "old/etc/st2/keys/datastore_key.json")
    dump = exported(tmp_path / "keys.json", {"name": "t", "value": encoded("hush"), "encrypted": True})
    made = survey(old.parent.parent, site(tmp_path / "new"), only="keys", keys=dump)
    assert [piece.value for piece in made.keys] == ["hush"]


@pytest.mark.parametrize("text", ["[1]", '[{"value": "x"}]', "{", "- a\n- b\n", '{"a": ' * 200])
def test_a_file_that_holds_no_keys_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(text)
    with pytest.raises(BadInput):
        survey(box(tmp_path / "old"), site(tmp_path / "new"), keys=path)


def test_keys_in_yaml_are_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    path.write_text("- {name: url, value: https://shop}\n")
    made = survey(box(tmp_path / "old"), site(tmp_path / "new"), keys=path)
    assert [(piece.name, piece.value) for piece in made.keys] == [("url", "https://shop")]


SCHEMA = """\
token: {type: string, secret: true}
url: {type: string}
tills: {type: array, items: {type: object, properties: {pin: {type: string, secret: true}}}}
"""
TELL = """\
name: tell
runner_type: local-shell-cmd
parameters:
  cmd: {default: "echo {{ config_context.token | length }}"}
"""
CONFIG = """\
url: https://shop
token: TOKEN
tills:
  - {pin: hush-2}
  - {pin: "{{st2kv.system.pin}}"}
"""


def test_secrets_of_a_configuration_are_sealed_and_still_read(tmp_path: Path) -> None:
    config = CONFIG.replace("TOKEN", encoded("hush-1"))
    files = {
        "packs/shop/config.schema.yaml": SCHEMA,
        "packs/shop/actions/tell.yaml": TELL,
        "configs/shop.yaml": config,
    }
    old, here = box(tmp_path / "old", files), site(tmp_path / "new")
    crypto = key_file(tmp_path / "key.json")
    outcomes = taken(old, here, crypto_key=crypto)
    written = tmp_path / "new/configs/shop.yaml"
    text = written.read_text()
    assert "hush" not in text
    assert "{{st2kv.system.pin}}" in text
    assert written.stat().st_mode & 0o777 == 0o600
    assert {one.name for one in outcomes if one.kind == "key"} == {
        "config_shop_token",
        "config_shop_tills_0_pin",
    }
    assert set(states(taken(old, here, crypto_key=crypto)).values()) == {State.SAME}
    with server(here) as engine:
        assert world.run(engine, "shop.tell").result["stdout"] == len("hush-1")
        assert engine.datastore.read("system", "config_shop_tills_0_pin", decrypt=True).value == "hush-2"  # type: ignore[union-attr]


def test_a_configuration_that_does_not_fit_its_schema_is_told_and_not_taken(tmp_path: Path) -> None:
    files = {"packs/shop/config.schema.yaml": SCHEMA, "configs/shop.yaml": "url: [1]\n"}
    made = survey(box(tmp_path / "old", files), site(tmp_path / "new"))
    assert failure(made, "config", "shop").where == "configs/shop.yaml:1"
    assert [piece.kind for piece in made.files] == ["pack"]


def test_a_configuration_of_no_pack_is_not_taken(tmp_path: Path) -> None:
    made = survey(box(tmp_path / "old", {"configs/gone.yaml": "a: 1\n"}), site(tmp_path / "new"))
    assert "no pack gone" in item(made, "config", "gone").remarks[-1].text
    assert [piece.kind for piece in made.files] == ["pack"]
