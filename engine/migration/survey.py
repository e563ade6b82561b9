"""The whole of an old box: what is to be said about each thing, and the pieces that can be taken over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine.content.loader import Places, load_places
from engine.content.reading import FileReader
from engine.content.registry import Registry
from engine.errors import BadInput
from engine.installer.work import needs_environment
from engine.migration.box import Box
from engine.migration.configs import take_config
from engine.migration.content import survey_packs
from engine.migration.documents import DocumentPiece, DocumentReader, SwitchPiece
from engine.migration.finding import Item, Remark, Verdict
from engine.migration.keys import KeyPiece, read_keys
from engine.migration.known import Known
from engine.migration.logins import htpasswd_users
from engine.migration.origins import origin_of
from engine.migration.pieces import FilePiece, PackPiece
from engine.migration.rights import take_rights
from engine.migration.st2_conf import Proposal, proposals, read_conf, read_variables
from engine.migration.stage import Stage
from engine.settings import Settings
from engine.specs.pack import PackSpec
from engine.store.keyczar import KeyczarKey, read_key
from engine.timing.timer import TIMER_TYPES

PARTS = ("packs", "configs", "overrides", "keys", "rules", "rbac", "users", "settings")
"""What `--only` may name."""
_SCRIPTS = frozenset({"local-shell-script", "remote-shell-script"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is given besides the box itself."""

    keys: Path | None = None
    crypto_key: Path | None = None
    st2_conf: Path | None = None
    exports: tuple[Path, ...] = ()
    only: frozenset[str] = frozenset(PARTS)
    is_all: bool = True
    """Whether nothing was left out by name."""


@dataclass(slots=True)
class Survey:
    items: list[Item] = field(default_factory=list)
    files: list[PackPiece | FilePiece] = field(default_factory=list)
    keys: list[KeyPiece] = field(default_factory=list)
    documents: list[DocumentPiece | SwitchPiece] = field(default_factory=list)
    proposals: list[Proposal] = field(default_factory=list)
    environments: list[str] = field(default_factory=list)
    """Packs that need a virtual environment before their Python runs."""
    origins: dict[str, str] = field(default_factory=dict)
    """Pack -> the address that `pack update` will ask; empty: nobody knows one."""
    hooks: list[str] = field(default_factory=list)
    """URLs of webhooks, whose senders need a key of ours."""
    has_clocks: bool = False
    """Whether timers or sensors start by themselves with the server."""


def survey_of(box: Box, stage: Stage, wanted: Wanted, settings: Settings, *, shipped: Path) -> Survey:
    """Nothing is written, and nothing of the packs is run. Raises BadInput for exports that are none."""
    conf = read_conf(wanted.st2_conf or box.st2_conf)
    key_file = wanted.crypto_key or box.crypto_key
    crypto = read_key(key_file) if key_file is not None else None
    registry = stage.load(settings, shipped=shipped)
    made = Survey()
    only = wanted.only
    kinds = {"packs": {"pack", "folder"}, "configs": {"config"}, "overrides": {"override"}}
    shown = {kind for part, names in kinds.items() if part in only for kind in names}
    made.items += [item for item in stage.items if item.kind in shown]
    if "packs" in only:
        made.items += survey_packs(stage, registry, settings)
        _packs(made, stage, registry, settings, shipped=shipped)
        _doors(made, stage, registry)
    if "configs" in only:
        _configs(made, stage, registry, settings, crypto)
    if "overrides" in only:
        _overrides(made, stage, settings)
    if "keys" in only and wanted.keys is not None:
        items, keys = read_keys(wanted.keys, crypto)
        made.items += items
        made.keys += keys
    if "rules" in only:
        reader = DocumentReader(registry, Known(registry, settings), user=settings.events.user)
        for path in wanted.exports:
            found, documents = reader.read(path)
            made.items += found
            made.documents += documents
    if "rbac" in only:
        is_on = conf.has_rights or not wanted.is_all
        target = settings.path(settings.content.rights)
        taken = take_rights(box, target=target, is_on=is_on, known_roles=tuple(settings.people.roles))
        made.items += taken.items
        made.files += taken.pieces
    if "users" in only and box.htpasswd is not None:
        made.items += htpasswd_users(box.htpasswd, box.shown(box.htpasswd))
    if "settings" in only:
        made.proposals += proposals(conf, read_variables(box.chatops_env), settings)
    return made


