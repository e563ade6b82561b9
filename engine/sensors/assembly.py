"""Puts the sensors together from the parts of the engine that they use."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.access import Access
from engine.content.registry import Content, Registry
from engine.notices import Notice
from engine.preparation import Preparation
from engine.rules.evaluate import RuleEngine
from engine.sensors.keeper import Surroundings
from engine.sensors.launching import Launching
from engine.sensors.leases import Leases
from engine.sensors.news import SensorNews
from engine.sensors.plan import SensorPlan, plans_of
from engine.sensors.supervisor import Sensors
from engine.settings import Settings
from engine.store.database import Database
from engine.store.datastore import Datastore
from engine.triggers import Triggers


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorParts:
    settings: Settings
    content: Content
    database: Database
    datastore: Datastore
    preparation: Preparation
    access: Access
    rules: RuleEngine
    triggers: Triggers
    tell: Callable[[Notice], None]


def make_sensors(parts: SensorParts, *, server: str, environment: Mapping[str, str]) -> Sensors:
    """`server`: the name of this one among those that share a database."""
    settings = parts.settings
    spool = str(settings.data_folder / "spool")
    launching = Launching(settings, parts.preparation, parts.access, spool=spool, environment=environment)
    leases = Leases(parts.database, server=server, lease_s=settings.actions.lease_s)
    around = Surroundings(
        settings=settings.sensors,
        prepare=launching.prepare,
        submit=parts.triggers.submit,
        datastore=parts.datastore,
        news=SensorNews(tell=parts.tell, triggers=parts.triggers, channel=settings.sensors.channel),
        holds=leases.holds,
    )

    def plans(registry: Registry) -> Mapping[str, SensorPlan]:
        return plans_of(
            registry,
            settings,
            config_of=lambda pack: parts.preparation.config(pack, settings.events.user),
            triggers_of=parts.rules.table.triggers_of,
        )

    return Sensors(parts.content, around, leases, plans=plans, spool=spool)
