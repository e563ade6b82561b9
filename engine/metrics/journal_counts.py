"""What the journal tells, counted right after each commit: executions, events, rules."""

from collections.abc import Sequence
from datetime import datetime

from engine.metrics.board import Board
from engine.records.journal import JournalEntry
from engine.records.trigger import ENFORCED
from engine.status import FINISHED, Status
from engine.steps import REQUESTED, STEPS
from engine.store.triggers import TRIGGERED

# More that wait or run than a server could hold; what comes on top is not timed.
_TIMED_LIMIT = 100_000
_FINISHED = frozenset(status.value for status in FINISHED)


class JournalCounts:
    """Only the writer's thread calls `heard`. An execution whose start was before ours is not timed."""

    def __init__(self, board: Board) -> None:
        self._requested = board.counter("executions_requested")
        self._finished = board.counter("executions_finished")
        self._duration = board.histogram("action_duration_seconds")
        self._wait = board.histogram("execution_wait_seconds")
        self._events = board.counter("events")
        self._matches = board.counter("rule_matches")
        self._enforcements = board.counter("rule_enforcements")
        self._actions, self._rules, self._types = (board.vocabulary() for _ in range(3))
        self._requested_at: dict[str, datetime] = {}
        self._started_at: dict[str, datetime] = {}

    def heard(self, entries: Sequence[JournalEntry]) -> None:
        for entry in entries:
            if entry.kind in STEPS:
                self._step(entry)
            elif entry.kind == TRIGGERED:
                source = str(entry.data["source"]).partition(":")[0] or "api"
                self._events.add(self._types.word(entry.data["trigger_type"]), source)
            elif entry.kind == ENFORCED:
                rule = self._rules.word(entry.subject)
                self._enforcements.add(rule, entry.data["status"])
                if entry.data["number"] == 0 and not entry.data["was_held"]:
                    self._matches.add(rule)

    def _step(self, entry: JournalEntry) -> None:
        status, action = entry.data["status"], self._actions.word(entry.data["action"])
        if entry.kind == REQUESTED:
            self._requested.add(action)
            if "delay_ms" not in entry.data and len(self._requested_at) < _TIMED_LIMIT:
                self._requested_at[entry.subject] = entry.at
        elif status == Status.RUNNING:
            asked_at = self._requested_at.pop(entry.subject, None)
            if asked_at is not None:
                self._wait.observe(_seconds(asked_at, entry.at))
            # One that goes on after a pause has begun already.
            if entry.subject not in self._started_at and len(self._started_at) < _TIMED_LIMIT:
                self._started_at[entry.subject] = entry.at
        elif status in _FINISHED:
            self._finished.add(action, status)
            self._requested_at.pop(entry.subject, None)
            began_at = self._started_at.pop(entry.subject, None)
            if began_at is not None:
                self._duration.observe(_seconds(began_at, entry.at), action)


class CommitCounts:
    """What the writer's thread has to say of each transaction."""

    def __init__(self, board: Board) -> None:
        self._commits = board.counter("commits")
        self._failures = board.counter("commit_failures")
        self._duration = board.histogram("commit_seconds")
        self._jobs = board.histogram("commit_jobs")

    def heard(self, jobs: int, took_s: float, is_good: bool) -> None:
        if not is_good:
            self._failures.add()
            return
        self._commits.add()
        self._duration.observe(took_s)
        self._jobs.observe(jobs)


def _seconds(start: datetime, end: datetime) -> float:
    return max(0.0, (end - start).total_seconds())
