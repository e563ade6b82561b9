"""What running actions print, on its way into the database.

Chunks are buffered and written in groups while an action runs, so that followers see them; what
is left goes into the transaction that ends the execution. An action that prints little before it
ends costs no write of its own.
"""

import threading
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection

from engine.clock import utcnow
from engine.errors import StoreFailure
from engine.executions import OUTPUT
from engine.expressions.masking import ValueMasker
from engine.records.execution import OutputChunk
from engine.runners.base import OutputKind
from engine.store import journal, outputs
from engine.store.database import Database

# How long output waits for more of it before it is written, in seconds.
GATHER_S = 0.1
# A buffer that has grown to this is written at once, so that memory stays bounded.
BUFFER_LIMIT_CHARACTERS = 262_144


class OutputSink:
    """The output of one execution. Used by the runner's threads and the log's."""

    def __init__(self, owner: "OutputLog", execution_id: str) -> None:
        self._owner = owner
        self.execution_id = execution_id
        self.is_held = False
        """Nothing is written before `close`: only the result tells what of it is secret. That is no more than
        actions.output_limit_bytes of each stream."""
        self._lock = threading.Lock()
        self._pending: list[tuple[OutputKind, str, datetime]] = []
        self._size = 0
        self._seq = 0

    def write(self, kind: OutputKind, text: str) -> None:
        if not text:
            return
        with self._lock:
            if self._pending and self._pending[-1][0] == kind:
                _, before, at = self._pending.pop()
                self._pending.append((kind, before + text, at))
            else:
                self._pending.append((kind, text, utcnow()))
            self._size += len(text)
            if self.is_held:
                return
            is_full = self._size >= BUFFER_LIMIT_CHARACTERS
        if is_full:
            self.flush()
        else:
            self._owner.gather(self)

    def flush(self) -> None:
        chunks = self._take()
        if chunks:
            self._owner.store(self.execution_id, chunks)

    def hide(self, secrets: Collection[str]) -> None:
        """Stars in the place of secrets in what is held, also where one reaches over a border of pieces."""
        masker = ValueMasker(secrets)
        with self._lock:
            whole: dict[OutputKind, str] = {}
            first_at: dict[OutputKind, datetime] = {}
            for kind, text, at in self._pending:
                whole[kind] = whole.get(kind, "") + text
                first_at.setdefault(kind, at)
            if any(masker.text(text) != text for text in whole.values()):
                self._pending = [(kind, masker.text(text), first_at[kind]) for kind, text in whole.items()]

    def close(self) -> Sequence[OutputChunk]:
        """What is not written yet, for the transaction that ends the execution."""
        self._owner.drop(self)
        return self._take()

    def _take(self) -> list[OutputChunk]:
        with self._lock:
            taken, self._pending, self._size = self._pending, [], 0
            chunks = []
            for kind, data, at in taken:
                self._seq += 1
                chunks.append(
                    OutputChunk(execution_id=self.execution_id, seq=self._seq, kind=kind, data=data, at=at)
                )
        return chunks


class OutputLog:
    """Writes the sinks' buffers from one thread, woken by the first output."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._dirty: set[OutputSink] = set()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="output", daemon=True)
        self._thread.start()

    def open(self, execution_id: str, *, again: bool = False) -> OutputSink:
        """`again`: an earlier server wrote some of it, and the runner will tell all of it anew."""
        if again:
            self._database.write(lambda connection: outputs.drop(connection, execution_id))
        return OutputSink(self, execution_id)

    def stop(self) -> None:
        self._stopping.set()
        self._wake.set()
        self._thread.join(2 * GATHER_S + 1)

    def gather(self, sink: OutputSink) -> None:
        with self._lock:
            self._dirty.add(sink)
        self._wake.set()

    def drop(self, sink: OutputSink) -> None:
        with self._lock:
            self._dirty.discard(sink)

    def store(self, execution_id: str, chunks: Sequence[OutputChunk]) -> None:
        def work(connection: Connection) -> None:
            outputs.add(connection, chunks)
            journal.mention(connection, OUTPUT, execution_id, {"seq": chunks[-1].seq})

        self._database.write(work)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait()
            if self._stopping.wait(GATHER_S):
                return
            self._wake.clear()
            with self._lock:
                dirty, self._dirty = self._dirty, set()
            for sink in dirty:
                try:
                    sink.flush()
                except StoreFailure:
                    return
