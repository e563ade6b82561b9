"""The secret key is changed and the server is killed in between: nothing that was sealed is lost."""

import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import requests

from engine.store.database import Database, sqlite_url
from engine.store.datastore import Datastore
from engine.store.key_ring import KeyRing
from engine.store.seals import Seals
from tests.conftest import missing
from tests.durability.server import serving, wait_until

SECRETS = 220
ROTATE = """
import sys
from pathlib import Path
from engine.store.database import Database, sqlite_url
from engine.store.key_ring import KeyRing
from engine.store.seals import Seals
folder = Path(sys.argv[1])
database = Database(sqlite_url(folder))
database.start()
seals = Seals(database, KeyRing(folder / "secret.key"))
seals.open()
seals.rotate(is_leaked=True)
print("rotated", flush=True)
database.close()
"""


class Opened:
    """The database with its key, as a start opens it."""

    def __init__(self, folder: Path) -> None:
        self._database = Database(sqlite_url(folder))
        self.ring = KeyRing(folder / "secret.key")
        self.seals = Seals(self._database, self.ring)
        self.datastore = Datastore(self._database, self.ring.vault)

    def __enter__(self) -> "Opened":
        self._database.start()
        self.seals.open()
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()


@pytest.mark.slow
def test_a_kill_at_any_write_of_a_rotation_leaves_every_secret(tmp_path: Path) -> None:
    strace = shutil.which("strace")
    if strace is None:
        missing("strace")
    with Opened(tmp_path) as opened:
        for number in range(SECRETS):
            opened.datastore.put("system", f"k{number}", f"secret {number}", secret=True)
    number, told = 0, ""
    while "rotated" not in told:
        number += 1
        assert number < 40, "a rotation does not need so many writes"
        inject = f"inject=fdatasync,fsync,rename:signal=SIGKILL:when={number}"
        trace = ["-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync,fsync,rename", "-e", inject]
        command = [str(strace), *trace, sys.executable, "-c", ROTATE, str(tmp_path)]
        told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout
        with Opened(tmp_path) as opened:
            keys = opened.datastore.keys("system", decrypt=True)
            assert {key.name: key.value for key in keys} == {
                f"k{one}": f"secret {one}" for one in range(SECRETS)
            }
            # What was left of it is done by the start, and the old key is gone.
            assert len(opened.ring.ids) == 1
    assert number > 5


@pytest.mark.slow
def test_a_server_that_is_killed_while_it_rotates_goes_on(tmp_path: Path) -> None:
    with serving(tmp_path, files={}) as server:
        for number in range(60):
            body = {"name": f"k{number}", "value": f"secret {number}", "secret": True}
            assert server.ask("PUT", f"/keys/k{number}", json=body).ok

        def rotate() -> None:
            try:
                while True:
                    server.ask("POST", "/secret_key/rotate", json={})
            except requests.RequestException:
                pass

        thread = threading.Thread(target=rotate)
        thread.start()
        before = (tmp_path / "data" / "secret.key").read_bytes()
        wait_until(lambda: (tmp_path / "data" / "secret.key").read_bytes() != before)
        server.kill()
        thread.join(30)
        server.start()
        found = {one["name"]: one["value"] for one in server.get("/keys?decrypt=true&limit=-1")}
        assert found == {f"k{number}": f"secret {number}" for number in range(60)}
