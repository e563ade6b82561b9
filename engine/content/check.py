"""What `stormcrow pack check` reports: files that cannot be used, and what will go wrong later."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from engine.content.folders import KINDS, MANIFEST
from engine.content.loader import Places, load_places
from engine.content.reading import FileReader
from engine.content.registry import Registry
from engine.errors import BadContent, nearest
from engine.refs import make_ref
from engine.specs.action import ActionSpec
from engine.specs.pack import PackSpec
from engine.specs.parameter import ParameterSpec
from engine.specs.policy import PolicySpec
from engine.specs.runner_type import RUNNER_TYPES
from engine.specs.sensor import INSTANCES, SensorSpec

Severity = Literal["error", "warning"]

# Runners whose action is a file of the pack.
_WITH_FILE = frozenset(
    {
        "python-script",
        "local-shell-script",
        "remote-shell-script",
        "winrm-ps-script",
        "orquesta",
        "action-chain",
    }
)
_SCRIPTS = frozenset({"local-shell-script", "remote-shell-script", "winrm-ps-script"})
_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    severity: Severity
    """error: it does not work; warning: it may surprise."""
    where: str
    """A file, with a line where one is known."""
    text: str
    hint: str = ""


def check(target: Path | Registry, *, known: Registry | None = None) -> list[Finding]:
    """What is wrong with a pack, a folder of packs, or everything that is loaded; errors first.

    `known` is what else is there: actions that aliases, rules and policies of the target may name.
    Raises BadContent when the path holds no pack.
    """
    registry = target if isinstance(target, Registry) else _registry_of(target)
    everything = (
        Registry(actions={**(known or Registry()).actions, **registry.actions}) if known else registry
    )
    packs = {*registry.packs, *(known.packs if known else ())}
    findings = [
        *_unusable(registry),
        *_parts(registry),
        *_references(registry, everything.actions, packs),
    ]
    return sorted(findings, key=lambda finding: (finding.severity, finding.where, finding.text))


def _registry_of(target: Path) -> Registry:
    folder = target.resolve()
    is_pack = (folder / MANIFEST).is_file() or any((folder / kind).is_dir() for kind in KINDS)
    places = Places(bases=(folder.parent if is_pack else folder,))
    registry = load_places(places, FileReader(folder.parent), only=folder if is_pack else None)
    if not registry.packs and not registry.unavailable:
        raise BadContent(
            f"{target} holds no pack.", hint="A pack is a folder with pack.yaml.", where=str(target)
        )
    return registry


def _unusable(registry: Registry) -> Iterator[Finding]:
    for item in registry.unavailable:
        text = f"{item.kind} {make_ref(item.pack, item.name)} is unavailable: {item.reason}"
        yield Finding(severity="error", where=item.where, text=text, hint=item.hint)
    for warning in registry.warnings:
        where, _, text = warning.partition(": ")
        yield Finding(severity="warning", where=where, text=text)


def _configuration(pack: PackSpec) -> Iterator[Finding]:
    where = f"configs/{pack.ref}.yaml"
    for name in pack.config if pack.config_schema else ():
        if name not in pack.config_schema and name != INSTANCES:
            yield Finding(
                severity="warning",
                where=where,
                text=f"The config schema of {pack.ref} has no key {name!r}.",
                hint=nearest(name, pack.config_schema) or f"It has: {', '.join(pack.config_schema)}.",
            )
    missing = [
        name
        for name, schema in pack.config_schema.items()
        if isinstance(schema, Mapping) and schema.get("required") is True and "default" not in schema
    ]
    if missing and not pack.config and not pack.config_trouble:
        yield Finding(
            severity="warning",
            where=where,
            text=f"The pack {pack.ref} has no configuration, and needs {', '.join(missing)}.",
            hint=f"Write it, or: stormcrow pack config set {pack.ref} NAME=VALUE",
        )


def _parts(registry: Registry) -> Iterator[Finding]:
    for pack in registry.packs.values():
        yield from _configuration(pack)
        if (pack.folder / "config.yaml").is_file():
            yield Finding(
                severity="warning",
                where=f"{pack.ref}/config.yaml",
                text="config.yaml in a pack is not read.",
                hint=f"Describe its keys in config.schema.yaml; the values go into configs/{pack.ref}.yaml.",
            )
        if pack.python_versions == ("2",):
            yield Finding(
                severity="warning",
                where=f"{pack.ref}/pack.yaml",
                text="The pack says that it runs on Python 2 only.",
                hint="Its actions run on Python 3 here.",
            )
    for action in registry.actions.values():
        yield from _action(action)
    for sensor in registry.sensors.values():
        if not (sensor.pack_folder / "sensors" / sensor.entry_point).is_file():
            yield _missing(sensor)


def _missing(spec: ActionSpec | SensorSpec) -> Finding:
    return Finding(
        severity="error",
        where=_where(spec),
        text=f"The entry point {spec.entry_point!r} of {spec.ref} is missing.",
        hint="Entry points are relative to the folder of the .yaml.",
    )


def _where(spec: Any) -> str:
    return f"{spec.pack}/{spec.metadata_file}"


def _action(action: ActionSpec) -> Iterator[Finding]:
    if action.runner_type in _WITH_FILE:
        yield from _entry_point(action)
    for parameter in action.parameters.values():
        yield from _parameter(action, parameter)
    if action.runner_type in _SCRIPTS:
        inherited = RUNNER_TYPES[action.runner_type].parameters
        for name, parameter in action.parameters.items():
            if parameter.secret and name not in inherited:
                yield _in_argv(action, name)
    command = action.parameters.get("cmd")
    if command is not None and isinstance(command.default, str):
        words = _words_in_templates(command.default)
        for name, parameter in action.parameters.items():
            if parameter.secret and name in words:
                yield _in_argv(action, name)


def _words_in_templates(text: str) -> set[str]:
    """The names that the {{ }} and {% %} of a text mention, and then some."""
    parts = (re.split("}}|%}", part, maxsplit=1)[0] for part in re.split("{{|{%", text)[1:])
    return {word for part in parts for word in re.findall(r"\w+", part)}


def _in_argv(action: ActionSpec, name: str) -> Finding:
    return Finding(
        severity="warning",
        where=_where(action),
        text=f"The secret parameter {name} of {action.ref} becomes a part of a command line.",
        hint="Other users of the host can read command lines; hand it over in `env`.",
    )


def _entry_point(action: ActionSpec) -> Iterator[Finding]:
    path = action.entry_path
    if not action.entry_point or not path.is_file():
        yield _missing(action)
    elif action.runner_type == "local-shell-script" and not os.access(path, os.X_OK):
        yield Finding(
            severity="warning",
            where=_where(action),
            text=f"The script {action.entry_point} of {action.ref} is not executable.",
            hint=f"chmod +x {path}",
        )


def _parameter(action: ActionSpec, parameter: ParameterSpec) -> Iterator[Finding]:
    pattern = parameter.schema_.get("pattern")
    if pattern is not None:
        try:
            re.compile(pattern)
        except re.error as error:
            yield Finding(
                severity="error",
                where=_where(action),
                text=f"The pattern of the parameter {parameter.name} is no regular expression: {error}.",
            )
    default = parameter.default
    wanted = _PYTHON_TYPES.get(parameter.type or "")
    if not parameter.has_default or default is None or wanted is None or isinstance(default, str):
        return
    if not isinstance(default, wanted) or (isinstance(default, bool) and bool not in wanted):
        yield Finding(
            severity="warning",
            where=_where(action),
            text=f"The default {default!r} of the parameter {parameter.name} is no {parameter.type}.",
            hint="It is cast when the action runs; StackStorm refuses it then.",
        )


def _references(registry: Registry, actions: Mapping[str, Any], packs: set[str]) -> Iterator[Finding]:
    for alias in registry.aliases.values():
        yield from missing_reference(_where(alias), f"alias {alias.ref}", alias.action_ref, actions, packs)
    for rule in registry.rules.values():
        for action in (rule.action, *rule.extensions.get("x-actions", ())):
            yield from missing_reference(_where(rule), f"rule {rule.ref}", action["ref"], actions, packs)
    for policy in registry.policies.values():
        yield from missing_reference(
            _where(policy), f"policy {policy.ref}", policy.resource_ref, actions, packs
        )
        action = actions.get(policy.resource_ref)
        if isinstance(action, ActionSpec):
            yield from _attributes(policy, action)


def _attributes(policy: PolicySpec, action: ActionSpec) -> Iterator[Finding]:
    runner = RUNNER_TYPES.get(action.runner_type)
    known = {*action.parameters, *(runner.parameters if runner else ())}
    for attribute in policy.parameters.get("attributes") or ():
        name = attribute.partition(".")[0]
        if name not in known:
            yield Finding(
                severity="warning",
                where=_where(policy),
                text=f"The policy {policy.ref} looks at {attribute}; {action.ref} has no parameter {name}.",
                hint=nearest(name, known) or "So all its executions are counted together.",
            )


def missing_reference(
    where: str, what: str, ref: str, actions: Mapping[str, Any], packs: set[str]
) -> Iterator[Finding]:
    """That `what` names an action which is not there, if so; none for templates."""
    if ref in actions or "{{" in ref:
        return
    pack = ref.partition(".")[0]
    if pack in packs:
        hint = nearest(ref, actions) or f"List them: stormcrow action list --pack {pack}"
        yield Finding(
            severity="error", where=where, text=f"The {what} names {ref}, which is not there.", hint=hint
        )
    else:
        yield Finding(
            severity="warning",
            where=where,
            text=f"The {what} names {ref} of a pack that is not there.",
            hint=f"Install the pack {pack}." if "." in ref else "Write PACK.ACTION.",
        )
