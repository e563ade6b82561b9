"""Templates that packs contain: compiled once, rendered within limits."""

import functools
import re
import threading
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

import yaml
from jinja2 import Environment, Template, TemplateError, meta, nodes

from engine.errors import BadTemplate
from engine.expressions.limits import Budget, refused
from engine.expressions.masking import ValueMasker
from engine.expressions.sandbox import BudgetContext, Sandbox
from engine.settings.content import TemplateSettings

# What an expression can raise without anybody having meant to.
_FAILURES = (
    TemplateError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
    re.error,
    yaml.YAMLError,
)
_KEPT = 4096
_CHUNK = 1024
_LONGEST_TEMPLATE = 1_048_576


def is_template(text: str) -> bool:
    """Whether StackStorm would render this text."""
    return "{{" in text or "{%" in text


def contains_template(value: Any) -> bool:
    """Whether there is a template anywhere in a value."""
    if isinstance(value, str):
        return is_template(value)
    if isinstance(value, Mapping):
        return any(contains_template(part) for pair in value.items() for part in pair)
    if isinstance(value, list | tuple):
        return any(contains_template(part) for part in value)
    return False


@functools.lru_cache(maxsize=_KEPT)
def undeclared(text: str) -> frozenset[str]:
    """The names that a template takes from its context. Raises BadTemplate when it does not parse."""
    _check_length(text)
    try:
        return frozenset(meta.find_undeclared_variables(_parser().parse(text)))
    except _FAILURES as error:
        raise BadTemplate(str(error)) from error


@functools.lru_cache(maxsize=_KEPT)
def unknown_filters(text: str) -> frozenset[str]:
    """Filters and tests that a template names, and that are not there. Raises BadTemplate."""
    _check_length(text)
    parser = _parser()
    try:
        tree = parser.parse(text)
        filters = {node.name for node in tree.find_all(nodes.Filter)} - set(parser.filters)
        tests = {node.name for node in tree.find_all(nodes.Test)} - set(parser.tests)
    except _FAILURES as error:
        raise BadTemplate(str(error)) from error
    return frozenset(filters | tests)


def known_filters() -> list[str]:
    """Those that templates can use; names that begin with a blank are our own."""
    return sorted(name for name in _parser().filters if not name.startswith(" "))


@functools.cache
def _parser() -> Sandbox:
    # Even looking for names folds constants, so it takes the sandbox.
    return Sandbox(TemplateSettings(), None, lenient=False)


def _check_length(text: str) -> None:
    if len(text) > _LONGEST_TEMPLATE:
        raise BadTemplate(f"A template of more than {_LONGEST_TEMPLATE} characters is not compiled.")


