"""A call of a tool: one execution, begun once, followed to its end over restarts of the server."""

import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any

import anyio
from mcp_types import CallToolResult

from bot.agents.door import Door, NoServer, Refused
from bot.agents.words import FINISHED, line, refused, told, waiting
from engine.policies.notes import policy_note
from engine.specs.runner_type import WORKFLOWS

# How long one question to the server waits for what comes next, in seconds.
ASK_S = 20
# Lines of output that are told while an action runs; of more only that there are more.
LINES = 200
# A larger result is left out of an answer, in bytes; its beginning is there to be asked for.
LARGEST_RESULT = 1_000_000
CANCEL_S = 30.0
# How many calls are remembered, in case that a client takes one back after its end.
REMEMBERED = 1_000

Execution = Mapping[str, Any]
Report = Callable[[str], Awaitable[None]]
"""Tells the client how a call gets on."""


class Calls:
    """All calls of one session. `session`: a word of its own, so that the same request is one execution."""

    def __init__(self, door: Door, *, session: str, timeout_s: float) -> None:
        self._door = door
        self._session = session
        self._timeout_s = timeout_s
        self._starting: set[str] = set()
        self._unwanted: set[str] = set()
        self._begun: dict[str, str] = {}
        """Request -> execution."""

    async def run(
        self, request_id: str, ref: str, arguments: Mapping[str, Any], report: Report
    ) -> CallToolResult:
        """To its end, or until the time is over: it then goes on by itself."""
        give_up_at = time.monotonic() + self._timeout_s
        try:
            execution = await self._begin(request_id, ref, arguments, give_up_at)
        except Refused as error:
            return refused(error.message)
        except NoServer as error:
            return refused(f"{error} Nobody knows whether {ref} began: look before you run it again.")
        if execution["action"]["ref"] != ref:
            return refused(f"The request {request_id} was another one before: {execution['id']}.")
        return await self._followed(execution, report, give_up_at)

    async def _begin(
        self, request_id: str, ref: str, arguments: Mapping[str, Any], give_up_at: float
    ) -> Execution:
        self._starting.add(request_id)
        try:
            execution: Execution = await self._door.ask(
                "POST",
                "executions",
                body={"action": ref, "parameters": dict(arguments)},
                # Also a request that is sent twice, or whose answer got lost, begins one execution.
                headers={"Idempotency-Key": f"mcp {self._session} {request_id}"[:255]},
                give_up_at=give_up_at,
                is_whole=True,
            )
        finally:
            self._starting.discard(request_id)
        self._begun[request_id] = execution["id"]
        while len(self._begun) > REMEMBERED:
            del self._begun[next(iter(self._begun))]
        if request_id in self._unwanted:
            self._unwanted.discard(request_id)
            with anyio.CancelScope(shield=True):
                await self.cancel(execution["id"])
        return execution

    async def withdraw(self, request_id: str) -> None:
        """The client does not want it any more: what it began is cancelled."""
        execution_id = self._begun.get(request_id)
        if execution_id is not None:
            await self.cancel(execution_id)
        elif request_id in self._starting:
            self._unwanted.add(request_id)

    async def cancel(self, execution_id: str) -> str:
        """What the server says against it; empty: nothing."""
        give_up_at = time.monotonic() + CANCEL_S
        try:
            answer = await self._door.ask("DELETE", "executions", execution_id, give_up_at=give_up_at)
        except (Refused, NoServer) as error:
            return str(error)
        return str(answer.get("faultstring", ""))

    async def _followed(self, execution: Execution, report: Report, give_up_at: float) -> CallToolResult:
        following = _Following(self._door, report)
        note = ""
        async with anyio.create_task_group() as tasks:
            if execution["status"] not in FINISHED:
                tasks.start_soon(following.tell_output, execution["id"], give_up_at)
            try:
                execution = await following.to_its_end(execution, give_up_at)
                while execution["status"] in FINISHED and (again := _again(execution)):
                    await report(f"{execution['status']}; trying again: {again}")
                    execution = await self._door.ask("GET", "executions", again, give_up_at=give_up_at)
                    execution = await following.to_its_end(execution, give_up_at)
            except NoServer as error:
                execution = following.last
                note = f"{error} This is how it was when one did."
            except Refused as error:
                execution = following.last
                note = f"The server refuses to say how it goes on: {error.message}"
            tasks.cancel_scope.cancel()
        note = " ".join(
            [note, *following.questions.values()] if execution["status"] not in FINISHED else [note]
        )
        return told(execution, note=note.strip())


class _Following:
    """One execution: its output and what it waits for are told while it runs."""

    def __init__(self, door: Door, report: Report) -> None:
        self._door = door
        self._report = report
        self.last: Execution = {}
        """As it was when the server answered last."""
        self.questions: dict[str, str] = {}
        """Those that wait for people right now, by id: how that is said."""

    async def to_its_end(self, execution: Execution, give_up_at: float) -> Execution:
        """Or as it is when the time is over. Raises Refused, NoServer."""
        said = ""
        self.last = execution
        while execution["status"] not in FINISHED:
            left = give_up_at - time.monotonic()
            if left <= 0:
                break
            status = str(execution["status"])
            if status != said:
                said = status
                await self._report(f"{execution['action']['ref']}: {status}, execution {execution['id']}")
            await self._tell_questions(execution, give_up_at)
            wait_s = max(1, min(ASK_S, round(left)))
            query = {"wait": str(wait_s), "seen": status, "max_result_size": str(LARGEST_RESULT)}
            execution = self.last = await self._door.ask(
                "GET", "executions", execution["id"], query=query, wait_s=wait_s, give_up_at=give_up_at
            )
        return execution

    async def _tell_questions(self, execution: Execution, give_up_at: float) -> None:
        found = await questions(self._door, execution, give_up_at)
        for inquiry_id in found.keys() - self.questions.keys():
            await self._report(found[inquiry_id])
        self.questions = found

    async def tell_output(self, execution_id: str, give_up_at: float) -> None:
        """Line by line; after a restart of the server from where it was."""
        done = lines = 0
        while lines <= LINES and time.monotonic() < give_up_at:
            seen, rest = 0, ""
            try:
                async with aclosing(self._door.output(execution_id)) as pieces:
                    async for piece in pieces:
                        new = piece[max(0, done - seen) :]
                        seen += len(piece)
                        *whole, rest = (rest + new).split("\n")
                        for one in whole:
                            lines += 1
                            if lines > LINES:
                                await self._report("... more: execution_output")
                                return
                            await self._report(line(one))
                        done = max(done, seen - len(rest))
            except Refused:
                return
            if rest:
                await self._report(line(rest))
                done += len(rest)
            # At its end, or the server is gone: whoever waits for the end ends this.
            await anyio.sleep(ASK_S if self.last.get("status") in FINISHED else 1)


async def questions(door: Door, execution: Execution, give_up_at: float) -> dict[str, str]:
    """Those that wait for people right now, by id: how that is said. Raises Refused, NoServer."""
    if execution["status"] != "pending" and execution["action"]["runner_type"] not in WORKFLOWS:
        return {}
    listed = await door.ask("GET", "executions", execution["id"], "inquiries", give_up_at=give_up_at)
    return {one["id"]: waiting(one) for one in listed if one["state"] == "pending"}


def _again(execution: Execution) -> str:
    """The execution that tries it again, by a policy."""
    note = policy_note(execution.get("context", {}), "retried")
    return str(note["execution_id"]) if note else ""
