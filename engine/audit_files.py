"""The audit as a file, JSON lines or CSV: written, read again, and verified without a server. Pure.

The first line says what was asked for and where the chain stood, the last one how many acts there are.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson

from engine.audit_chain import ChainCheck, Flaw, NotedHead
from engine.clock import isoformat, utcnow
from engine.errors import BadInput
from engine.records.audit import AuditEntry, AuditFilter, AuditHead

Format = Literal["jsonl", "csv"]

# The kinds of the first and the last line, which are no acts.
BEGIN, END = "audit.export", "audit.end"
COLUMNS = (
    "number", "at", "kind", "object", "user", "via", "key_id", "account", "address", "request_id",
    "reason", "approved_by", "execution_id", "trace_id", "details", "before", "hash",
)  # fmt: skip
# A spreadsheet takes what begins so for a formula, also in other widths. The ' itself, so that it can be
# taken off again.
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "'", "＝", "＋", "－", "＠")
# Longer cells than csv reads by itself.
csv.field_size_limit(1 << 24)


def document(entry: AuditEntry) -> dict[str, Any]:
    """An act as JSON shows it."""
    shown: dict[str, Any] = {name: getattr(entry, name) for name in COLUMNS}
    shown["at"] = isoformat(entry.at)
    shown["details"] = entry.facts
    shown["before"], shown["hash"] = entry.before.hex(), entry.hash.hex()
    return shown


# write


def lines(
    entries: Iterable[AuditEntry], wanted: AuditFilter, head: AuditHead, file_format: Format
) -> Iterator[str]:
    write = _json_line if file_format == "jsonl" else _csv_line
    if file_format == "csv":
        yield _csv_cells(COLUMNS)
    yield write({"kind": BEGIN, "at": isoformat(utcnow()), "details": _asked(wanted, head)})
    count = 0
    for entry in entries:
        count += 1
        yield write(document(entry))
    yield write({"kind": END, "at": isoformat(utcnow()), "details": {"count": count}})


def _asked(wanted: AuditFilter, head: AuditHead) -> dict[str, Any]:
    chosen = {
        "kind": ",".join(wanted.kinds),
        "user": wanted.user,
        "object": wanted.object,
        "trace": wanted.trace_id,
        "request": wanted.request_id,
        "since": isoformat(wanted.since) if wanted.since else "",
        "until": isoformat(wanted.until) if wanted.until else "",
    }
    return {
        "version": 1,
        "filter": {name: value for name, value in chosen.items() if value},
        "head": {"number": head.number, "hash": head.hash.hex()},
        "anchor": {"number": head.anchor_number, "hash": head.anchor_hash.hex()},
    }


def _json_line(shown: Mapping[str, Any]) -> str:
    return orjson.dumps(shown).decode() + "\n"


def _csv_line(shown: Mapping[str, Any]) -> str:
    details = orjson.dumps(shown["details"], option=orjson.OPT_SORT_KEYS).decode()
    values = {**shown, "details": details}
    return _csv_cells(str(values.get(name, "")) for name in COLUMNS)


def _csv_cells(cells: Iterable[str]) -> str:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow(
        f"'{cell}" if cell.startswith(_RISKY) else cell for cell in cells
    )
    return out.getvalue()


# read and verify


@dataclass(frozen=True, slots=True, kw_only=True)
class FileVerdict:
    count: int
    first: int
    last: int
    """Numbers of acts; 0 when there are none."""
    head: NotedHead
    """The head of the chain when the file was made."""
    filter: Mapping[str, str]
    """Not empty: some acts were left out, and missing ones cannot be told from them."""
    flaws: tuple[Flaw, ...]


def verify(text: Iterable[str], noted: NotedHead | None = None) -> FileVerdict:
    """`text`: the lines of a file of ours; `noted`: a head that must be in it. Raises BadInput for others."""
    rows = _rows(iter(text))
    begin = next(rows, None)
    if begin is None or begin.get("kind") != BEGIN:
        raise BadInput("This is no audit export: its first line is another one.", hint=_HINT)
    try:
        asked = begin["details"]
        head, anchor, chosen = asked["head"], asked["anchor"], dict(asked["filter"])
        # Where a time bounds it, it begins somewhere.
        check = _check(chosen, anchor, noted)
        return _verified(rows, check, head, chosen)
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"This audit export cannot be read: {error}.", hint=_HINT) from error


_HINT = "Make one with: stormcrow audit export"


def _check(chosen: Mapping[str, str], anchor: Mapping[str, Any], noted: NotedHead | None) -> ChainCheck:
    has_gaps = bool(chosen.keys() - {"since", "until"})
    if has_gaps or "since" in chosen:
        return ChainCheck(number=None, has_gaps=has_gaps, noted=noted)
    before = bytes.fromhex(anchor["hash"])
    return ChainCheck(number=int(anchor["number"]), before=before, noted=noted)


def _verified(
    rows: Iterator[Mapping[str, Any]], check: ChainCheck, head: Mapping[str, Any], chosen: Mapping[str, str]
) -> FileVerdict:
    first, end = 0, None
    for row in rows:
        if row.get("kind") == END:
            end = row["details"]
            break
        entry = _entry(row)
        first = first or entry.number
        check.take(entry)
    flaws = []
    if end is None:
        flaws.append(Flaw(number=check.number, problem="the file ends here: its last line is missing"))
    elif end["count"] != check.count:
        problem = f"the file had {end['count']} acts and has {check.count}"
        flaws.append(Flaw(number=check.number, problem=problem))
    if not chosen:
        check.end(number=int(head["number"]), head=bytes.fromhex(head["hash"]))
    check.end_noted()
    return FileVerdict(
        count=check.count,
        first=first,
        last=check.number if check.count else 0,
        head=NotedHead(hash=str(head["hash"]), number=int(head["number"])),
        filter=chosen,
        flaws=(*check.flaws, *flaws),
    )


def _rows(text: Iterator[str]) -> Iterator[Mapping[str, Any]]:
    first = next(text, "").removeprefix("\ufeff")
    if first.startswith("{"):
        yield json.loads(first)
        for line in text:
            if line.strip():
                yield json.loads(line)
        return
    if not first.strip().startswith('"number"'):
        raise BadInput("This is no audit export.", hint=_HINT)
    for cells in csv.reader(text):
        row: dict[str, Any] = dict(zip(COLUMNS, (cell.removeprefix("'") for cell in cells), strict=True))
        row["details"] = orjson.loads(row["details"])
        yield row


def _entry(row: Mapping[str, Any]) -> AuditEntry:
    fields = {name: row[name] for name in COLUMNS}
    fields["number"] = int(row["number"])
    fields["at"] = datetime.fromisoformat(row["at"])
    fields["details"] = orjson.dumps(row["details"], option=orjson.OPT_SORT_KEYS)
    fields["before"], fields["hash"] = bytes.fromhex(row["before"]), bytes.fromhex(row["hash"])
    return AuditEntry(**fields)
