"""The shapes of what the API takes and gives, as its description and its documentation show them.

The documents themselves are made by the other `wire` files; tests compare them with these.
"""

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

FAULT = Shape("Fault", {"faultstring": TEXT}, ("faultstring",))
ENABLED = Shape("Enabled", {"enabled": FLAG}, ("enabled",))
"""Whole documents are taken too; only this counts of them."""

# content: what a caller writes, and what is added to it

_NAMED = {"id": TEXT, "ref": TEXT, "uid": TEXT, "metadata_file": TEXT}
_IDENTITY = ("id", "ref", "uid")

ACTION_BODY = Shape(
    "ActionBody",
    {
        "name": TEXT,
        "pack": TEXT,
        "description": maybe(TEXT),
        "enabled": FLAG,
        "runner_type": TEXT,
        "entry_point": maybe(TEXT),
        "parameters": MAPPING,
        "output_schema": MAPPING,
        "tags": list_of(ANYTHING),
        "notify": maybe(MAPPING),
    },
    ("name", "runner_type"),
)
ACTION = ACTION_BODY.grown("Action", _NAMED, (*_IDENTITY, "pack", "parameters"))
CLONE = Shape(
    "Clone", {"dest_pack": TEXT, "dest_action": TEXT, "overwrite": FLAG}, ("dest_pack", "dest_action")
)
REMOVAL = Shape("Removal", {"remove_files": FLAG})
RUNNABLES = Shape("Runnables", {"digest": TEXT, "actions": list_of(MAPPING)}, ("digest", "actions"))
EFFECTIVE_PARAMETERS = Shape("EffectiveParameters", {"parameters": MAPPING}, ("parameters",))
RUNNER_TYPE = Shape(
    "RunnerType",
    {
        "id": TEXT,
        "uid": TEXT,
        "name": TEXT,
        "description": TEXT,
        "enabled": FLAG,
        "runner_package": TEXT,
        "runner_module": TEXT,
        "runner_parameters": MAPPING,
        "output_key": TEXT,
        "output_schema": MAPPING,
    },
    ("id", "name", "enabled", "runner_parameters"),
)
ALIAS_BODY = Shape(
    "AliasBody",
    {
        "name": TEXT,
        "pack": TEXT,
        "description": maybe(TEXT),
        "enabled": FLAG,
        "action_ref": TEXT,
        "formats": list_of(ANYTHING),
        "ack": maybe(MAPPING),
        "result": maybe(MAPPING),
        "extra": maybe(MAPPING),
        "immutable_parameters": maybe(MAPPING),
    },
    ("name", "action_ref", "formats"),
)
ALIAS = ALIAS_BODY.grown("Alias", _NAMED, (*_IDENTITY, "pack", "enabled"))
RULE_BODY = Shape(
    "RuleBody",
    {
        "name": TEXT,
        "pack": TEXT,
        "description": maybe(TEXT),
        "enabled": FLAG,
        "type": maybe(MAPPING),
        "trigger": Shape("RuleTrigger", {"type": TEXT, "parameters": MAPPING}, ("type",)),
        "criteria": maybe(MAPPING),
        "action": Shape("RuleAction", {"ref": TEXT, "parameters": MAPPING}, ("ref",)),
        "tags": list_of(ANYTHING),
        "context": MAPPING,
    },
    ("name", "trigger", "action"),
)
RULE = RULE_BODY.grown("Rule", _NAMED, (*_IDENTITY, "pack", "enabled", "type", "criteria"))
RULE_TYPE = Shape(
    "RuleType",
    {"id": TEXT, "name": TEXT, "description": TEXT, "enabled": FLAG, "parameters": MAPPING},
    ("id", "name", "parameters"),
)
SENSOR_TYPE = Shape(
    "SensorType",
    {
        **_NAMED,
        "name": TEXT,
        "class_name": TEXT,
        "pack": TEXT,
        "description": TEXT,
        "enabled": FLAG,
        "entry_point": TEXT,
        "artifact_uri": TEXT,
        "poll_interval": NUMBER,
        "trigger_types": TEXTS,
    },
    (*_IDENTITY, "name", "pack", "enabled", "trigger_types"),
)
TRIGGER_TYPE_BODY = Shape(
    "TriggerTypeBody",
    {
        "name": TEXT,
        "pack": TEXT,
        "description": maybe(TEXT),
        "payload_schema": MAPPING,
        "parameters_schema": MAPPING,
        "tags": list_of(ANYTHING),
    },
    ("name",),
)
TRIGGER_TYPE = TRIGGER_TYPE_BODY.grown(
    "TriggerType", _NAMED, (*_IDENTITY, "pack", "payload_schema", "parameters_schema")
)
POLICY_BODY = Shape(
    "PolicyBody",
    {
        "name": TEXT,
        "pack": TEXT,
        "description": maybe(TEXT),
        "enabled": FLAG,
        "resource_ref": TEXT,
        "policy_type": TEXT,
        "parameters": MAPPING,
    },
    ("name", "resource_ref", "policy_type"),
)
POLICY = POLICY_BODY.grown("Policy", _NAMED, (*_IDENTITY, "pack", "enabled", "parameters"))
POLICY_TYPE = Shape(
    "PolicyType",
    {
        "id": TEXT,
        "ref": TEXT,
        "uid": TEXT,
        "name": TEXT,
        "resource_type": TEXT,
        "description": TEXT,
        "enabled": FLAG,
        "parameters": MAPPING,
    },
    (*_IDENTITY, "name", "resource_type", "parameters"),
)
UNAVAILABLE = Shape(
    "Unavailable",
    {"kind": TEXT, "pack": TEXT, "name": TEXT, "where": TEXT, "reason": TEXT, "hint": TEXT},
    ("kind", "pack", "name", "where", "reason"),
)

