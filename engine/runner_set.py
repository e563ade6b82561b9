"""The runners by name, made when they are first needed."""

import threading
from collections.abc import Mapping

from engine.catalogue import Catalogue
from engine.errors import RunnerFailure
from engine.runners.base import Runner
from engine.runners.shim_client import Shims
from engine.runners.spool_runner import SpoolRunner
from engine.settings import Settings

BUILT_IN = {
    "local-shell-cmd": "engine.runners.local:LocalRunner",
    "local-shell-script": "engine.runners.local:LocalRunner",
    "python-script": "engine.runners.python_script:PythonRunner",
    "remote-shell-cmd": "engine.runners.remote:RemoteRunner",
    "remote-shell-script": "engine.runners.remote:RemoteRunner",
    "http-request": "engine.runners.http_request:HttpRequestRunner",
    "announcement": "engine.runners.announcement:AnnouncementRunner",
    "pack-installer": "engine.runners.pack_installer:PackInstaller",
    "noop": "engine.runners.noop:NoopRunner",
    "winrm-cmd": "engine.runners.winrm:WinRmRunner",
    "winrm-ps-cmd": "engine.runners.winrm:WinRmRunner",
    "winrm-ps-script": "engine.runners.winrm:WinRmRunner",
}


class RunnerSet:
    """One object per class serves all names that share it."""

    def __init__(self, settings: Settings, *, environment: Mapping[str, str]) -> None:
        """`environment`: the server's own; actions get only the variables that settings name."""
        self._settings = settings
        self._environment = environment
        self._shims = Shims(settings.data_folder / "spool", environment=environment)
        self._catalogue = Catalogue(BUILT_IN, group="stormcrow.runners")
        self._lock = threading.Lock()
        self._made: dict[type[Runner], Runner] = {}
        self._by_name: dict[str, Runner] = {}

    def start(self) -> None:
        """See to what an earlier server left in the spool, before anything is adopted or started."""
        self._shims.prepare()
        self._shims.start()

    def get(self, name: str) -> Runner:
        """Raises RunnerFailure for a runner that this version does not have."""
        found = self._by_name.get(name)
        return found if found is not None else self._make(name)

    def close(self) -> None:
        with self._lock:
            for runner in self._made.values():
                runner.close()
            self._made.clear()
            self._by_name.clear()
        self._shims.close()

    def _make(self, name: str) -> Runner:
        with self._lock:
            if name not in self._catalogue:
                raise RunnerFailure(
                    f'This version of Stormcrow cannot run "{name}" actions.',
                    hint=f"It can run: {', '.join(self._catalogue.names())}.",
                )
            kind: type[Runner] = self._catalogue.load(name)
            if kind not in self._made:
                self._made[kind] = self._new(kind)
            self._by_name[name] = self._made[kind]
            return self._by_name[name]

    def _new(self, kind: type[Runner]) -> Runner:
        if issubclass(kind, SpoolRunner):
            return kind(self._settings, self._shims, server_environment=self._environment)
        return kind(self._settings)
