"""How the server is: each thing that it needs is really tried, and what is wrong says what to do.

`alive` is whether a restart would help: the process turns, its writer and its database answer. `ready` is
whether it can take work: all of that, and writes are taken, actions start, chats are connected, the disk
has room.
"""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from engine.chat_states import ChatStates
from engine.clock import utcnow
from engine.content.registry import Content
from engine.errors import StoreFailure
from engine.records.sensor import SensorHealth
from engine.settings import Settings
from engine.store import journal, measures
from engine.store.database import Database
from engine.store.reader import JournalReader

# How long the writer and the database may take to answer.
DEADLINE_S = 2.0
# A failed transaction counts for so long: small ones may still be taken while large ones are not.
TROUBLE_S = 30.0
# Who asks more often gets what was found last; nobody can keep us busy by asking.
FRESH_S = 1.0
# An entry of the journal so far in the future says that our clock went back.
_CLOCK_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was tried. `hint` says what to do; empty when it is ok.

    `decides`: the server is not ready while this is wrong; otherwise it is only told.
    """

    name: str
    is_ok: bool
    text: str
    hint: str = ""
    decides: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What is looked at. `lives`: threads that must run, by their names; each says whether it does."""

    settings: Settings
    database: Database
    content: Content
    chats: ChatStates
    readers: Sequence[JournalReader]
    sensors: Callable[[], Sequence[SensorHealth]]
    lives: Mapping[str, Callable[[], bool]]
    is_started: Callable[[], bool]
    spool: Path
    data_folder: Path


