"""Configurations are checked by their schemas when they are loaded."""

import pytest

from engine.content.check import check
from tests.engine.content.site import Site, only_trouble

SCHEMA = """
host: {type: string, required: true}
port: {type: integer, default: eighty}
mode: {type: string, enum: [fast, safe], default: safe, required: true}
token: {type: string, secret: true}
account:
  type: object
  additionalProperties: false
  properties:
    name: {type: string, required: true}
    password: {type: string, secret: true}
hosts:
  type: array
  items: {type: object, properties: {port: {type: integer}, name: {type: string}}}
by_name:
  type: object
  patternProperties: {"^db": {type: integer}}
  additionalProperties: {type: string}
"""


def loaded(site: Site, config: str, schema: str = SCHEMA) -> Site:
    site.pack()
    site.write("packs/demo/config.schema.yaml", schema)
    site.write("configs/demo.yaml", config)
    return site


@pytest.mark.parametrize(
    "config",
    [
        "host: a",
        "host: a\nport: 80\nmode: fast\nextra: {anything: [1]}",
        "host: a\nport: '{{ st2kv.system.port }}'\naccount: {name: '{{ st2kv.system.x }}'}",
        "host: a\nport:\naccount:",
        "host: a\nhosts: [{port: '{{ st2kv.system.p }}', name: x}, {port: 5}]",
        "host: a\nby_name: {db1: 5, other: text, db2: '{{ st2kv.system.n }}'}",
        "host: a\nhosts: []",
    ],
)
def test_values_that_fit_are_used(site: Site, config: str) -> None:
    registry = loaded(site, config).load()
    assert registry.unavailable == ()
    assert registry.packs["demo"].config["host"] == "a"
    assert registry.packs["demo"].config_trouble == ""


@pytest.mark.parametrize(
    ("config", "line", "reason"),
    [
        ("host: a\nport: http\n", 2, "port: 'http' is not of type 'integer'"),
        ("port: 80\n", 1, "'host' is a required property"),
        ("host:\nport: 80\n", 1, "'host' is a required property"),
        ("host: a\nmode: slow\n", 2, "mode: 'slow' is not one of"),
        ("host: a\naccount:\n  password: x\n", 2, "'name' is a required property"),
        ("host: a\naccount:\n  name: x\n  nam: y\n", 2, "'nam' was unexpected"),
        ("host: a\nhosts:\n- {port: 1}\n- {port: '{{ x }}', name: 5}\n", 4, "hosts.1.name: 5 is not of type"),
        ("host: a\nby_name:\n  db1: text\n", 3, "by_name.db1"),
        ("host: a\nby_name:\n  other: 5\n", 3, "by_name.other"),
        ("- host\n", 1, "not of type 'object'"),
    ],
)
def test_a_wrong_value_is_listed_with_its_line(site: Site, config: str, line: int, reason: str) -> None:
    registry = loaded(site, config).load()
    trouble = only_trouble(registry)
    assert (trouble.kind, trouble.pack, trouble.where) == ("config", "demo", f"configs/demo.yaml:{line}")
    assert reason in trouble.reason
    assert registry.packs["demo"].config == {}
    assert registry.packs["demo"].config_trouble == f"{trouble.where}: {trouble.reason}"
    assert any(finding.severity == "error" and reason in finding.text for finding in check(registry))


@pytest.mark.parametrize(
    "config", ["host: a\ntoken: [canary]\n", "host: a\naccount: {name: x, password: [canary]}\n"]
)
def test_a_wrong_secret_is_not_repeated(site: Site, config: str) -> None:
    trouble = only_trouble(loaded(site, config).load())
    assert "the secret value does not fit its schema (type)" in trouble.reason
    assert "canary" not in f"{trouble}"


def test_a_corrected_file_is_used_after_a_reload(site: Site) -> None:
    loaded(site, "host: 5").load()
    site.write("configs/demo.yaml", "host: five")
    registry = site.load()
    assert registry.unavailable == ()
    assert registry.packs["demo"].config == {"host": "five"}


def test_a_schema_that_cannot_be_read_is_the_trouble_of_the_configuration(site: Site) -> None:
    registry = loaded(site, "host: a", schema="host: 5").load()
    assert "config.schema.yaml" in registry.packs["demo"].config_trouble


def test_the_check_names_keys_that_the_schema_does_not_know(site: Site) -> None:
    findings = check(loaded(site, "host: a\ntokne: x").load())
    (found,) = [finding for finding in findings if finding.where == "configs/demo.yaml"]
    assert (found.severity, found.hint) == ("warning", "Did you mean token?")


def test_the_check_names_what_a_pack_without_configuration_needs(site: Site) -> None:
    site.pack()
    site.write("packs/demo/config.schema.yaml", SCHEMA)
    (found,) = [finding for finding in check(site.load()) if finding.where == "configs/demo.yaml"]
    assert "needs host." in found.text
