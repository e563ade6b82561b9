"""StackStorm's JSON shapes: the only place that knows how our things look on its REST API.

Every function takes a spec, a record or a value of ours and gives a plain dict. Most models drop
what is None; executions drop everything that is falsy, as StackStorm's do.
"""

import hashlib
import socket
from collections.abc import Mapping, Sequence
from typing import Any

from engine.clock import isoformat
from engine.outside.sign_ins import SignIn
from engine.pack_configs import PackConfig
from engine.policies.notes import policy_note, with_note
from engine.records.access import ApiKey, Requester, Token
from engine.records.datastore import DatastoreKey
from engine.records.execution import Execution
from engine.refs import liveaction_id
from engine.rules.identity import trigger_of
from engine.specs.action import ActionSpec
from engine.specs.alias import AliasSpec
from engine.specs.pack import PackSpec
from engine.specs.parameter import ParameterSpec
from engine.specs.permissions import ADMIN, SYSTEM_ADMIN
from engine.specs.rule import RuleSpec
from engine.specs.runner_type import WORKFLOWS, RunnerTypeSpec
from engine.specs.sensor import SensorSpec, TriggerTypeSpec

Document = dict[str, Any]

MASK = "********"


def content_id(kind: str, ref: str) -> str:
    """A stable id of 24 hexadecimal characters for content, which has none of its own."""
    return hashlib.sha256(f"{kind}:{ref}".encode()).hexdigest()[:24]


def without_none(document: Document) -> Document:
    return {name: value for name, value in document.items() if value is not None}


def without_falsy(document: Document) -> Document:
    return {name: value for name, value in document.items() if value}


# content


def parameters_document(parameters: Mapping[str, ParameterSpec]) -> Document:
    """The properties as written; a client needs a type for each, so one that has none is a string."""
    return {
        name: dict(spec.schema_) if "type" in spec.schema_ else {"type": "string", **spec.schema_}
        for name, spec in parameters.items()
    }


def action_document(action: ActionSpec) -> Document:
    return without_none(
        {
            "id": content_id("action", action.ref),
            "ref": action.ref,
            "uid": f"action:{action.pack}:{action.name}",
            "name": action.name,
            "description": action.description,
            "enabled": action.enabled,
            "runner_type": action.runner_type,
            "entry_point": action.entry_point,
            "pack": action.pack,
            "parameters": parameters_document(action.parameters),
            "output_schema": action.output_schema,
            "tags": list(action.tags),
            "notify": action.notify or {},
            "metadata_file": action.metadata_file,
        }
    )


def effective_parameters(action: ActionSpec, runner: RunnerTypeSpec | None) -> Document:
    """What a caller may give: the runner's parameters with the action's laid over them."""
    merged = parameters_document(runner.parameters) if runner else {}
    for name, schema in parameters_document(action.parameters).items():
        runners = merged.get(name, {})
        # The type of a runner's parameter stays the runner's.
        merged[name] = {**runners, **schema, **({"type": runners["type"]} if runners else {})}
    return merged


def runner_document(runner: RunnerTypeSpec) -> Document:
    return without_none(
        {
            "id": content_id("runner", runner.name),
            "uid": f"runner_type:{runner.name}",
            "name": runner.name,
            "description": runner.description,
            "enabled": runner.enabled,
            "runner_package": runner.name.replace("-", "_"),
            "runner_module": runner.name.replace("-", "_"),
            "runner_parameters": parameters_document(runner.parameters),
            "output_key": runner.output_key,
            "output_schema": {},
        }
    )


def alias_document(alias: AliasSpec) -> Document:
    return without_none(
        {
            "id": content_id("alias", alias.ref),
            "ref": alias.ref,
            "uid": f"action_alias:{alias.pack}:{alias.name}",
            "name": alias.name,
            "pack": alias.pack,
            "description": alias.description,
            "enabled": alias.enabled,
            "action_ref": alias.action_ref,
            "formats": list(alias.raw_formats),
            "ack": alias.raw_ack,
            "result": alias.raw_result,
            "extra": alias.extra,
            "immutable_parameters": alias.immutable_parameters or None,
            "metadata_file": alias.metadata_file,
        }
    )


