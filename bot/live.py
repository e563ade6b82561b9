"""Shows executions while they run: the acknowledgement, the time, the last lines of output.

Nothing here waits for a chat in the thread that writes to the database, and nothing here is
needed for the result: what is lost here is only not shown.
"""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial

from sqlalchemy import Connection

from bot import formatting, wording, workflows
from bot.chat import Place, Reply
from bot.port import ChatAdapter, Outgoing
from bot.trees import ShownTask
from engine.alias_executions import AliasExecution
from engine.errors import EngineError
from engine.records.chat import Posting
from engine.records.execution import Execution
from engine.records.journal import JournalEntry
from engine.service import Engine
from engine.status import FINISHED, Status
from engine.store import chat as store
from engine.store import comforts

log = logging.getLogger(__name__)

# What ends sooner is answered with its result alone: one message, one commit less.
ACK_AFTER_S = 0.15
# The shortest time between two refreshes, and the longest while nothing is printed.
REFRESH_S = 1.0
IDLE_REFRESH_S = 5.0
TAIL_LINES = 8
_TAIL_CHARACTERS = 4000
# How many ended executions are remembered, for acknowledgements that come after the end.
_REMEMBERED = 4096


@dataclass(slots=True, kw_only=True)
class Watched:
    """A running execution of this chat; only touched under the lock of `Live`."""

    execution: Execution
    place: Place
    ack: AliasExecution | None = None
    is_acknowledged: bool = False
    due: float = 0.0
    """On the monotonic clock."""
    shown_at: float = 0.0
    status: Status = Status.REQUESTED
    seq: int = 0
    tail: str = ""
    parts: set[str] = field(default_factory=set)
    """Executions of workflows in it, and its own: what happens below them is news of it."""
    has_news: bool = True
    is_kept: bool = False
    """The message shows what was shown last, for good."""
    started: float = field(default_factory=time.monotonic)


