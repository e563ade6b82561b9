"""What is looked up when somebody asks: queues, chats, sensors, the store, ourselves."""

import platform
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path

from engine.chat_states import ChatStates
from engine.clock import utcnow
from engine.content.registry import Content
from engine.errors import StoreFailure
from engine.metrics.board import Board
from engine.metrics.tallies import Sample
from engine.records.sensor import SensorState
from engine.sensors.supervisor import Sensors
from engine.store import audit, measures
from engine.store.database import Database
from engine.store.reader import JournalReader
from engine.webhooks.tally import Tallies, Tally

# The hook under which addresses are counted that nobody set up.
_NO_HOOK = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What is looked at. `busy` and `events_waiting` give how many."""

    database: Database
    readers: Sequence[JournalReader]
    content: Content
    chats: ChatStates
    sensors: Sensors
    tallies: Tallies
    busy: Callable[[], int]
    events_waiting: Callable[[], int]
    workers: int
    data_folder: Path


class Sources:
    """Asked by the board, in the thread of whoever looks."""

    def __init__(self, looked: Looked, board: Board) -> None:
        self._looked = looked
        self._hooks, self._sensors = board.vocabulary(), board.vocabulary()
        self._started_at = utcnow()

    def join(self, board: Board) -> None:
        for source in (self._work, self._waiting, self._store, self._webhooks, self._health, self._about):
            board.ask(source)

    def _work(self) -> Iterator[Sample]:
        looked = self._looked
        busy = looked.busy()
        yield Sample(metric="workers", labels=("busy",), value=busy)
        yield Sample(metric="workers", labels=("free",), value=max(0, looked.workers - busy))
        yield Sample(metric="events_waiting", value=looked.events_waiting())
        yield Sample(metric="writes_waiting", value=looked.database.waiting)
        for reader in list(looked.readers):
            yield Sample(metric="journal_lag_entries", labels=(reader.name,), value=reader.lag)

    def _waiting(self) -> Iterator[Sample]:
        now = utcnow()
        chats = self._looked.chats.all()
        with self._looked.database.read() as connection:
            for status, count in measures.open_executions(connection).items():
                yield Sample(metric="executions", labels=(status,), value=count)
            for queued, due_at in measures.queue_starts(connection).items():
                age_s = _age_s(due_at, now)
                yield Sample(metric="execution_queue_age_seconds", labels=(queued.value,), value=age_s)
            asked = measures.inquiries(connection)
            yield Sample(metric="inquiries_open", value=asked.count)
            yield Sample(metric="inquiry_age_seconds", value=_age_s(asked.oldest_at, now))
            for chat in chats:
                waits = measures.outbox(connection, chat.name)
                labels = (chat.name,)
                yield Sample(metric="chat_up", labels=labels, value=chat.is_up)
                yield Sample(metric="chat_connections", labels=labels, value=chat.connections)
                yield Sample(metric="chat_connections_wanted", labels=labels, value=chat.connections_wanted)
                yield Sample(metric="chat_outbox_messages", labels=labels, value=waits.count)
                yield Sample(
                    metric="chat_outbox_age_seconds", labels=labels, value=_age_s(waits.oldest_at, now)
                )

    def _store(self) -> Iterator[Sample]:
        database, folder = self._looked.database, self._looked.data_folder
        if database.is_sqlite:
            files = [folder / f"stormcrow.db{end}" for end in ("", "-wal")]
            size = sum(file.stat().st_size for file in files if file.exists())
        else:
            with database.read() as connection:
                size = measures.size_bytes(connection)
        yield Sample(metric="database_size_bytes", value=size)
        with database.read() as connection:
            yield Sample(metric="audit_acts", value=audit.head(connection).number)
        try:
            free = shutil.disk_usage(folder).free
        except OSError as error:
            raise StoreFailure(f"The free space of {folder} is not known: {error.strerror}.") from error
        yield Sample(metric="disk_free_bytes", value=free)

    def _webhooks(self) -> Iterator[Sample]:
        tallies = self._looked.tallies
        summed: dict[tuple[str, str, str], int] = {}
        for url, tally in [*tallies.known.copy().items(), (_NO_HOOK, tallies.others)]:
            hook = self._hooks.word(url) if url != _NO_HOOK else url
            for labels, count in _of_hook(hook, tally):
                summed[labels] = summed.get(labels, 0) + count
        for (metric, hook, outcome), count in summed.items():
            yield Sample(metric=metric, labels=(hook, outcome), value=count)

    def _health(self) -> Iterator[Sample]:
        states: dict[tuple[str, str], int] = {}
        restarts: dict[str, int] = {}
        events: dict[str, int] = {}
        for sensor in self._looked.sensors.known():
            ref = self._sensors.word(sensor.ref)
            for state in SensorState:
                is_now = sensor.state is state
                states[ref, state.value] = states.get((ref, state.value), 0) + is_now
            restarts[ref] = restarts.get(ref, 0) + sensor.restarts
            events[ref] = events.get(ref, 0) + sensor.events
        for labels, count in states.items():
            yield Sample(metric="sensor_state", labels=labels, value=count)
        for ref, count in restarts.items():
            yield Sample(metric="sensor_restarts", labels=(ref,), value=count)
            yield Sample(metric="sensor_events", labels=(ref,), value=events[ref])

    def _about(self) -> Iterator[Sample]:
        yield Sample(metric="build_info", labels=(version(), platform.python_version()), value=1)
        yield Sample(metric="content_unavailable", value=len(self._looked.content.current.unavailable))
        yield Sample(metric="started_time_seconds", value=self._started_at.timestamp())


def version() -> str:
    """Of Stormcrow; 0 where it was not installed."""
    try:
        return metadata.version("stormcrow")
    except metadata.PackageNotFoundError:
        return "0"


def _age_s(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())


def _of_hook(hook: str, tally: Tally) -> Iterator[tuple[tuple[str, str, str], int]]:
    yield ("webhook_deliveries", hook, "new"), tally.accepted
    yield ("webhook_deliveries", hook, "duplicate"), tally.duplicates
    for reason, count in tally.reasons.copy().items():
        yield ("webhook_refusals", hook, reason), count
