"""Keys that stand somewhere else: read only, always secret, in no list."""

from pathlib import Path

import pytest

from engine.errors import BadInput, BadSettings, StoreFailure
from engine.store.backends import configured
from engine.store.database import Database
from engine.store.datastore import Datastore
from engine.store.vault import Vault

ENVIRONMENT = {"SECRET_TOKEN": "from the environment", "PATH": "/bin", "STORMCROW_STORE__URL": "hush"}


@pytest.fixture
def datastore(database: Database, tmp_path: Path) -> Datastore:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "token").write_text("from a file\n")
    (tmp_path / "outside").write_text("not yours")
    backends = configured(
        {"env.": "environment:SECRET_", "file.": "file:secrets"}, environment=ENVIRONMENT, root=tmp_path
    )
    return Datastore(database, Vault(b"k" * 32), backends)


@pytest.mark.parametrize(
    ("name", "value"), [("env.TOKEN", "from the environment"), ("file.token", "from a file")]
)
def test_a_key_is_read_from_its_backend_as_a_secret(datastore: Datastore, name: str, value: str) -> None:
    sealed = datastore.get("system", name)
    assert sealed is not None
    assert value not in sealed
    assert datastore.decrypt(sealed) == value
    found = datastore.read("system", name, decrypt=True)
    assert found is not None
    assert (found.value, found.secret, found.encrypted) == (value, True, False)


def test_what_the_backend_has_not_is_not_there(datastore: Datastore) -> None:
    for name in ("env.NONE", "file.none", "env.", "file."):
        assert datastore.get("system", name) is None
    # The scope of a user is nobody's but the database's.
    datastore.put("user", "env.TOKEN", "mine", user="alice")
    assert datastore.get("user", "env.TOKEN", user="alice") == "mine"


def test_other_variables_of_the_server_are_out_of_reach(datastore: Datastore) -> None:
    for name in ("env.PATH", "env.../PATH", "env.STORMCROW_STORE__URL"):
        assert datastore.get("system", name) is None


@pytest.mark.parametrize("name", ["../outside", "..", ".", "/etc/passwd", "a/../../outside", "link", "a\0b"])
def test_files_outside_of_the_folder_are_out_of_reach(
    datastore: Datastore, tmp_path: Path, name: str
) -> None:
    (tmp_path / "secrets" / "link").symlink_to(tmp_path / "outside")
    assert datastore.get("system", f"file.{name}") is None


def test_a_file_that_is_no_text_is_told_without_its_content(datastore: Datastore, tmp_path: Path) -> None:
    (tmp_path / "secrets" / "raw").write_bytes(b"\xffcanary")
    with pytest.raises(StoreFailure, match="raw cannot be read") as caught:
        datastore.get("system", "file.raw")
    assert "canary" not in str(caught.value)


def test_it_is_in_no_list_and_cannot_be_written(datastore: Datastore) -> None:
    assert datastore.keys("system") == []
    with pytest.raises(BadInput, match="read only"):
        datastore.put("system", "env.TOKEN", "x")
    with pytest.raises(BadInput, match="read only"):
        datastore.remove("system", "file.token")


@pytest.mark.parametrize(
    "setting",
    [{"env.": "environment"}, {"": "file:x"}, {"env.": "environment:"}, {"env.": "enviroment:A"}],
)
def test_a_wrong_setting_is_told(setting: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"datastore\.backends"):
        configured(setting, environment={}, root=tmp_path)
