"""Shapes of what runs: executions, alias executions, and the questions that they ask."""

from engine.api.shape import (
    ANYTHING,
    FLAG,
    INTEGER,
    MAPPING,
    MOMENT,
    NUMBER,
    TEXT,
    TEXTS,
    Shape,
    list_of,
    maybe,
)
from engine.api.wire_content_shapes import ALIAS

EXECUTION_REQUEST = Shape(
    "ExecutionRequest",
    {
        "action": TEXT,
        "parameters": maybe(MAPPING),
        "user": maybe(TEXT),
        "context": maybe(MAPPING),
        "notify": maybe(MAPPING),
        "delay": maybe(INTEGER),
        "callback_url": maybe(TEXT),
        "callback_secret_ref": maybe(TEXT),
    },
    ("action",),
)
EXECUTION = Shape(
    "Execution",
    {
        "id": TEXT,
        "action": MAPPING,
        "runner": MAPPING,
        "liveaction": MAPPING,
        "status": TEXT,
        "start_timestamp": MOMENT,
        "end_timestamp": MOMENT,
        "elapsed_seconds": NUMBER,
        "web_url": TEXT,
        "parameters": MAPPING,
        "context": MAPPING,
        "result": ANYTHING,
        "result_size": INTEGER,
        "children": TEXTS,
        "parent": TEXT,
        "delay": INTEGER,
        "log": list_of(MAPPING),
        "rule": MAPPING,
        "trigger": MAPPING,
        "trigger_type": MAPPING,
        "trigger_instance": MAPPING,
    },
    ("id", "action", "status", "liveaction", "start_timestamp", "web_url", "context", "log"),
)
# What is over already is answered with a faultstring alone.
CANCELLED = Shape("Cancelled", {**EXECUTION.properties, "faultstring": TEXT})
EXECUTION_UPDATE = Shape("ExecutionUpdate", {"status": TEXT, "result": ANYTHING}, ("status",))
RERUN = Shape(
    "Rerun",
    {
        "parameters": maybe(MAPPING),
        "tasks": maybe(TEXTS),
        "reset": maybe(TEXTS),
        "delay": maybe(INTEGER),
        "user": maybe(TEXT),
        "callback_url": maybe(TEXT),
        "callback_secret_ref": maybe(TEXT),
    },
)
CALLBACK = Shape(
    "Callback",
    {
        "id": TEXT,
        "execution": TEXT,
        "place": TEXT,
        "secret_ref": TEXT,
        "state": TEXT,
        "attempts": INTEGER,
        "made_at": MOMENT,
        "ended_at": maybe(MOMENT),
        "next_at": maybe(MOMENT),
        "last": maybe(MAPPING),
    },
)
CALLBACK_DETAIL = CALLBACK.grown("CallbackDetail", {"log": list_of(MAPPING)})
EXECUTION_VALUES = Shape(
    "ExecutionValues",
    dict.fromkeys(("action", "status", "rule", "runner", "trigger", "trigger_type", "user"), TEXTS),
)
SAID = Shape("Said", {"enabled": FLAG, "message": TEXT, "extra": MAPPING}, ("enabled", "message"))
PROGRESS = Shape(
    "Progress", {"status": TEXT, "seen": TEXT, "parts": list_of(MAPPING)}, ("status", "seen", "parts")
)
TASK = Shape(
    "Task",
    {
        "entry": INTEGER,
        "task": TEXT,
        "route": INTEGER,
        "status": TEXT,
        "action": maybe(TEXT),
        "execution_ids": TEXTS,
        "items_done": maybe(INTEGER),
        "items_total": maybe(INTEGER),
        "attempt": maybe(INTEGER),
        "undo": ANYTHING,
        "started_at": maybe(MOMENT),
        "ended_at": maybe(MOMENT),
    },
    ("entry", "task", "status", "execution_ids"),
)
PROBLEM = Shape(
    "Problem",
    {
        "type": TEXT,
        "message": TEXT,
        "spec_path": maybe(TEXT),
        "schema_path": maybe(TEXT),
        "expression": maybe(TEXT),
        "language": maybe(TEXT),
    },
    ("type", "message"),
)

# aliases

COMMAND = Shape("Command", {"command": TEXT}, ("command",))
MATCH = Shape(
    "Match",
    {"actionalias": ALIAS, "display": maybe(TEXT), "representation": maybe(TEXT)},
    ("actionalias", "display", "representation"),
)
HELP = Shape("Help", {"available": INTEGER, "helpstrings": list_of(MAPPING)}, ("available", "helpstrings"))
_SPOKEN = {
    "command": TEXT,
    "user": maybe(TEXT),
    "source_channel": TEXT,
    "source_context": ANYTHING,
    "notification_channel": maybe(TEXT),
    "notification_route": maybe(TEXT),
    "callback_url": maybe(TEXT),
    "callback_secret_ref": maybe(TEXT),
}
ALIAS_COMMAND = Shape("AliasCommand", _SPOKEN, ("command", "source_channel"))
ALIAS_EXECUTION = ALIAS_COMMAND.grown("AliasExecution", {"name": TEXT, "format": TEXT}, ("name", "format"))
ALIAS_STARTED = Shape(
    "AliasStarted",
    {"execution": EXECUTION, "actionalias": ALIAS, "message": TEXT, "extra": MAPPING},
    ("execution", "actionalias"),
)
ALIASES_STARTED = Shape("AliasesStarted", {"results": list_of(ALIAS_STARTED)}, ("results",))

# inquiries

INQUIRY = Shape(
    "Inquiry",
    {"id": TEXT, "route": TEXT, "ttl": INTEGER, "users": TEXTS, "roles": TEXTS, "schema": MAPPING},
    ("id", "route", "ttl", "users", "roles", "schema"),
)
INQUIRY_ANSWER = Shape(
    "InquiryAnswer", {"id": TEXT, "response": ANYTHING, "decision": maybe(TEXT), "reason": maybe(TEXT)}
)
INQUIRY_ANSWERED = Shape("InquiryAnswered", {"id": TEXT, "response": ANYTHING}, ("id", "response"))
INQUIRY_DETAIL = INQUIRY.grown(
    "InquiryDetail",
    {
        "action": TEXT,
        "state": TEXT,
        "text": TEXT,
        "groups": TEXTS,
        "asked": list_of(MAPPING),
        "wanted": ANYTHING,
        "decision": ANYTHING,
        "is_approval": FLAG,
        "needs_reason": FLAG,
        "subject": ANYTHING,
        "requested_by": MAPPING,
        "raised_at": MOMENT,
        "escalated_at": maybe(MOMENT),
        "deadline_at": maybe(MOMENT),
        "at_deadline": ANYTHING,
        "reminders": ANYTHING,
        "tally": list_of(MAPPING),
        "progress": ANYTHING,
        "votes": list_of(MAPPING),
        "nobody": ANYTHING,
        "outcome": ANYTHING,
    },
    ("state", "text", "votes"),
)
