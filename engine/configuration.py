"""Reading config.yaml and the STORMCROW_ variables into Settings, and writing them out again.

A variable wins over the file: STORMCROW_SERVER__PORT=9102 is `port` in the section `server`;
lists and dicts are YAML text. STORMCROW_STORE__URL_FILE=/run/secrets/url takes the value from a
file, so that a secret need not stand in config.yaml nor in the environment.
"""

import ipaddress
import math
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

import yaml

from engine.errors import BadContent, BadSettings, nearest
from engine.settings import Settings
from engine.specs.runner_type import RUNNER_TYPES
from engine.yaml_reader import line_of, read_file, read_text

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

PREFIX = "STORMCROW_"
# Read by the command line when it talks to a server; not settings.
CLIENT_VARIABLES = frozenset({"STORMCROW_API_KEY", "STORMCROW_URL", "STORMCROW_CONFIG"})
MASK = "********"
_URL_PASSWORD = re.compile(r"(://[^/\s:@]*:)[^/\s@]+(@)")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyDescription:
    """One key as config.yaml and the reference show it."""

    section: str
    key: str
    help: str
    """One sentence or two, with the unit."""
    type: Any
    wanted: str
    """What values are right, in words: "a whole number from 0 to 65535"."""
    default: Any
    secret: bool
    at_least: float
    at_most: float | None

    @property
    def variable(self) -> str:
        return f"{PREFIX}{self.section}__{self.key}".upper()


def described() -> tuple[KeyDescription, ...]:
    """Every key of every section, in the order of the classes in engine/settings."""
    return tuple(_described())


def _described() -> Iterator[KeyDescription]:
    defaults = Settings()
    for section in fields(Settings):
        values = getattr(defaults, section.name)
        if is_dataclass(values) and not isinstance(values, type):
            yield from described_keys(values, section.name)


def described_keys(values: "DataclassInstance", section: str) -> Iterator[KeyDescription]:
    """Those of one section, or of an entry of a list; `values`: with its defaults."""
    types = get_type_hints(type(values))
    for key in fields(values):
        metadata = key.metadata
        yield KeyDescription(
            section=section,
            key=key.name,
            help=metadata["help"],
            type=types[key.name],
            wanted=_wanted(types[key.name], metadata["at_least"], metadata["at_most"]),
            default=getattr(values, key.name),
            secret=metadata["secret"],
            at_least=metadata["at_least"],
            at_most=metadata["at_most"],
        )


def entry_kind(type_: Any) -> Any:
    """The class of a list's entries where they are mappings, else None."""
    inner = get_args(type_)[0] if get_origin(type_) is list else None
    return inner if is_dataclass(inner) else None


def _wanted(type_: Any, at_least: float, at_most: float | None) -> str:
    if get_origin(type_) is Literal:
        return " or ".join(str(word) for word in get_args(type_))
    kind = entry_kind(type_)
    if kind is not None:
        return f"a list of mappings with the keys {', '.join(one.name for one in fields(kind))}"
    upper = "" if at_most is None else f" to {at_most:g}"
    bounds = f"from {at_least:g}{upper or ' on'}"
    words = {
        str: "a text",
        Path: "a path",
        bool: "true or false",
        int: f"a whole number {bounds}",
        float: f"a number {bounds}",
        list[str]: "a list of texts",
        dict[str, int]: f"a mapping of names to whole numbers {bounds}",
        dict[str, str]: "a mapping of names to texts",
        dict[str, list[str]]: "a mapping of names to lists of texts",
    }
    return words[type_]


def read_settings(path: Path | None, environment: Mapping[str, str]) -> Settings:
    """The settings of the file at `path` with the STORMCROW_ variables of `environment` over it.

    `path` None: defaults and variables only, and paths are relative to the working folder. A key
    left out, or empty (`key:`), has its default. Raises BadSettings, which names file and line or
    the variable, the key, what was found and what is wanted.
    """
    known = {(key.section, key.key): key for key in described()}
    chosen: dict[tuple[str, str], Any] = {}
    if path is not None:
        chosen.update(_from_file(path, known))
    chosen.update(_from_environment(environment, known))
    root = path.absolute().parent if path is not None else Path()
    sections: dict[str, dict[str, Any]] = {}
    for (section, key), value in chosen.items():
        sections.setdefault(section, {})[key] = value
    types = get_type_hints(Settings)
    made = {section: types[section](**values) for section, values in sections.items()}
    return Settings(root=root, **made)


_Known = Mapping[tuple[str, str], KeyDescription]


