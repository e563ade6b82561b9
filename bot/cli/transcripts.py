"""Transcripts, played one after the other in the chats that are wanted.

The rooms of the simulation are heavy, so the command imports this file when it needs it.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bot.cli.outcomes import Tried
from bot.sim.staging import House, play
from bot.sim.transcript import Transcript, transcript_of
from engine.errors import BadContent, EngineError


def tried(path: Path, wanted: Sequence[str], house: House, *, keep: Path | None) -> Iterator[Tried]:
    """In each of the chats `wanted` that it is written for; none wanted: in the first of those."""
    try:
        transcript = transcript_of(path.read_text(encoding="utf-8"), name=str(path))
    except (OSError, UnicodeDecodeError) as error:
        yield Tried(name=str(path), differences=(), error=f"It cannot be read: {error}", took_s=0)
        return
    except BadContent as error:
        yield Tried(name=str(path), differences=(), error=str(error), took_s=0)
        return
    chosen = [one for one in wanted if one in transcript.backends] if wanted else transcript.backends[:1]
    for backend in chosen:
        if keep is None:
            with tempfile.TemporaryDirectory(prefix="stormcrow-sim-") as folder:
                yield _tried(transcript, backend, house, path.parent, Path(folder))
        else:
            folder_kept = keep.absolute() / f"{path.stem}-{backend}"
            folder_kept.mkdir(parents=True)
            yield _tried(transcript, backend, house, path.parent, folder_kept)


def _tried(transcript: Transcript, backend: str, house: House, files: Path, folder: Path) -> Tried:
    started = time.monotonic()
    lines: Sequence[str] = ()
    error = ""
    try:
        failure = play(transcript, backend, house, folder=folder, files=files)
        lines = failure.told(transcript).splitlines() if failure is not None else ()
    except EngineError as refusal:
        error = str(refusal)
    name = f"{transcript.name} ({backend})"
    return Tried(name=name, differences=lines, error=error, took_s=time.monotonic() - started)
