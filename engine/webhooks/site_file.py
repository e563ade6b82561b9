"""The file of a webhook, written for `stormcrow webhook add`: it holds names of secrets, never secrets."""

import base64
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from engine.content.read_webhooks import read_webhook
from engine.content.shape import WrongShape
from engine.content.source import Source
from engine.errors import BadInput, Conflict
from engine.specs.webhook_presets import Preset


@dataclass(frozen=True, slots=True, kw_only=True)
class NewHook:
    url: str
    preset: Preset
    channel: str = ""
    topics: Sequence[str] = ()
    networks: Sequence[str] = ()

    @property
    def key(self) -> str:
        """The datastore key of its secret; empty where there is none."""
        needs_one = any(way.needs_secret for way in self.preset.ways)
        return f"webhook.{re.sub(r'[^A-Za-z0-9_-]+', '.', self.url)}" if needs_one else ""

    @property
    def file_name(self) -> str:
        return f"{self.url.replace('/', '-')}.yaml"

    def text(self) -> str:
        document = {
            "url": self.url,
            "preset": self.preset.name,
            "secrets": [self.key] if self.key else None,
            "channel": self.channel,
            "topics": list(self.topics),
            "networks": list(self.networks),
        }
        given = {name: value for name, value in document.items() if value}
        return yaml.safe_dump(given, sort_keys=False, allow_unicode=True)


def check_new(hook: NewHook, folder: Path) -> Path:
    """Where its file will be. Raises BadInput when it would not load, Conflict when there is one."""
    path = folder / hook.file_name
    if path.exists():
        raise Conflict(f"{path} is there already.", hint="Name this one: --name NAME")
    source = Source(pack="", pack_folder=folder, metadata_file=f"webhooks/{hook.file_name}")
    try:
        read_webhook(yaml.safe_load(hook.text()), source)
    except WrongShape as error:
        raise BadInput(error.message, hint=error.hint) from error
    return path


def new_secret(preset: Preset) -> str:
    """256 random bits, in the form that this sender takes."""
    if preset.key_kind == "whsec":
        return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
    return secrets.token_urlsafe(32)
