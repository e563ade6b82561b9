"""The audit, ours: its acts, the whole of it as a file, and whether it is as it was written."""

from collections.abc import Iterator

from starlette.responses import Response, StreamingResponse

from engine.api import listing
from engine.api import wire_audit_shapes as shapes
from engine.api.auditing import check_auditor
from engine.api.call import Call, json_answer
from engine.api.resource import Answering, Endpoint
from engine.api.shape import Listed, Raw
from engine.api.wire_audit import act_document, head_document, verified_document
from engine.audit_chain import NotedHead
from engine.audit_files import Format, lines
from engine.errors import BadInput, NotFound
from engine.records.audit import Act, AuditFilter
from engine.specs.right import Right

_TYPES: dict[Format, str] = {"jsonl": "application/x-ndjson", "csv": "text/csv"}
# Several lines in one piece: each piece costs a turn of a thread.
_PIECE = 500


def list_acts(call: Call) -> Response:
    """The newest first."""
    check_auditor(call)
    page = call.query.page(limit=50)
    found, total = call.engine.audit.page(_wanted(call), offset=page.offset, limit=page.limit)
    return json_answer([act_document(one) for one in found], headers=listing.page_headers(page, total))


def get_act(call: Call) -> Response:
    check_auditor(call)
    number = call.path["number"]
    found = call.engine.audit.get(int(number)) if number.isdecimal() and len(number) < 18 else None
    if found is None:
        raise NotFound(f'There is no act "{number}" in the audit.', hint="List them: stormcrow audit list")
    return json_answer(act_document(found))


def verify(call: Call) -> Response:
    """All of it, which takes its time: tens of thousands of acts a second. `head`: one that was noted."""
    check_auditor(call)
    noted = call.query.text("head")
    verified = call.engine.audit.verify(None if noted is None else NotedHead.parse(noted))
    return json_answer(verified_document(verified))


def get_head(call: Call) -> Response:
    """The newest act and its hash: to be noted elsewhere."""
    check_auditor(call)
    return json_answer(head_document(call.engine.audit.head()))


def export(call: Call) -> Answering:
    """`format`: jsonl or csv. The oldest first; the export itself is an act."""
    check_auditor(call)
    wanted = _wanted(call)
    asked = call.query.text("format") or "jsonl"
    if asked not in _TYPES:
        raise BadInput(f'"{asked}" is no format of the audit.', hint="Choose jsonl or csv.")
    file_format: Format = "csv" if asked == "csv" else "jsonl"
    query = {name: value for name, value in call.query.values.items() if name in _FILTERS}
    call.engine.audit.record(Act(kind="audit.exported", object=file_format, details={"filter": query}))
    head = call.engine.audit.head()
    text = lines(call.engine.audit.entries(wanted, head), wanted, head, file_format)
    headers = {"Content-Disposition": f'attachment; filename="audit.{file_format}"'}
    return StreamingResponse(_pieces(text), media_type=_TYPES[file_format], headers=headers)


def _pieces(text: Iterator[str]) -> Iterator[bytes]:
    piece: list[str] = []
    for line in text:
        piece.append(line)
        if len(piece) == _PIECE:
            yield "".join(piece).encode()
            piece.clear()
    yield "".join(piece).encode()


_FILTERS = ("kind", "object", "request", "since", "trace", "until", "user")


def _wanted(call: Call) -> AuditFilter:
    query = call.query
    return AuditFilter(
        kinds=tuple(kind for kind in (query.text("kind") or "").split(",") if kind),
        user=query.text("user") or "",
        object=query.text("object") or "",
        trace_id=query.text("trace") or "",
        request_id=query.text("request") or "",
        since=query.moment("since"),
        until=query.moment("until"),
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/audit",
        handler=list_acts,
        right=Right.AUDIT_LIST,
        query=(*listing.PAGE, *_FILTERS),
        gives=Listed(shapes.ACT),
    ),
    Endpoint(
        method="GET",
        path="/audit/export",
        handler=export,
        right=Right.AUDIT_EXPORT,
        query=(*_FILTERS, "format"),
        gives=Raw(tuple(_TYPES.values())),
    ),
    Endpoint(
        method="GET",
        path="/audit/verify",
        handler=verify,
        right=Right.AUDIT_LIST,
        query=("head",),
        gives=shapes.VERIFIED,
    ),
    Endpoint(
        method="GET", path="/audit/head", handler=get_head, right=Right.AUDIT_LIST, gives=shapes.AUDIT_HEAD
    ),
    Endpoint(method="GET", path="/audit/{number}", handler=get_act, right=Right.AUDIT_LIST, gives=shapes.ACT),
)
