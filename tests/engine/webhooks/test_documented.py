"""The reference of webhooks misses nothing."""

from pathlib import Path

import pytest

from engine.content.read_webhooks import _RESPOND, _WEBHOOK
from engine.specs.webhook import WAY_KEYS
from engine.specs.webhook_presets import PRESETS

TEXT = (Path(__file__).parents[3] / "docs" / "reference" / "webhooks.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_stands_in_the_table_with_its_headers(preset: str) -> None:
    row = next(line for line in TEXT.splitlines() if line.startswith(f"| `{preset}` |"))
    if "as Jenkins" in row:
        return
    for way in PRESETS[preset].ways:
        for header in filter(None, (way.header, way.timestamp_header if preset == "grafana" else "")):
            assert header in row.lower()


@pytest.mark.parametrize("key", [*_WEBHOOK, *_RESPOND])
def test_every_key_of_the_file_is_there(key: str) -> None:
    assert f"`{key}`" in TEXT


@pytest.mark.parametrize("type", WAY_KEYS)
def test_every_way_to_verify_is_there_with_its_keys(type: str) -> None:
    row = [line for line in TEXT.splitlines() if line.startswith(f"| `{type}` |")][-1]
    keys, required = WAY_KEYS[type]
    for key in keys:
        assert (f"**{key}**" if key in required else f"`{key}`") in row
