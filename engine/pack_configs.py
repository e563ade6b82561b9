"""Configurations of packs as people see and change them: masked, checked, in configs/PACK.yaml."""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from engine.audit import Audit
from engine.content.read_configs import check_config
from engine.content.registry import Content
from engine.content.shape import WrongShape
from engine.errors import BadContent, BadInput, Conflict, NotFound
from engine.expressions.pack_config import masked_config, with_kept_secrets
from engine.specs.pack import PackSpec
from engine.store.vault import write_private

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackConfig:
    """Values as in the file, templates not rendered; secrets are ********."""

    pack: str
    values: Mapping[str, Any]


class PackConfigs:
    """`folder`: where the configurations are, PACK.yaml each."""

    def __init__(self, content: Content, audit: Audit, *, folder: Path) -> None:
        self._content = content
        self._audit = audit
        self._folder = folder
        self._turn = threading.Lock()

    def all(self) -> list[PackConfig]:
        """Of every pack that has one, by ref."""
        return [_shown(pack) for pack in self._content.current.packs.values() if pack.config]

    def get(self, ref: str) -> PackConfig:
        """Raises NotFound where the pack has none, and BadContent where it cannot be used."""
        pack = self._content.current.pack(ref)
        if pack.config_trouble:
            raise BadContent(
                f"The configuration of the pack {ref} cannot be used: {pack.config_trouble}",
                hint="Correct the file, then: stormcrow reload",
            )
        if not pack.config:
            raise NotFound(
                f'The pack "{ref}" has no configuration.', hint=f"Write it to {self._folder / ref}.yaml."
            )
        return _shown(pack)

    def put(self, ref: str, values: Mapping[str, Any], *, user: str) -> PackConfig:
        """Replace all values; in the file and in force when it returns. ******** keeps a secret as it is.

        Raises NotFound, BadInput for values that do not fit the schema, Conflict when the file cannot be
        written.
        """
        with self._turn:
            pack = self._content.current.pack(ref)
            whole = with_kept_secrets(values, pack.config, pack.config_schema)
            try:
                check_config(whole, schema=pack.config_schema)
            except WrongShape as error:
                raise BadInput(error.message, hint=error.hint) from error
            self._audit.around("config", ref, lambda: self._write(ref, whole))
            made = self._content.reload().pack(ref)
        log.info("user %s changed the configuration of the pack %s", user, ref)
        if made.config_trouble:
            raise BadContent(f"The configuration was written and cannot be used: {made.config_trouble}")
        return _shown(made)

    def _write(self, ref: str, values: Mapping[str, Any]) -> None:
        text = yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True, width=100)
        path = (self._folder / f"{ref}.yaml").resolve()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_private(path, text.encode())
        except OSError as error:
            raise Conflict(
                f"{path} cannot be written: {error.strerror}.", hint="Change the file where it comes from."
            ) from error


def _shown(pack: PackSpec) -> PackConfig:
    return PackConfig(pack=pack.ref, values=masked_config(pack.config, pack.config_schema))
