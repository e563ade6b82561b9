"""Shapes of events: what rules made of them, triggers, traces, webhooks."""

from engine.api.shape import ANYTHING, FLAG, INTEGER, MAPPING, MOMENT, TEXT, TEXTS, Shape, list_of, maybe
from engine.api.wire_content_shapes import _IDENTITY
from engine.api.wire_run_shapes import EXECUTION

_ENFORCED = {
    "id": TEXT,
    "uid": TEXT,
    "trigger_instance_id": TEXT,
    "execution_id": TEXT,
    "failure_reason": TEXT,
    "rule": MAPPING,
    "enforced_at": MOMENT,
    "status": TEXT,
    "held": FLAG,
}
ENFORCEMENT = Shape("Enforcement", _ENFORCED, ("id", "rule", "enforced_at", "status", "trigger_instance_id"))
ENFORCEMENT_VIEW = ENFORCEMENT.grown("EnforcementView", {"trigger_instance": MAPPING, "execution": EXECUTION})
ENFORCEMENT_SUMMARY = Shape(
    "EnforcementSummary",
    {
        "id": TEXT,
        "rule": MAPPING,
        "number": INTEGER,
        "status": TEXT,
        "execution_id": maybe(TEXT),
        "failure_reason": TEXT,
        "enforced_at": MOMENT,
    },
    ("id", "rule", "status"),
)
TRIGGER_BODY = Shape(
    "TriggerBody",
    {"name": TEXT, "pack": TEXT, "type": TEXT, "parameters": MAPPING, "description": TEXT},
    ("type",),
)
TRIGGER = TRIGGER_BODY.grown(
    "Trigger", {"id": TEXT, "ref": TEXT, "uid": TEXT}, (*_IDENTITY, "name", "pack", "parameters")
)
TIMER = TRIGGER.grown(
    "Timer", {"next_fire_at": maybe(MOMENT), "last_fire_at": maybe(MOMENT), "misfire": maybe(TEXT)}
)
INSTANCE = Shape(
    "TriggerInstance",
    {
        "id": TEXT,
        "trigger": TEXT,
        "payload": ANYTHING,
        "occurrence_time": MOMENT,
        "status": TEXT,
        "trigger_type": TEXT,
        "parameters": MAPPING,
        "source": TEXT,
        "user": TEXT,
        "reason": TEXT,
        "trace_id": TEXT,
        "trace_tag": TEXT,
    },
    ("id", "trigger", "payload", "occurrence_time", "status"),
)
RE_EMITTED = Shape("ReEmitted", {"message": TEXT, "payload": ANYTHING}, ("message", "payload"))
EXPLANATION = Shape(
    "Explanation",
    {
        "trigger_instance": MAPPING,
        "rules": list_of(MAPPING),
        "same_type": list_of(ANYTHING),
        "gone": list_of(MAPPING),
    },
    ("trigger_instance", "rules"),
)
RELEASE = Shape("Release", {"rule": TEXT}, ("rule",))
BACKTEST_BODY = Shape(
    "BacktestBody", {"rule": TEXT, "document": MAPPING, "since": maybe(MOMENT), "until": maybe(MOMENT)}
)
BACKTEST = Shape(
    "Backtest",
    {
        "rule": TEXT,
        "since": MOMENT,
        "until": MOMENT,
        "events": INTEGER,
        "matched": INTEGER,
        "fires": INTEGER,
        "fired": list_of(MAPPING),
        "held": MAPPING,
        "errors": MAPPING,
        "is_cut": FLAG,
        "caveats": TEXTS,
    },
    ("rule", "events", "matched", "fires"),
)
TRACE = Shape(
    "Trace",
    {
        "id": TEXT,
        "uid": TEXT,
        "trace_tag": TEXT,
        "start_timestamp": MOMENT,
        "trigger_instances": list_of(MAPPING),
        "rules": list_of(MAPPING),
        "action_executions": list_of(MAPPING),
    },
    ("id", "trace_tag", "trigger_instances", "rules", "action_executions"),
)
WEBHOOK = Shape(
    "Webhook",
    {
        **TRIGGER.properties,
        "verification": TEXT,
        "problem": TEXT,
        "stored": INTEGER,
        "last_at": maybe(MOMENT),
        "since_start": MAPPING,
        "preset": TEXT,
        "channel": maybe(TEXT),
        "alerts": ANYTHING,
        "secrets": TEXTS,
        "ways": list_of(MAPPING),
        "metadata_file": TEXT,
    },
    ("id", "parameters"),
)
DELIVERY = Shape(
    "Delivery",
    {
        "id": TEXT,
        "url": TEXT,
        "received_at": MOMENT,
        "status": TEXT,
        "reason": TEXT,
        "user": maybe(TEXT),
        "trace_tag": TEXT,
        "trigger": TEXT,
        "rules": list_of(MAPPING),
        "payload": ANYTHING,
    },
    ("id", "url", "received_at", "status", "rules"),
)
