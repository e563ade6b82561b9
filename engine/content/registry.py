"""The registry: every spec by its ref, built whole by a reload and swapped in one step."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from engine.errors import NotFound, nearest
from engine.specs.action import ActionSpec
from engine.specs.alias import AliasSpec
from engine.specs.pack import PackSpec
from engine.specs.policy import PolicySpec
from engine.specs.rights import RightsSpec
from engine.specs.rule import RuleSpec
from engine.specs.sensor import SensorSpec, TriggerTypeSpec
from engine.specs.webhook import WebhookSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Unavailable:
    """A file that could not be used. It stays visible, and stops nothing else."""

    kind: str
    """pack, action, alias, rule, sensor, trigger, policy, config, override, webhook, rights or workflow"""
    pack: str
    name: str
    where: str
    """file:line"""
    reason: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """One generation of content; never changed after it was made. Keys are refs."""

    generation: int = 0
    packs: Mapping[str, PackSpec] = field(default_factory=dict)
    actions: Mapping[str, ActionSpec] = field(default_factory=dict)
    aliases: Mapping[str, AliasSpec] = field(default_factory=dict)
    rules: Mapping[str, RuleSpec] = field(default_factory=dict)
    sensors: Mapping[str, SensorSpec] = field(default_factory=dict)
    trigger_types: Mapping[str, TriggerTypeSpec] = field(default_factory=dict)
    policies: Mapping[str, PolicySpec] = field(default_factory=dict)
    webhooks: Mapping[str, WebhookSpec] = field(default_factory=dict)
    """The site's webhook files, by URL."""
    rights: RightsSpec = field(default_factory=RightsSpec)
    runners_off: frozenset[str] = frozenset()
    """Runners that start nothing, as somebody switched them off."""
    unavailable: tuple[Unavailable, ...] = ()
    warnings: tuple[str, ...] = ()
    """What is odd and was accepted, each `file:line: text`."""

    def action(self, ref: str) -> ActionSpec:
        """Raises NotFound; says so when the action's file could not be used."""
        found = self.actions.get(ref)
        if found is not None:
            return found
        broken = next(
            (u for u in self.unavailable if u.kind == "action" and f"{u.pack}.{u.name}" == ref), None
        )
        if broken is not None:
            raise NotFound(
                f'Action "{ref}" is unavailable: {broken.where}: {broken.reason}', hint=broken.hint
            )
        raise NotFound(f'Action "{ref}" cannot be found.', hint=nearest(ref, self.actions))

    def pack(self, ref: str) -> PackSpec:
        found = self.packs.get(ref)
        if found is None:
            raise NotFound(f'Pack "{ref}" cannot be found.', hint=nearest(ref, self.packs))
        return found


class Content:
    """Holds the current registry. Readers take `current` once and work on that."""

    def __init__(self, load: Callable[[int], Registry]) -> None:
        """`load(generation)` reads the disk; it is the loader bound to the settings."""
        self._load = load
        self._lock = threading.RLock()
        self._listeners: list[Callable[[Registry], None]] = []
        self.merge: Callable[[Registry], Registry] = lambda files: files
        """Adds to what the disk holds what has no file."""
        self.files = Registry()
        """What the disk holds."""
        self.current = Registry()

    def reload(self) -> Registry:
        """Read everything anew and swap it in. What left the disk is gone from the result."""
        with self._lock:
            self.files = self._load(self.current.generation + 1)
            return self._swap()

    def merge_again(self) -> Registry:
        """What has no file has changed; the disk is not read."""
        with self._lock:
            self.files = replace(self.files, generation=self.current.generation + 1)
            return self._swap()

    def _swap(self) -> Registry:
        # Listeners are told in the order of the swaps: an older registry never comes after a newer one.
        fresh = self.current = self.merge(self.files)
        for listener in list(self._listeners):
            listener(fresh)
        return fresh

    def attach(self, listener: Callable[[Registry], None]) -> Callable[[], None]:
        """Call `listener` with every new registry; returns what detaches it."""
        with self._lock:
            self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)
