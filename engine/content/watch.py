"""Watching the content folders: a change on the disk becomes one call, some time after the last."""

import logging
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import watchfiles

from engine.errors import EngineError

log = logging.getLogger(__name__)

DEBOUNCE_MS = 400
# How often the watch looks for folders that appeared, and for the wish to stop.
_LOOK_MS = 1_000
_STOP_WAIT_S = 5.0


def watch(folders: Iterable[Path], on_change: Callable[[], None]) -> Callable[[], None]:
    """Call `on_change` in a thread of its own after files under `folders` changed.

    Changes within 400 ms are one call. A folder that does not exist yet is watched from when it
    appears, which is a change too. An EngineError of `on_change` is logged, and watching goes on.
    Returns what stops it.
    """
    stopped = threading.Event()
    wanted = list(folders)
    # Looked up before the thread starts: a folder made after this call is a change.
    there = _existing(wanted)
    watcher = threading.Thread(
        target=_run, args=(wanted, there, on_change, stopped), name="content-watch", daemon=True
    )
    watcher.start()

    def stop() -> None:
        stopped.set()
        if threading.current_thread() is not watcher:
            watcher.join(_STOP_WAIT_S)

    return stop


def _run(
    folders: list[Path], there: list[Path], on_change: Callable[[], None], stopped: threading.Event
) -> None:
    while not stopped.is_set():
        if there:
            _watch_until_other(folders, there, on_change, stopped)
        else:
            stopped.wait(_LOOK_MS / 1_000)
        now = _existing(folders)
        if now != there and not stopped.is_set():
            there = now
            _call(on_change)


class _Shown(watchfiles.DefaultFilter):
    """Not what is hidden in a folder of packs: an installer builds there what nobody uses yet."""

    def __init__(self, folders: list[Path]) -> None:
        super().__init__()
        # As the watch names what has changed.
        self._folders = [str(folder) for folder in folders]

    def __call__(self, change: watchfiles.Change, path: str) -> bool:
        is_hidden = any(path.startswith(f"{folder}/.") for folder in self._folders)
        return not is_hidden and super().__call__(change, path)


def _existing(folders: list[Path]) -> list[Path]:
    return [folder for folder in folders if folder.is_dir()]


def _watch_until_other(
    folders: list[Path], there: list[Path], on_change: Callable[[], None], stopped: threading.Event
) -> None:
    """Returns when other folders exist than those in `there`, or when it is to stop."""
    changes = watchfiles.watch(
        *there,
        watch_filter=_Shown(there),
        stop_event=stopped,
        debounce=DEBOUNCE_MS,
        rust_timeout=_LOOK_MS,
        yield_on_timeout=True,
        raise_interrupt=False,
    )
    for changed in changes:
        if changed and not stopped.is_set():
            _call(on_change)
        if _existing(folders) != there:
            return


def _call(on_change: Callable[[], None]) -> None:
    try:
        on_change()
    except EngineError as error:
        log.error("content could not be reloaded: %s", error)
