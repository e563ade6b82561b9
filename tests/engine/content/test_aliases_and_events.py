"""Aliases, rules, sensors and trigger types load as StackStorm 3.9.0 loads them."""

import pytest

from engine.content.registry import Registry
from tests.engine.content.site import Site, only_trouble


def alias(site: Site, text: str) -> Registry:
    site.pack()
    site.write("packs/demo/aliases/a.yaml", f"name: a\naction_ref: core.local\n{text}\n")
    return site.load()


def rule(site: Site, text: str) -> Registry:
    site.pack()
    head = "name: r\ntrigger: {type: core.st2.webhook}\naction: {ref: core.local}\n"
    site.write("packs/demo/rules/r.yaml", head + text)
    return site.load()


def test_the_three_shapes_of_a_format_are_read(site: Site) -> None:
    registry = alias(
        site,
        "formats:\n- one {{ a }}\n- {display: two, representation: [two, '2']}\n"
        "- {display: three, representation: three, match_multiple: true}",
    )
    one, two, three = registry.aliases["demo.a"].formats
    assert (one.display, one.representations) == ("one {{ a }}", ("one {{ a }}",))
    assert (two.display, two.representations, two.match_multiple) == ("two", ("two", "2"), False)
    assert (three.representations, three.match_multiple) == (("three",), True)


def test_an_alias_keeps_its_sections_as_written(site: Site) -> None:
    registry = alias(
        site,
        "formats: [x]\nack: {enabled: false, append_url: false, odd: 1}\n"
        "result: {format: '{{ execution.id }}', extra: {slack: {color: red}}}\n"
        "immutable_parameters: {a: 1}\nextra: {slack: {icon: x}}\nx-allow-parameters: [env]",
    )
    found = registry.aliases["demo.a"]
    assert (found.ack.enabled, found.ack.append_url, found.result.enabled) == (False, False, True)
    assert found.raw_ack == {"enabled": False, "append_url": False, "odd": 1}
    assert found.result.extra == {"slack": {"color": "red"}}
    assert found.immutable_parameters == {"a": 1}
    assert found.extensions == {"x-allow-parameters": ["env"]}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "'formats' is a required property"),
        ("formats: x", "is not of type 'array'"),
        ("formats: [5]", "is not of type 'object'"),
        ("formats: [{display: 5}]", "display: 5 is not of type 'string'"),
        ("formats: [x]\nformat: y", "('format' was unexpected)"),
        ("formats: [x]\nack: yes", "ack: True is not of type 'object'"),
    ],
)
def test_a_wrong_alias_is_refused(site: Site, text: str, reason: str) -> None:
    trouble = only_trouble(alias(site, text))
    assert trouble.kind == "alias"
    assert reason in trouble.reason


def test_two_packs_may_have_an_alias_of_the_same_name(site: Site) -> None:
    for pack in ("one", "two"):
        site.pack(pack)
        site.write(f"packs/{pack}/aliases/ping.yaml", "name: ping\naction_ref: core.local\nformats: [ping]\n")
    registry = site.load()
    assert set(registry.aliases) == {"one.ping", "two.ping"}
    assert not registry.warnings


def test_a_rule_is_off_and_standard_unless_it_says_so(site: Site) -> None:
    found = rule(site, "").rules["demo.r"]
    assert found.enabled is False
    assert found.type == {"ref": "standard", "parameters": {}}
    assert found.trigger["parameters"] == {}


def test_a_rule_whose_trigger_nobody_knows_loads(site: Site) -> None:
    assert "demo.r" in rule(site, "enabled: true\ntags: [{name: a, value: b}]\n").rules


def test_a_rule_whose_action_has_no_pack_loads(site: Site) -> None:
    site.pack()
    site.write("packs/demo/rules/r.yaml", "name: r\ntrigger: {type: a.b}\naction: {ref: check_procs}\n")
    assert "demo.r" in site.load().rules


@pytest.mark.parametrize(
    ("criteria", "reason"),
    [
        ("{trigger.a: {pattern: x}}", "Operator not specified for field: trigger.a"),
        ("{trigger.a: {type: Equals, pattern: x}}", "operator Equals not in list of allowed operators"),
        ("{trigger.a: {type: exists}}", "no pattern specified for operator exists"),
        ("{trigger.a: x}", "is not of type 'object'"),
    ],
)
def test_a_wrong_criterion_is_refused_with_its_line(site: Site, criteria: str, reason: str) -> None:
    trouble = only_trouble(rule(site, f"criteria: {criteria}\n"))
    assert reason in trouble.reason
    assert trouble.where.endswith("r.yaml:4")


def test_an_unknown_key_of_a_rules_action_is_refused(site: Site) -> None:
    site.pack()
    site.write("packs/demo/rules/r.yaml", "name: r\ntrigger: {type: a.b}\naction: {ref: a.b, params: {}}\n")
    assert "('params' was unexpected)" in only_trouble(site.load()).reason


def test_unknown_keys_of_sensors_and_their_trigger_types_are_let_through(site: Site) -> None:
    site.pack()
    site.write(
        "packs/demo/sensors/s.yaml",
        "class_name: S\nentry_point: s.py\npolling_interval: 3\npoll_interval: 5\n"
        "trigger_types: [{name: t, payload_info: [x], payload_schema: {type: object}}]\n",
    )
    registry = site.load()
    assert registry.sensors["demo.S"].poll_interval == 5
    assert registry.trigger_types["demo.t"].payload_schema == {"type": "object"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("class_name: S\n", "'entry_point' is a required property"),
        ("entry_point: s.py\n", "'class_name' is a required property"),
        ("class_name: S\nentry_point: s.py\npoll_interval: 0.5\n", "Minimum possible poll_interval is 1"),
        ("class_name: S\nentry_point: s.py\ntrigger_types: [{}]\n", "'name' is a required property"),
        ("class_name: S\nentry_point: ../../../x.py\n", "outside of the pack"),
    ],
)
def test_a_wrong_sensor_is_refused(site: Site, text: str, reason: str) -> None:
    site.pack()
    site.write("packs/demo/sensors/s.yaml", text)
    trouble = only_trouble(site.load())
    assert trouble.kind == "sensor"
    assert reason in trouble.reason


def test_trigger_types_have_a_folder_of_their_own(site: Site) -> None:
    site.pack()
    site.write("packs/demo/triggers/t.yaml", "name: t\nparameters_schema: {type: object}\nodd: 1\n")
    assert site.load().trigger_types["demo.t"].parameters_schema == {"type": "object"}
