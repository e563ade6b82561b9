"""An execution, waited for to its end: over restarts of the server, through tries and approvals."""

import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from types import FrameType
from typing import Any, NoReturn

from bot.cli.client import Client
from bot.cli.exits import CODE_OF, Code, CommandError
from bot.cli.following import Follower, pause_s
from bot.cli.progress import ProgressFollower
from bot.cli.reporting import Reporter
from bot.cli.verdicts import Verdict, verdict_on
from engine.policies.notes import policy_note

# How long one question to the server waits for the end; the next one follows at once.
ASK_S = 20
# So long a server may be away without a `--timeout`, in seconds.
AWAY_S = 600.0
# After the end: how long the rest of the output may take, and how long a cancel.
_REST_S = 20.0
_CANCEL_S = 15
# Of so many tasks of a workflow the result is asked for.
_MOST_RESULTS = 20
_HELD = frozenset({"pending", "paused", "pausing"})
_HAS_QUESTIONS = "inquirer"


class OnInterrupt(StrEnum):
    CANCEL = "cancel"
    DETACH = "detach"


class Interrupted(BaseException):
    """SIGINT or SIGTERM; like KeyboardInterrupt nothing else catches it."""


class _NeedsApproval(Exception):
    def __init__(self, execution: Mapping[str, Any]) -> None:
        super().__init__("an approval is needed")
        self.execution = execution


