"""The watch calls once after changes, survives a failing call, and stops."""

import threading
import time
from pathlib import Path

from engine.content.watch import watch
from engine.errors import BadContent


class Calls:
    """Counts calls and lets a test wait for one."""

    def __init__(self, *, fails: bool = False) -> None:
        self.count = 0
        self._fails = fails
        self._called = threading.Event()

    def __call__(self) -> None:
        self.count += 1
        self._called.set()
        if self._fails:
            raise BadContent("no good")

    def wait(self, timeout_s: float = 60) -> bool:
        came = self._called.wait(timeout_s)
        self._called.clear()
        return came


def settle() -> None:
    """Lets the watch begin; it has no sign for it."""
    time.sleep(0.5)


def is_noticed(path: Path, calls: Calls) -> bool:
    """Changes the file until somebody is called: the watch may not have begun at the first time."""
    for number in range(60):
        path.write_text(f"a: {number}", encoding="utf-8")
        if calls.wait(1):
            return True
    return False


def test_many_changes_are_few_calls(tmp_path: Path) -> None:
    calls = Calls()
    stop = watch([tmp_path], calls)
    try:
        assert is_noticed(tmp_path / "first.yaml", calls)
        before = calls.count
        for number in range(40):
            (tmp_path / f"{number}.yaml").write_text("a: 1", encoding="utf-8")
        assert calls.wait()
        # One, were it not for a machine that may be busy between two changes.
        assert calls.count - before < 20
    finally:
        stop()


def test_watching_goes_on_after_a_failed_reload(tmp_path: Path) -> None:
    calls = Calls(fails=True)
    stop = watch([tmp_path], calls)
    try:
        assert is_noticed(tmp_path / "a.yaml", calls)
        assert is_noticed(tmp_path / "b.yaml", calls)
    finally:
        stop()


def test_a_folder_that_appears_later_is_watched(tmp_path: Path) -> None:
    calls = Calls()
    stop = watch([tmp_path / "later"], calls)
    try:
        (tmp_path / "later").mkdir()
        assert calls.wait()
        assert is_noticed(tmp_path / "later/a.yaml", calls)
    finally:
        stop()


def test_nothing_is_called_after_the_stop(tmp_path: Path) -> None:
    calls = Calls()
    stop = watch([tmp_path], calls)
    settle()
    stop()
    (tmp_path / "a.yaml").write_text("a: 1", encoding="utf-8")
    time.sleep(0.6)
    assert calls.count == 0
    assert not [thread for thread in threading.enumerate() if thread.name == "content-watch"]


def test_what_is_hidden_in_a_watched_folder_calls_nobody(tmp_path: Path) -> None:
    """An installer builds there; what it has built comes into its place in one step, which is a change."""
    calls = Calls()
    (tmp_path / ".abc.installing" / "actions").mkdir(parents=True)
    stop = watch([tmp_path], calls)
    try:
        assert is_noticed(tmp_path / "first.yaml", calls)
        while calls.wait(1):
            pass
        before = calls.count
        for number in range(5):
            (tmp_path / ".abc.installing" / "actions" / f"{number}.yaml").write_text("a: 1", encoding="utf-8")
            time.sleep(0.2)
        assert calls.count == before
        (tmp_path / ".abc.installing").rename(tmp_path / "abc")
        assert calls.wait()
    finally:
        stop()