def _packs(made: Survey, stage: Stage, registry: Registry, settings: Settings, *, shipped: Path) -> None:
    """A pack whose pack.yaml cannot be used has no ref to be put under, and is not taken.

    A pack of that ref that this site has is compared where it stands, whatever its folder is called: a second
    one would take its place unseen.
    """
    site = load_places(Places.of(settings, shipped=shipped), FileReader(settings.path(".")))
    here = {ref: pack.folder for ref, pack in site.packs.items() if not pack.is_system}
    target = settings.path(settings.content.packs[0]) if settings.content.packs else None
    if target is None:
        raise BadInput("There is no folder for packs.", hint="Set content.packs.")
    for pack in _of_stage(stage, registry):
        source = next(path for path in stage.packs.values() if path.resolve() == pack.folder)
        programs = frozenset(
            f"actions/{action.entry_point}"
            for action in registry.actions.values()
            if action.pack == pack.ref and action.runner_type in _SCRIPTS
        )
        origin = origin_of(source)
        made.files.append(
            PackPiece(
                name=pack.ref,
                source=source,
                target=here.get(pack.ref, target / pack.ref),
                programs=programs,
                origin=origin,
            )
        )
        made.origins[pack.ref] = origin
        if needs_environment(pack):
            made.environments.append(pack.ref)


def _doors(made: Survey, stage: Stage, registry: Registry) -> None:
    """What comes in from outside, or by itself."""
    mine = {pack.ref for pack in _of_stage(stage, registry)}
    rules = [rule for rule in registry.rules.values() if rule.pack in mine and rule.enabled]
    hooks = {
        str(rule.trigger["parameters"].get("url"))
        for rule in rules
        if rule.trigger["type"] == "core.st2.webhook"
    }
    made.hooks = sorted(hooks)
    sensors = [sensor for sensor in registry.sensors.values() if sensor.pack in mine and sensor.enabled]
    made.has_clocks = bool(sensors) or any(rule.trigger["type"] in TIMER_TYPES for rule in rules)


def _of_stage(stage: Stage, registry: Registry) -> Sequence[PackSpec]:
    folders = {path.resolve() for path in stage.packs.values()}
    return [pack for pack in registry.packs.values() if pack.folder in folders]


def _configs(
    made: Survey, stage: Stage, registry: Registry, settings: Settings, crypto: KeyczarKey | None
) -> None:
    folder = settings.path(settings.content.configs)
    broken = {one.where.rpartition(":")[0] for one in registry.unavailable if one.kind == "config"}
    told = _by_file(made.items)
    for ref, path in stage.configs.items():
        where = f"configs/{ref}.yaml"
        remarks: tuple[Remark, ...] = ()
        if where not in broken:
            taken = take_config(path, where, registry.packs.get(ref), folder=folder, crypto=crypto)
            made.files += [taken.file] if taken.file else []
            made.keys += taken.keys
            remarks = tuple(taken.remarks)
        if where in told:
            at = told[where]
            made.items[at] = replace(
                made.items[at], kind="config", name=ref, remarks=(*made.items[at].remarks, *remarks)
            )
        else:
            made.items.append(Item(kind="config", name=ref, where=where, remarks=remarks))


def _by_file(items: Sequence[Item]) -> Mapping[str, int]:
    return {item.where: number for number, item in enumerate(items)}


def _overrides(made: Survey, stage: Stage, settings: Settings) -> None:
    folder = settings.path(settings.content.overrides)
    told = _by_file(made.items)
    for name, path in stage.overrides.items():
        where = f"overrides/{name}.yaml"
        if where not in told:
            made.items.append(Item(kind="override", name=name, where=where))
        elif made.items[told[where]].verdict is Verdict.FAILS:
            continue
        made.files.append(
            FilePiece(kind="override", name=name, content=path.read_bytes(), target=folder / f"{name}.yaml")
        )