@dataclass(kw_only=True)
class Watch:
    """`deadline`: of time.monotonic(); None: as long as it takes."""

    client: Client
    reporter: Reporter
    deadline: float | None
    follows: bool
    waits_for_approval: bool = True
    on_interrupt: OnInterrupt = OnInterrupt.DETACH
    _told: set[str] = field(default_factory=set)
    _telling: threading.Lock = field(default_factory=threading.Lock)
    _now: Mapping[str, Any] = field(default_factory=dict)
    """The execution as it was last seen: of several tries the last."""

    def verdict(self, execution: Mapping[str, Any]) -> Verdict:
        """At its end, at the deadline, at a question that is not waited for, or at an interrupt."""
        self._now = execution
        try:
            with interruptible():
                execution = self._through_tries(execution)
                return self._judged(execution)
        except _NeedsApproval as found:
            return Verdict(
                execution=found.execution,
                code=Code.NEEDS_APPROVAL,
                sentence="It needs an approval.",
                inquiries=self._inquiries(found.execution),
            )
        except Interrupted:
            return self._interrupted(self._now)

    def _through_tries(self, execution: Mapping[str, Any]) -> Mapping[str, Any]:
        execution = self._to_its_end(execution)
        while (again := policy_note(execution.get("context", {}), "retried")) is not None:
            wait_s = f"in {again['delay']:g} s" if again["delay"] else "now"
            count = f"{again['retry_count']} of {again['max_retry_count']}"
            self.reporter.remark(
                f"{execution['status']}, trying again {wait_s} ({count})  {again['execution_id']}"
            )
            execution = self._to_its_end(self._get(str(again["execution_id"]), {}))
        return execution

    def _to_its_end(self, execution: Mapping[str, Any]) -> Mapping[str, Any]:
        """Or as it is at the deadline."""
        follower = self._follower(execution) if self.follows else None
        try:
            execution = self._at_end(execution)
        except (_NeedsApproval, Interrupted, CommandError):
            if follower is not None:
                follower.finish(timeout_s=0)
            raise
        if follower is not None:
            follower.finish(timeout_s=_REST_S if execution["status"] in CODE_OF else 0)
        return execution

    def _follower(self, execution: Mapping[str, Any]) -> Follower | ProgressFollower:
        if is_workflow(execution):
            return ProgressFollower(
                self.client, str(execution["id"]), self.reporter, ask=lambda: self._tell(execution)
            )
        return Follower(self.client, str(execution["id"]), self.reporter.output)

    def _at_end(self, execution: Mapping[str, Any]) -> Mapping[str, Any]:
        while execution["status"] not in CODE_OF:
            if execution["status"] in _HELD:
                self._tell_questions(execution)
            left = ASK_S if self.deadline is None else min(ASK_S, self.deadline - time.monotonic())
            if left <= 0:
                break
            asked = {"wait": max(1, round(left)), "seen": execution["status"]}
            try:
                execution = self._get(str(execution["id"]), asked)
            except CommandError as error:
                if self.deadline is None or error.code is not Code.NO_SERVER:
                    raise
                # The time is over, and nobody can say how it stands: as far as we know it goes on.
                break
        return execution

    def _tell_questions(self, execution: Mapping[str, Any]) -> None:
        """Raises _NeedsApproval."""
        if self._tell(execution) and not self.waits_for_approval:
            raise _NeedsApproval(execution)

    def _tell(self, execution: Mapping[str, Any]) -> bool:
        """What people are asked, each once, from any thread. Whether anything waits for them."""
        waiting = [one for one in self._inquiries(execution) if one["state"] == "pending"]
        with self._telling:
            fresh = [one for one in waiting if one["id"] not in self._told]
            self._told.update(str(one["id"]) for one in fresh)
            for one in fresh:
                text = " ".join(str(one.get("text") or "").split())
                answer = "approve|reject" if one.get("decision") else "respond"
                self.reporter.question(
                    f"It waits for an answer ({one['wanted']}): {text or one['action']}\n"
                    f"  {execution.get('web_url', '')}  stormcrow inquiry {answer} {one['id']}"
                )
        return bool(waiting)

    def _judged(self, execution: Mapping[str, Any]) -> Verdict:
        if execution["status"] not in CODE_OF:
            return verdict_on(execution)
        has_tasks = is_workflow(execution)
        asks = has_tasks or execution["action"].get("runner_type") == _HAS_QUESTIONS
        tasks: Sequence[Mapping[str, Any]] = ()
        if has_tasks and self.reporter.wants_tasks:
            tasks = self._ask("executions", str(execution["id"]), "tasks")
            if self.reporter.wants_results:
                tasks = self._with_results(tasks)
        return verdict_on(execution, inquiries=self._inquiries(execution) if asks else (), tasks=tasks)

    def _with_results(self, tasks: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """The `result` of those that did not succeed, of so many."""
        wanted = [
            one
            for one in tasks
            if one["execution_ids"] and CODE_OF.get(one["status"], Code.OK) is not Code.OK
        ]
        found = {
            id(one): self._ask("executions", str(one["execution_ids"][-1])).get("result")
            for one in wanted[:_MOST_RESULTS]
        }
        return [{**one, "result": found.get(id(one))} for one in tasks]

    def _inquiries(self, execution: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = self._ask("executions", str(execution["id"]), "inquiries")
        return found

    def _interrupted(self, execution: Mapping[str, Any]) -> Verdict:
        """The job is being ended: the action too, unless it was said otherwise."""
        execution_id = str(execution["id"])
        if self.on_interrupt is OnInterrupt.DETACH:
            self.reporter.remark(f"It goes on. To stop it: stormcrow execution cancel {execution_id}")
            return Verdict(execution=execution, code=Code.STILL_WAITING)
        with _undisturbed():
            self.reporter.remark("Interrupted: it is being cancelled.")
            try:
                return verdict_on(self._cancelled(execution_id))
            except CommandError as error:
                if error.code is not Code.NO_SERVER:
                    raise
                self.reporter.remark(
                    f"It could not be cancelled: {error.message} It goes on. "
                    f"Once the server is back: stormcrow execution cancel {execution_id}"
                )
                return Verdict(execution=execution, code=Code.STILL_WAITING)

    def _cancelled(self, execution_id: str) -> Mapping[str, Any]:
        """As it is then. Raises CommandError, of a server that is away after a while."""
        give_up_at = time.monotonic() + _CANCEL_S
        failures = 0
        while True:
            try:
                answer = self.client.delete("executions", execution_id)
                break
            except CommandError as error:
                if error.code is not Code.NO_SERVER or time.monotonic() >= give_up_at:
                    raise
                failures += 1
                time.sleep(pause_s(failures))
        if "faultstring" in answer:
            self.reporter.remark(str(answer["faultstring"]))
        query = {"wait": _CANCEL_S}
        found: Mapping[str, Any] = self.client.get(
            "executions", execution_id, query=query, timeout_s=_CANCEL_S + 10
        )
        return found

    def _get(self, execution_id: str, query: Mapping[str, Any]) -> Mapping[str, Any]:
        self._now = self._ask("executions", execution_id, query=query)
        return self._now

    def _ask(self, *path: str, query: Mapping[str, Any] | None = None) -> Any:
        """Also of a server that is being restarted. Raises CommandError when it stays away."""
        give_up_at = time.monotonic() + AWAY_S if self.deadline is None else self.deadline
        failures = 0
        while True:
            try:
                return self.client.get(*path, query=query, timeout_s=ASK_S + 10)
            except CommandError as error:
                left = give_up_at - time.monotonic()
                if error.code is not Code.NO_SERVER or 400 <= error.status < 500 or left <= 0:
                    raise
                if not failures:
                    self.reporter.remark("The server does not answer; trying again.")
                failures += 1
                time.sleep(min(pause_s(failures), max(0.1, left)))


def is_workflow(execution: Mapping[str, Any]) -> bool:
    return bool(execution.get("liveaction", {}).get("action_is_workflow"))


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Interrupted


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGINT and SIGTERM raise Interrupted; in the main thread, the only one that may say so."""
    try:
        before = [(one, signal.signal(one, _interrupt)) for one in (signal.SIGINT, signal.SIGTERM)]
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """A CI system sends signals again and again; the cancel is under way by then."""
    try:
        before = [(one, signal.signal(one, signal.SIG_IGN)) for one in (signal.SIGINT, signal.SIGTERM)]
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
