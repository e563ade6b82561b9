"""From aliases/*.yaml to specs; strict about unknown keys at the top, as StackStorm is."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from engine.content import shape
from engine.content.shape import Field, each, expect, is_table, take
from engine.content.source import COMMON, Source, check_pack
from engine.specs.alias import AliasAck, AliasFormat, AliasResult, AliasSpec


def _format(value: Any, path: shape.Path) -> None:
    if not isinstance(value, str):
        take(value, _FORMAT, path=path, is_open=True, null_is_absent=False)


def _representation(value: Any, path: shape.Path) -> None:
    if not isinstance(value, str):
        expect(value, "array", path)
        shape.TEXTS(value, path)


_FORMAT: Mapping[str, Field] = MappingProxyType(
    {
        "display": Field("string"),
        "representation": Field("any", check=_representation),
        "match_multiple": Field("boolean"),
    }
)
_RESULT: dict[str, Field] = {
    "enabled": Field("boolean"),
    "format": Field("string"),
    "extra": Field("object"),
}
_ACK = {**_RESULT, "append_url": Field("boolean")}
_ALIAS: Mapping[str, Field] = MappingProxyType(
    {
        **COMMON,
        "action_ref": Field("string", required=True),
        "formats": Field("array", required=True, check=each(_format)),
        "ack": Field("object", check=is_table(_ACK, is_open=True)),
        "result": Field("object", check=is_table(_RESULT, is_open=True)),
        "extra": Field("object"),
        "immutable_parameters": Field("object"),
    }
)


def read_alias(content: Any, source: Source) -> AliasSpec:
    taken = take(content, _ALIAS)
    check_pack(taken, source)
    values = taken.values
    return AliasSpec(
        pack=source.pack,
        name=values["name"],
        description=values.get("description", ""),
        enabled=values.get("enabled", True),
        action_ref=values["action_ref"],
        formats=tuple(_alias_format(item) for item in values["formats"]),
        raw_formats=tuple(_told(item) for item in values["formats"]),
        ack=AliasAck(**_written(values.get("ack"), _ACK)),
        result=AliasResult(**_written(values.get("result"), _RESULT)),
        raw_ack=values.get("ack"),
        raw_result=values.get("result"),
        extra=values.get("extra", {}),
        immutable_parameters=values.get("immutable_parameters", {}),
        extensions=taken.extensions,
        metadata_file=source.metadata_file,
    )


def _written(section: Mapping[str, Any] | None, table: Mapping[str, Field]) -> dict[str, Any]:
    return {key: value for key, value in (section or {}).items() if key in table and value is not None}


def _told(item: Any) -> Any:
    """A format as clients are told of it: always a list, as Hubot takes a text for a list of letters."""
    if isinstance(item, str) or not isinstance(item.get("representation"), str):
        return item
    return {**item, "representation": [item["representation"]]}


def _alias_format(item: Any) -> AliasFormat:
    if isinstance(item, str):
        return AliasFormat(display=item, representations=(item,))
    representation = item.get("representation", [])
    texts = (representation,) if isinstance(representation, str) else tuple(representation)
    return AliasFormat(
        display=item.get("display"),
        representations=texts,
        match_multiple=item.get("match_multiple", False),
    )
