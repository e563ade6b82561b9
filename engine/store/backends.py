"""Read-only backends of the datastore: keys with a prefix that stand somewhere else.

The setting datastore.backends maps a prefix to `NAME:ARGUMENT`. Built in are `environment:START`,
variables of the server whose names begin with START, and `file:FOLDER`, one file per key. Others come
from entry points in the group `stormcrow.datastores`: a class that is called with the argument, and
whose `read(name)` gives the text of a key without its prefix, or None.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from engine.catalogue import Catalogue
from engine.errors import BadSettings, StoreFailure, nearest

GROUP = "stormcrow.datastores"
LONGEST_BYTES = 1_048_576
_BUILT_IN = ("environment", "file")
_FILE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}")


class Backend(Protocol):
    def read(self, name: str) -> str | None:
        """The text of a key; None where there is none. Raises StoreFailure when it cannot be asked."""
        ...


class EnvironmentBackend:
    """`env.TOKEN` is the variable START + TOKEN; other variables are out of reach."""

    def __init__(self, start: str, environment: Mapping[str, str]) -> None:
        self._start = start
        self._environment = environment

    def read(self, name: str) -> str | None:
        return self._environment.get(f"{self._start}{name}")


class FileBackend:
    """`file.token` is the file `token` in the folder, without the line break at its end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> str | None:
        path = self._folder / name
        if not _FILE_NAME.fullmatch(name) or not path.resolve().is_relative_to(self._folder.resolve()):
            return None
        try:
            with path.open("rb") as file:
                raw = file.read(LONGEST_BYTES + 1)
            text = raw.decode()
        except (FileNotFoundError, IsADirectoryError):
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise StoreFailure(f"The secret file {path} cannot be read: {error}.") from error
        if len(raw) > LONGEST_BYTES:
            raise StoreFailure(f"The secret file {path} is larger than {LONGEST_BYTES} bytes.")
        return text.removesuffix("\n").removesuffix("\r")


class Backends:
    """The configured ones, by prefix; without any, nothing is theirs."""

    def __init__(self, by_prefix: Mapping[str, Backend] | None = None) -> None:
        # The longest prefix that fits decides.
        found = sorted((by_prefix or {}).items(), key=lambda item: -len(item[0]))
        self._by_prefix = tuple(found)

    def owns(self, name: str) -> bool:
        return any(name.startswith(prefix) for prefix, _ in self._by_prefix)

    def read(self, name: str) -> str | None:
        for prefix, backend in self._by_prefix:
            if name.startswith(prefix):
                return backend.read(name[len(prefix) :])
        return None

    def about(self, name: str) -> str:
        prefix = next(prefix for prefix, _ in self._by_prefix if name.startswith(prefix))
        return f"Read from the backend of {prefix}"


def configured(settings: Mapping[str, str], *, environment: Mapping[str, str], root: Path) -> Backends:
    """The backends that the setting names. Raises BadSettings.

    `environment`: the server's own variables; `root`: what relative folders are relative to.
    """
    made: dict[str, Backend] = {}
    for prefix, text in settings.items():
        where = f"datastore.backends: {prefix}"
        name, _, argument = text.partition(":")
        if not prefix or not name or not argument:
            raise BadSettings(
                f"{text!r} is no backend.",
                hint='Write for example {"env.": "environment:SECRET_", "file.": "file:/run/secrets"}.',
                where=where,
            )
        made[prefix] = _backend(name, argument, where, environment=environment, root=root)
    return Backends(made)


def _backend(name: str, argument: str, where: str, *, environment: Mapping[str, str], root: Path) -> Backend:
    if name == "environment":
        return EnvironmentBackend(argument, environment)
    if name == "file":
        return FileBackend(root / Path(argument).expanduser())
    catalogue = Catalogue({}, group=GROUP)
    if name not in catalogue:
        known = [*_BUILT_IN, *catalogue.names()]
        hint = nearest(name, known) or f"Known: {', '.join(known)}."
        raise BadSettings(f"There is no backend {name!r}.", hint=hint, where=where)
    try:
        backend: Backend = catalogue.load(name)(argument)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise BadSettings(f"The backend {name!r} cannot be used: {error}", where=where) from error
    return backend
