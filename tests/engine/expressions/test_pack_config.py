"""The configuration that a pack's actions get."""

from typing import Any

import pytest

from engine.errors import BadTemplate
from engine.expressions.pack_config import effective_config, secret_config_values
from engine.specs.pack import PackSpec
from tests.engine.expressions.world import scope


def pack(schema: dict[str, Any], config: dict[str, Any]) -> PackSpec:
    return PackSpec(ref="p", name="p", config_schema=schema, config=config)


KEYS = {"system.host": "h1", "system.pw": "cipher:hidden", "user.ann.token": "mine"}


def test_templates_are_rendered_and_stay_text() -> None:
    made = effective_config(
        pack(
            {"port": {"type": "integer"}},
            {"host": "{{ st2kv.system.host }}", "n": {"l": ["{{st2kv.user.token}}", 5]}},
        ),
        scope=scope(KEYS, user="ann"),
    )
    assert made == {"host": "h1", "n": {"l": ["mine", 5]}}


def test_a_missing_key_gives_none() -> None:
    assert effective_config(pack({}, {"a": "{{ st2kv.system.none }}"}), scope=scope()) == {"a": None}


def test_secret_values_are_decrypted() -> None:
    schema = {"pw": {"type": "string", "secret": True}, "plain": {"type": "string", "secret": True}}
    spec = pack(schema, {"pw": "{{ st2kv.system.pw }}", "plain": "typed in"})
    made = effective_config(spec, scope=scope(KEYS))
    assert made == {"pw": "hidden", "plain": "typed in"}
    assert secret_config_values(spec, made) == ("hidden", "typed in")


def test_a_value_that_cannot_be_decrypted_names_its_key() -> None:
    schema = {"a": {"type": "object", "properties": {"b": {"secret": True}}}}
    with pytest.raises(BadTemplate) as caught:
        effective_config(pack(schema, {"a": {"b": "{{ st2kv.system.host }}"}}), scope=scope(KEYS))
    assert caught.value.message.startswith(
        'Failed to render dynamic configuration value for key "a.b" with value '
        '"{{ st2kv.system.host }}" for pack "p"'
    )


def test_defaults_are_filled_in_and_not_rendered() -> None:
    schema = {
        "a": {"default": "{{ st2kv.system.host }}"},
        "o": {"type": "object", "properties": {"x": {"default": 1}, "y": {"type": "string"}}},
        "l": {"type": "array", "items": {"type": "object", "properties": {"z": {"default": 2}}}},
        "given": {"default": 3},
    }
    made = effective_config(pack(schema, {"given": None, "l": [{}, {"z": 5}]}), scope=scope(KEYS))
    assert made == {"a": "{{ st2kv.system.host }}", "o": {"x": 1}, "l": [{"z": 2}, {"z": 5}], "given": None}


def test_patterns_and_additional_properties_have_defaults_and_secrets() -> None:
    schema = {
        "hosts": {
            "type": "object",
            "patternProperties": {"^h": {"type": "object", "properties": {"port": {"default": 22}}}},
            "additionalProperties": {"type": "object", "properties": {"pw": {"secret": True}}},
        }
    }
    spec = pack(schema, {"hosts": {"h1": {}, "x": {"pw": "{{ st2kv.system.pw }}"}}})
    made = effective_config(spec, scope=scope(KEYS))
    assert made == {"hosts": {"h1": {"port": 22}, "x": {"pw": "hidden"}}}
    assert secret_config_values(spec, made) == ("hidden",)


def test_an_empty_list_or_object_stands_for_a_missing_one() -> None:
    schema = {
        "o": {"type": "object", "properties": {"x": {}}},
        "l": {"type": "array", "items": {"type": "string"}},
    }
    assert effective_config(pack(schema, {}), scope=scope()) == {"o": {}, "l": []}


def test_odd_schemas_do_no_harm() -> None:
    schema = {
        "a": "text",
        "b": {"properties": ["x"]},
        "c": {"$ref": "#/properties/b"},
        "d": {"patternProperties": {"x": 1}},
    }
    assert effective_config(pack(schema, {"a": {"x": 1}, "b": {"y": 2}, "d": {"x": 3}}), scope=scope()) == {
        "a": {"x": 1},
        "b": {"y": 2},
        "d": {"x": 3},
    }


def test_the_configuration_of_the_pack_is_not_changed() -> None:
    config: dict[str, Any] = {"o": {}}
    effective_config(
        pack({"o": {"type": "object", "properties": {"x": {"default": []}}}}, config), scope=scope()
    )
    assert config == {"o": {}}
