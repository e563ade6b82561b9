"""What the documentation shows works: pack files load, formats and filters give what stands there."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.aliases.grammar import compile_format
from engine.aliases.lint import lint
from engine.configuration import read_settings
from engine.content.overrides import read_override
from engine.content.read_actions import read_action, read_policy
from engine.content.read_aliases import read_alias
from engine.content.read_events import read_rule, read_sensor
from engine.content.read_packs import pack_ref, read_config_schema, read_pack
from engine.content.read_rights import read_assignment, read_limits, read_mapping, read_role
from engine.content.read_webhooks import read_webhook
from engine.content.registry import Registry
from engine.content.source import Source
from engine.errors import NoMatch
from engine.expressions.jinja import Templates
from engine.expressions.params import compile_plan
from engine.networks import networks
from engine.rules.table import compile_rule
from engine.settings import Settings
from engine.settings.chats import ErrbotSettings
from engine.settings.content import TemplateSettings
from engine.specs.runner_type import RUNNER_TYPES
from engine.workflows.chain_reading import read_chain
from engine.workflows.inspect import inspect
from engine.workflows.reading import read as read_workflow
from engine.yaml_reader import read_text
from tests.docs.pages import Block, blocks

SOURCE = Source(pack="weather", pack_folder=Path("packs/weather"), metadata_file="x.yaml")
HOOK = Source(pack="", pack_folder=Path("webhooks"), metadata_file="webhooks/hook.yaml")
ARROW = "→"


def action(content: Any) -> None:
    spec = read_action(content, SOURCE)
    compile_plan(spec, RUNNER_TYPES[spec.runner_type])


def alias(content: Any) -> None:
    spec = read_alias(content, SOURCE)
    assert [one for one in lint(Registry(aliases={spec.ref: spec})) if one.severity == "error"] == []


def pack(content: Any) -> None:
    read_pack(content, ref=pack_ref(content, "weather"), folder=Path("packs/weather"), is_system=False)


KINDS: dict[str, Callable[[Any], Any]] = {
    "action": action,
    "alias": alias,
    "pack": pack,
    "rule": lambda content: compile_rule(read_rule(content, SOURCE)),
    "sensor": lambda content: read_sensor(content, SOURCE),
    "config-schema": read_config_schema,
    "policy": lambda content: read_policy(content, SOURCE),
    "webhook": lambda content: read_webhook(content, HOOK),
    "override": lambda content: read_override(content, is_global=False),
    "config": dict,
    "role": lambda content: read_role(content, ""),
    "assignment": lambda content: read_assignment(content, ""),
    "mapping": lambda content: read_mapping(content, ""),
    "limits": lambda content: read_limits(content, ""),
}


def named(kind: str, *words: str) -> list[Any]:
    found = [block for block in blocks(kind) if not words or block.info.split(" ")[1:] == list(words)]
    return [pytest.param(block, id=block.where) for block in found]


def write_network(folder: Path, text: str) -> None:
    """A network's file, and the files that it names."""
    (folder / "net.yaml").write_text(text, encoding="utf-8")
    (folder / "secrets").mkdir()
    (folder / "secrets" / "jabber.password").write_text("hush", encoding="utf-8")


@pytest.mark.parametrize("block", named("yaml"))
def test_a_yaml_block_is_a_file_that_loads(block: Block, tmp_path: Path) -> None:
    kind = block.info.removeprefix("yaml").removesuffix(block.path).strip()
    if kind == "settings":
        file = tmp_path / "config.yaml"
        file.write_text(block.text, encoding="utf-8")
        assert read_settings(file, {}) != Settings(root=tmp_path)
        return
    if kind == "network":
        write_network(tmp_path, block.text)
        assert networks(Settings(root=tmp_path, errbot=ErrbotSettings(networks={"net": "net.yaml"})))
        return
    if kind == "workflow":
        assert inspect(block.text) == {}
        read_workflow(block.text)
        return
    if kind == "chain":
        read_chain(block.text, name=block.where)
        return
    known = (*KINDS, "settings", "network", "workflow", "chain")
    assert kind in KINDS, f"say what it is: ```yaml {' | '.join(known)}"
    document = read_text(block.text, name=block.where)
    assert document.duplicates == ()
    KINDS[kind](document.value)


@pytest.mark.parametrize("block", named("python"))
def test_a_python_block_compiles(block: Block) -> None:
    compile(block.text, block.where, "exec")


def rows(*words: str) -> list[Any]:
    """The lines of these blocks, taken apart at the arrows."""
    return [
        pytest.param(*(part.strip() for part in line.split(ARROW)), id=line.split(ARROW)[0].strip())
        for block in blocks("text")
        if block.info.split(" ")[1:] == list(words)
        for line in block.text.splitlines()
        if line.strip()
    ]


@pytest.mark.parametrize(("format", "text", "expected"), rows("formats"))
def test_a_format_takes_from_a_text_what_the_reference_says(format: str, text: str, expected: str) -> None:
    compiled = compile_format(format)
    if expected == "no match":
        with pytest.raises(NoMatch):
            compiled.extract(text)
        return
    assert compiled.extract(text) == json.loads(expected)


@pytest.mark.parametrize(("template", "expected"), rows("filters"))
def test_a_filter_gives_what_the_reference_says(template: str, expected: str) -> None:
    assert Templates(TemplateSettings()).render(template, {}).rstrip("\n") == expected
