"""What should run: from the content of one generation to one plan per sensor and instance."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.content.registry import Registry
from engine.errors import EngineError
from engine.rules.identity import Trigger, trigger_of
from engine.runners.environments import interpreter_of, stamp
from engine.sensors.code import code_digest
from engine.settings import Settings
from engine.specs.pack import PackSpec
from engine.specs.sensor import SensorInstance, SensorSpec, TriggerTypeSpec

ConfigOf = Callable[[PackSpec], Mapping[str, Any]]
TriggersOf = Callable[[str], list[Trigger]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorPlan:
    """One sensor as it should run; `pack` has the configuration of the instance."""

    ref: str
    sensor: SensorSpec
    pack: PackSpec
    instance: str = ""
    poll_interval: float | None = None
    enabled: bool = True
    triggers: Mapping[str, Mapping[str, Any]]
    """Ref of a trigger -> the dict that add_trigger is given."""
    digest: str
    """Changes when its file, its code or its configuration does; then the process is started anew."""

    @property
    def needs_rules(self) -> bool:
        """All its trigger types have parameters: without a rule that gives some it has nothing to do."""
        types = self.sensor.trigger_types
        return bool(types) and all(_has_parameters(kind) for kind in types)

    @property
    def first_folders(self) -> list[Path]:
        """Before what is installed, in the import path."""
        return [folder for folder in (self.pack.folder / "lib",) if folder.is_dir()]

    @property
    def last_folders(self) -> list[Path]:
        """Behind what is installed."""
        return [folder for folder in (self.pack.folder / "actions" / "lib",) if folder.is_dir()]


def plans_of(
    registry: Registry, settings: Settings, *, config_of: ConfigOf, triggers_of: TriggersOf
) -> dict[str, SensorPlan]:
    """By ref. A class with instances runs as these, and not by itself."""
    found: dict[str, SensorPlan] = {}
    for sensor in registry.sensors.values():
        pack = registry.packs.get(sensor.pack)
        if pack is None:
            continue
        triggers = {
            trigger.ref: trigger_document(trigger, kind)
            for kind in sensor.trigger_types
            for trigger in (triggers_of(kind.ref) if _has_parameters(kind) else [trigger_of(kind.ref, None)])
        }
        for instance in pack.sensor_instances.get(sensor.class_name) or (None,):
            plan = _plan(sensor, pack, instance, settings, config_of=config_of, triggers=triggers)
            found[plan.ref] = plan
    return dict(sorted(found.items()))


def _plan(
    sensor: SensorSpec,
    pack: PackSpec,
    instance: SensorInstance | None,
    settings: Settings,
    *,
    config_of: ConfigOf,
    triggers: Mapping[str, Mapping[str, Any]],
) -> SensorPlan:
    if instance is not None:
        pack = pack.model_copy(update={"config": _laid_over(pack.config, instance.config)})
    plan = SensorPlan(
        ref=f"{sensor.ref}.{instance.name}" if instance else sensor.ref,
        sensor=sensor,
        pack=pack,
        instance=instance.name if instance else "",
        poll_interval=(instance.poll_interval if instance else None) or sensor.poll_interval,
        enabled=sensor.enabled and (instance is None or instance.enabled),
        triggers=triggers,
        digest="",
    )
    return replace(plan, digest=_digest(plan, settings, config_of))


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Objects are joined, key by key; everything else above replaces what is below."""
    made = dict(below)
    for key, value in above.items():
        old = made.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            made[key] = _laid_over(old, value)
        else:
            made[key] = value
    return made


def _digest(plan: SensorPlan, settings: Settings, config_of: ConfigOf) -> str:
    spec = plan.sensor.model_dump(mode="json", exclude={"enabled", "description", "metadata_file"})
    try:
        interpreter = interpreter_of(plan.pack, settings)
        python = f"{interpreter} {stamp(interpreter)}"
    except EngineError as error:
        python = error.message
    try:
        config: Any = config_of(plan.pack)
    except EngineError as error:
        config = error.message
    entry = plan.sensor.entry_path
    code = code_digest(entry, [*plan.first_folders, *plan.last_folders])
    parts = [spec, plan.poll_interval, python, config, code]
    return hashlib.sha256(repr(parts).encode(errors="backslashreplace")).hexdigest()


def trigger_document(trigger: Trigger, kind: TriggerTypeSpec) -> dict[str, Any]:
    """A trigger as add_trigger is given it."""
    digest = hashlib.sha256(f"trigger:{trigger.ref}".encode()).hexdigest()[:24]
    return {
        "id": digest,
        "ref": trigger.ref,
        "uid": f"trigger:{trigger.pack}:{trigger.name}:{digest}",
        "name": trigger.name,
        "pack": trigger.pack,
        "type": trigger.type_ref,
        "parameters": dict(trigger.parameters),
        "description": kind.description,
    }


def _has_parameters(kind: TriggerTypeSpec) -> bool:
    return bool(kind.parameters_schema.get("properties", kind.parameters_schema))
