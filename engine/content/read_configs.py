"""configs/PACK.yaml: the values of a pack's configuration, checked by its config.schema.yaml.

As in StackStorm keys that the schema does not name are let through, and null is the same as left out.
A value with a template in it is not known before an action starts, and not checked here.
"""

from collections.abc import Mapping
from typing import Any

from engine.content.shape import Path, WrongShape, expect
from engine.expressions.jinja import is_template
from engine.expressions.masking import is_secret_at, item_schema, property_schema
from engine.expressions.pack_config import whole_schema
from engine.expressions.schema import Problem, Validator

Schema = Mapping[str, Any]
# Their messages name keys, and no value.
_NAMES_ONLY = frozenset({"required", "additionalProperties"})


def read_config(content: Any, *, schema: Schema) -> Mapping[str, Any]:
    """`schema`: the properties that config.schema.yaml names. Raises WrongShape."""
    if content is None:
        return {}
    expect(content, "object", ())
    values = {str(key): value for key, value in content.items()}
    check_config(values, schema=schema)
    return values


def check_config(values: Mapping[str, Any], *, schema: Schema) -> None:
    """Raises WrongShape with the first value that does not fit; a secret one is not named."""
    whole = whole_schema(schema)
    known, fitted = _adapted(values, whole)
    problem = Validator(fitted).problem(known)
    if problem is None:
        return
    path = tuple(problem.path)
    name = ".".join(str(step) for step in path)
    raise WrongShape(_words(problem, whole, path, name), path=path, hint=_hint(whole, path, name))


def _words(problem: Problem, schema: Schema, path: Path, name: str) -> str:
    if problem.keyword not in _NAMES_ONLY and is_secret_at(schema, path):
        return f"{name}: the secret value does not fit its schema ({problem.keyword})."
    return f"{name}: {problem.message}" if name else problem.message


def _hint(schema: Schema, path: Path, name: str) -> str:
    inner = _schema_at(schema, path)
    wanted = inner.get("type") if isinstance(inner, Mapping) and name else None
    return f"config.schema.yaml wants {name} of type {wanted}." if wanted else "See config.schema.yaml."


def _schema_at(schema: Any, path: Path) -> Any:
    for step in path:
        if not isinstance(schema, Mapping):
            return None
        schema = item_schema(schema, step) if isinstance(step, int) else property_schema(schema, step)
    return schema


def _adapted(value: Any, schema: Any) -> tuple[Any, dict[str, Any]]:
    """`value` without nulls, and the schema for what is left: no defaults, nothing asked of templates.

    Each member gets a property of its own, whatever rule of the schema it falls under.
    """
    if not isinstance(schema, Mapping) or (isinstance(value, str) and is_template(value)):
        return value, {}
    made = _bare(schema)
    if isinstance(value, Mapping):
        kept = {str(name): inner for name, inner in value.items() if inner is not None}
        pairs = {name: _adapted(inner, property_schema(schema, name)) for name, inner in kept.items()}
        properties = schema.get("properties")
        absent = properties.items() if isinstance(properties, Mapping) else ()
        made["properties"] = {
            **{str(name): _bare(inner) for name, inner in absent if isinstance(inner, Mapping)},
            **{
                name: inner
                for name, (_, inner) in pairs.items()
                if property_schema(schema, name) not in (None, False)
            },
        }
        made.pop("patternProperties", None)
        if isinstance(made.get("additionalProperties"), Mapping):
            del made["additionalProperties"]
        return {name: inner for name, (inner, _) in pairs.items()}, made
    if isinstance(value, list):
        items = [_adapted(item, item_schema(schema, index)) for index, item in enumerate(value)]
        if "items" in made:
            made["items"] = [inner for _, inner in items]
        return [item for item, _ in items], made
    return value, made


def _bare(schema: Schema) -> dict[str, Any]:
    """Without its default, which satisfies `required`."""
    made = {str(key): value for key, value in schema.items() if key != "default"}
    if "default" in schema:
        made.pop("required", None)
    return made