def pack_document(pack: PackSpec) -> Document:
    return without_none(
        {
            **pack.extra,
            "id": content_id("pack", pack.ref),
            "ref": pack.ref,
            "uid": f"pack:{pack.ref}",
            "name": pack.name,
            "description": pack.description,
            "keywords": list(pack.keywords),
            "version": pack.version,
            "stackstorm_version": pack.stackstorm_version,
            "python_versions": list(pack.python_versions),
            "author": pack.author,
            "email": pack.email,
            "contributors": list(pack.contributors),
            "dependencies": list(pack.dependencies),
            "path": str(pack.folder),
        }
    )


def config_schema_document(pack: PackSpec) -> Document:
    return {
        "id": content_id("config_schema", pack.ref),
        "pack": pack.ref,
        "attributes": pack.config_schema,
    }


def config_document(config: PackConfig) -> Document:
    return {
        "id": content_id("config", config.pack),
        "pack": config.pack,
        "values": dict(config.values),
    }


def rule_document(rule: RuleSpec) -> Document:
    found = trigger_of(rule.trigger["type"], rule.trigger.get("parameters"))
    trigger = {"description": "", **rule.trigger, "ref": found.ref}
    return without_none(
        {
            "id": content_id("rule", rule.ref),
            "ref": rule.ref,
            "uid": f"rule:{rule.pack}:{rule.name}",
            "name": rule.name,
            "pack": rule.pack,
            "description": rule.description,
            "enabled": rule.enabled,
            "type": rule.type,
            "trigger": trigger,
            "criteria": rule.criteria,
            "action": rule.action,
            "tags": list(rule.tags),
            "context": {**rule.context, **({"user": rule.owner} if rule.owner else {})},
            "metadata_file": rule.metadata_file,
            **rule.extensions,
        }
    )


def sensor_document(sensor: SensorSpec) -> Document:
    return without_none(
        {
            "id": content_id("sensor", sensor.ref),
            "ref": sensor.ref,
            "uid": f"sensor_type:{sensor.pack}:{sensor.class_name}",
            "name": sensor.class_name,
            "class_name": sensor.class_name,
            "pack": sensor.pack,
            "description": sensor.description,
            "enabled": sensor.enabled,
            "entry_point": sensor.entry_point,
            "artifact_uri": f"file://{sensor.pack_folder / 'sensors' / sensor.entry_point}",
            "poll_interval": sensor.poll_interval,
            "trigger_types": [trigger.ref for trigger in sensor.trigger_types],
            "metadata_file": sensor.metadata_file,
        }
    )


def trigger_type_document(trigger: TriggerTypeSpec) -> Document:
    return {
        "id": content_id("trigger_type", trigger.ref),
        "ref": trigger.ref,
        "uid": f"trigger_type:{trigger.pack}:{trigger.name}",
        "name": trigger.name,
        "pack": trigger.pack,
        "description": trigger.description,
        "parameters_schema": trigger.parameters_schema,
        "payload_schema": trigger.payload_schema,
        "tags": list(trigger.tags),
        "metadata_file": trigger.metadata_file,
    }


# what happened


def execution_document(
    execution: Execution,
    *,
    action: Document,
    runner: Document,
    public_url: str,
    children: Sequence[str] = (),
) -> Document:
    """`action` and `runner` are their documents."""
    return without_falsy(
        {
            "id": execution.id,
            "action": {**action, "runner_type": execution.runner},
            "runner": runner,
            "liveaction": _liveaction(execution, action.get("notify")),
            "status": execution.status.value,
            "start_timestamp": isoformat(execution.requested_at),
            "end_timestamp": isoformat(execution.ended_at) if execution.ended_at else None,
            "elapsed_seconds": execution.elapsed_s,
            "web_url": f"{public_url}/chat#execution/{execution.id}",
            "parameters": execution.parameters,
            "context": _context(execution.context),
            "result": execution.result,
            "result_size": execution.result_size,
            "children": list(children),
            "parent": execution.parent_id,
            "delay": execution.delay_ms,
            "log": [{"timestamp": isoformat(at), "status": word.value} for at, word in execution.log],
        }
    )


