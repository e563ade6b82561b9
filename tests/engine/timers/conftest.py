"""An engine whose timers look at the clock when a test says so, and see the time that it gives."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.records.trigger import InstanceFilter, TriggerInstance
from engine.service import Engine
from tests.engine import world

BEGIN = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Clock:
    """A wall clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> datetime:
        return self.now


class Held:
    """An engine with its timers in our hands."""

    def __init__(self, make: Callable[[], Engine]) -> None:
        self.clock = Clock()
        self._make = make
        self.engine = self._started()

    def _started(self) -> Engine:
        engine = self._make()
        engine.timers.clock = self.clock
        engine.timers.start = lambda: None  # type: ignore[method-assign]  # the test is the thread
        engine.start()
        engine.timers.look(rules_changed=True)
        return engine

    def restart(self, *, at: timedelta = timedelta()) -> None:
        """Down for `at`, then up again on the same data."""
        self.engine.stop()
        self.clock.now += at
        self.engine = self._started()

    def pass_time(self, span: timedelta) -> list[TriggerInstance]:
        """The clock goes on at once by `span`; what fired."""
        return self.set(self.clock.now + span)

    def set(self, moment: datetime) -> list[TriggerInstance]:
        before = {one.id for one in self.fired()}
        self.clock.now = moment
        self.engine.timers.look(rules_changed=True)
        return [one for one in self.fired() if one.id not in before]

    def fired(self) -> list[TriggerInstance]:
        return self.engine.history.instances(InstanceFilter(limit=None, oldest_first=True))[0]

    def rule(self, name: str, kind: str, *, enabled: bool = True, **more: Any) -> None:
        """A rule on core.st2.<kind>; what is no key of a rule is a parameter of the timer."""
        extensions = {key.replace("_", "-"): more.pop(key) for key in list(more) if key.startswith("x_")}
        document = {
            "name": name,
            "pack": "default",
            "enabled": enabled,
            "trigger": {"type": f"core.st2.{kind}", "parameters": more},
            "action": {"ref": "probe.nothing", "parameters": {"word": "{{ trigger.due_at }}"}},
            **extensions,
        }
        self.engine.stored.put("rule", document, user="ann")
        self.engine.timers.look(rules_changed=True)

    def due_times(self) -> list[str]:
        return [one.payload["due_at"] for one in self.fired()]


def _held(tmp_path: Path, url: str) -> Iterator[Held]:
    def make() -> Engine:
        settings = world.settings(tmp_path)
        return Engine(replace(settings, store=replace(settings.store, url=url)))

    made = Held(make)
    yield made
    made.engine.stop()


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Held]:
    yield from _held(tmp_path, "")


@pytest.fixture
def held_on_each_kind(tmp_path: Path, database_url: str) -> Iterator[Held]:
    yield from _held(tmp_path, "" if database_url.startswith("sqlite") else database_url)
