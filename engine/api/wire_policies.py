"""StackStorm's JSON shapes of policies and policy types."""

from engine.api.wire import Document, content_id
from engine.specs.policy import PolicySpec
from engine.specs.policy_type import PolicyType


def policy_document(policy: PolicySpec) -> Document:
    return {
        "id": content_id("policy", policy.ref),
        "ref": policy.ref,
        "uid": f"policy:{policy.pack}:{policy.name}",
        "name": policy.name,
        "pack": policy.pack,
        "description": policy.description,
        "enabled": policy.enabled,
        "resource_ref": policy.resource_ref,
        "policy_type": policy.policy_type,
        "parameters": policy.parameters,
        "metadata_file": policy.metadata_file,
    }


def policy_type_document(kind: PolicyType) -> Document:
    resource, _, name = kind.name.partition(".")
    return {
        "id": content_id("policy_type", kind.name),
        "ref": kind.name,
        "uid": f"policy_type:{resource}:{name}",
        "name": name,
        "resource_type": resource,
        "description": kind.description,
        "enabled": True,
        "parameters": {name: dict(schema) for name, schema in kind.parameters.items()},
    }
