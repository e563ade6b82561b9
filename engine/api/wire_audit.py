"""How the audit looks on the API; the shape is ours, and that of its files."""

from engine.api.wire import Document
from engine.audit import Verified
from engine.audit_files import document
from engine.records.audit import AuditEntry


def act_document(entry: AuditEntry) -> Document:
    return {**document(entry), "id": str(entry.number)}


def verified_document(verified: Verified) -> Document:
    head = verified.head
    return {
        "is_sound": not verified.flaws,
        "count": verified.count,
        "head": {"number": head.number, "hash": head.hash.hex()},
        "removed_up_to": head.anchor_number,
        "flaws": [{"number": flaw.number, "problem": flaw.problem} for flaw in verified.flaws],
    }