# packs

PACK = Shape(
    "Pack",
    {
        "id": TEXT,
        "ref": TEXT,
        "uid": TEXT,
        "name": TEXT,
        "description": TEXT,
        "keywords": TEXTS,
        "version": TEXT,
        "stackstorm_version": TEXT,
        "python_versions": TEXTS,
        "author": TEXT,
        "email": TEXT,
        "contributors": TEXTS,
        "dependencies": TEXTS,
        "path": TEXT,
        "installed": MAPPING,
        "lock": TEXTS,
    },
    (*_IDENTITY, "name", "version", "author"),
)
PACK_NAMES = Shape("PackNames", {"packs": TEXTS, "force": FLAG, "skip_dependencies": FLAG}, ("packs",))
STARTED = Shape("Started", {"execution_id": TEXT}, ("execution_id",))
REGISTRATION = Shape("Registration", {"types": TEXTS, "packs": TEXTS, "fail_on_failure": FLAG})
INDEX = Shape("Index", {"status": list_of(MAPPING), "index": ANYTHING}, ("status", "index"))
INDEX_SEARCH = Shape("IndexSearch", {"query": TEXT, "pack": TEXT})
INDEX_HEALTH = Shape("IndexHealth", {"indexes": MAPPING, "packs": MAPPING}, ("indexes", "packs"))
FILE = Shape("File", {"file_path": TEXT, "content": TEXT}, ("file_path", "content"))
CONFIG = Shape("Config", {"id": TEXT, "pack": TEXT, "values": MAPPING}, ("id", "pack", "values"))
CONFIG_SCHEMA = Shape(
    "ConfigSchema", {"id": TEXT, "pack": TEXT, "attributes": MAPPING}, ("id", "pack", "attributes")
)

# executions

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
    },
    ("id", "action", "status", "liveaction", "start_timestamp", "web_url", "context", "log"),
)
# What is over already is answered with a faultstring alone.
CANCELLED = Shape("Cancelled", {**EXECUTION.properties, **FAULT.properties})
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
    },
)
CALLBACK_DETAIL = CALLBACK.grown("CallbackDetail", {"log": list_of(MAPPING)})
EXECUTION_VALUES = Shape(
    "ExecutionValues",
    dict.fromkeys(("action", "status", "rule", "runner", "trigger", "trigger_type", "user"), TEXTS),
)
SAID = Shape("Said", {"enabled": FLAG, "message": TEXT, "extra": MAPPING}, ("enabled",))
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
}
ALIAS_COMMAND = Shape("AliasCommand", _SPOKEN, ("command", "source_channel"))
ALIAS_EXECUTION = ALIAS_COMMAND.grown("AliasExecution", {"name": TEXT, "format": TEXT}, ("name", "format"))
ALIAS_STARTED = Shape(
    "AliasStarted",
    {"execution": EXECUTION, "actionalias": ALIAS, "message": TEXT, "extra": MAPPING},
    ("execution", "actionalias"),
)
ALIASES_STARTED = Shape("AliasesStarted", {"results": list_of(ALIAS_STARTED)}, ("results",))