class Live:
    """One thread per adapter, asleep until something is due."""

    def __init__(self, engine: Engine, adapter: ChatAdapter, posting: threading.RLock) -> None:
        """`posting` is held around every post and edit."""
        self._engine = engine
        self._adapter = adapter
        self._posting = posting
        self._wake = threading.Condition()
        self._watched: dict[str, Watched] = {}
        self._trees = workflows.WorkflowTrees(engine)
        # An execution of a workflow -> the watched one in which it runs.
        self._roots: dict[str, Watched] = {}
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=f"live:{adapter.name}", daemon=True)

    def start(self) -> None:
        """Take up again what an earlier server had acknowledged."""
        with self._engine.database.read() as connection:
            postings = store.open_postings(connection, self._adapter.name)
        for posting in postings:
            self._take_up(posting)
        self._thread.start()

    def _take_up(self, posting: Posting) -> None:
        try:
            execution = self._engine.execution(posting.execution_id)
        except EngineError:
            log.warning("the execution of an open posting is gone", extra={"execution": posting.execution_id})
            return
        if execution.is_finished:
            return
        watched = Watched(
            execution=execution,
            place=wording.place_of(execution) or Place(channel=posting.channel, thread=posting.thread_id),
            is_acknowledged=True,
        )
        self._add(watched)

    def stop(self, *, timeout_s: float = 5.0) -> None:
        """Idempotent."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def watch(self, watched: Watched) -> None:
        """Follow an execution until `forget`; one that was forgotten already has ended."""
        if watched.ack is not None and not watched.ack.ack_enabled:
            # Without an acknowledgement there is nothing that a state could be shown in.
            watched.due = float("inf")
        elif wording.is_silent(watched.ack):
            # The acknowledgement is all that will ever be said.
            watched.due = 0.0
        else:
            watched.due = time.monotonic() + ACK_AFTER_S
        with self._wake:
            if watched.execution.id not in self._ended:
                self._add(watched)
                self._wake.notify()

    def _add(self, watched: Watched) -> None:
        self._watched[watched.execution.id] = watched
        if workflows.is_workflow(watched.execution):
            self._adopt(watched, [watched.execution.id])

    def _adopt(self, watched: Watched, execution_ids: Iterable[str]) -> None:
        for one in execution_ids:
            watched.parts.add(one)
            self._roots[one] = watched

    def is_watching(self, execution_id: str) -> bool:
        with self._wake:
            return execution_id in self._watched

    def forget(self, execution_id: str) -> Watched | None:
        """It has ended: from now on nothing of it is shown here."""
        with self._wake:
            self._ended[execution_id] = None
            while len(self._ended) > _REMEMBERED:
                self._ended.popitem(last=False)
            watched = self._watched.pop(execution_id, None)
            for one in watched.parts if watched is not None else ():
                self._roots.pop(one, None)
            return watched

    def seen(self, entries: list[JournalEntry]) -> None:
        """Told of every commit, in the writer's thread."""
        with self._wake:
            for entry in entries:
                if not entry.kind.startswith("execution."):
                    continue
                watched = self._watched.get(entry.subject)
                root = self._roots.get(entry.data.get("parent", ""))
                if watched is not None:
                    watched.status = Status(entry.data.get("status", watched.status))
                    if watched.status in FINISHED:
                        watched.due = float("inf")
                    else:
                        self._soon(watched)
                elif root is not None and root.status not in FINISHED:
                    if workflows.is_workflow_action(self._engine, str(entry.data.get("action"))):
                        self._adopt(root, [entry.subject])
                    self._soon(root)

    def _soon(self, watched: Watched) -> None:
        """It has news; shown as soon as its last refresh is long enough ago."""
        watched.has_news = True
        if watched.is_acknowledged and watched.shown_at + REFRESH_S < watched.due:
            watched.due = watched.shown_at + REFRESH_S
            self._wake.notify()

    # the thread

    def _run(self) -> None:
        while True:
            due = self._next()
            if due is None:
                return
            try:
                self._refresh(due)
            except (EngineError, OSError):
                log.warning("a running execution could not be shown", exc_info=True)
                due.due = time.monotonic() + IDLE_REFRESH_S

    def _next(self) -> Watched | None:
        """Sleeps until one is due; None at the end."""
        with self._wake:
            while not self._stopping:
                first = min(self._watched.values(), key=lambda watched: watched.due, default=None)
                left = (first.due - time.monotonic()) if first else float("inf")
                if first is not None and left <= 0:
                    first.due = time.monotonic() + IDLE_REFRESH_S
                    first.shown_at = time.monotonic()
                    return first
                self._wake.wait(None if left == float("inf") else left)
            return None

    def _refresh(self, watched: Watched) -> None:
        if not watched.is_acknowledged:
            self._acknowledge(watched)
            return
        is_workflow = workflows.is_workflow(watched.execution)
        if is_workflow and not watched.has_news and (watched.is_kept or not self._adapter.is_own):
            # That time goes by is no reason to edit a message, nor to show what stands there already.
            return
        had_news, watched.has_news = watched.has_news, False
        tasks = self._tasks(watched)
        if not is_workflow:
            self._read_output(watched)
        reply = wording.progress(
            self._engine,
            watched.execution,
            watched.ack,
            status=watched.status,
            tail=watched.tail,
            tasks=tasks,
        )
        outgoing = self._outgoing(watched, reply)
        rests = watched.status is Status.PAUSED or any(workflows.waiting_ids(tasks))
        if rests and had_news and self._adapter.capabilities.edits:
            # It may stand like this for hours, so whoever opens the page then must see it too.
            self._edit(watched, replace(outgoing, may_replace=True))
            return
        watched.is_kept = False
        with self._posting:
            if self.is_watching(watched.execution.id):
                self._adapter.show(outgoing)

    def _edit(self, watched: Watched, outgoing: Outgoing) -> None:
        with self._posting:
            if not self.is_watching(watched.execution.id):
                return
            # The end is submitted after it, and so stands at last.
            done = self._engine.database.submit(self._adapter.posting_job([outgoing]))
        done.result()
        watched.is_kept = True

    def _acknowledge(self, watched: Watched) -> None:
        # It may have been claimed in the very transaction that requested it, before we watched.
        watched.execution = self._engine.execution(watched.execution.id)
        watched.status = watched.execution.status
        tasks = self._tasks(watched)
        reply = wording.acknowledgement(self._engine, watched.execution, watched.ack, tasks=tasks)
        if reply is None:
            return
        outgoing = self._outgoing(watched, reply)
        with self._posting:
            if not self.is_watching(watched.execution.id):
                return
            watched.is_acknowledged = True
            footprint = wording.footprint(self._adapter, watched.execution, outgoing)
            work: list[Callable[[Connection], object]] = [
                self._adapter.posting_job([outgoing]),
                self._keep(watched),
                partial(comforts.leave, footprint=footprint),
            ]
            done = self._engine.database.submit(partial(_all, work))
        done.result()
        watched.due = time.monotonic() + REFRESH_S - ACK_AFTER_S

    def _tasks(self, watched: Watched) -> tuple[ShownTask, ...]:
        """Of a workflow; of anything else none."""
        if not workflows.is_workflow(watched.execution):
            return ()
        tasks = self._trees.tasks(watched.execution.id)
        with self._wake:
            if watched.execution.id in self._watched:
                self._adopt(watched, workflows.inner_ids(tasks))
        return tasks

    def _keep(self, watched: Watched) -> Callable[[Connection], object]:
        posting = Posting(
            adapter=self._adapter.name,
            execution_id=watched.execution.id,
            channel=watched.place.channel,
            thread_id=watched.place.thread,
            message_id=self._adapter.message_id(wording.key_of(watched.execution)),
            status=watched.execution.status,
        )
        return partial(store.keep_posting, posting=posting)

    def _outgoing(self, watched: Watched, reply: Reply) -> Outgoing:
        key = wording.key_of(watched.execution)
        return Outgoing(key=key, place=watched.place, reply=reply, may_replace=False)

    def _read_output(self, watched: Watched) -> None:
        chunks = self._engine.output(watched.execution.id, after=watched.seq)
        if chunks:
            watched.seq = chunks[-1].seq
            text = watched.tail + "".join(chunk.data for chunk in chunks[-200:])
            watched.tail = formatting.last_lines(text[-_TAIL_CHARACTERS:], TAIL_LINES)
            if text.endswith("\n"):
                watched.tail += "\n"


def _all(jobs: list[Callable[[Connection], object]], connection: Connection) -> None:
    for job in jobs:
        job(connection)
