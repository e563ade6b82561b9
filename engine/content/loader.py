"""From the disk to a registry: every pack and content file, whole or as "unavailable".

A load depends on nothing but the disk, so that what left the disk leaves the registry. Files that
did not change since the last load of the same ContentLoader are not read again.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from engine.content.folders import (
    CONFIG_SCHEMA,
    KINDS,
    MANIFEST,
    FoundFile,
    content_files,
    is_inside,
    one_file,
    pack_folders,
)
from engine.content.overrides import Override, read_override
from engine.content.read_configs import read_config
from engine.content.read_instances import read_instances
from engine.content.read_packs import RESERVED, pack_ref, read_config_schema, read_pack
from engine.content.read_rights import RightsFolder, unknown_roles
from engine.content.reading import FileReader, Outcome, unavailable
from engine.content.registry import Registry, Unavailable
from engine.content.source import Source
from engine.errors import BadContent
from engine.refs import make_ref
from engine.settings import Settings
from engine.specs.action import ActionSpec
from engine.specs.pack import SYSTEM_PACKS, PackSpec
from engine.specs.rights import RightsSpec
from engine.specs.sensor import INSTANCES, SensorInstance, SensorSpec
from engine.specs.webhook import WebhookSpec

log = logging.getLogger(__name__)

DEFAULT_PACK = "default"


def load_registry(settings: Settings, *, shipped: Path, generation: int) -> Registry:
    """Everything that the disk holds; `shipped` is the folder of the packs that come with Stormcrow."""
    return ContentLoader(settings, shipped=shipped)(generation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The folders that a load reads; none of them need exist."""

    bases: tuple[Path, ...]
    """Folders of packs; the first pack of a ref wins."""
    shipped: Path | None = None
    aliases: Path | None = None
    configs: Path | None = None
    overrides: Path | None = None
    webhooks: Path | None = None
    rights: Path | None = None
    roles: tuple[str, ...] = ()
    """Those that the settings know."""

    @classmethod
    def of(cls, settings: Settings, *, shipped: Path) -> "Places":
        content = settings.content
        return cls(
            bases=(*(settings.path(folder) for folder in content.packs), shipped.resolve()),
            shipped=shipped.resolve(),
            aliases=settings.path(content.aliases),
            configs=settings.path(content.configs),
            overrides=settings.path(content.overrides),
            webhooks=settings.path(content.webhooks),
            rights=settings.path(content.rights),
            roles=tuple(settings.named_roles),
        )

    def all(self) -> list[Path]:
        """What a file watch has to look at."""
        folders = [*self.bases, self.aliases, self.configs, self.overrides, self.webhooks, self.rights]
        return list(dict.fromkeys(folder for folder in folders if folder is not None))


class ContentLoader:
    """Loads registries, one after the other; one thread at a time."""

    def __init__(self, settings: Settings, *, shipped: Path) -> None:
        self.places = Places.of(settings, shipped=shipped)
        self._reader = FileReader(settings.path("."))

    def __call__(self, generation: int) -> Registry:
        registry = load_places(self.places, self._reader, generation=generation)
        self._reader.finish()
        log.info(
            "content loaded",
            extra={"actions": len(registry.actions), "unavailable": len(registry.unavailable)},
        )
        return registry


def load_places(
    places: Places, reader: FileReader, *, generation: int = 0, only: Path | None = None
) -> Registry:
    """One load, of one pack folder with `only`. It never raises for what the files hold."""
    load = _Load(places, reader)
    for base, folder in pack_folders(places.bases) if only is None else [(only.parent, only)]:
        load.pack_folder(base, folder)
    load.site_aliases()
    load.site_webhooks()
    load.site_rights()
    load.files_of_nobody()
    return load.registry(generation)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pack:
    ref: str
    folder: Path
    """Resolved."""
    trouble: str = ""
    """Why pack.yaml cannot be used; the pack's content is then listed as unavailable."""


