"""`stormcrow key`: the datastore from a terminal."""

import json
from pathlib import Path

import pytest

from tests.bot.cli.conftest import Shell
from tests.engine.store.test_keyczar import encoded, key_file


def test_a_key_is_set_read_listed_and_deleted(shell: Shell) -> None:
    assert shell("key", "set", "color", "blue", "--description", "of the sky").exit_code == 0
    assert shell("key", "get", "color").stdout == "blue\n"
    listed = shell("key", "list", "--prefix", "col").stdout
    assert listed.split()[:7] == ["NAME", "VALUE", "SCOPE", "USER", "UNTIL", "color", "blue"]
    assert json.loads(shell("key", "get", "color", "--json").stdout)["description"] == "of the sky"
    assert shell("key", "delete", "color").exit_code == 0
    assert shell("key", "get", "color").exit_code == 9
    assert shell("key", "delete", "color").exit_code == 9


def test_a_secret_is_shown_only_when_it_is_asked_for(shell: Shell) -> None:
    shell("key", "set", "token", "canary-1", "--secret")
    assert "canary" not in shell("key", "get", "token").stdout
    assert "(secret)" in shell("key", "list", "--prefix", "token").stdout
    assert shell("key", "get", "token", "--decrypt").stdout == "canary-1\n"
    assert "canary-1" in shell("key", "list", "--prefix", "token", "-d").stdout


def test_a_value_comes_from_a_file_or_from_standard_input(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "value").write_text("two\nlines\n")
    shell("key", "set", "lines", "--file", "value")
    assert shell("key", "get", "lines").stdout == "two\nlines\n"
    assert shell("key", "set", "lines", "x", "--file", "value").exit_code == 2
    assert shell("key", "set", "lines", "--file", "none").exit_code == 2


def test_a_value_that_did_not_come_is_no_value(shell: Shell) -> None:
    # The runner of the tests gives an empty standard input, as a variable that is not set does.
    done = shell("key", "set", "missing", "--secret")
    assert done.exit_code == 2
    assert "Standard input holds no value." in done.stderr
    assert shell("key", "get", "missing").exit_code == 9
    assert shell("key", "set", "missing", "").exit_code == 0


def test_a_condition_that_does_not_hold_is_exit_code_1(shell: Shell) -> None:
    assert shell("key", "set", "lock", "me", "--if-absent", "--ttl", "10m").exit_code == 0
    refused = shell("key", "set", "lock", "you", "--if-absent")
    assert (refused.exit_code, "is there already" in refused.stderr) == (1, True)
    assert shell("key", "set", "lock", "you", "--if-value", "him").exit_code == 1
    assert shell("key", "set", "lock", "you", "--if-value", "me").exit_code == 0
    assert shell("key", "delete", "lock", "--if-value", "me").exit_code == 1
    assert shell("key", "delete", "lock", "--if-value", "you").exit_code == 0


def test_the_keys_of_a_user_are_apart(shell: Shell) -> None:
    shell("key", "set", "mine", "1", "--scope", "user", "--user", "bob")
    assert shell("key", "get", "mine").exit_code == 9
    assert shell("key", "get", "mine", "--scope", "user").exit_code == 9
    assert shell("key", "get", "mine", "-s", "user", "-u", "bob").stdout == "1\n"
    assert shell("key", "get", "mine", "--scope", "galaxy").exit_code == 2


def test_a_list_of_keys_is_loaded(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "keys.yaml").write_text("- {name: load.a, value: '1'}\n- {name: load.b, value: {x: 1}}\n")
    refused = shell("key", "load", "keys.yaml")
    assert refused.exit_code == 2
    assert "--convert" in refused.stderr
    # Nothing of a file that is wrong is loaded.
    assert shell("key", "get", "load.a").exit_code == 9
    loaded = shell("key", "load", "keys.yaml", "--convert")
    assert loaded.stdout == "2 keys set, 0 of them secret\n"
    assert json.loads(shell("key", "get", "load.b").stdout) == {"x": 1}


@pytest.mark.parametrize("text", ["5", "[5]", '[{"value": "x"}]', '[{"name": "x"}]', "{", "a: [b"])
def test_a_file_without_keys_is_refused(shell: Shell, tmp_path: Path, text: str) -> None:
    (tmp_path / "keys.json").write_text(text)
    assert shell("key", "load", "keys.json").exit_code == 2
    assert shell("key", "load", "missing.json").exit_code == 2


def dump(*, secret: str) -> list[dict[str, object]]:
    """What `st2 key list -n -1 --scope all -j` prints."""
    common = {"id": "5e8", "secret": False, "encrypted": False, "scope": "st2kv.system"}
    return [
        {**common, "name": "st2.plain", "uid": "key_value_pair:st2kv.system:st2.plain", "value": "seen"},
        {**common, "name": "st2.secret", "value": secret, "secret": True, "encrypted": True},
        {**common, "name": "st2.own", "value": "hers", "scope": "st2kv.user", "user": "bob"},
        {**common, "name": "st2.gone", "value": "x", "expire_timestamp": "2020-01-01T00:00:00.000000Z"},
        {**common, "name": "st2.lives", "value": "x", "expire_timestamp": "2099-01-01T00:00:00.000000Z"},
    ]


def test_a_datastore_of_stackstorm_moves_in(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "dump.json").write_text(json.dumps(dump(secret=encoded("canary of st2"))))
    key_file(tmp_path / "st2.json")
    done = shell("key", "import", "dump.json", "--st2-key", "st2.json")
    assert done.stdout == "4 keys set, 1 of them secret\n", done.stderr
    assert shell("key", "get", "st2.secret", "--decrypt").stdout == "canary of st2\n"
    assert "canary" not in shell("key", "get", "st2.secret").stdout
    assert shell("key", "get", "st2.own", "-s", "user", "-u", "bob").stdout == "hers\n"
    assert shell("key", "get", "st2.gone").exit_code == 9
    assert "expire_timestamp" in json.loads(shell("key", "get", "st2.lives", "--json").stdout)


def test_with_a_wrong_key_nothing_is_imported(shell: Shell, tmp_path: Path) -> None:
    wrong = [
        {"name": "wrong.a", "value": "x"},
        {"name": "wrong.b", "value": encoded("canary", hmac_key=b"z" * 32), "encrypted": True},
    ]
    (tmp_path / "dump.json").write_text(json.dumps(wrong))
    key_file(tmp_path / "st2.json")
    refused = shell("key", "import", "dump.json", "--st2-key", "st2.json")
    assert refused.exit_code == 2
    assert "wrong.b: The value was encrypted with another key" in refused.stderr
    assert shell("key", "get", "wrong.a").exit_code == 9
    # Without the key the server is asked, and it has none.
    assert "datastore.st2_key_file" in shell("key", "import", "dump.json").stderr


def test_the_secret_key_is_changed(shell: Shell) -> None:
    shell("key", "set", "rotated", "canary-2", "--secret")
    done = shell("key", "rotate", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["resealed"] >= 1
    assert shell("key", "get", "rotated", "-d").stdout == "canary-2\n"
    assert "secrets are sealed with it" in shell("key", "rotate").stdout
