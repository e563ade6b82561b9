"""The configuration of a pack as its actions and sensors get it."""

import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from engine.errors import BadInput, BadTemplate, EngineError
from engine.expressions.jinja import is_template
from engine.expressions.lookups import key_lookups
from engine.expressions.masking import MASK, item_schema, leaves, property_schema
from engine.expressions.params import TemplateScope
from engine.specs.pack import PackSpec
from engine.specs.sensor import INSTANCES

# Keys that no schema speaks of, and that look like secrets all the same.
_LOOKS_SECRET = re.compile(
    r"pass(word|wd|phrase)?\d*$|secret|token|credential|(private|api|auth|access)_?key", re.IGNORECASE
)


def effective_config(
    pack: PackSpec, *, scope: TemplateScope, decrypted: list[str] | None = None
) -> dict[str, Any]:
    """`configs/PACK.yaml` with its templates rendered, then the defaults of the schema.

    A rendered text that is empty becomes None; one that belongs to a `secret: true` item is
    ciphertext of the datastore, and decrypted. Rendered values stay text, whatever their
    declared type. Defaults are not rendered. `decrypted` is given what `decrypt_kv` made.
    Raises BadTemplate.
    """
    schema = whole_schema(pack.config_schema)
    config = {key: value for key, value in pack.config.items() if key != INSTANCES}
    made = _Renderer(pack, scope, decrypted if decrypted is not None else []).mapping(config, schema, ())
    return _with_defaults(made, schema)


def secret_config_values(pack: PackSpec, config: Mapping[str, Any]) -> tuple[str, ...]:
    """The secret texts in an effective configuration, each once."""
    found: list[str] = []
    _hide(config, whole_schema(pack.config_schema), found)
    return tuple(dict.fromkeys(found))


def masked_config(values: Mapping[str, Any], config_schema: Mapping[str, Any]) -> dict[str, Any]:
    """A copy for people, ******** for what the schema calls secret.

    A key that the schema does not know is masked when its name looks like a secret's.
    """
    masked: dict[str, Any] = _hide(values, whole_schema(config_schema), [])
    return masked


def with_kept_secrets(
    values: Mapping[str, Any], old: Mapping[str, Any], config_schema: Mapping[str, Any]
) -> dict[str, Any]:
    """`values` with the old value wherever ******** came back from a reader of the masked copy.

    Raises BadInput where there is no old value.
    """
    made: dict[str, Any] = _restored(values, old, whole_schema(config_schema), ())
    return made


def whole_schema(config_schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a configuration as an object, the instances of sensors in it included."""
    optional = {
        name: {key: value for key, value in schema.items() if key != "required"}
        if isinstance(schema, Mapping)
        else schema
        for name, schema in config_schema.items()
    }
    instance = {"type": "object", "properties": {"config": {"type": "object", "properties": optional}}}
    by_name = {"type": "object", "additionalProperties": instance}
    instances = {"type": "object", "additionalProperties": by_name}
    return {"type": "object", "properties": {**config_schema, INSTANCES: instances}}


def _hide(value: Any, schema: Any, found: list[str], name: str = "") -> Any:
    """A masked copy; what was masked goes into `found`."""
    if _is_secret(schema, name):
        found.extend(leaves(value))
        return MASK if value not in (None, "") else value
    known = schema if isinstance(schema, Mapping) else {}
    if isinstance(value, Mapping):
        return {
            key: _hide(inner, property_schema(known, str(key)), found, str(key))
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_hide(inner, item_schema(known, index), found, name) for index, inner in enumerate(value)]
    return value


def _is_secret(schema: Any, name: str) -> bool:
    if isinstance(schema, Mapping):
        return schema.get("secret") is True
    return bool(name) and _LOOKS_SECRET.search(name) is not None


def _restored(value: Any, old: Any, schema: Any, path: tuple[str, ...]) -> Any:
    name = path[-1] if path else ""
    if value == MASK and _is_secret(schema, name):
        if old in (None, ""):
            raise BadInput(f"{'.'.join(path)} is ********, and there is no value to keep.", hint="Send it.")
        return old
    known = schema if isinstance(schema, Mapping) else {}
    if isinstance(value, Mapping):
        before = old if isinstance(old, Mapping) else {}
        return {
            key: _restored(inner, before.get(key), property_schema(known, str(key)), (*path, str(key)))
            for key, inner in value.items()
        }
    if isinstance(value, list):
        earlier = old if isinstance(old, list) else []
        return [
            _restored(
                inner,
                earlier[index] if index < len(earlier) else None,
                item_schema(known, index),
                (*path, name),
            )
            for index, inner in enumerate(value)
        ]
    return value


class _Renderer:
    def __init__(self, pack: PackSpec, scope: TemplateScope, decrypted: list[str]) -> None:
        self._pack = pack
        self._decrypted = decrypted
        self._scope = scope
        lookups = key_lookups(scope.keys, user=scope.user)
        # `system` and `user` are the names of old packs.
        self._context = {"st2kv": lookups, **lookups}

    def mapping(
        self, config: Mapping[str, Any], schema: Mapping[str, Any], path: tuple[str, ...]
    ) -> dict[str, Any]:
        return {
            key: self._value(value, property_schema(schema, str(key)), (*path, str(key)))
            for key, value in config.items()
        }

    def _value(self, value: Any, schema: Any, path: tuple[str, ...]) -> Any:
        known = schema if isinstance(schema, Mapping) else {}
        if isinstance(value, Mapping):
            return self.mapping(value, known, path)
        if isinstance(value, list | tuple):
            return [
                self._value(item, item_schema(known, index), (*path, str(index)))
                for index, item in enumerate(value)
            ]
        if isinstance(value, str) and is_template(value):
            return self._text(value, path, is_secret=known.get("secret") is True)
        return value

    def _text(self, value: str, path: tuple[str, ...], *, is_secret: bool) -> str | None:
        try:
            text = self._scope.templates.render(value, self._context, decrypted=self._decrypted)
            if not text:
                return None
            return self._scope.templates.decrypt(text) if is_secret else text
        except (EngineError, ValueError) as error:
            words = error.message if isinstance(error, EngineError) else str(error)
            raise BadTemplate(
                f'Failed to render dynamic configuration value for key "{".".join(path)}" with value '
                f'"{value}" for pack "{self._pack.ref}" config: {words}'
            ) from error


def _with_defaults(config: dict[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    made = dict(config)
    properties = schema.get("properties")
    for name, inner in (properties if isinstance(properties, Mapping) else {}).items():
        if isinstance(inner, Mapping):
            _assign_default(made, str(name), inner)
    for name, value in made.items():
        made[name] = _inside(value, property_schema(schema, str(name)))
    return made


def _assign_default(config: dict[str, Any], name: str, schema: Mapping[str, Any]) -> None:
    if "default" in schema and name not in config:
        config[name] = deepcopy(schema["default"])
    if config.get(name) is not None:
        return
    # So that what is inside can have defaults of its own.
    if schema.get("type") == "object" and schema.get("properties"):
        config[name] = {}
    elif schema.get("type") == "array" and schema.get("items"):
        config[name] = []


def _inside(value: Any, schema: Any) -> Any:
    if not isinstance(schema, Mapping):
        return value
    if isinstance(value, dict):
        return _with_defaults(value, schema)
    if isinstance(value, list):
        return [_inside(item, item_schema(schema, index)) for index, item in enumerate(value)]
    return value
