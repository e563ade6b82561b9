"""From pack.yaml and config.schema.yaml to a pack's spec; unknown keys of pack.yaml are kept."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from engine.content import shape
from engine.content.parameters import check_properties
from engine.content.shape import Field, WrongShape, expect, shown, take
from engine.specs.pack import PackSpec

REF = re.compile(r"[a-z0-9_]+")
# The name of the file of overrides for all packs.
RESERVED = "_global"
_NUMBER = r"(?:0|[1-9]\d*)"
_SUFFIX = r"[\da-z-]+(?:\.[\da-z-]+)*"
_VERSION = re.compile(rf"{_NUMBER}\.{_NUMBER}(?:\.{_NUMBER})?(?:-{_SUFFIX})?(?:\+{_SUFFIX})?")
_WANTED_VERSION = re.compile(r"\s*(?:>=|<=|>>|<<|>|<|=)\s*\d+\.\d+(?:\.\d+)?[a-z]*\d*\s*")


def _version(value: Any, path: shape.Path) -> None:
    # 0.1 without quotes is a number; StackStorm takes its text.
    if isinstance(value, bool) or not _VERSION.fullmatch(str(value)):
        raise WrongShape(
            f'Pack version "{value}" doesn\'t follow a valid semver format. '
            "Valid versions and formats include: 0.1.0, 0.2.1, 1.1.0, etc.",
            path=path,
        )


def _stackstorm_version(value: Any, path: shape.Path) -> None:
    parts = value.split(",")
    if not all(_WANTED_VERSION.fullmatch(part) for part in parts if part.strip()):
        raise WrongShape(
            f"stackstorm_version: {shown(value)} is not a list of versions",
            path=path,
            hint='Write for example ">=3.0.0, <4.0.0".',
        )


def _python_versions(value: Any, path: shape.Path) -> None:
    if not value or not all(item in ("2", "3") for item in value) or len(set(value)) != len(value):
        raise WrongShape(
            f"python_versions: {shown(value)} is not a list of '2' and '3'",
            path=path,
            hint='Write ["3"], with quotes.',
        )


def _contributors(value: Any, path: shape.Path) -> None:
    shape.TEXTS(value, path)
    for index, item in enumerate(value):
        if len(item) > 100:
            raise WrongShape(
                f"{shown(item)} is too long", path=(*path, index), hint="At most 100 characters."
            )


_PACK: Mapping[str, Field] = MappingProxyType(
    {
        "id": Field("string"),
        "uid": Field("string"),
        "path": Field("string"),
        "ref": Field("string"),
        "name": Field("string", required=True, check=shape.filled),
        "description": Field("string", required=True),
        "keywords": Field("array", check=shape.TEXTS),
        "version": Field("any", required=True, check=_version),
        "stackstorm_version": Field("string", check=_stackstorm_version),
        "python_versions": Field("array", check=_python_versions),
        "author": Field("string", required=True),
        "email": Field("string"),
        "contributors": Field("array", check=_contributors),
        "dependencies": Field("array", check=shape.TEXTS),
        "system": Field("object"),
        "files": Field("array", check=shape.TEXTS),
        "x-python": Field("string"),
    }
)


def pack_ref(content: Any, folder_name: str) -> str:
    """The key `ref`, else the folder's name, else the key `name`: the first that may be a ref.

    Raises WrongShape when there is none, or when `ref` is not one.
    """
    expect(content, "object", ())
    written = content.get("ref")
    name = content.get("name")
    if written:
        ref = str(written)
        if not REF.fullmatch(ref):
            raise WrongShape(
                f"The ref {ref!r} may only hold a-z, 0-9 and _; dashes are not allowed.", path=("ref",)
            )
    elif REF.fullmatch(folder_name):
        ref = folder_name
    elif isinstance(name, str) and REF.fullmatch(name):
        ref = name
    else:
        raise WrongShape(
            f'Pack name "{name}" contains invalid characters and "ref" attribute is not available.',
            path=("name",),
            hint="Add `ref:` with a-z, 0-9 and _ only.",
        )
    if ref == RESERVED:
        raise WrongShape(f"{ref} is a reserved name, and cannot be used as a pack name", path=("ref",))
    return ref


def read_pack(content: Any, *, ref: str, folder: Path, is_system: bool) -> PackSpec:
    """The pack without its configuration, which the loader adds. Raises WrongShape."""
    taken = take(content, _PACK, is_open=True)
    values = taken.values
    return PackSpec(
        ref=ref,
        name=values["name"],
        description=values["description"],
        keywords=tuple(values.get("keywords", ())),
        version=_padded(str(values["version"])),
        stackstorm_version=values.get("stackstorm_version"),
        python_versions=tuple(values.get("python_versions", ())),
        author=values["author"],
        email=values.get("email", ""),
        contributors=tuple(values.get("contributors", ())),
        dependencies=tuple(values.get("dependencies", ())),
        extra={**taken.others, **taken.extensions},
        interpreter=values.get("x-python", ""),
        folder=folder,
        is_system=is_system,
    )


def _padded(version: str) -> str:
    """0.1 as 0.1.0."""
    return f"{version}.0" if version.count(".") == 1 and "-" not in version else version


def read_config_schema(content: Any) -> Mapping[str, Any]:
    """Name -> property, as written. Raises WrongShape."""
    if not content:
        raise WrongShape(
            "The config schema is empty and invalid.", hint="Delete the file, or describe a key."
        )
    expect(content, "object", ())
    check_properties(content, ())
    return dict(content)
