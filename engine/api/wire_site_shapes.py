"""Shapes of the rest: the datastore, who may what, schedules, alerts, the server."""

from engine.api.shape import ANYTHING, FLAG, INTEGER, MAPPING, MOMENT, TEXT, TEXTS, Shape, list_of, maybe

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
LOGIN_ENDS = Shape("LoginEnds", {"user": maybe(TEXT)})
LOGINS_ENDED = Shape("LoginsEnded", {"user": TEXT, "tokens": INTEGER}, ("user", "tokens"))
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