def _from_file(path: Path, known: _Known) -> dict[tuple[str, str], Any]:
    try:
        text, document = read_file(path, name=str(path))
    except BadContent as error:
        raise BadSettings(error.message, hint=error.hint, where=error.where) from error
    if document.duplicates:
        line, key = document.duplicates[0]
        raise BadSettings(f"{key} is written twice.", hint="Delete one of them.", where=f"{path}:{line}")
    written = {} if document.value is None else document.value
    if not isinstance(written, dict):
        raise BadSettings("A mapping of sections is wanted.", where=f"{path}:1")
    sections = list(dict.fromkeys(section for section, _key in known))
    chosen = {}
    for section, keys in written.items():
        where = f"{path}:{line_of(text, (section,))}"
        if section not in sections:
            raise BadSettings(
                f"There is no section {section!r}.",
                hint=nearest(str(section), sections) or f"Sections: {', '.join(sections)}.",
                where=where,
            )
        if not isinstance(keys, dict | None):
            raise BadSettings(
                f"The section holds {_found(keys)}.", hint="Wanted: keys.", where=f"{where}: {section}"
            )
        for key, value in (keys or {}).items():
            if value is None and (section, key) in known:
                continue
            where = f"{path}:{line_of(text, (section, key))}: {section}.{key}"
            chosen[section, key] = _checked(_key_of(section, key, known, where), value, where)
    return chosen


def _key_of(section: str, key: Any, known: _Known, where: str) -> KeyDescription:
    found = known.get((section, key))
    if found is not None:
        return found
    keys = [name for owner, name in known if owner == section]
    owner = next((one for one, name in known if name == key), None)
    hint = nearest(str(key), keys) or (f"{key} belongs to the section {owner}." if owner else "")
    raise BadSettings("There is no such key.", hint=hint or f"Keys: {', '.join(keys)}.", where=where)


def _from_environment(environment: Mapping[str, str], known: _Known) -> dict[tuple[str, str], Any]:
    variables = {key.variable: name for name, key in known.items()}
    chosen: dict[tuple[str, str], Any] = {}
    for variable in sorted(environment):
        if not variable.startswith(PREFIX) or variable in CLIENT_VARIABLES:
            continue
        text = environment[variable]
        direct = variable.removesuffix("_FILE")
        if variable not in variables and direct in variables:
            if direct in environment:
                raise BadSettings(f"{direct} is set too.", hint="Unset one of them.", where=variable)
            text = _secret_file(Path(text), variable)
        else:
            direct = variable
        if direct not in variables:
            raise BadSettings(
                "There is no setting of that name.",
                hint=nearest(variable, [*variables, *CLIENT_VARIABLES])
                or "Names are STORMCROW_SECTION__KEY.",
                where=variable,
            )
        name = variables[direct]
        where = f"{variable}: {name[0]}.{name[1]}"
        chosen[name] = _checked(known[name], _from_text(known[name], text, where), where)
    return chosen


def _secret_file(path: Path, variable: str) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(
            f"The file {path} cannot be read.", hint="Check its name and its mode.", where=variable
        ) from error


def _from_text(key: KeyDescription, text: str, where: str) -> Any:
    """A variable's text as the value that config.yaml would hold."""
    if key.type in (str, Path) or get_origin(key.type) is Literal:
        return text
    try:
        return read_text(text, name=where).value
    except BadContent as error:
        raise BadSettings(error.message, hint=f"Wanted: {key.wanted}.", where=where) from error


