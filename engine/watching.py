"""How a server is watched: its health, its measures, its traces; put together, started, stopped."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.chat_states import ChatStates
from engine.content.registry import Content
from engine.health import Health, Parts
from engine.metrics.board import Board
from engine.metrics.journal_counts import CommitCounts, JournalCounts
from engine.metrics.sources import Looked, Sources
from engine.records.execution import Execution
from engine.records.trigger import TriggerInstance
from engine.sensors.supervisor import Sensors
from engine.settings import Settings
from engine.store.database import Database
from engine.store.reader import JournalReader
from engine.tracing.room import Tracing, make_tracing
from engine.webhooks.tally import Tallies


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What is watched. `lives`: threads that must run, by name; each says whether it does."""

    settings: Settings
    folder: Path
    database: Database
    readers: Sequence[JournalReader]
    content: Content
    chats: ChatStates
    sensors: Sensors
    tallies: Tallies
    lives: Mapping[str, Callable[[], bool]]
    is_started: Callable[[], bool]
    busy: Callable[[], int]
    events_waiting: Callable[[], int]
    execution: Callable[[str], Execution]
    event: Callable[[str], TriggerInstance]


class Watching:
    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self.metrics = Board(label_limit=watched.settings.metrics.label_limit)
        self.tracing: Tracing | None = None
        """None: it is off."""
        self.health = Health(
            Parts(
                settings=watched.settings,
                database=watched.database,
                content=watched.content,
                chats=watched.chats,
                readers=watched.readers,
                sensors=watched.sensors.known,
                lives=watched.lives,
                is_started=watched.is_started,
                spool=watched.folder / "spool",
                data_folder=watched.folder,
            )
        )

    def start(self) -> None:
        """From here on it is counted what happens. Raises BadSettings without the extra for traces."""
        watched = self._watched
        watched.database.observe(CommitCounts(self.metrics).heard)
        watched.database.attach(JournalCounts(self.metrics).heard)
        looked = Looked(
            database=watched.database,
            readers=watched.readers,
            content=watched.content,
            chats=watched.chats,
            sensors=watched.sensors,
            tallies=watched.tallies,
            busy=watched.busy,
            events_waiting=watched.events_waiting,
            workers=watched.settings.actions.workers,
            data_folder=watched.folder,
        )
        Sources(looked, self.metrics).join(self.metrics)
        self.tracing = make_tracing(
            watched.settings.tracing, self.metrics, execution=watched.execution, event=watched.event
        )
        if self.tracing is not None:
            watched.database.attach(self.tracing.heard)

    def stop(self) -> None:
        if self.tracing is not None:
            self.tracing.stop()

    def environment(self, execution: Execution) -> dict[str, str]:
        """What an action is told of its trace; nothing while that is off."""
        return {} if self.tracing is None else self.tracing.environment(execution)
