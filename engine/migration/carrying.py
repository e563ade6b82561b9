"""Taking the pieces over: offline, with the data folder taken, each piece whole or not at all.

What is there already and the same is left; what is there and different is left too, unless it is to be
replaced. Keys come before the configurations that read them. Run again after a kill it goes on.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.acting import acting_as
from engine.audit import Audit
from engine.errors import EngineError
from engine.foundation import Foundation
from engine.migration.documents import DocumentPiece, SwitchPiece
from engine.migration.keys import KeyPiece
from engine.migration.pieces import Comparison, FilePiece, PackPiece, State
from engine.migration.survey import Survey
from engine.records.audit import Act, Actor
from engine.settings import Settings
from engine.store import contents


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one piece, or would become."""

    kind: str
    name: str
    state: State
    differences: tuple[str, ...] = ()
    error: str = ""
    """Why it could not be written."""


ComparedFile = tuple[PackPiece | FilePiece, Comparison]


def compared(survey: Survey) -> list[Outcome]:
    """What would become of the files; of keys and documents only a data folder that is taken can tell."""
    return [_outcome(piece, piece.compare()) for piece in survey.files]


def carry(
    survey: Survey, settings: Settings, *, environment: Mapping[str, str], replaces: bool, actor: Actor
) -> list[Outcome]:
    """Write what is new, and tell the audit, before and after. Raises StoreFailure when a server has the
    data folder."""
    foundation = Foundation(settings, environment=environment)
    try:
        foundation.start()
        with acting_as(actor):
            files = [(piece, piece.compare()) for piece in survey.files]
            _tell_begin(foundation, files, replaces=replaces)
            outcomes = [
                *_keys(foundation, survey.keys, replaces=replaces),
                *_documents(foundation, survey.documents, replaces=replaces),
                *_files(files, replaces=replaces),
            ]
            _tell_audit(foundation, outcomes)
    finally:
        foundation.stop()
    return outcomes


def _tell_begin(foundation: Foundation, files: Sequence[ComparedFile], *, replaces: bool) -> None:
    """Files are in no transaction: where only this is told, a crash came between."""
    names = [piece.name for piece, found in files if _is_wanted(found, replaces=replaces)]
    if not names:
        return
    details = {"files": names, "replaces": replaces}
    Audit(foundation.database).record(Act(kind="stackstorm.importing", object="files", details=details))


def _tell_audit(foundation: Foundation, outcomes: list[Outcome]) -> None:
    """Keys and documents are acts of their own, in the transactions that write them."""
    written: dict[str, list[str]] = {}
    for outcome in outcomes:
        if outcome.state in (State.NEW, State.REPLACED) and not outcome.error:
            written.setdefault(outcome.kind, []).append(outcome.name)
    if written:
        Audit(foundation.database).record(Act(kind="stackstorm.imported", object="files", details=written))


def _keys(foundation: Foundation, pieces: list[KeyPiece], *, replaces: bool) -> Iterator[Outcome]:
    datastore = foundation.datastore
    for piece in pieces:
        found = piece.compare(datastore)
        error = ""
        if _is_wanted(found, replaces=replaces):
            try:
                piece.write(datastore)
            except EngineError as failure:
                error = str(failure)
        yield _outcome(piece, found, replaces=replaces, error=error)


def _documents(
    foundation: Foundation, pieces: list[DocumentPiece | SwitchPiece], *, replaces: bool
) -> Iterator[Outcome]:
    """All of them in one transaction each: none is seen half."""
    for piece in pieces:
        with foundation.database.read() as connection:
            if isinstance(piece, SwitchPiece):
                found = piece.compare(contents.switches(connection))
            else:
                stored = {(one.kind, one.ref): one for one in contents.documents(connection)}
                found = piece.compare(stored)
        if _is_wanted(found, replaces=replaces):
            foundation.database.write(piece.write)
        yield _outcome(piece, found, replaces=replaces)


def _files(files: Sequence[ComparedFile], *, replaces: bool) -> Iterator[Outcome]:
    for piece, found in files:
        error = ""
        if _is_wanted(found, replaces=replaces):
            try:
                piece.write()
            except EngineError as failure:
                error = str(failure)
        yield _outcome(piece, found, replaces=replaces, error=error)


def _is_wanted(found: Comparison, *, replaces: bool) -> bool:
    return found.state is State.NEW or (replaces and found.state is State.DIFFERENT)


def _outcome(
    piece: PackPiece | FilePiece | KeyPiece | DocumentPiece | SwitchPiece,
    found: Comparison,
    *,
    replaces: bool = False,
    error: str = "",
) -> Outcome:
    state = State.REPLACED if replaces and found.state is State.DIFFERENT else found.state
    return Outcome(kind=piece.kind, name=piece.name, state=state, differences=found.differences, error=error)
