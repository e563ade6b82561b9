"""How the audit, what is removed of history, and stories look on the API, for its description."""

from engine.api.shape import FLAG, INTEGER, MAPPING, MOMENT, TEXT, TEXTS, Shape

_TEXTS = (
    "id", "kind", "object", "user", "via", "key_id", "account", "address", "request_id", "reason",
    "approved_by", "execution_id", "trace_id", "before", "hash",
)  # fmt: skip
ACT = Shape(
    "Act",
    {"number": INTEGER, "at": MOMENT, "details": MAPPING, **dict.fromkeys(_TEXTS, TEXT)},
    ("number", "at", "details", *_TEXTS),
)
_FLAW = Shape("Flaw", {"number": INTEGER, "problem": TEXT}, ("number", "problem"))
AUDIT_HEAD = Shape("AuditHead", {"number": INTEGER, "hash": TEXT}, ("number", "hash"))
VERIFIED = Shape(
    "Verified",
    {
        "is_sound": FLAG,
        "count": INTEGER,
        "head": AUDIT_HEAD,
        "removed_up_to": INTEGER,
        "flaws": {"type": "array", "items": _FLAW},
    },
    ("is_sound", "count", "head", "removed_up_to", "flaws"),
)
COUNTED = Shape("Counted", {"kind": TEXT, "count": INTEGER}, ("kind", "count"))
REMOVED = COUNTED.grown("Removed", {"is_done": FLAG}, ("is_done",))
_STEP_TEXTS = ("what", "text", "who", "id")
_STEP = Shape(
    "StoryStep",
    {"at": MOMENT, "depth": INTEGER, **dict.fromkeys(_STEP_TEXTS, TEXT)},
    ("at", "depth", *_STEP_TEXTS),
)
STORY = Shape(
    "Story",
    {"tag": TEXT, "traces": TEXTS, "steps": {"type": "array", "items": _STEP}},
    ("tag", "traces", "steps"),
)
