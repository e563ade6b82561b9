"""Makes the tables of the reference from the code: `python -m tests.docs.reference_tables` writes them.

A table stands in its page between `<!-- table: NAME -->` and `<!-- end -->`; the tests compare.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

import yaml

from engine.configuration import described, described_keys, entry_kind, example_config
from engine.metrics.catalogue import METRICS
from engine.settings import Settings
from engine.specs.parameter import ParameterSpec
from engine.specs.policy_type import BUILT_IN, policy_type
from engine.specs.runner_type import RUNNER_TYPES
from tests.docs.pages import REFERENCE, ROOT

_PLACE = re.compile(r"<!-- table: (?P<name>[\w -]+) -->\n(?P<text>.*?)<!-- end -->", re.DOTALL)


def tables() -> Mapping[str, Callable[[], str]]:
    """Every table by its name."""
    runners = {f"runner {name}": _of_runner(name) for name in RUNNER_TYPES}
    return {
        "metrics": metrics,
        "settings": settings,
        "entries": entries,
        "policy types": policy_types,
        **runners,
    }


def metrics() -> str:
    return "".join(
        _table(
            ("metric", "kind", "labels", "what it says"),
            (
                (f"`{one.shown}`", one.kind.value, ", ".join(f"`{label}`" for label in one.labels), one.help)
                for one in METRICS.values()
            ),
        )
    )


def policy_types() -> str:
    return "".join(
        _table(
            ("type", "parameters; those in bold must be there", "what it does"),
            (
                (f"`{name}`", ", ".join(map(_of_policy, kind.parameters.items())), kind.description)
                for name, kind in ((name, policy_type(name)) for name in BUILT_IN)
            ),
        )
    )


def _of_policy(parameter: tuple[str, Mapping[str, Any]]) -> str:
    name, schema = parameter
    shown = f"**`{name}`**" if schema.get("required") else f"`{name}`"
    if "enum" in schema:
        shown += f" ({' or '.join(f'`{word}`' for word in schema['enum'])}"
        shown += f", default `{schema['default']}`)" if "default" in schema else ")"
    elif "maximum" in schema:
        shown += f" ({schema['minimum']} to {schema['maximum']}"
        shown += f", default {schema['default']})" if "default" in schema else ")"
    return shown


def filled(text: str) -> str:
    """A page with its tables made anew. Raises KeyError for a table that nobody makes."""
    made = tables()
    return _PLACE.sub(
        lambda found: f"<!-- table: {found['name']} -->\n{made[found['name']]()}<!-- end -->", text
    )


def places(text: str) -> list[str]:
    """The names of the tables in a page."""
    return [found["name"] for found in _PLACE.finditer(text)]


def settings() -> str:
    return "".join(_settings())


def _settings() -> Iterator[str]:
    hints = get_type_hints(Settings)
    known = described()
    for section in fields(Settings):
        keys = [key for key in known if key.section == section.name]
        if not keys:
            continue
        yield f"\n## {section.name}\n\n{hints[section.name].__doc__}\n\n"
        yield from _table(
            ("key", "variable", "default", "value", "what it does"),
            (
                (
                    f"`{key.key}`",
                    f"`{key.variable}`",
                    _code(key.default),
                    _secret(key.wanted, key.secret),
                    key.help,
                )
                for key in keys
            ),
        )
    yield "\n"


def entries() -> str:
    """The keys of the lists whose entries are mappings."""
    made = []
    for key in described():
        kind = entry_kind(key.type)
        if kind is None:
            continue
        made.append(f"\n### {key.section}.{key.key}\n\n{kind.__doc__}\n\n")
        rows = (
            (f"`{one.key}`", _code(one.default), _secret(one.wanted, one.secret), one.help)
            for one in described_keys(kind(), "entry")
        )
        made.extend(_table(("key", "default", "value", "what it does"), rows))
    return "".join(made) + "\n"


def _secret(wanted: str, is_secret: bool) -> str:
    return f"{wanted}; secret" if is_secret else wanted


def _of_runner(name: str) -> Callable[[], str]:
    def made() -> str:
        parameters = RUNNER_TYPES[name].parameters.values()
        if not parameters:
            return "\nIt has no parameters.\n\n"
        rows = ((f"`{one.name}`", _type(one), _default(one), one.description) for one in parameters)
        return "\n" + "".join(_table(("parameter", "type", "default", "what it is"), rows)) + "\n"

    return made


def _type(parameter: ParameterSpec) -> str:
    remarks = [
        word
        for word, holds in (
            ("required", parameter.required),
            ("secret", parameter.secret),
            ("fixed", parameter.immutable),
        )
        if holds
    ]
    choices = parameter.schema_.get("enum")
    if choices:
        remarks.append("one of " + ", ".join(choices))
    return ", ".join([parameter.type or "any", *remarks])


def _default(parameter: ParameterSpec) -> str:
    if not parameter.has_default or parameter.default is None:
        return ""
    if isinstance(parameter.default, dict):
        return "see above"
    return _code(parameter.default)


def _code(value: Any) -> str:
    plain = str(value) if isinstance(value, Path) else value
    text = yaml.safe_dump(plain, default_flow_style=True, width=10_000)
    return f"`{text.removesuffix(chr(10)).removesuffix(chr(10) + '...').strip()}`"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |\n|{'---|' * len(head)}\n"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |\n"


def main() -> None:
    for page in sorted(REFERENCE.glob("*.md")):
        _write(page, filled(page.read_text(encoding="utf-8")))
    _write(ROOT / "config.yaml", example_config())


def _write(page: Path, text: str) -> None:
    if page.read_text(encoding="utf-8") != text:
        page.write_text(text, encoding="utf-8")
        print(page)


if __name__ == "__main__":
    main()