class Health:
    """From any thread; it may block for a few seconds, so never from the event loop."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lock = threading.Lock()
        self._looking = {"alive": threading.Lock(), "ready": threading.Lock()}
        self._kept: dict[str, tuple[float, list[Finding]]] = {}
        self._probe: tuple[float, Future[None]] | None = None

    def alive(self) -> list[Finding]:
        return self._fresh("alive", lambda: [self._writer(), self._database()])

    def ready(self) -> list[Finding]:
        return self._fresh("ready", lambda: [*self.alive(), *self._rest()])

    def _fresh(self, name: str, look: Callable[[], list[Finding]]) -> list[Finding]:
        # Many who ask at once wait for the first of them.
        with self._looking[name]:
            at, found = self._kept.get(name, (float("-inf"), []))
            if time.monotonic() - at > FRESH_S:
                found = look()
                self._kept[name] = (time.monotonic(), found)
        return found

    # the store

    def _writer(self) -> Finding:
        """Has a job of no consequence gone through it; one that is stuck gets no second one behind it."""
        began, probe = self._asked()
        try:
            probe.result(DEADLINE_S)
        except TimeoutError:
            waits_s = time.monotonic() - began
            return Finding(
                name="writer",
                is_ok=False,
                text=f"the thread that writes has not answered for {waits_s:.0f} s",
                hint="Something holds the database: another program that has it open, or a disk that hangs. "
                "Look into the log; if that does not help, restart the server.",
            )
        except (SQLAlchemyError, StoreFailure):
            # It answers; what the database says to it is the matter of `writes`.
            pass
        return Finding(name="writer", is_ok=True, text="answers")

    def _asked(self) -> tuple[float, "Future[None]"]:
        with self._lock:
            known = self._probe
            if known is None or (known[1].done() and time.monotonic() - known[0] > FRESH_S):
                try:
                    future = self._parts.database.submit(measures.try_to_write)
                except StoreFailure as error:
                    future = Future()
                    future.set_exception(error)
                known = self._probe = (time.monotonic(), future)
            return known

    def _writes(self) -> Finding:
        said = ""
        _began, probe = self._asked()
        try:
            probe.result(DEADLINE_S)
        except (SQLAlchemyError, StoreFailure) as error:
            said = first_line(error)
        except TimeoutError:
            said = "no answer"
        if not said:
            return self._after_trouble()
        return Finding(
            name="writes",
            is_ok=False,
            text=f"the database does not take writes: {said}",
            hint="Nothing is accepted until it does. Check the free space, the mode and owner of the files, "
            "and whether the file system is mounted read-only.",
        )

    def _after_trouble(self) -> Finding:
        """Ours was taken; what others wanted to write a moment ago may not have been."""
        trouble = self._parts.database.trouble
        ago_s = float("inf") if trouble is None else time.monotonic() - trouble.at_s
        if trouble is None or ago_s >= TROUBLE_S:
            return Finding(name="writes", is_ok=True, text="the database takes writes")
        return Finding(
            name="writes",
            is_ok=False,
            text=f"a write was refused {ago_s:.0f} s ago, and small ones are taken again: {trouble.text}",
            hint=f"This ends {TROUBLE_S:.0f} s after the last refusal. If it goes on, check the free "
            "space, the mode and owner of the files, and whether the file system is mounted read-only.",
        )

    def _database(self) -> Finding:
        began = time.perf_counter()
        try:
            with self._parts.database.read() as connection:
                journal.newest(connection)
        except SQLAlchemyError as error:
            return Finding(
                name="database",
                is_ok=False,
                text=f"it cannot be read: {first_line(error)}",
                hint="Check store.url and its server, or the file stormcrow.db; stormcrow doctor checks it.",
            )
        took_ms = (time.perf_counter() - began) * 1000
        return Finding(name="database", is_ok=True, text=f"answers in {took_ms:.1f} ms")

    # the rest

    def _rest(self) -> Iterator[Finding]:
        yield self._writes()
        yield self._engine()
        yield self._threads()
        yield self._content()
        yield self._disk()
        yield self._spool()
        yield self._clock()
        yield self._sensors()
        yield from self._chats()

    def _engine(self) -> Finding:
        if self._parts.is_started():
            return Finding(name="engine", is_ok=True, text="started: migrations are done, actions run")
        return Finding(
            name="engine", is_ok=False, text="it is starting or stopping", hint="Wait, or start the server."
        )

    def _threads(self) -> Finding:
        lives = {**self._parts.lives, **{f"journal {one.name}": _life_of(one) for one in self._parts.readers}}
        dead = [name for name, is_alive in lives.items() if not is_alive()]
        if not dead:
            return Finding(name="threads", is_ok=True, text=f"all {len(lives)} run")
        return Finding(
            name="threads",
            is_ok=False,
            text=f"ended by a fault of ours: {', '.join(dead)}",
            hint="Restart the server, and report what the log says.",
        )

    def _content(self) -> Finding:
        registry = self._parts.content.current
        broken = len(registry.unavailable)
        text = f"{len(registry.packs)} packs, {len(registry.actions)} actions"
        if not registry.packs:
            return Finding(name="content", is_ok=False, text="no pack is loaded", hint="Check content.packs.")
        if broken:
            return Finding(
                name="content",
                is_ok=False,
                decides=False,
                text=f"{text}; {broken} files cannot be used",
                hint="List them: stormcrow doctor",
            )
        return Finding(name="content", is_ok=True, text=text)

    def _disk(self) -> Finding:
        folder, wanted = self._parts.data_folder, self._parts.settings.health.disk_free_mb
        try:
            free = shutil.disk_usage(folder).free / 1_048_576
        except OSError as error:
            return Finding(
                name="disk", is_ok=False, text=f"{folder}: {error.strerror}", hint="Check the data folder."
            )
        text = f"{free:.0f} MB free for {folder}"
        if free >= wanted:
            return Finding(name="disk", is_ok=True, text=text)
        return Finding(
            name="disk",
            is_ok=False,
            text=f"{text}; health.disk_free_mb wants {wanted:.0f}",
            hint="Make room there, or move store.data to a larger disk.",
        )

    def _spool(self) -> Finding:
        folder = self._parts.spool
        if os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            return Finding(name="spool", is_ok=True, text="local actions can be started")
        return Finding(
            name="spool",
            is_ok=False,
            text=f"{folder} cannot be used, and so no local action can be started",
            hint="Give it back to the account of the server, mode 0700.",
        )

    def _clock(self) -> Finding:
        try:
            with self._parts.database.read() as connection:
                newest = journal.newest_at(connection)
        except SQLAlchemyError as error:
            return Finding(name="clock", is_ok=True, decides=False, text=f"not known: {first_line(error)}")
        ahead_s = _seconds_after(newest, utcnow())
        if ahead_s <= _CLOCK_S:
            return Finding(name="clock", is_ok=True, decides=False, text="goes forward")
        return Finding(
            name="clock",
            is_ok=False,
            decides=False,
            text=f"it is {ahead_s:.0f} s behind what was written last",
            hint="The clock was put back, or another server of this database has another time: use NTP.",
        )

    def _sensors(self) -> Finding:
        sensors = self._parts.sensors()
        failing = [one for one in sensors if one.failures]
        if not failing:
            return Finding(name="sensors", is_ok=True, decides=False, text=f"none of {len(sensors)} fails")
        worst = max(failing, key=lambda one: one.failures)
        error = (worst.last_error.splitlines() or ["it does not say why"])[0]
        return Finding(
            name="sensors",
            is_ok=False,
            decides=False,
            text=f"{len(failing)} of {len(sensors)} failed; {worst.ref} {worst.failures} in a row: {error}",
            hint=f"What they do not see fires no rule. Its log: stormcrow sensor logs {worst.ref}",
        )

    def _chats(self) -> Iterator[Finding]:
        decides = self._parts.settings.health.chats
        for chat in self._parts.chats.all():
            name = f"chat {chat.name}"
            if chat.is_up:
                text = "; ".join(part for part in ("connected", chat.about, chat.trouble) if part)
                yield Finding(name=name, is_ok=True, decides=decides, text=text)
                continue
            since = f" since {chat.since:%Y-%m-%d %H:%M:%S} UTC" if chat.since else ""
            yield Finding(
                name=name,
                is_ok=False,
                decides=decides,
                text=f"not connected{since}: {chat.trouble or chat.about or 'it does not say why'}",
                hint=f"stormcrow doctor {'slack' if chat.name.startswith('slack') else chat.name}",
            )


def first_line(error: Exception) -> str:
    return (str(error.__cause__ or error).splitlines() or [type(error).__name__])[0]


def _life_of(reader: JournalReader) -> Callable[[], bool]:
    return lambda: reader.is_alive


def _seconds_after(moment: datetime | None, now: datetime) -> float:
    return 0.0 if moment is None else (moment - now).total_seconds()
