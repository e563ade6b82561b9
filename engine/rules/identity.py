"""Triggers: a type with its parameters, named by what they are."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from engine.refs import split_ref

WEBHOOK = "core.st2.webhook"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """What a rule listens to. Without parameters its ref is its type's."""

    ref: str
    type_ref: str
    parameters: Mapping[str, Any]

    @property
    def pack(self) -> str:
        return split_ref(self.ref)[0]

    @property
    def name(self) -> str:
        return split_ref(self.ref)[1]


def trigger_of(type_ref: str, parameters: Mapping[str, Any] | None) -> Trigger:
    """The same type and parameters are the same trigger, in every process and after every reload.

    Raises BadInput when `type_ref` is no reference.
    """
    pack, _ = split_ref(type_ref)
    given = plain_parameters(type_ref, parameters or {})
    if not given:
        return Trigger(ref=type_ref, type_ref=type_ref, parameters={})
    text = orjson.dumps(given, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=str)
    digest = hashlib.sha256(f"{type_ref}\0".encode() + text).hexdigest()[:24]
    return Trigger(ref=f"{pack}.{digest}", type_ref=type_ref, parameters=given)


def plain_parameters(type_ref: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as they are compared: the URL of a webhook has no slashes around it."""
    given = dict(parameters)
    if type_ref == WEBHOOK and isinstance(given.get("url"), str):
        given["url"] = given["url"].strip("/")
    return given
