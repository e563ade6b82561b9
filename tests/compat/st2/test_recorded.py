"""The tests of this folder miss no command that was recorded."""

import json
from pathlib import Path

ALONE = {"auth", "login", "whoami", "run"}


def test_every_recorded_command_is_tried(conformance: Path) -> None:
    tried = Path(__file__).with_name("test_commands.py").read_text(encoding="utf-8")
    for one in json.loads((conformance / "st2-cli.json").read_text())["commands"]:
        noun, *rest = one["command"].split()[1:]
        verb = rest[0] if rest else ""
        words = f'"{noun}"' if noun in ALONE else f'"{noun}", "{verb}"'
        assert words in tried, one["command"]
