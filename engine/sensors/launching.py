"""From a plan to a start: interpreter, import path, environment, configuration, token."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.access import Access
from engine.errors import RunnerFailure
from engine.preparation import Preparation
from engine.runners.environments import interpreter_of
from engine.sensors.plan import SensorPlan
from engine.sensors.process import RUNTIME, Launch
from engine.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    launch: Launch
    secrets: tuple[str, ...]
    """Values that must not be seen in what the sensor says."""
    give_back: Callable[[], None]
    """To be called when the process has ended: its token is then good for nothing."""


class Launching:
    """`environment`: the server's own; sensors get only the variables that `actions.environment` names."""

    def __init__(
        self,
        settings: Settings,
        preparation: Preparation,
        access: Access,
        *,
        spool: str,
        environment: Mapping[str, str],
    ) -> None:
        self._settings = settings
        self._preparation = preparation
        self._access = access
        self._spool = spool
        self._folder = str(Path.cwd())
        self._inherited = {
            name: environment[name] for name in settings.actions.environment if name in environment
        }

    def prepare(self, plan: SensorPlan) -> Start:
        """Raises RunnerFailure, BadContent, BadTemplate."""
        entry = plan.sensor.entry_path
        if not entry.is_file():
            raise RunnerFailure(
                f"The Python file {entry} does not exist.",
                hint=f"Correct entry_point in {plan.sensor.metadata_file or plan.sensor.ref}.",
            )
        interpreter = interpreter_of(plan.pack, self._settings)
        config, config_secrets = self._preparation.config_and_secrets(plan.pack, self._settings.events.user)
        token, give_back = self._access.lend_token(f"sensor:{plan.ref}")
        first, last = map(str, plan.first_folders), map(str, plan.last_folders)
        orders = {
            "file": str(entry),
            "class_name": plan.sensor.class_name,
            "pack": plan.pack.ref,
            "ref": plan.ref,
            "config": config,
            "poll_interval": plan.poll_interval,
            "log_level": logging.DEBUG if self._settings.log.level == "debug" else logging.INFO,
            "triggers": list(plan.triggers.values()),
            "first": list(first),
            "last": list(last),
        }
        launch = Launch(
            ref=plan.ref,
            spool=self._spool,
            interpreter=interpreter,
            environment=self._environment(plan, interpreter, token),
            folder=self._folder,
            orders=orders,
        )
        secrets = (token, *config_secrets)
        return Start(launch=launch, secrets=secrets, give_back=give_back)

    def _environment(self, plan: SensorPlan, interpreter: Path, token: str) -> dict[str, str]:
        folders = [*plan.first_folders, *plan.last_folders, RUNTIME]
        return {
            **self._inherited,
            **self._preparation.client_environment(token),
            "PATH": f"{interpreter.parent}:{self._inherited.get('PATH', '/usr/bin:/bin')}",
            # For Python programs that the sensor starts; its own path does not come from here.
            "PYTHONPATH": ":".join(map(str, folders)),
        }
