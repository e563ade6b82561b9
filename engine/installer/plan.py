"""What the installer is told: one frozen plan, as JSON, from the server's settings and the action."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from engine.settings import Settings

OPERATIONS = ("install", "update", "uninstall", "download", "setup_virtualenv")


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where packs and their environments are."""

    bases: tuple[str, ...]
    """Folders that hold packs; the first one takes what is installed."""
    shipped: str
    virtualenvs: str
    state: str
    """What is being switched, locks, and the cache of the index."""

    @classmethod
    def of(cls, settings: Settings, *, shipped: Path) -> "Places":
        return cls(
            bases=tuple(str(settings.path(base)) for base in settings.content.packs),
            shipped=str(shipped.resolve()),
            virtualenvs=str(settings.virtualenvs_folder),
            state=str(settings.data_folder / "installer"),
        )

    @property
    def target(self) -> Path:
        return Path(self.bases[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    operation: str
    packs: tuple[str, ...]
    places: Places
    force: bool = False
    skip_dependencies: bool = False
    interpreter: str = ""
    base: tuple[str, ...] = ()
    index_urls: tuple[str, ...] = ()
    api_url: str = ""
    token: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables for pip and uv, as the caller gave them."""

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Plan":
        raw: dict[str, Any] = json.loads(text)
        places = raw.pop("places")
        places["bases"] = tuple(places["bases"])
        for name in ("packs", "base", "index_urls"):
            raw[name] = tuple(raw[name])
        return cls(places=Places(**places), **raw)
