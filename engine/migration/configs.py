"""Configurations of packs: their secrets become datastore keys, sealed, and templates that read those."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from engine.content.folders import one_file
from engine.content.reading import FileReader
from engine.errors import BadInput
from engine.expressions.jinja import is_template
from engine.expressions.masking import item_schema, property_schema
from engine.expressions.pack_config import whole_schema
from engine.migration.finding import Remark, look
from engine.migration.keys import KeyPiece
from engine.migration.pieces import FilePiece
from engine.specs.pack import PackSpec
from engine.store.keyczar import KeyczarKey

_CIPHERTEXT = re.compile(r"[0-9A-Fa-f]{114,}")
_HEAD = "# Taken over from StackStorm; `stormcrow pack config set` changes it.\n"


@dataclass(slots=True)
class TakenConfig:
    """A configuration as it will stand here, the keys that it reads, and what is to be said about it."""

    file: FilePiece | None = None
    keys: list[KeyPiece] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)


def take_config(
    path: Path, where: str, pack: PackSpec | None, *, folder: Path, crypto: KeyczarKey | None
) -> TakenConfig:
    """`pack`: whose it is, None where there is no such pack; `folder`: of our configurations."""
    taken = TakenConfig()
    root = path.resolve().parent
    found = one_file(path, root=root)
    if found is None:
        return taken
    outcome = FileReader(root).read(found, lambda content: {} if content is None else content)
    values = outcome.spec
    if outcome.error is not None or not isinstance(values, dict):
        # The loader's own words about it are among the items already.
        return taken
    if pack is None:
        taken.remarks.append(
            look(where, f"There is no pack {path.stem} whose configuration it is; it is not taken.")
        )
        return taken
    secrets = _Secrets(pack.ref, where, crypto, taken)
    made = secrets.mapping(values, whole_schema(pack.config_schema), ())
    text = _HEAD + yaml.safe_dump(made, sort_keys=False, allow_unicode=True, width=100)
    target = folder / f"{pack.ref}.yaml"
    taken.file = FilePiece(
        kind="config", name=pack.ref, content=text.encode(), target=target, is_private=True
    )
    return taken


class _Secrets:
    """One walk through a configuration."""

    def __init__(self, pack: str, where: str, crypto: KeyczarKey | None, taken: TakenConfig) -> None:
        self._pack = pack
        self._where = where
        self._crypto = crypto
        self._taken = taken

    def mapping(self, values: Mapping[Any, Any], schema: Any, path: tuple[str, ...]) -> dict[Any, Any]:
        return {
            key: self._value(value, property_schema(schema, str(key)), (*path, str(key)))
            for key, value in values.items()
        }

    def _value(self, value: Any, schema: Any, path: tuple[str, ...]) -> Any:
        known = schema if isinstance(schema, Mapping) else {}
        if isinstance(value, Mapping):
            return self.mapping(value, known, path)
        if isinstance(value, list):
            return [
                self._value(item, item_schema(known, index), (*path, str(index)))
                for index, item in enumerate(value)
            ]
        is_secret = known.get("secret") is True
        if not is_secret or not isinstance(value, str) or not value or is_template(value):
            return value
        return self._sealed(value, path)

    def _sealed(self, value: str, path: tuple[str, ...]) -> str:
        name = "_".join(("config", self._pack, *(re.sub(r"\W", "_", step) for step in path)))
        if _CIPHERTEXT.fullmatch(value):
            value = self._opened(value, path)
        about = f"{'.'.join(path)} of configs/{self._pack}.yaml"
        self._taken.keys.append(
            KeyPiece(name=name, scope="system", user="", value=value, is_secret=True, description=about)
        )
        # What is `secret: true` in the schema is decrypted by whoever renders it.
        return f"{{{{ st2kv.system.{name} }}}}"

    def _opened(self, value: str, path: tuple[str, ...]) -> str:
        """The text behind what StackStorm encrypted; a value of hex digits alone may be just that."""
        if self._crypto is None:
            self._say(path, "looks encrypted, and is taken as it is.", "Name the key: --keyczar FILE")
            return value
        try:
            return self._crypto.decrypt(value)
        except BadInput:
            return value

    def _say(self, path: tuple[str, ...], text: str, hint: str) -> None:
        self._taken.remarks.append(look(self._where, f"{'.'.join(path)} {text}", hint))
