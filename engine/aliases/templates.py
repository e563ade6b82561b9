"""The texts of an alias: what is said when its action starts, and when it has ended."""

from collections.abc import Callable, ItemsView, KeysView, Mapping, ValuesView
from dataclasses import dataclass
from typing import Any

from engine.aliases.default_result import default_result
from engine.aliases.view import alias_view
from engine.errors import BadTemplate
from engine.expressions.jinja import Templates
from engine.specs.alias import AliasSpec


def _text_type(value: object = "") -> str:
    return str(value)


def _items(mapping: Mapping[Any, Any]) -> ItemsView[Any, Any]:
    return mapping.items()


def _keys(mapping: Mapping[Any, Any]) -> KeysView[Any]:
    return mapping.keys()


def _values(mapping: Mapping[Any, Any]) -> ValuesView[Any]:
    return mapping.values()


@dataclass(frozen=True, slots=True)
class Six:
    """The few names of the library `six` that templates of published packs call."""

    text_type: Callable[..., str] = _text_type
    iteritems: Callable[[Mapping[Any, Any]], ItemsView[Any, Any]] = _items
    iterkeys: Callable[[Mapping[Any, Any]], KeysView[Any]] = _keys
    itervalues: Callable[[Mapping[Any, Any]], ValuesView[Any]] = _values


class AliasTemplates:
    """Renders acknowledgements strictly and results leniently, as StackStorm does."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        self._six = Six()

    def ack(
        self, alias: AliasSpec, *, execution: Mapping[str, Any], actionalias: Mapping[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        """Text and extra; both empty where the alias has none or wants none.

        A template that fails becomes a text that says so: the action was started all the same.
        """
        if not alias.ack.enabled:
            return "", {}
        context = {"execution": execution, "actionalias": actionalias}
        text = ""
        if alias.ack.format is not None:
            try:
                text = self._templates.render(alias.ack.format, context)
            except BadTemplate as error:
                text = _failure("format", "ack", error)
        try:
            extra = self._templates.render_values(dict(alias.ack.extra), {**context, "message": text})
        except BadTemplate as error:
            return text or _failure("extra", "ack", error), {}
        return text, extra

    def result(
        self, alias: AliasSpec | None, *, execution: Mapping[str, Any]
    ) -> tuple[bool, str, dict[str, Any]]:
        """(whether to post it, text, extra). The default text without an alias or a format, and where
        nothing is to be posted.

        `{~}` stays in the text: the chat side splits there. A template that fails does not hide
        the result: its error comes first, then the default text.
        """
        if alias is None:
            return True, default_result(execution), {}
        if not alias.result.enabled:
            return False, default_result(execution), {}
        context = {"execution": execution, "alias": alias_view(alias), "six": self._six}
        text = self._result_text(alias, context)
        try:
            extra = self._templates.render_values(dict(alias.result.extra), context, lenient=True)
        except BadTemplate as error:
            return True, f"{text}\n{_failure('extra', 'result', error)}", {}
        return True, text, extra

    def _result_text(self, alias: AliasSpec, context: Mapping[str, Any]) -> str:
        if alias.result.format is None:
            return default_result(context["execution"])
        try:
            return self._templates.render(alias.result.format, context, lenient=True)
        except BadTemplate as error:
            return f"{_failure('format', 'result', error)}\n{default_result(context['execution'])}"


def _failure(key: str, field: str, error: BadTemplate) -> str:
    return f'Cannot render "{key}" in field "{field}" for alias. {error.message}'
