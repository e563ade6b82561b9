"""How the audit and stories look on the API; the shapes are ours."""

from engine.api.wire import Document
from engine.audit import Verified
from engine.audit_files import document
from engine.clock import isoformat
from engine.records.audit import AuditEntry, AuditHead
from engine.records.story import Story


def act_document(entry: AuditEntry) -> Document:
    return {**document(entry), "id": str(entry.number)}


def head_document(head: AuditHead) -> Document:
    return {"number": head.number, "hash": head.hash.hex()}


def verified_document(verified: Verified) -> Document:
    head = verified.head
    return {
        "is_sound": not verified.flaws,
        "count": verified.count,
        "head": head_document(head),
        "removed_up_to": head.anchor_number,
        "flaws": [{"number": flaw.number, "problem": flaw.problem} for flaw in verified.flaws],
    }


def story_document(story: Story) -> Document:
    return {
        "tag": story.tag,
        "traces": list(story.traces),
        "steps": [
            {
                "at": isoformat(step.at),
                "what": step.what,
                "text": step.text,
                "who": step.who,
                "id": step.id,
                "depth": step.depth,
            }
            for step in story.steps
        ],
    }
