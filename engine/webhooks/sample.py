"""A delivery as each sender would make it, for `stormcrow webhook test`."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

SAMPLES = Path(__file__).with_name("samples")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    headers: Mapping[str, str]
    """What the sender says besides its signature."""
    body: bytes


def sample(preset: str, *, now: float) -> Sample:
    """With a name of its own, so that it is no duplicate of an earlier one."""
    text = (SAMPLES / f"{preset}.json").read_text(encoding="utf-8")
    moment = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    for word, value in (("@id@", uuid.uuid4().hex), ("@now@", moment), ('"@number@"', str(int(now * 1000)))):
        text = text.replace(word, value)
    found = json.loads(text.replace("@number@", str(int(now * 1000))))
    headers = {"Content-Type": "application/json", **found["headers"]}
    return Sample(headers=headers, body=json.dumps(found["body"]).encode())