def _found(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def _checked(key: KeyDescription, value: Any, where: str) -> Any:
    """`value` as the field's type. Raises BadSettings."""
    kind = entry_kind(key.type)
    if kind is not None and isinstance(value, list):
        return [_entry(kind, one, f"{where}, entry {number}") for number, one in enumerate(value, 1)]
    if key.type is Path and isinstance(value, str) and value:
        return Path(value)
    if key.type is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if _fits(key, value):
        _check_names(key, value, where)
        return value
    found = MASK if key.secret else _found(value)
    hint = nearest(str(value), map(str, get_args(key.type))) if get_origin(key.type) is Literal else ""
    raise BadSettings(f"Found {found}, wanted {key.wanted}.", hint=hint, where=where)


def _entry(kind: Any, value: Any, where: str) -> Any:
    """An entry of a list as its class. Raises BadSettings."""
    if not isinstance(value, dict):
        raise BadSettings(f"Found {_found(value)}, wanted a mapping.", where=where)
    known = {(key.section, key.key): key for key in described_keys(kind(), "entry")}
    chosen = {}
    for name, given in value.items():
        key = _key_of("entry", name, known, where)
        chosen[name] = _checked(
            key, _words(given) if key.type == dict[str, str] else given, f"{where}, {name}"
        )
    made = kind(**chosen)
    problem = made.problem()
    if problem:
        raise BadSettings(f"{problem[0].upper()}{problem[1:]}.", where=where)
    return made


def _words(value: Any) -> Any:
    """`ref_protected: true` means the word that stands there."""
    if not isinstance(value, dict):
        return value
    return {
        name: str(one).lower() if isinstance(one, bool) else str(one) if isinstance(one, int) else one
        for name, one in value.items()
    }


def _fits(key: KeyDescription, value: Any) -> bool:
    if get_origin(key.type) is Literal:
        return value in get_args(key.type)
    if key.type is int or key.type is float:
        return _in_range(key, value)
    if key.type == list[str]:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if key.type == dict[str, int]:
        return isinstance(value, dict) and all(
            isinstance(name, str) and _in_range(key, number) for name, number in value.items()
        )
    if key.type == dict[str, str]:
        return isinstance(value, dict) and all(
            isinstance(text, str) for pair in value.items() for text in pair
        )
    if key.type == dict[str, list[str]]:
        return isinstance(value, dict) and all(
            isinstance(name, str) and isinstance(items, list) and all(isinstance(item, str) for item in items)
            for name, items in value.items()
        )
    return type(value) is key.type


def _in_range(key: KeyDescription, value: Any) -> bool:
    wanted = float if key.type is float else int
    if type(value) is not wanted or not math.isfinite(value):
        return False
    return bool(value >= key.at_least and (key.at_most is None or value <= key.at_most))


def _check_names(key: KeyDescription, value: Any, where: str) -> None:
    """What a type cannot say: names of runners, and networks."""
    if (key.section, key.key) == ("actions", "limits"):
        for name in value:
            if name not in RUNNER_TYPES:
                hint = nearest(name, RUNNER_TYPES) or f"Runners: {', '.join(RUNNER_TYPES)}."
                raise BadSettings(f"There is no runner {name!r}.", hint=hint, where=where)
    if (key.section, key.key) == ("http", "blocked_networks"):
        for network in value:
            try:
                ipaddress.ip_network(network)
            except ValueError as error:
                raise BadSettings(
                    f"{network!r} is not a network.", hint="Write 10.0.0.0/8 or fd00::/8.", where=where
                ) from error
    if (key.section, key.key) == ("people", "linked"):
        names = [name for first, others in value.items() for name in {first, *others}]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise BadSettings(
                f"{twice[0]!r} belongs to two people.", hint="Write each account once.", where=where
            )


def show(settings: Settings) -> str:
    """The settings as YAML, with secrets and the passwords inside URLs as ********."""
    shown: dict[str, dict[str, Any]] = {}
    for key in described():
        value = getattr(getattr(settings, key.section), key.key)
        shown.setdefault(key.section, {})[key.key] = _masked(value, secret=key.secret)
    return yaml.safe_dump(shown, sort_keys=False, allow_unicode=True, width=100)


def _masked(value: Any, *, secret: bool) -> Any:
    if secret:
        return MASK if value else value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, str):
        return _URL_PASSWORD.sub(rf"\1{MASK}\2", value)
    if isinstance(value, list):
        return [_masked(item, secret=False) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {
            one.name: _masked(getattr(value, one.name), secret=one.metadata["secret"])
            for one in fields(value)
            if getattr(value, one.name) not in ("", [], {})
        }
    return value


_HEAD = """\
# The settings of Stormcrow: every key, with its default. What you leave out has its default.
# A variable wins over this file: STORMCROW_SERVER__PORT=9102 is server.port; with _FILE at its
# end it names a file that holds the value: STORMCROW_STORE__URL_FILE=/run/secrets/url.
# Check it: stormcrow config check. See what is in force: stormcrow config show.
"""


def example_config() -> str:
    """The text of config.yaml: every key with its sentence, what is wanted, and its default."""
    lines = [_HEAD.rstrip("\n")]
    section = ""
    for key in described():
        if key.section != section:
            section = key.section
            sentence = type(getattr(Settings(), section)).__doc__ or ""
            lines += ["", f"# {sentence}", f"{section}:"]
        default = _written(key.default)
        comment = f"{key.help} ({key.wanted}; default {default})"
        lines += [f"  # {line}" for line in textwrap.wrap(comment, 100)]
        lines.append(f"  {key.key}: {default}")
    return "\n".join(lines) + "\n"


def _written(value: Any) -> str:
    """One value in YAML, on one line."""
    plain = str(value) if isinstance(value, Path) else value
    text = yaml.safe_dump(plain, default_flow_style=True, allow_unicode=True, width=10_000)
    return text.removesuffix("\n").removesuffix("\n...").strip()
