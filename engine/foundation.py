"""What stands below everything else: the data folder, taken for this process alone, and the store in it."""

import fcntl
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING

from engine.errors import StoreFailure
from engine.settings import Settings
from engine.store.backends import configured
from engine.store.database import Database, sqlite_url
from engine.store.datastore import Datastore
from engine.store.expiry import Expiry
from engine.store.key_ring import KeyRing
from engine.store.keyczar import read_key
from engine.store.seals import Seals
from engine.store.vault import write_private

if TYPE_CHECKING:
    from engine.store.wakes import Wakes

SHIPPED_PACKS = Path(__file__).with_name("shipped_packs")


class Foundation:
    """Made once per server. Raises StoreFailure when another one has the folder, or it cannot be used."""

    def __init__(self, settings: Settings, *, environment: Mapping[str, str]) -> None:
        """`environment`: the server's own; backends of the datastore may show some of it."""
        backends = configured(settings.datastore.backends, environment=environment, root=settings.path("."))
        st2_file = settings.datastore.st2_key_file
        st2_key = read_key(settings.path(st2_file)) if st2_file else None
        self.folder = _data_folder(settings.data_folder)
        self._lock_file = _lock(self.folder)
        url = settings.store.url or sqlite_url(self.folder)
        self.database = Database(url, durability=settings.store.durability)
        ring = KeyRing(self.folder / "secret.key")
        self.vault = ring.vault
        self.seals = Seals(self.database, ring)
        self.datastore = Datastore(self.database, self.vault, backends, st2_key=st2_key)
        # Nobody else uses a file of SQLite.
        self._wakes = None if self.database.is_sqlite else _wakes(self.database)
        self.expiry = Expiry(self.database, self.datastore)

    def start(self) -> None:
        """Raises StoreFailure."""
        self.database.start()
        if self._wakes is not None:
            self._wakes.start()
        self.seals.open()

    def stop(self) -> None:
        """The database is closed, and the folder free. Idempotent."""
        if self._wakes is not None:
            self._wakes.stop()
        self.database.close()
        if not self._lock_file.closed:
            self._lock_file.close()

    def server_id(self) -> str:
        """Names this server among those that share a database; the same after every start."""
        path = self.folder / "server.id"
        if not path.exists():
            write_private(path, secrets.token_hex(8).encode())
        return path.read_text().strip()


def _wakes(database: Database) -> "Wakes":
    from engine.store.wakes import Wakes  # noqa: PLC0415 - brings the driver of PostgreSQL, slow to import

    return Wakes(database)


def _data_folder(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise StoreFailure(
            f"The data folder {folder} cannot be used: {error.strerror}.",
            hint="Set store.data, or use --data.",
        ) from error
    return folder


def _lock(folder: Path) -> IO[str]:
    """Held until this process ends; the kernel lets go of it even after kill -9."""
    descriptor = os.open(folder / "server.lock", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    file = os.fdopen(descriptor, "a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        owner = file.read().strip() or "unknown"
        file.close()
        raise StoreFailure(
            f"Another Stormcrow (process {owner}) is using the data folder {folder}.",
            hint="Stop it first, or give this one a folder of its own with --data.",
        ) from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def shipped_packs() -> Path:
    """The packs that came with us: inside an installed wheel, or beside the code in a checkout."""
    return SHIPPED_PACKS if SHIPPED_PACKS.is_dir() else Path(__file__).resolve().parent.parent / "packs"
