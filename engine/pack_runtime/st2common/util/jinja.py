"""Rendering of templates in pack code; needs jinja2 in the pack's environment."""

import json

__all__ = ["get_jinja_environment", "is_jinja_expression", "render_values"]


def is_jinja_expression(value):
    """Whether a text holds a template."""
    return isinstance(value, str) and any(mark in value for mark in ("{{", "{%"))


def get_jinja_environment(allow_undefined=False, trim_blocks=True, lstrip_blocks=True):
    """An environment with the small filters that do not need the server."""
    import jinja2

    environment = jinja2.Environment(
        undefined=jinja2.Undefined if allow_undefined else jinja2.StrictUndefined,
        trim_blocks=trim_blocks,
        lstrip_blocks=lstrip_blocks,
    )
    environment.filters["to_json_string"] = json.dumps
    environment.filters["from_json_string"] = json.loads
    environment.filters["json_escape"] = lambda value: json.dumps(value)[1:-1]
    environment.tests["in"] = lambda item, container: item in container
    return environment


def render_values(mapping=None, context=None, allow_undefined=False):
    """A copy of `mapping` with every template in its values rendered.

    Each rendered value becomes part of the context of those after it. A value that was not text
    is rendered as JSON and read back.
    """
    environment = get_jinja_environment(allow_undefined=allow_undefined)
    known = dict(context or {})
    rendered = {}
    for name, value in (mapping or {}).items():
        rendered[name] = known[name] = _render(environment, value, known)
    return rendered


def _render(environment, value, context):
    if isinstance(value, str):
        return environment.from_string(value).render(context) if is_jinja_expression(value) else value
    if isinstance(value, dict):
        return {key: _render(environment, inner, context) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_render(environment, inner, context) for inner in value]
    return value
