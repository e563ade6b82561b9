"""The events of the stream: StackStorm's names, and the JSON that goes with each."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from engine.alias_news import ALIAS_CHANGED
from engine.announcements import ANNOUNCED
from engine.api.call import dump
from engine.api.wire import Document, content_id
from engine.clock import isoformat
from engine.executions import OUTPUT
from engine.records.execution import Execution, OutputChunk
from engine.records.journal import JournalEntry
from engine.refs import liveaction_id
from engine.status import FINISHED, Status
from engine.steps import CHANGED, REQUESTED

OUTPUT_EVENT = "st2.execution.output__create"
UPDATE_EVENT = "st2.execution__update"
LIVEACTION = "st2.liveaction__"
UPDATES = (UPDATE_EVENT, f"{LIVEACTION}update")
EXECUTION = "st2.execution__"
ANNOUNCEMENT = "st2.announcement__"
# What a client gets that does not say which events it wants; globs, as in StackStorm.
DEFAULT = (
    f"{ANNOUNCEMENT}*",
    *(f"{kind}{change}" for kind in (EXECUTION, LIVEACTION) for change in ("create", "update", "delete")),
)
ALIAS = "st2.actionalias__"
# The entries of the journal that become events; output is told apart from the journal.
KINDS = (REQUESTED, CHANGED, ANNOUNCED, ALIAS_CHANGED)
LIVE_KINDS = frozenset({*KINDS, OUTPUT})
# Not there yet while an execution has another status than at its end.
_OF_THE_END = ("result", "result_size", "end_timestamp", "elapsed_seconds")


@dataclass(frozen=True, slots=True)
class Frame:
    """One event, without its id. `seq`: of a piece of output."""

    event: str
    body: bytes
    execution_id: str = ""
    action: str = ""
    parent_id: str = ""
    is_end: bool = False
    seq: int = 0


def names_of(entry: JournalEntry) -> tuple[str, ...]:
    """The events that an entry of the journal becomes."""
    if entry.kind == ANNOUNCED:
        return (f"{ANNOUNCEMENT}{entry.data.get('route', '')}",)
    if entry.kind == ALIAS_CHANGED:
        return (f"{ALIAS}{entry.data['change']}",)
    change = "create" if entry.kind == REQUESTED else "update"
    return (f"{EXECUTION}{change}", f"{LIVEACTION}{change}")


def announcement_frame(entry: JournalEntry) -> Frame:
    data = {"payload": entry.data.get("payload"), "trace_context": entry.data.get("trace_context")}
    event = names_of(entry)[0]
    return Frame(event, _body(event, data))


def alias_frame(entry: JournalEntry, document: Document | None) -> Frame:
    """`document`: of the alias as it is now; None for one that is not there any more."""
    if document is None:
        pack, name = entry.data["pack"], entry.data["name"]
        document = {
            "id": content_id("alias", entry.subject),
            "ref": entry.subject,
            "uid": f"action_alias:{pack}:{name}",
            "pack": pack,
            "name": name,
        }
    event = names_of(entry)[0]
    return Frame(event, _body(event, document))


def execution_frames(
    execution: Execution, document: Document, status: Status, events: Iterable[str]
) -> list[Frame]:
    """`document`: of the execution as it is now; `status`: what it had when it happened."""
    if execution.status is not status:
        document = {name: value for name, value in document.items() if name not in _OF_THE_END}
        document["status"] = status.value
    shown = {event: _liveaction(document) if event.startswith(LIVEACTION) else document for event in events}
    return [
        Frame(
            event,
            _body(event, data),
            execution_id=execution.id,
            action=execution.action,
            parent_id=execution.parent_id or "",
            is_end=status in FINISHED,
        )
        for event, data in shown.items()
    ]


def _liveaction(document: Document) -> Document:
    names = ("status", "start_timestamp", "end_timestamp", "parameters", "context", "result", "delay")
    live = {name: document[name] for name in names if name in document}
    return {**document.get("liveaction", {"id": liveaction_id(document["id"])}), **live}


def output_frames(execution: Execution, chunks: Iterable[OutputChunk]) -> list[Frame]:
    return [
        Frame(
            OUTPUT_EVENT,
            _body(OUTPUT_EVENT, output_document(execution, chunk)),
            execution_id=execution.id,
            action=execution.action,
            parent_id=execution.parent_id or "",
            seq=chunk.seq,
        )
        for chunk in chunks
    ]


def output_document(execution: Execution, chunk: OutputChunk) -> Document:
    return {
        "id": content_id("output", f"{execution.id}.{chunk.seq}"),
        "execution_id": execution.id,
        "action_ref": execution.action,
        "runner_ref": execution.runner,
        "timestamp": isoformat(chunk.at),
        "output_type": chunk.kind,
        "data": chunk.data,
    }


def _body(event: str, data: Any) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (event.encode(), dump(data))
