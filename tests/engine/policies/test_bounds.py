"""Random requests, claims, ends, cancels and changes of policies: never too many, nobody is forgotten."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from engine.clock import utcnow
from engine.policies.table import PolicyTable
from engine.records.execution import Execution, ExecutionRequest
from engine.runners.base import RunResult
from engine.service import Engine
from engine.status import HELD, Status
from engine.store import executions as store
from tests.engine import world
from tests.engine.policies.test_table import policy

LIMITS = {
    "all": policy("action.concurrency", "all", threshold=3),
    "host": policy("action.concurrency.attr", "host", threshold=1, attributes=["host"]),
    "user": policy("action.concurrency.attr", "user", threshold=2, attributes=["user"]),
    "few": policy("action.concurrency.attr", "few", threshold=2, attributes=["host"], action="cancel"),
}


class Desk:
    """An engine without workers: the test claims and ends executions itself."""

    def __init__(self, engine: Engine, seed: int) -> None:
        self.engine = engine
        self.chance = random.Random(seed)
        self.in_force: dict[str, Any] = {}
        self.running: dict[str, int] = {}

    def policies(self) -> None:
        names = self.chance.sample(sorted(LIMITS), self.chance.randint(1, 4))
        self.in_force = {
            f"p.{name}": LIMITS[name].model_copy(update={"resource_ref": "probe.job"}) for name in names
        }
        registry = self.engine.registry
        changed = type(registry)(policies=self.in_force)
        self.engine._admission.adopt(PolicyTable(changed))
        self.claim(0)

    def ask(self) -> None:
        parameters = {
            name: self.chance.choice("xyz") for name in ("host", "user") if self.chance.random() < 0.8
        }
        self.engine.request(ExecutionRequest(action="probe.job", parameters=parameters, user="alice"))

    def claim(self, limit: int) -> None:
        def work(connection: Connection) -> list[store.Claim]:
            starts = self.engine._starts
            if starts.is_stale:
                starts.renew(connection)
            if not limit:
                return []
            claimed = starts.claim(
                connection, server="s", now=utcnow(), lease=timedelta(seconds=9), limit=limit
            )
            return claimed.claims

        claims = self.engine.database.write(work)
        self.engine._admission.confirm()
        self.running |= {claim.execution.id: claim.execution.attempt for claim in claims}

    def end(self) -> None:
        if self.running:
            chosen = self.chance.choice(sorted(self.running))
            result = RunResult(status=Status.SUCCEEDED, result={})
            self.engine._executions.finish(chosen, result, attempt=self.running.pop(chosen))

    def give_back(self) -> None:
        if self.running:
            chosen = self.chance.choice(sorted(self.running))
            self.engine._executions.give_back(chosen, attempt=self.running.pop(chosen))

    def cancel(self) -> None:
        waiting = self.found([Status.DELAYED, Status.REQUESTED])
        if waiting:
            self.engine.cancel(self.chance.choice(waiting).id, user="alice")

    def found(self, statuses: Any) -> list[Execution]:
        with self.engine.database.read() as connection:
            return [one.execution for one in store.candidates(connection, statuses)]

    def counts(self) -> Counter[tuple[str, str]]:
        counted: Counter[tuple[str, str]] = Counter()
        for one in self.found(HELD):
            for ref, spec in self.in_force.items():
                attributes = spec.parameters.get("attributes", [])
                values = {name: one.parameters.get(name) for name in attributes}
                counted[ref, str(values)] += 1
        return counted


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    settings = world.settings(tmp_path)
    (tmp_path / "packs/probe/actions/job.yaml").write_text(
        "{name: job, runner_type: noop, parameters: {host: {type: string}, user: {type: string}}}"
    )
    made = Engine(settings)
    made.database.start()
    made.content.reload()
    yield made
    made.stop()


@pytest.mark.parametrize("seed", range(4))
def test_never_too_many_and_nobody_is_forgotten(engine: Engine, seed: int) -> None:
    desk = Desk(engine, seed)
    desk.policies()
    for _ in range(150):
        step = desk.chance.choices(
            [desk.ask, lambda: desk.claim(4), desk.end, desk.give_back, desk.cancel, desk.policies],
            weights=[10, 8, 6, 1, 1, 0.5],
        )[0]
        before, policies = desk.counts(), desk.in_force
        step()
        if desk.in_force is not policies:
            # A policy that has just come may find more than it allows; it lets no other start.
            continue
        for (ref, values), count in desk.counts().items():
            most = desk.in_force[ref].parameters["threshold"]
            assert count <= max(most, before[ref, values]), (seed, ref, values)
    while desk.found([Status.REQUESTED, Status.DELAYED, *HELD]):
        desk.claim(4)
        assert desk.running, f"seed {seed}: nothing runs, and these wait: {desk.found([Status.DELAYED])}"
        desk.end()


@pytest.mark.parametrize("seed", range(2))
def test_of_those_with_one_key_nobody_overtakes(engine: Engine, seed: int) -> None:
    desk = Desk(engine, seed)
    desk.in_force = {"p.host": LIMITS["host"].model_copy(update={"resource_ref": "probe.job"})}
    engine._admission.adopt(PolicyTable(type(engine.registry)(policies=desk.in_force)))
    for _ in range(60):
        desk.chance.choice([desk.ask, desk.ask, lambda: desk.claim(3), desk.end])()
    while desk.found([Status.REQUESTED, Status.DELAYED, *HELD]):
        desk.claim(3)
        desk.end()
    done = desk.found([Status.SUCCEEDED])
    for host in ("x", "y", "z", None):
        starts = [one.started_at for one in done if one.parameters.get("host") == host]
        assert starts == sorted(starts)  # type: ignore[type-var]  # all have started
