"""The engine's own initiative: rules and all that feeds them, put together, started and stopped in order."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.access import Access
from engine.alerts.board import TRIGGER as ALERT
from engine.alerts.board import AlertBoard
from engine.alerts.routing import PACK as ALERTS_PACK
from engine.alerts.routing import Routing
from engine.alias_executions import AliasExecutions
from engine.alias_news import AliasNews
from engine.aliases.match import AliasMatch
from engine.callbacks.sender import Callbacks, SenderParts
from engine.content.registry import Content, Registry
from engine.errors import EngineError
from engine.executions import Executions
from engine.expressions.jinja import Templates
from engine.expressions.live_secrets import LiveSecrets
from engine.expressions.params import Plans
from engine.foundation import Foundation
from engine.held_rules import HeldRules
from engine.inquiries.assembly import InquiryParts, make_inquiries
from engine.internal_triggers import InternalTriggers
from engine.notices import Notice
from engine.people import People
from engine.preparation import Preparation
from engine.rights.room import Rights
from engine.rules.evaluate import RuleEngine
from engine.rules.explain import RuleExplainer
from engine.rules.history import TriggerHistory
from engine.rules.payloads import Payloads
from engine.rules.table import RuleTable
from engine.rules.traces import Traces
from engine.schedules.assembly import ScheduleParts, make_schedules
from engine.sensors.assembly import SensorParts, make_sensors
from engine.sensors.supervisor import Sensors
from engine.settings import Settings
from engine.stored_content import StoredContent
from engine.timers import Timers
from engine.triggers import Triggers
from engine.webhooks.intake import Webhooks

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventParts:
    """What events stand on. `match` finds the alias of a command, `tell` has something said in a chat."""

    settings: Settings
    foundation: Foundation
    content: Content
    executions: Executions
    access: Access
    aliases: AliasExecutions
    preparation: Preparation
    plans: Plans
    templates: Templates
    match: Callable[[str], AliasMatch]
    tell: Callable[[Notice], None]
    people: People
    rights: Rights
    live_secrets: LiveSecrets


class Events:
    """`start` comes when executions can run; sensors are started later, when the API answers."""

    def __init__(self, parts: EventParts, *, environment: Mapping[str, str]) -> None:
        self._parts = parts
        self._settings = settings = parts.settings
        database, datastore = parts.foundation.database, parts.foundation.datastore
        self.stored = StoredContent(database, parts.content)
        self.rules = RuleEngine(
            parts.content,
            parts.executions,
            parts.plans,
            parts.templates,
            datastore,
            payloads=Payloads(parts.foundation.vault),
            rights=parts.rights,
            scope_for=parts.preparation.scope,
            user=settings.events.user,
        )
        self._alias_news = AliasNews(database, parts.content)
        self.history = TriggerHistory(database)
        self.traces = Traces(database)
        self.explainer = RuleExplainer(self.rules, self.history, root=settings.root)
        self.held = HeldRules(database, self.rules)
        self.triggers = Triggers(
            database,
            self.rules,
            queue_limit=settings.events.queue_limit,
            depth_limit=settings.events.depth_limit,
        )
        self.alerts = AlertBoard(
            database, default_channel=settings.events.channel or next(iter(settings.chat.channels), "")
        )
        self.triggers.attach(ALERT, self.alerts.take)
        self.rules.places[ALERT] = self.alerts.place
        self.webhooks = Webhooks(
            content=parts.content,
            rules=self.rules,
            database=database,
            datastore=datastore,
            refused_limit=settings.events.refused_limit,
        )
        self.internal = InternalTriggers(
            parts.content,
            parts.plans,
            parts.templates,
            datastore,
            self.triggers,
            chat=settings.chat,
            read=parts.executions.get,
        )
        self.sensors = self._make_sensors(environment)
        self.inquiries, self._inquiry_clock = make_inquiries(
            InquiryParts(
                settings=settings,
                database=database,
                vault=parts.foundation.vault,
                content=parts.content,
                plans=parts.plans,
                executions=parts.executions,
                triggers=self.triggers,
                people=parts.people,
                rights=parts.rights,
            )
        )
        self._make_clocks()
        self.callbacks = Callbacks(
            SenderParts(
                settings=settings,
                database=database,
                datastore=datastore,
                vault=parts.foundation.vault,
                read=parts.executions.get,
                note_secret=lambda value: parts.live_secrets.note([value]),
                server=parts.foundation.server_id,
            )
        )

    def _make_sensors(self, environment: Mapping[str, str]) -> Sensors:
        parts = self._parts
        return make_sensors(
            SensorParts(
                settings=parts.settings,
                content=parts.content,
                database=parts.foundation.database,
                datastore=parts.foundation.datastore,
                preparation=parts.preparation,
                access=parts.access,
                rules=self.rules,
                triggers=self.triggers,
                tell=parts.tell,
            ),
            server=parts.foundation.server_id(),
            environment=environment,
        )

    def _make_clocks(self) -> None:
        parts = self._parts
        self.timers = Timers(
            parts.foundation.database, self.triggers, self.rules, refresh=self.stored.refresh
        )
        self.schedules = make_schedules(
            ScheduleParts(
                database=parts.foundation.database,
                content=parts.content,
                stored=self.stored,
                timers=self.timers,
                rules=self.rules,
                executions=parts.executions,
                aliases=parts.aliases,
                plans=parts.plans,
                match=parts.match,
                rights=parts.rights,
            ),
            zone=parts.settings.chat.timezone,
        )

    def adopt(self, registry: Registry) -> None:
        """New content is in force."""
        self.rules.table = RuleTable(registry)
        self._route_alerts(registry)
        self.timers.wake(rules_changed=True)

    def start(self) -> None:
        self.alerts.start()
        self.webhooks.start()
        self.triggers.start()
        self._parts.foundation.expiry.start()
        self.held.start()
        self._alias_news.start()
        self._inquiry_clock.start()
        self.timers.start()
        self.callbacks.start()

    def stop(self) -> None:
        """What was taken is committed first."""
        # While events are still taken: what a sensor was about to say is heard.
        self.sensors.stop()
        self._parts.foundation.expiry.stop()
        self.timers.stop()
        self.callbacks.stop()
        self._inquiry_clock.stop()
        self._alias_news.stop()
        self.triggers.stop()
        self.held.stop()
        self.alerts.stop()

    def _route_alerts(self, registry: Registry) -> None:
        pack = registry.packs.get(ALERTS_PACK)
        if pack is None:
            return
        try:
            config = self._parts.preparation.config(pack, self._settings.events.user)
            self.alerts.routing = Routing.of(config)
        except (EngineError, KeyError, TypeError, ValueError) as error:
            log.error("the configuration of the pack %s cannot be used: %s", ALERTS_PACK, error)
