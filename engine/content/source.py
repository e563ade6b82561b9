"""What every content file has in common: where it was found, and the keys that all kinds take."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from engine.content import shape
from engine.content.shape import Field, Taken, WrongShape


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a file was found."""

    pack: str
    pack_folder: Path
    metadata_file: str
    """Relative to the pack folder."""


COMMON: Mapping[str, Field] = MappingProxyType(
    {
        # Keys that StackStorm's own exports carry; what they say is computed.
        "id": Field("string"),
        "ref": Field("string"),
        "uid": Field("string"),
        "name": Field("string", required=True, check=shape.filled),
        "pack": Field("string"),
        "description": Field("string"),
        "enabled": Field("boolean"),
        "metadata_file": Field("string"),
    }
)
TAGS = Field("array", check=shape.OBJECTS)


def check_pack(taken: Taken, source: Source) -> None:
    written = taken.values.get("pack")
    if written and written != source.pack:
        raise WrongShape(
            f'Model is in pack "{source.pack}" but field "pack" is different: {written}',
            path=("pack",),
            hint="Delete the line `pack:`.",
        )
