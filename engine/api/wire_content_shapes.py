"""Shapes of content: actions, aliases, rules, sensors, trigger types, policies, packs."""

from engine.api.shape import ANYTHING, FLAG, MAPPING, NUMBER, TEXT, TEXTS, Shape, list_of, maybe

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
