"""An action alias: the chat texts that start an action, and how it answers."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from engine.refs import make_ref


class AliasFormat(BaseModel):
    """One entry of `formats`: what help shows and what is matched."""

    model_config = ConfigDict(frozen=True)

    display: str | None = None
    representations: tuple[str, ...] = ()
    match_multiple: bool = False


class AliasAck(BaseModel):
    model_config = ConfigDict(frozen=True)

    enabled: bool = True
    format: str | None = None
    extra: Mapping[str, Any] = Field(default_factory=dict)
    append_url: bool = True


class AliasResult(BaseModel):
    model_config = ConfigDict(frozen=True)

    enabled: bool = True
    format: str | None = None
    extra: Mapping[str, Any] = Field(default_factory=dict)


class AliasSpec(BaseModel):
    model_config = ConfigDict(frozen=True)

    pack: str
    name: str
    description: str = ""
    enabled: bool = True
    action_ref: str
    formats: tuple[AliasFormat, ...] = ()
    # As written, for the API: strings and objects.
    raw_formats: tuple[Any, ...] = ()
    ack: AliasAck = AliasAck()
    result: AliasResult = AliasResult()
    # As written, for the API; None when the file has no such section.
    raw_ack: Mapping[str, Any] | None = None
    raw_result: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] = Field(default_factory=dict)
    immutable_parameters: Mapping[str, Any] = Field(default_factory=dict)
    # x-allow-parameters: extra key=value pairs that chat may give although they are dangerous.
    extensions: Mapping[str, Any] = Field(default_factory=dict)
    metadata_file: str = ""

    @property
    def ref(self) -> str:
        return make_ref(self.pack, self.name)
