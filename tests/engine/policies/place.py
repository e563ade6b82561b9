"""A site whose jobs run until they are let go, and policies on them."""

import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.records.execution import Execution
from engine.service import Engine
from engine.status import Status
from tests.engine import world
from tests.engine.world import request

END = Status.SUCCEEDED


class Place:
    """A folder with the pack `probe` and policies on its action `job`, which runs until it is let go."""

    def __init__(self, folder: Path, url: str = "") -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self._url = url
        self._engines: list[Engine] = []
        self.settings = world.settings(folder, workers=8)
        self.write(
            "actions/job.yaml",
            """
            name: job
            runner_type: local-shell-cmd
            parameters:
              name: {type: string, required: true}
              host: {type: string, default: here}
              target: {type: object}
              password: {type: string, secret: true}
              cmd:
                immutable: true
                default: |
                  echo {{ name }} >> LEDGER
                  while [ ! -e GATES/{{ name }} ] && [ ! -e GATES/all ]; do sleep 0.02; done
            """.replace("LEDGER", str(folder / "ledger")).replace("GATES", str(folder / "gates")),
        )
        (folder / "gates").mkdir()

    def write(self, name: str, content: str) -> None:
        path = self.folder / "packs" / "probe" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(content), encoding="utf-8")

    def policy(
        self,
        kind: str,
        *,
        name: str = "limit",
        action: str = "probe.job",
        too_many: str = "",
        **parameters: Any,
    ) -> None:
        if too_many:
            parameters["action"] = too_many
        self.write(
            f"policies/{name}.yaml",
            f"{{name: {name}, resource_ref: {action}, policy_type: {kind}, parameters: {parameters}}}",
        )

    def without_policy(self, name: str = "limit") -> None:
        (self.folder / "packs" / "probe" / "policies" / f"{name}.yaml").unlink()

    def start(self) -> Engine:
        store = replace(self.settings.store, url=self._url)
        engine = Engine(replace(self.settings, store=store))
        self._engines.append(engine)
        engine.start()
        assert engine.registry.unavailable == ()
        return engine

    def stop(self) -> None:
        self.let_go("all")
        for engine in self._engines:
            engine.stop()

    def let_go(self, name: str) -> None:
        (self.folder / "gates" / name).touch()

    @property
    def started(self) -> list[str]:
        """The names of the jobs in the order in which they started."""
        ledger = self.folder / "ledger"
        return ledger.read_text().split() if ledger.exists() else []


def job(engine: Engine, name: str, **parameters: Any) -> Execution:
    return request(engine, "probe.job", name=name, **parameters)


def status(engine: Engine, execution: Execution) -> Status:
    return engine.execution(execution.id).status


def is_(engine: Engine, execution: Execution, wanted: Status) -> Callable[[], bool]:
    return lambda: status(engine, execution) is wanted


def words(engine: Engine, execution: Execution) -> list[str]:
    return [str(step) for _, step in engine.execution(execution.id).log]