class Templates:
    """Compiles and renders; safe to use from many threads. Every failure is a BadTemplate."""

    def __init__(self, settings: TemplateSettings, *, decrypt: Callable[[str], str] | None = None) -> None:
        """`decrypt` turns the ciphertext of a datastore value into its text, for `decrypt_kv`."""
        self.settings = settings
        self._decrypt = decrypt
        self._environments: dict[tuple[bool, bool], Environment] = {}
        for lenient in (False, True):
            trimming = Sandbox(settings, decrypt, lenient=lenient)
            self._environments[lenient, False] = trimming
            self._environments[lenient, True] = trimming.overlay(
                trim_blocks=False, lstrip_blocks=False, keep_trailing_newline=True
            )
        self._compiled: dict[tuple[str, bool, bool], Template] = {}
        self._lock = threading.Lock()

    def decrypt(self, ciphertext: str) -> str:
        """A secret datastore value in clear. Raises BadTemplate when there is no key."""
        if self._decrypt is None:
            raise BadTemplate("A secret cannot be decrypted: there is no datastore key.")
        return self._decrypt(ciphertext)

    def is_template(self, text: str) -> bool:
        return is_template(text)

    def variables(self, text: str) -> frozenset[str]:
        """The names that a template takes from its context."""
        return undeclared(text)

    def render(
        self,
        text: str,
        context: Mapping[str, Any],
        *,
        lenient: bool = False,
        exact: bool = False,
        decrypted: list[str] | None = None,
    ) -> str:
        """The text that a template makes; always text.

        `lenient`: what is undefined is empty, and dicts have iteritems(). `exact`: newlines
        after blocks and at the end stay, as they do in members of lists and objects.
        `decrypted` is given every value that `decrypt_kv` made, so that the caller can mask it.
        """
        budget = Budget(self.settings)
        try:
            return self._run(self._template(text, lenient=lenient, exact=exact), context, budget)
        except _FAILURES as error:
            words = ValueMasker(budget.decrypted).text(_words(error))
            raise BadTemplate(words) from (None if budget.decrypted else error)
        finally:
            if decrypted is not None:
                decrypted.extend(budget.decrypted)

    def _run(self, template: Template, context: Mapping[str, Any], budget: Budget) -> str:
        bound = template.new_context(dict(context))
        assert isinstance(bound, BudgetContext)  # noqa: S101  the sandbox's own context class
        bound.budget = budget
        chunks = template.root_render_func(bound)
        parts: list[str] = []
        size = 0
        while piece := list(islice(chunks, _CHUNK)):
            made = "".join(piece)
            parts.append(made)
            size += len(made)
            budget.spend(len(piece))
            # A character takes four bytes at most, so the exact count is seldom needed.
            if size * 4 > self.settings.output_limit_bytes and (
                sum(len(part.encode("utf-8", "surrogatepass")) for part in parts)
                > self.settings.output_limit_bytes
            ):
                raise refused(f"makes a text longer than {self.settings.output_limit_bytes} bytes")
        return "".join(parts)

    def render_values(
        self,
        value: Any,
        context: Mapping[str, Any],
        *,
        lenient: bool = False,
        decrypted: list[str] | None = None,
    ) -> Any:
        """A copy of a structure in which every text, and every key below the top, was rendered.

        Numbers, booleans and null stay what they are. Templates see `__context`, the whole
        context. With an empty context the value is returned as it is, as in StackStorm. `decrypted` as
        with `render`.
        """
        if not context:
            return value
        whole = {**context, "__context": context}
        walk = _Walk(self, whole, lenient, decrypted)
        if isinstance(value, Mapping):
            return {key: walk.top(inner) for key, inner in value.items()}
        return walk.top(value)

    def _template(self, text: str, *, lenient: bool, exact: bool) -> Template:
        found = self._compiled.get((text, lenient, exact))
        if found is None:
            _check_length(text)
            found = self._environments[lenient, exact].from_string(text)
            with self._lock:
                if len(self._compiled) >= _KEPT:
                    del self._compiled[next(iter(self._compiled))]
                self._compiled[text, lenient, exact] = found
        return found


class _Walk:
    """One pass over a structure with templates in it."""

    def __init__(
        self, templates: Templates, context: Mapping[str, Any], lenient: bool, decrypted: list[str] | None
    ) -> None:
        self._templates = templates
        self._context = context
        self._lenient = lenient
        self._decrypted = decrypted

    def top(self, value: Any) -> Any:
        return self._render(value, exact=False) if isinstance(value, str) else self.inner(value)

    def inner(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._render(value, exact=True) if "{" in value else value
        if isinstance(value, Mapping):
            return {self.inner(key): self.inner(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.inner(inner) for inner in value]
        return value

    def _render(self, text: str, *, exact: bool) -> str:
        return self._templates.render(
            text, self._context, lenient=self._lenient, exact=exact, decrypted=self._decrypted
        )


def _words(error: BaseException) -> str:
    """What went wrong; the message of a KeyError or MemoryError alone says too little."""
    text = str(error)
    if isinstance(error, RecursionError | MemoryError):
        return "The template is nested too deeply, or needs too much memory."
    return text if isinstance(error, TemplateError) and text else f"{type(error).__name__}: {text}"