# rules, events and traces

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

# the datastore, who may what, the server

KEY_BODY = Shape(
    "KeyBody",
    {
        "name": TEXT,
        "value": TEXT,
        "secret": maybe(FLAG),
        "encrypted": maybe(FLAG),
        "scope": maybe(TEXT),
        "user": maybe(TEXT),
        "ttl": maybe(INTEGER),
        "description": maybe(TEXT),
        "if_value": maybe(TEXT),
    },
    ("value",),
)
KEY_REMOVAL = Shape("KeyRemoval", {"if_value": maybe(TEXT)})
KEY = Shape(
    "Key",
    {
        "id": TEXT,
        "uid": TEXT,
        "name": TEXT,
        "description": TEXT,
        "value": TEXT,
        "secret": FLAG,
        "encrypted": FLAG,
        "scope": TEXT,
        "user": TEXT,
        "expire_timestamp": MOMENT,
    },
    ("id", "name", "value", "scope"),
)
ROTATION_BODY = Shape("RotationBody", {"leaked": maybe(FLAG)})
ROTATION = Shape("Rotation", {"key_id": TEXT, "resealed": ANYTHING, "failed": ANYTHING}, ("key_id",))
_KEY_LIMITS = {"actions": TEXTS, "webhooks": TEXTS, "rights": TEXTS, "addresses": TEXTS, "expires_at": MOMENT}
API_KEY_BODY = Shape(
    "ApiKeyBody",
    {
        "user": maybe(TEXT),
        "metadata": maybe(MAPPING),
        "enabled": FLAG,
        "key_hash": maybe(TEXT),
        "ttl": maybe(INTEGER),
        **{name: maybe(schema) for name, schema in _KEY_LIMITS.items()},
    },
)
API_KEY_ROTATION = Shape("ApiKeyRotation", {"grace_s": INTEGER})
API_KEY = Shape(
    "ApiKey",
    {
        "id": TEXT,
        "uid": TEXT,
        "user": TEXT,
        "key_hash": TEXT,
        "key": TEXT,
        "enabled": FLAG,
        "metadata": MAPPING,
        "created_at": MOMENT,
        "prefix": TEXT,
        **_KEY_LIMITS,
        "last_used_at": MOMENT,
        "last_used_from": TEXT,
        "acting_user": TEXT,
        "replaces": TEXT,
    },
    ("id", "user", "enabled", "metadata", "created_at"),
)
TOKEN_BODY = Shape(
    "TokenBody",
    {
        "ttl": maybe(INTEGER),
        "user": maybe(TEXT),
        "impersonate_user": maybe(TEXT),
        "nickname_origin": maybe(TEXT),
    },
)
TOKEN = Shape(
    "Token",
    {"id": TEXT, "user": TEXT, "token": TEXT, "expiry": MOMENT, "metadata": MAPPING},
    ("id", "user", "token", "expiry"),
)
SIGN_IN = Shape(
    "SignIn",
    {"name": TEXT, "title": TEXT, "issuer": TEXT, "client_id": TEXT, "scopes": list_of(TEXT)},
    ("name", "title", "issuer", "client_id", "scopes"),
)
TOKEN_QUESTION = Shape("TokenQuestion", {"token": TEXT}, ("token",))
VALIDITY = Shape("Validity", {"valid": FLAG}, ("valid",))
USER = Shape(
    "User",
    {"username": TEXT, "authentication": MAPPING, "rbac": MAPPING},
    ("username", "authentication", "rbac"),
)
ROLE = Shape(
    "Role",
    {
        "id": TEXT,
        "name": TEXT,
        "description": TEXT,
        "enabled": FLAG,
        "system": FLAG,
        "permission_grants": list_of(MAPPING),
    },
    ("id", "name", "system"),
)
ASSIGNMENT = Shape(
    "RoleAssignment",
    {"id": TEXT, "user": TEXT, "role": TEXT, "source": TEXT, "is_remote": FLAG, "description": TEXT},
    ("id", "user", "role", "source"),
)
PERMISSION_TYPES = Shape("PermissionTypes", {})
ACCOUNT = Shape(
    "Account",
    {
        "account": TEXT,
        "user": TEXT,
        "how": TEXT,
        "name": TEXT,
        "at": MOMENT,
        "by": TEXT,
        "ended_at": maybe(MOMENT),
        "ended_by": maybe(TEXT),
    },
    ("account", "user", "at"),
)
ACCOUNT_BODY = Shape("AccountBody", {"account": TEXT, "user": TEXT}, ("account", "user"))
CODE_BODY = Shape("CodeBody", {"account": maybe(TEXT)})
CODE = Shape(
    "Code",
    {"code": TEXT, "user": TEXT, "account": TEXT, "expires_at": MOMENT},
    ("code", "user", "expires_at"),
)
RIGHTS = Shape(
    "Rights",
    {
        "user": TEXT,
        "person": TEXT,
        "roles": TEXTS,
        "alias": TEXT,
        "action": TEXT,
        "place": TEXT,
        "may": FLAG,
        "groups": list_of(MAPPING),
        "reasons": list_of(MAPPING),
    },
    ("user", "may", "reasons"),
)
DENIAL = Shape(
    "Denial",
    {
        "at": MOMENT,
        "user": TEXT,
        "name": TEXT,
        "place": TEXT,
        "verb": TEXT,
        "what": TEXT,
        "reason": TEXT,
    },
    ("at", "user", "what", "reason"),
)
SCHEDULE_BODY = Shape(
    "ScheduleBody",
    {
        "when": TEXT,
        "command": maybe(TEXT),
        "action": maybe(TEXT),
        "parameters": maybe(MAPPING),
        "timezone": maybe(TEXT),
        "channel": maybe(TEXT),
        "misfire": TEXT,
        "user": maybe(TEXT),
    },
    ("when",),
)
SCHEDULE = Shape(
    "Schedule",
    {
        "number": INTEGER,
        "state": TEXT,
        "when": TEXT,
        "timezone": TEXT,
        "command": maybe(TEXT),
        "action": TEXT,
        "parameters": MAPPING,
        "user": TEXT,
        "channel": maybe(TEXT),
        "next_fire_at": list_of(MOMENT),
        "misfire": maybe(TEXT),
        "rule": TEXT,
        "trigger": maybe(TEXT),
        "created_at": MOMENT,
        "ended_at": maybe(MOMENT),
        "ended_by": maybe(TEXT),
        "last_execution": maybe(TEXT),
        "last_due_at": maybe(MOMENT),
        "last_failure": maybe(TEXT),
    },
    ("number", "state", "when", "user"),
)
ALERT = Shape(
    "Alert", {"id": TEXT, "status": TEXT, "channel": TEXT, "count": INTEGER}, ("id", "status", "count")
)
SILENCE = Shape("Silence", {"for": TEXT})
CHAT = Shape(
    "Chat",
    {"name": TEXT, "is_up": FLAG, "about": ANYTHING, "trouble": ANYTHING, "since": maybe(MOMENT)},
    ("name", "is_up"),
)
SENSOR = Shape(
    "Sensor",
    {
        "ref": TEXT,
        "sensor_type": TEXT,
        "instance": TEXT,
        "pack": TEXT,
        "description": TEXT,
        "state": TEXT,
        "pid": INTEGER,
        "started_at": MOMENT,
        "events": INTEGER,
        "last_event": MOMENT,
        "refused": INTEGER,
        "restarts": INTEGER,
        "failures": INTEGER,
        "last_error": TEXT,
        "last_error_at": MOMENT,
        "next_start": MOMENT,
    },
    ("ref", "state"),
)
SENSOR_LINE = Shape("SensorLine", {"at": MOMENT, "level": TEXT, "text": TEXT}, ("at", "level", "text"))
GROUPS = Shape("ServiceGroups", {"groups": TEXTS}, ("groups",))
MEMBERS = Shape("ServiceMembers", {"members": list_of(MAPPING)}, ("members",))
HEALTH = Shape(
    "Health",
    {
        "status": {**TEXT, "enum": ["ok", "wrong"]},
        "checks": list_of(
            Shape(
                "HealthCheck",
                {"name": TEXT, "ok": FLAG, "decides": FLAG, "text": TEXT, "hint": TEXT},
                ("name", "ok", "decides", "text", "hint"),
            )
        ),
        "faultstring": TEXT,
    },
    ("status",),
)
VERSION = Shape("Version", {"version": TEXT, "docs_url": TEXT}, ("version",))
