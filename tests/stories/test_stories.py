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
_STORIES = [
    pytest.param(path, backend, id=f"{path.stem}-{backend}")
    for path in sorted(_FOLDER.glob("*.chat"))
    for backend in transcript_of(path.read_text(encoding="utf-8"), name=path.name).backends
]


def check_irc() -> None:
    if shutil.which("ngircd", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None:
        missing("ngircd")
    if importlib.util.find_spec("errbot") is None:
        missing("errbot")


@pytest.mark.parametrize(("path", "backend"), _STORIES)
def test_a_story_goes_as_it_is_written(path: Path, backend: str, tmp_path: Path) -> None:
    if backend == "irc":
        check_irc()
    transcript = transcript_of(path.read_text(encoding="utf-8"), name=str(path))
    house = House(config=_CONFIG, settings=read_settings(_CONFIG, {}))
    failure = play(transcript, backend, house, folder=tmp_path, files=_FOLDER)
    if failure is not None:
        pytest.fail(failure.told(transcript))