@dataclass(slots=True)
class _Found:
    """What a load has found so far; `specs` by kind (a folder of KINDS), then by ref."""

    packs: dict[str, PackSpec] = field(default_factory=dict)
    specs: dict[str, dict[str, Any]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    webhooks: dict[str, WebhookSpec] = field(default_factory=dict)
    rights: RightsSpec = field(default_factory=RightsSpec)
    origins: dict[tuple[str, str], str] = field(default_factory=dict)
    unavailable: list[Unavailable] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def add(self, kind: str, spec: Any, where: str) -> None:
        """The last file wins where two have the same name."""
        earlier = self.origins.get((kind, spec.ref))
        if earlier is not None and earlier != where:
            self.warnings.append(f"{where}:1: {spec.ref} is in {earlier} too; this one counts.")
        self.specs[kind][spec.ref] = spec
        self.origins[kind, spec.ref] = where


class _Load:
    """One pass over the disk."""

    def __init__(self, places: Places, reader: FileReader) -> None:
        self._places = places
        self._reader = reader
        self._found = _Found()
        self._owners: dict[str, Path] = {}
        self._overrides: dict[str, Override] = {}
        self._inside: dict[Path, bool] = {}

    def registry(self, generation: int) -> Registry:
        found = self._found
        specs = {kind: dict(sorted(found.specs[kind].items())) for kind in KINDS}
        return Registry(
            generation=generation,
            packs=dict(sorted(found.packs.items())),
            actions=specs["actions"],
            aliases=specs["aliases"],
            rules=specs["rules"],
            sensors=specs["sensors"],
            trigger_types=specs["triggers"],
            policies=specs["policies"],
            webhooks=dict(sorted(found.webhooks.items())),
            rights=found.rights,
            unavailable=tuple(found.unavailable),
            warnings=tuple(found.warnings),
        )

    def pack_folder(self, base: Path, folder: Path) -> None:
        root = folder.resolve()
        manifest = one_file(folder / MANIFEST, root=root)
        if manifest is None:
            self._no_manifest(folder)
            return
        outcome = self._reader.read(manifest, lambda content: self._read_pack(content, base, folder, root))
        self._found.warnings.extend(outcome.warnings)
        ref = outcome.spec.ref if outcome.spec is not None else folder.name
        if ref in self._owners:
            self._shadowed(ref, folder)
            return
        self._owners[ref] = folder
        if outcome.spec is None:
            self._found.unavailable.append(unavailable(outcome, kind="pack", pack=ref))
            trouble = f"{outcome.error.where}: {outcome.error.message}" if outcome.error else ""
            pack = _Pack(ref=ref, folder=root, trouble=trouble)
        else:
            self._found.packs[ref] = self._configured(outcome.spec)
            pack = _Pack(ref=ref, folder=root)
        for kind in KINDS:
            for file in content_files(folder / kind, root=root):
                if kind != "actions" or file.path.stem != "config":
                    self._content(kind, file, pack)

    def _no_manifest(self, folder: Path) -> None:
        where = self._reader.shown(folder / MANIFEST)
        error = BadContent(
            "The pack has no pack.yaml.", hint="Write one: name, version ...", where=f"{where}:1"
        )
        outcome = Outcome(where=where, name=folder.name, error=error)
        self._found.unavailable.append(unavailable(outcome, kind="pack", pack=folder.name))

    def _shadowed(self, ref: str, folder: Path) -> None:
        # A site's own `default` is meant to stand before ours, which is empty.
        if ref == DEFAULT_PACK and folder.parent == self._places.shipped:
            return
        first = self._reader.shown(self._owners[ref])
        where = self._reader.shown(folder / MANIFEST)
        self._found.warnings.append(f"{where}:1: the pack {ref} is ignored; {first} comes first.")

    def _read_pack(self, content: Any, base: Path, folder: Path, root: Path) -> PackSpec:
        ref = pack_ref(content, folder.name)
        is_system = ref in SYSTEM_PACKS and base == self._places.shipped
        return read_pack(content, ref=ref, folder=root, is_system=is_system)

    def _configured(self, pack: PackSpec) -> PackSpec:
        """The pack with its config schema and its configuration, both as written."""
        update: dict[str, Any] = {}
        schema = one_file(pack.folder / CONFIG_SCHEMA, root=pack.folder)
        if schema is not None:
            update["config_schema"] = self._extra(schema, read_config_schema, "config", pack.ref)
        # Without a readable schema nobody knows which values are secret: none is used.
        if schema is None or update["config_schema"] is not None:
            config = self._places.configs and self._places.configs / f"{pack.ref}.yaml"
            file = config and one_file(config, root=config.resolve().parent)
            read = partial(_read_config, schema=update.get("config_schema") or {})
            found = self._extra(file, read, "config", pack.ref) if file else ({}, {})
            update["config"], update["sensor_instances"] = found or (None, None)
        trouble = ""
        if None in update.values():
            broken = self._found.unavailable[-1]
            trouble = f"{broken.where}: {broken.reason}"
        update = {key: value or {} for key, value in update.items()}
        return pack.model_copy(update={**update, "config_trouble": trouble})

    def _extra(self, file: FoundFile, make: Any, kind: str, pack: str) -> Any:
        """What a file beside the content says, or None after listing it as unavailable."""
        outcome = self._reader.read(file, make)
        self._found.warnings.extend(outcome.warnings)
        if outcome.error is not None:
            self._found.unavailable.append(unavailable(outcome, kind=kind, pack=pack))
        return outcome.spec

    def _content(self, kind: str, file: FoundFile, pack: _Pack) -> None:
        source = Source(
            pack=pack.ref, pack_folder=pack.folder, metadata_file=f"{file.path.parent.name}/{file.path.name}"
        )
        outcome = self._reader.spec(kind, file, source)
        self._found.warnings.extend(outcome.warnings)
        error = outcome.error or self._stray_entry_point(kind, outcome)
        if error is None and pack.trouble:
            error = BadContent(
                f"Its pack is unavailable: {pack.trouble}",
                hint="Repair pack.yaml.",
                where=f"{outcome.where}:1",
            )
        if error is not None:
            broken = Outcome(where=outcome.where, name=outcome.name, error=error)
            self._found.unavailable.append(unavailable(broken, kind=kind, pack=pack.ref))
            return
        spec = self._switched(kind, outcome.spec)
        for trigger_type in spec.trigger_types if isinstance(spec, SensorSpec) else ():
            self._found.add("triggers", trigger_type, outcome.where)
        self._found.add(kind, spec, outcome.where)

    def _stray_entry_point(self, kind: str, outcome: Outcome) -> BadContent | None:
        spec = outcome.spec
        if not isinstance(spec, ActionSpec | SensorSpec) or not spec.entry_point:
            return None
        path = spec.pack_folder / kind / spec.entry_point
        inside = self._inside.get(path)
        if inside is None:
            inside = self._inside[path] = is_inside(path, spec.pack_folder)
        if inside:
            return None
        return BadContent(
            f"The entry point {spec.entry_point!r} is outside of the pack.",
            hint="Entry points are files of the pack, relative to the folder of the .yaml.",
            where=f"{outcome.where}:1",
        )

    def _switched(self, kind: str, spec: Any) -> Any:
        """The spec with the overrides of its kind applied."""
        name = spec.class_name if isinstance(spec, SensorSpec) else spec.name
        if kind not in ("actions", "sensors", "rules", "aliases"):
            return spec
        enabled = spec.enabled
        for owner in (RESERVED, spec.pack):
            enabled = self._override(owner).decide(kind, name, enabled=enabled)
        return spec if enabled == spec.enabled else spec.model_copy(update={"enabled": enabled})

    def _override(self, owner: str) -> Override:
        known = self._overrides.get(owner)
        if known is not None:
            return known
        folder = self._places.overrides
        path = folder and folder / f"{owner}.yaml"
        file = one_file(path, root=path.resolve().parent) if path else None
        made = Override()
        if file is not None:
            read = self._extra(
                file, lambda content: read_override(content, is_global=owner == RESERVED), "override", owner
            )
            made = read if read is not None else Override(broken=True)
        self._overrides[owner] = made
        return made

    def site_aliases(self) -> None:
        folder = self._places.aliases
        if folder is None:
            return
        pack = _Pack(ref=DEFAULT_PACK, folder=folder.resolve())
        for file in content_files(folder, root=pack.folder):
            self._content("aliases", file, pack)

    def site_webhooks(self) -> None:
        folder = self._places.webhooks
        root = folder.resolve() if folder else Path()
        for file in content_files(folder, root=root) if folder else ():
            source = Source(pack="", pack_folder=root, metadata_file=f"webhooks/{file.path.name}")
            outcome = self._reader.spec("webhooks", file, source)
            self._found.warnings.extend(outcome.warnings)
            spec = outcome.spec
            if spec is not None and spec.url in self._found.webhooks:
                first = self._found.webhooks[spec.url].metadata_file
                # Not the last one, as elsewhere: who may post must not hang on the order of files.
                error = BadContent(f"{first} has the same url, {spec.url}.", where=f"{outcome.where}:1")
                outcome = Outcome(where=outcome.where, name=spec.url, error=error)
            if outcome.error is not None:
                self._found.unavailable.append(unavailable(outcome, kind="webhook", pack=""))
                continue
            self._found.webhooks[spec.url] = spec

    def site_rights(self) -> None:
        if self._places.rights is None:
            return
        folder = RightsFolder(self._places.rights, self._reader)
        self._found.rights = folder.read()
        self._found.unavailable.extend(folder.unavailable)
        unknown = unknown_roles(self._found.rights, self._places.roles)
        self._found.warnings.extend([*folder.warnings, *unknown])

    def files_of_nobody(self) -> None:
        """A typing error in a configuration's or an override's name must not go unseen."""
        for folder in (self._places.configs, self._places.overrides):
            for file in content_files(folder, root=folder.resolve()) if folder else ():
                ref = file.path.stem
                where = f"{self._reader.shown(file.path)}:1"
                if ref not in self._owners and ref not in (RESERVED, DEFAULT_PACK):
                    self._found.warnings.append(f"{where}: there is no pack {ref}.")
                elif file.path.suffix != ".yaml":
                    self._found.warnings.append(f"{where}: the file must be called {ref}.yaml.")
        for owner, override in self._overrides.items():
            for kind, switches in override.kinds.items():
                self._unknown_exceptions(owner, kind, switches.exceptions)
        self._instances_of_nothing()

    def _instances_of_nothing(self) -> None:
        broken = {make_ref(one.pack, one.name) for one in self._found.unavailable if one.kind == "sensor"}
        for pack in self._found.packs.values():
            for name in pack.sensor_instances:
                ref = make_ref(pack.ref, name)
                if ref not in self._found.specs["sensors"] and ref not in broken:
                    where = f"{self._reader.shown(self._places.configs or pack.folder)}/{pack.ref}.yaml:1"
                    self._found.warnings.append(f"{where}: {INSTANCES}: there is no sensor {ref}.")

    def _unknown_exceptions(self, owner: str, kind: str, names: Iterable[str]) -> None:
        folder = self._places.overrides
        broken = {item.name for item in self._found.unavailable if item.pack == owner}
        for name in names:
            if folder and make_ref(owner, name) not in self._found.specs[kind] and name not in broken:
                where = f"{self._reader.shown(folder / owner)}.yaml:1"
                self._found.warnings.append(f"{where}: {kind} of {owner} hold no {name}.")


def _read_config(
    content: Any, *, schema: Mapping[str, Any]
) -> tuple[Mapping[str, Any], Mapping[str, tuple[SensorInstance, ...]]]:
    """The values, and the instances of sensors that stand among them."""
    values = read_config(content, schema=schema)
    return values, read_instances(values.get(INSTANCES), (INSTANCES,))
