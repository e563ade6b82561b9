"""How actions become tools."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from bot.agents.tools import LONGEST_NAME, input_schema, tool_names, toolbox


def action(ref: str, **more: Any) -> dict[str, Any]:
    return {"ref": ref, "description": "", "is_idempotent": False, "parameters": {}, **more}


def test_a_name_says_pack_and_action() -> None:
    assert tool_names(["deploy.api", "linux.dig"]) == {"deploy.api": "deploy__api", "linux.dig": "linux__dig"}


def test_names_that_would_be_the_same_are_told_apart() -> None:
    names = tool_names(["a.b__c", "a__b.c", "a.b__d"])
    assert len(set(names.values())) == 3
    assert names["a.b__d"] == "a__b__d"


@pytest.mark.parametrize("ref", ["p.größe", "p.with space", "p.a.b", "p." + "x" * 200])
def test_every_client_takes_a_name(ref: str) -> None:
    (name,) = tool_names([ref]).values()
    assert 0 < len(name) <= LONGEST_NAME
    assert all(one.isascii() and (one.isalnum() or one in "_-") for one in name)


def test_names_are_the_same_whatever_else_there_is() -> None:
    long = "pack." + "y" * 100
    assert tool_names([long])[long] == tool_names([long, "other.z"])[long]


def test_tools_are_sorted_and_their_number_is_bounded() -> None:
    box = toolbox([action(f"p.{name}") for name in "dbca"], (), limit=3)
    assert list(box.by_name) == ["p__a", "p__b", "p__c"]
    assert box.left_out == 1


def test_patterns_narrow_them_down() -> None:
    box = toolbox([action("deploy.api"), action("deploy.web"), action("core.local")], ("deploy.*",), limit=9)
    assert [one.ref for one in box.by_name.values()] == ["deploy.api", "deploy.web"]


def test_an_immutable_parameter_is_hidden() -> None:
    schema = input_schema({"cmd": {"type": "string", "immutable": True}, "host": {"type": "string"}})
    assert list(schema["properties"]) == ["host"]
    assert schema["additionalProperties"] is False


def test_a_secret_is_marked_and_its_default_told_to_nobody() -> None:
    schema = input_schema(
        {"token": {"type": "string", "secret": True, "default": "hunter22", "required": True}}
    )
    assert schema["properties"]["token"]["writeOnly"] is True
    assert "hunter22" not in str(schema)


def test_a_default_makes_a_parameter_optional() -> None:
    schema = input_schema(
        {
            "a": {"type": "integer", "required": True},
            "b": {"type": "integer", "required": True, "default": 3},
            "c": {"type": "string", "default": "{{ st2kv.system.place }}"},
        }
    )
    assert schema["required"] == ["a"]
    assert schema["properties"]["b"]["default"] == 3
    assert "default" not in schema["properties"]["c"]


def test_required_members_of_an_object_become_a_list() -> None:
    who = {
        "type": "object",
        "properties": {"name": {"type": "string", "required": True}, "age": {"type": "integer"}},
    }
    made = input_schema({"who": {**who, "position": 0, "x-options": "p.names"}})["properties"]["who"]
    assert made["required"] == ["name"]
    assert "required" not in made["properties"]["name"]
    assert not {"position", "x-options"} & set(made)


@pytest.mark.parametrize(
    "written",
    [
        {"type": "no-such-type"},
        {"type": "string", "enum": "abc"},
        {"type": "string", "pattern": "(["},
        {"minimum": "3"},
        {"$ref": "http://127.0.0.1/schema"},
        {"type": "array", "items": [{"type": "string"}]},
        {"type": "integer", "minimum": 1, "exclusiveMinimum": True},
        {"type": "object", "properties": {"a": {"type": "bogus"}}},
    ],
)
def test_what_no_client_could_read_is_left_out(written: dict[str, Any]) -> None:
    schema = input_schema({"p": written})
    Draft202012Validator.check_schema(schema)
    assert "$ref" not in str(schema)


@pytest.mark.parametrize(
    ("effect", "reads", "destroys"),
    [("none", True, False), ("changes", False, False), ("destroys", False, True), (None, None, None)],
)
def test_hints_are_those_of_the_actions_file(
    effect: str | None, reads: bool | None, destroys: bool | None
) -> None:
    (one,) = toolbox([action("p.a", effect=effect)], (), limit=1).by_name.values()
    assert one.tool.annotations is not None
    assert one.tool.annotations.read_only_hint is reads
    assert one.tool.annotations.destructive_hint is destroys
