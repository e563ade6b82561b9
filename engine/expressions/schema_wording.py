"""What is wrong with a value, in the words of jsonschema: asked where the compiled check cannot say yes."""

from typing import Any

from jsonschema import Draft3Validator, Draft4Validator
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.validators import create


def _keywords() -> dict[str, Any]:
    words: dict[str, Any] = dict(Draft4Validator.VALIDATORS)
    words["properties"] = Draft3Validator.VALIDATORS["properties"]
    del words["required"]
    del words["format"]
    return words


_StackStormValidator = create(
    meta_schema={},
    validators=_keywords(),
    version="",
    type_checker=Draft4Validator.TYPE_CHECKER,
)


def worst_error(schema: dict[str, Any], instance: Any) -> ValidationError | None:
    """None: it is right. `schema`: tidied. Raises RecursionError where the value is nested too deeply."""
    found: ValidationError | None = best_match(_StackStormValidator(schema).iter_errors(instance))
    return found
