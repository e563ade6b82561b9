"""From rules/, triggers/ and sensors/*.yaml to specs.

Rules are strict about unknown keys, trigger types and sensors are not: StackStorm never checks them.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from engine.content import shape
from engine.content.read_gates import KNOWN, check_match, read_gates
from engine.content.read_instances import check_poll_interval
from engine.content.shape import Field, WrongShape, expect, is_table, shown, take
from engine.content.source import COMMON, TAGS, Source, check_pack
from engine.errors import BadInput, nearest
from engine.specs.rule import OPERATORS, SCHEDULE_KEY, RuleSpec
from engine.specs.sensor import SensorSpec, TriggerTypeSpec
from engine.timing.misfire import MISFIRE_KEY, Misfire
from engine.timing.timer import TIMER_TYPES, timer_of


def _criteria(value: Any, path: shape.Path) -> None:
    """One operator and a pattern each; `search` holds criteria of its own, which StackStorm never checks."""
    for key, criterion in value.items():
        here = (*path, key)
        expect(criterion, "object", here)
        operator = criterion.get("type")
        if operator is None:
            raise WrongShape(f"Operator not specified for field: {key}", path=here, hint="Add `type:`.")
        if operator not in OPERATORS:
            raise WrongShape(
                f"For field: {key}, operator {operator} not in list of allowed operators",
                path=(*here, "type"),
                hint=nearest(str(operator), OPERATORS) or f"Operators: {', '.join(sorted(OPERATORS))}.",
            )
        if criterion.get("pattern") is None:
            raise WrongShape(
                f"For field: {key}, no pattern specified for operator {operator}",
                path=here,
                hint="Add `pattern:`; exists and nexists need one too.",
            )


_TRIGGER = {
    "type": Field("string", required=True),
    "description": Field("string"),
    "parameters": Field("object"),
    "ref": Field("string"),
}
_RULE_ACTION = {
    "ref": Field("string", required=True),
    "description": Field("string"),
    "parameters": Field("object"),
}
_RULE_TYPE = {"ref": Field("string", required=True), "parameters": Field("object")}
_RULE: Mapping[str, Field] = MappingProxyType(
    {
        **COMMON,
        "type": Field("object", check=is_table(_RULE_TYPE)),
        "trigger": Field("object", required=True, check=is_table(_TRIGGER, is_open=True)),
        "criteria": Field("object", check=_criteria),
        "action": Field("object", required=True, check=is_table(_RULE_ACTION)),
        "context": Field("object"),
        "tags": TAGS,
    }
)


_EXTENSIONS = (*KNOWN, MISFIRE_KEY, SCHEDULE_KEY)


def _check_extensions(extensions: Mapping[str, Any]) -> None:
    for key in extensions:
        near = nearest(key, _EXTENSIONS)
        if key not in _EXTENSIONS and near:
            raise WrongShape(f"{key} is not known", path=(key,), hint=near)
    if extensions.get("x-match") is not None:
        check_match(extensions["x-match"], ("x-match",), _criteria)
    actions = extensions.get("x-actions")
    if actions is not None:
        expect(actions, "array", ("x-actions",))
        shape.each(is_table(_RULE_ACTION))(actions, ("x-actions",))
    if extensions.get(MISFIRE_KEY) is not None:
        _misfire(extensions[MISFIRE_KEY])


def _timer(trigger: Mapping[str, Any]) -> None:
    try:
        timer_of(trigger["type"], trigger.get("parameters") or {})
    except BadInput as error:
        path = ("trigger", "parameters", *([error.where] if error.where else []))
        raise WrongShape(error.message, path=path, hint=error.hint) from error


def _misfire(word: Any) -> None:
    if word not in list(Misfire):
        raise WrongShape(
            f"{MISFIRE_KEY}: {shown(word)} is not one of {', '.join(Misfire)}",
            path=(MISFIRE_KEY,),
            hint="What becomes of times that were missed while the server was down.",
        )


def read_rule(content: Any, source: Source) -> RuleSpec:
    taken = take(content, _RULE)
    check_pack(taken, source)
    _check_extensions(taken.extensions)
    values = taken.values
    if values["trigger"]["type"] in TIMER_TYPES:
        _timer(values["trigger"])
    kind = values.get("type") or {"ref": "standard"}
    return RuleSpec(
        pack=source.pack,
        name=values["name"],
        description=values.get("description", ""),
        enabled=values.get("enabled", False),
        type={"ref": kind["ref"], "parameters": kind.get("parameters") or {}},
        trigger={**values["trigger"], "parameters": values["trigger"].get("parameters") or {}},
        criteria=values.get("criteria", {}),
        action={**values["action"], "parameters": values["action"].get("parameters") or {}},
        tags=tuple(values.get("tags", ())),
        context=values.get("context", {}),
        extensions={key: value for key, value in taken.extensions.items() if value is not None},
        gates=read_gates(taken.extensions, _criteria),
        metadata_file=source.metadata_file,
    )


_TRIGGER_TYPE: Mapping[str, Field] = MappingProxyType(
    {
        "name": Field("string", required=True, check=shape.filled),
        "pack": Field("string"),
        "description": Field("string"),
        "parameters_schema": Field("object"),
        "payload_schema": Field("object"),
        "tags": TAGS,
    }
)


def read_trigger_type(content: Any, source: Source, *, path: shape.Path = ()) -> TriggerTypeSpec:
    taken = take(content, _TRIGGER_TYPE, path=path, is_open=True)
    if not path:
        check_pack(taken, source)
    values = taken.values
    return TriggerTypeSpec(
        pack=source.pack,
        name=values["name"],
        description=values.get("description", ""),
        parameters_schema=values.get("parameters_schema", {}),
        payload_schema=values.get("payload_schema", {}),
        tags=tuple(values.get("tags", ())),
        metadata_file=source.metadata_file,
    )


_SENSOR: Mapping[str, Field] = MappingProxyType(
    {
        "class_name": Field("string", required=True, check=shape.filled),
        "entry_point": Field("string", required=True, check=shape.filled),
        "pack": Field("string"),
        "description": Field("string"),
        "enabled": Field("boolean"),
        "poll_interval": Field("number", check=check_poll_interval),
        "trigger_types": Field("array"),
    }
)


def read_sensor(content: Any, source: Source) -> SensorSpec:
    taken = take(content, _SENSOR, is_open=True)
    check_pack(taken, source)
    values = taken.values
    types = values.get("trigger_types", [])
    return SensorSpec(
        pack=source.pack,
        class_name=values["class_name"],
        entry_point=values["entry_point"],
        description=values.get("description", ""),
        enabled=values.get("enabled", True),
        poll_interval=values.get("poll_interval") or None,
        trigger_types=tuple(
            read_trigger_type(item, source, path=("trigger_types", index)) for index, item in enumerate(types)
        ),
        metadata_file=source.metadata_file,
        pack_folder=source.pack_folder,
    )
