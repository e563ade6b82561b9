"""The hooks of one generation of content, compiled: verifier, trigger, and what stays hidden."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from engine.errors import BadInput, StoreFailure
from engine.rules.identity import WEBHOOK, Trigger, trigger_of
from engine.rules.table import RuleTable
from engine.specs.webhook import WebhookSpec
from engine.specs.webhook_presets import PRESETS, Preset
from engine.store.datastore import Datastore
from engine.webhooks.delivery import HIDDEN
from engine.webhooks.fetched import Fetched
from engine.webhooks.verify import Verifier

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """One webhook of the site. Without a verifier it refuses everything; `problem` says why."""

    spec: WebhookSpec
    preset: Preset | None
    trigger: Trigger
    verifier: Verifier | None
    problem: str = ""
    hidden: frozenset[str] = HIDDEN
    """Headers that hold a secret: no part of the event."""

    @property
    def source(self) -> str:
        return source_of(self.spec.url)


@dataclass(frozen=True, slots=True, kw_only=True)
class HookTable:
    hooks: Mapping[str, Hook] = field(default_factory=dict)
    """By URL; disabled ones are left out."""
    good_until: datetime | None = None
    """When the first of the secrets ends; None: none of them does."""


def source_of(url: str) -> str:
    """What an event of this webhook says about where it comes from."""
    return f"webhook:{url}"


def compile_hooks(specs: Iterable[WebhookSpec], datastore: Datastore, fetched: Fetched) -> HookTable:
    """Reads the secrets. Never raises for what a hook says or a secret holds."""
    hooks: dict[str, Hook] = {}
    ends: list[datetime] = []
    for spec in specs:
        if spec.enabled:
            hooks[spec.url] = _compile(spec, datastore, fetched, ends)
    return HookTable(hooks=hooks, good_until=min(ends, default=None))


def _compile(spec: WebhookSpec, datastore: Datastore, fetched: Fetched, ends: list[datetime]) -> Hook:
    secrets, problems = [], []
    for name in spec.secrets:
        try:
            key = datastore.read("system", name, decrypt=True)
        except StoreFailure as error:
            problems.append(str(error))
            continue
        if key is None or not key.value:
            problems.append(f'The datastore has no key "{name}".')
            continue
        secrets.append(key.value)
        if key.expires_at is not None:
            ends.append(key.expires_at)
    verifier = None
    try:
        verifier = Verifier(
            spec.ways, secrets=secrets, networks=spec.networks, topics=spec.topics, fetched=fetched
        )
    except BadInput as error:
        problems.append(str(error))
    if spec.secrets and not secrets:
        verifier = None
    for problem in problems:
        log.warning("webhook %s (%s): %s", spec.url, spec.metadata_file, problem)
    return Hook(
        spec=spec,
        preset=PRESETS.get(spec.preset),
        trigger=trigger_of(WEBHOOK, {"url": spec.url}),
        verifier=verifier,
        problem=" ".join(problems),
        hidden=HIDDEN | {name for way in spec.ways if (name := _secret_header(way.type, way.header))},
    )


def _secret_header(type: str, header: str) -> str:
    """The header in which a secret is sent in clear; a signature is none."""
    if type in ("basic", "bearer_jwt"):
        return "authorization"
    return header if type == "token" else ""


def urls_of_rules(table: RuleTable) -> dict[str, Trigger]:
    """The triggers of every rule on a webhook, by URL."""
    return {
        str(trigger.parameters["url"]): trigger
        for trigger in table.triggers.values()
        if trigger.type_ref == WEBHOOK and "url" in trigger.parameters
    }