def _context(context: Mapping[str, Any]) -> Document:
    """With the id that StackStorm gives of an execution that was tried again."""
    shown = {name: value for name, value in context.items() if name != "notify"}
    rule = shown.get("rule")
    if isinstance(rule, Mapping) and rule.get("id"):
        # Ours is its ref; of clients of StackStorm an id is 24 digits.
        shown["rule"] = {**rule, "id": content_id("rule", str(rule["id"]))}
    retry = policy_note(context, "retry")
    if retry is not None and "retried_execution_id" in retry:
        old = liveaction_id(retry["retried_execution_id"])
        return with_note(shown, "retry", {**retry, "retried_liveaction_id": old})
    return shown


def _liveaction(execution: Execution, notify: Document | None) -> Document:
    """`notify`: what the action's file says; what the request said counts alone."""
    told = execution.context.get("notify") or notify
    return {
        "id": liveaction_id(execution.id),
        "action": execution.action,
        "action_is_workflow": execution.runner in WORKFLOWS,
        "callback": {},
        "parameters": execution.parameters,
        "runner_info": {"hostname": socket.gethostname()} if execution.claimed_by else {},
        **({"notify": told} if told else {}),
    }


def missing_action_document(execution: Execution) -> Document:
    """For an execution whose action has left the disk: what the execution itself remembers."""
    return {
        "ref": execution.action,
        "pack": execution.pack,
        "name": execution.action.partition(".")[2],
        "runner_type": execution.runner,
        "parameters": {},
    }


# datastore and access


def key_document(key: DatastoreKey) -> Document:
    return without_none(
        {
            "id": key.id,
            "uid": key.uid,
            "name": key.name,
            "description": key.description or None,
            "value": key.value,
            "secret": key.secret,
            "encrypted": key.encrypted,
            "scope": key.stored_scope,
            "user": key.user if key.scope == "user" else None,
            "expire_timestamp": isoformat(key.expires_at) if key.expires_at else None,
        }
    )


def api_key_document(key: ApiKey, *, secret: str | None = None) -> Document:
    """`secret`: the key itself, which is shown once, in the answer that made it."""
    scope = key.limits.scope
    return without_none(
        {
            "id": key.id,
            "uid": MASK,
            "user": key.user,
            "key_hash": MASK,
            "key": secret,
            "enabled": key.enabled,
            "metadata": key.metadata,
            "created_at": isoformat(key.created_at),
            # The rest is ours.
            "prefix": key.prefix,
            "actions": list(scope.actions) if scope else None,
            "webhooks": list(scope.webhooks) if scope else None,
            "rights": list(scope.rights) if scope else None,
            "addresses": list(key.limits.networks) or None,
            "expires_at": isoformat(key.limits.expires_at) if key.limits.expires_at else None,
            "last_used_at": isoformat(key.last_used_at) if key.last_used_at else None,
            "last_used_from": key.last_used_from or None,
            "acting_user": key.acting_user or None,
        }
    )


def token_document(token: Token, *, secret: str) -> Document:
    """`secret`: the token itself, which is shown once."""
    return {
        "id": token.id,
        "user": token.user,
        "token": secret,
        "expiry": isoformat(token.expires_at),
        "metadata": {},
    }


def sign_in_document(way: SignIn) -> Document:
    entry = way.entry
    return {
        "name": entry.name,
        "title": entry.title or entry.name,
        "issuer": entry.issuer,
        "client_id": way.terminal_client_id,
        "scopes": entry.scopes,
    }


def user_document(requester: Requester, *, location: str, has_roles: bool, roles: Sequence[str]) -> Document:
    """`location`: header or query string. `has_roles`: without any on file everybody is an administrator."""
    authentication = {
        "method": requester.method,
        "location": location,
        # st2 reads this without asking whether it is there.
        "token_expire": isoformat(requester.expires_at) if requester.expires_at else None,
    }
    return {
        "username": requester.user,
        "authentication": authentication,
        "rbac": {
            "enabled": has_roles,
            "roles": list(roles),
            "is_admin": not has_roles or not {ADMIN, SYSTEM_ADMIN}.isdisjoint(roles),
        },
    }
