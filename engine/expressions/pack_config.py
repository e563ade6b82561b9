"""The configuration of a pack as its actions and sensors get it."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from engine.errors import BadTemplate, EngineError
from engine.expressions.jinja import is_template
from engine.expressions.lookups import key_lookups
from engine.expressions.masking import holds_secret, item_schema, property_schema, secrets_by_schema
from engine.expressions.params import TemplateScope
from engine.specs.pack import PackSpec
from engine.specs.sensor import INSTANCES


def effective_config(pack: PackSpec, *, scope: TemplateScope) -> dict[str, Any]:
    """`configs/PACK.yaml` with its templates rendered, then the defaults of the schema.

    A rendered text that is empty becomes None; one that belongs to a `secret: true` item is
    ciphertext of the datastore, and decrypted. Rendered values stay text, whatever their
    declared type. Defaults are not rendered. Raises BadTemplate.
    """
    schema = _whole(pack)
    config = {key: value for key, value in pack.config.items() if key != INSTANCES}
    made = _Renderer(pack, scope).mapping(config, schema, ())
    return _with_defaults(made, schema)


def secret_config_values(pack: PackSpec, config: Mapping[str, Any]) -> tuple[str, ...]:
    """The secret texts in an effective configuration, each once."""
    schema = _whole(pack)
    return tuple(dict.fromkeys(secrets_by_schema(config, schema))) if holds_secret(schema) else ()


def _whole(pack: PackSpec) -> dict[str, Any]:
    return {"type": "object", "properties": pack.config_schema}


class _Renderer:
    def __init__(self, pack: PackSpec, scope: TemplateScope) -> None:
        self._pack = pack
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
            text = self._scope.templates.render(value, self._context)
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
