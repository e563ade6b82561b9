"""What users want, as transcripts: each in every chat that it is written for, with a server of its own."""

import importlib.util
import os
import shutil
from pathlib import Path

import pytest

from bot.sim.staging import House, play
from bot.sim.transcript import transcript_of
from engine.configuration import read_settings
from tests.conftest import missing

_FOLDER = Path(__file__).parent
_CONFIG = _FOLDER / "config.yaml"
_PATIENCE_S = 90.0


def chats_of(path: Path) -> tuple[str, ...]:
    """Those that are for IRC too are played everywhere, the others in their first chat alone."""
    backends = transcript_of(path.read_text(encoding="utf-8"), name=path.name).backends
    return backends if "irc" in backends else backends[:1]


_STORIES = [
    pytest.param(path, backend, id=f"{path.stem}-{backend}")
    for path in sorted(_FOLDER.glob("*.chat"))
    for backend in chats_of(path)
]


def check_irc() -> None:
    if shutil.which("ngircd", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None:
        missing("ngircd")
    if importlib.util.find_spec("errbot") is None:
        missing("errbot")


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("path", "backend"), _STORIES)
def test_a_story_goes_as_it_is_written(path: Path, backend: str, tmp_path: Path) -> None:
    if backend == "irc":
        check_irc()
    transcript = transcript_of(path.read_text(encoding="utf-8"), name=str(path))
    house = House(config=_CONFIG, settings=read_settings(_CONFIG, {}), patience_s=_PATIENCE_S)
    failure = play(transcript, backend, house, folder=tmp_path, files=_FOLDER)
    if failure is not None:
        pytest.fail(failure.told(transcript))
