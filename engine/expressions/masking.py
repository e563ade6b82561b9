"""Hiding secrets: by schema in structured values, by value in everything that is text."""

import base64
import html
import json
import re
import shlex
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, quote_plus

from engine.specs.action import ActionSpec

MASK = "********"
# Shorter values occur by chance; they are masked only where they are the whole value.
SHORTEST = 6
# Lines of a key or certificate are secrets of their own: output comes line by line.
_SHORTEST_LINE = 16

# Where clients of this API have the key or token that they ask with.
_CREDENTIALS = ("ST2_API_KEY", "ST2_AUTH_TOKEN", "STORMCROW_API_KEY")

Schema = Mapping[str, Any]


def holds_secret(schema: Any) -> bool:
    """Whether anything in a property, at any depth, is `secret: true`."""
    if not isinstance(schema, Mapping):
        return False
    if schema.get("secret") is True:
        return True
    return any(holds_secret(part) for part in _parts(schema))


def _parts(schema: Schema) -> list[Any]:
    parts: list[Any] = [schema.get("items"), schema.get("additionalProperties")]
    for key in ("properties", "patternProperties"):
        inner = schema.get(key)
        if isinstance(inner, Mapping):
            parts.extend(inner.values())
    return parts


def property_schema(schema: Schema, name: str) -> Any:
    """The schema of one member of an object: by name, by pattern, or the additional one; or None."""
    properties = schema.get("properties")
    if isinstance(properties, Mapping) and name in properties:
        return properties[name]
    patterns = schema.get("patternProperties")
    if isinstance(patterns, Mapping):
        for pattern, inner in patterns.items():
            if re.search(str(pattern), name):
                return inner
    return schema.get("additionalProperties")


def item_schema(schema: Schema, index: int) -> Any:
    """The schema of one member of an array; `items` may be a list of schemas."""
    items = schema.get("items")
    if isinstance(items, list):
        return items[index] if index < len(items) else None
    return items


def mask_by_schema(value: Any, schema: Any) -> Any:
    """A copy of `value` with ******** wherever the schema says `secret: true`."""
    if not isinstance(schema, Mapping):
        return value
    if schema.get("secret") is True:
        return MASK
    if isinstance(value, Mapping):
        return {key: mask_by_schema(inner, property_schema(schema, str(key))) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [mask_by_schema(inner, item_schema(schema, index)) for index, inner in enumerate(value)]
    return value


def secrets_by_schema(value: Any, schema: Any) -> list[str]:
    """The texts that `mask_by_schema` would hide, leaf by leaf."""
    if not isinstance(schema, Mapping):
        return []
    if schema.get("secret") is True:
        return leaves(value)
    found: list[str] = []
    if isinstance(value, Mapping):
        for key, inner in value.items():
            found.extend(secrets_by_schema(inner, property_schema(schema, str(key))))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            found.extend(secrets_by_schema(inner, item_schema(schema, index)))
    return found


def is_secret_at(schema: Any, path: Sequence[str | int]) -> bool:
    """Whether the member at `path` is secret, is in one that is, or holds one."""
    for step in path:
        if not isinstance(schema, Mapping):
            return False
        if schema.get("secret") is True:
            return True
        schema = item_schema(schema, step) if isinstance(step, int) else property_schema(schema, step)
    return holds_secret(schema)


def hides(value: Any) -> bool:
    """Whether something in it is masked, as far as one can see."""
    if isinstance(value, str):
        return MASK in value
    if isinstance(value, Mapping):
        return any(hides(inner) or (isinstance(key, str) and MASK in key) for key, inner in value.items())
    return isinstance(value, list | tuple) and any(map(hides, value))


def leaves(value: Any) -> list[str]:
    """Every text and number in a value, as text. Booleans, null and the empty text are no secrets."""
    if isinstance(value, Mapping):
        return [leaf for inner in value.values() for leaf in leaves(inner)]
    if isinstance(value, list | tuple):
        return [leaf for inner in value for leaf in leaves(inner)]
    if value is None or isinstance(value, bool) or value == "":
        return []
    return [str(value)]


def credentials_in(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """Keys and tokens in an environment that a client hands along, as `st2 run --inherit-env` does."""
    environments = (value for value in parameters.values() if isinstance(value, Mapping))
    found = (one.get(name) for one in environments for name in _CREDENTIALS)
    return tuple(one for one in found if isinstance(one, str) and one)


def mask_result(result: Any, action: ActionSpec, runner_output_key: str | None) -> Any:
    """A copy of a result, hidden where the action's output schema says so.

    The schema speaks of `result[runner_output_key]`; a runner without such a key, or a result
    without that member (an error), is returned as it is. The old form of a schema, one property
    per name without `type: object` around it, is understood.
    """
    schema = action.output_schema
    if not schema or runner_output_key is None or not isinstance(result, Mapping):
        return result
    if runner_output_key not in result or not holds_secret(whole(schema)):
        return result
    return {**result, runner_output_key: mask_by_schema(result[runner_output_key], whole(schema))}


def result_secrets(result: Mapping[str, Any], action: ActionSpec, runner_output_key: str | None) -> list[str]:
    """The texts in a result that the action's output schema calls secret."""
    if not action.output_schema or runner_output_key is None or runner_output_key not in result:
        return []
    return secrets_by_schema(result[runner_output_key], whole(action.output_schema))


def whole(schema: Schema) -> Schema:
    """An output schema with the object around it that the old form leaves out."""
    return {"type": "object", "properties": schema} if is_old_form(schema) else schema


def is_old_form(schema: Schema) -> bool:
    """An output schema that is one property per name, without `type: object` around it."""
    return "properties" not in schema and all(isinstance(part, Mapping) for part in schema.values())


class _Search:
    """What is looked for, made ready when the first text comes: most actions say nothing."""

    def __init__(self, secrets: frozenset[str]) -> None:
        self.secrets = secrets
        # Made twice when two threads come first together, which does no harm; the lock of
        # functools.cached_property would be one for all executions.
        self._forms: tuple[str, ...] | None = None
        self._pattern: re.Pattern[str] | None = None

    @property
    def forms(self) -> tuple[str, ...]:
        """The longest first."""
        if self._forms is None:
            forms: set[str] = set()
            for secret in self.secrets:
                if len(secret) >= SHORTEST:
                    forms.update(_forms(secret))
            self._forms = tuple(sorted(forms, key=lambda form: (-len(form), form)))
        return self._forms

    def pattern_for(self, text: str) -> re.Pattern[str] | None:
        """What finds the forms in a text; None where there is none in it.

        To compile it costs as much as a whole execution, whose own token is a secret. Few texts hold one.
        """
        if not any(form in text for form in self.forms):
            return None
        if self._pattern is None:
            self._pattern = re.compile("|".join(map(re.escape, self.forms)))
        return self._pattern


class ValueMasker:
    """Replaces known secret values, plain or encoded, in text and in JSON-like values.

    It may learn more of them at any time, from any thread.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self.search = _Search(frozenset())
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Hide these too, from now on, also in streams that have begun."""
        fresh = {secret for secret in secrets if secret and secret != MASK}
        with self._lock:
            if not fresh <= self.search.secrets:
                self.search = _Search(self.search.secrets | fresh)

    def text(self, text: str) -> str:
        search = self.search
        if len(text) < SHORTEST or not search.secrets:
            return text
        pattern = search.pattern_for(text)
        return text if pattern is None else pattern.sub(MASK, text)

    def value(self, value: Any) -> Any:
        """A copy; also short secrets are hidden where they are a whole text or number."""
        secrets = self.search.secrets
        if not secrets:
            return value
        if isinstance(value, str):
            return MASK if value in secrets else self.text(value)
        if isinstance(value, Mapping):
            return {self._key(key): self.value(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(inner) for inner in value]
        if isinstance(value, int | float) and not isinstance(value, bool) and str(value) in secrets:
            return MASK
        return value

    def _key(self, key: Any) -> Any:
        return self.text(key) if isinstance(key, str) else key

    def stream(self) -> "StreamMasker":
        return StreamMasker(self)


class StreamMasker:
    """Masks a text that comes in pieces; gives exactly what masking the whole would give.

    Only the end that might be the beginning of a secret is held back until the next piece.
    """

    def __init__(self, masker: ValueMasker) -> None:
        self._masker = masker
        self._held = ""
        self._search: _Search | None = None

    def _prepare(self, search: _Search) -> None:
        forms = search.forms
        self._longest = len(forms[0]) if forms else 0
        self._spans_lines = any("\n" in form for form in forms)
        self._by_first: dict[str, list[str]] = {}
        for form in forms:
            self._by_first.setdefault(form[0], []).append(form)
        self._search = search

    def feed(self, text: str) -> str:
        if not text:
            return text
        search = self._masker.search
        if search is not self._search:
            self._prepare(search)
        if not search.forms:
            return text
        text = self._held + text
        pattern = search.pattern_for(text)
        done, at = [], 0
        while True:
            open_from = self._open_from(text, at)
            match = None if pattern is None else pattern.search(text, at)
            # A match that begins where a longer one may still grow has to wait for it.
            if match is None or match.start() >= open_from:
                break
            done += [text[at : match.start()], MASK]
            at = match.end()
        self._held = text[open_from:]
        return "".join([*done, text[at:open_from]])

    def flush(self) -> str:
        """What was held back, at the end of the text."""
        rest, self._held = self._held, ""
        return self._masker.text(rest)

    def _open_from(self, text: str, at: int) -> int:
        """Where the first unfinished secret may begin, or the length of the text."""
        length = len(text)
        first = max(at, length - self._longest + 1)
        if not self._spans_lines:
            first = max(first, text.rfind("\n") + 1)
        for start in range(first, length):
            tail_length = length - start
            for form in self._by_first.get(text[start], ()):
                if len(form) > tail_length and form.startswith(text[start:]):
                    return start
        return length


def _forms(secret: str) -> set[str]:
    """A secret as it may be written: plain, base64, URL, JSON, HTML, shell, Python."""
    forms = {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        html.escape(secret),
        shlex.quote(secret)[1:-1] if "'" in secret else secret,
        secret.replace("'", "'\\''"),
        # JSON inside of JSON: the result of an action that prints what an API answered.
        json.dumps(json.dumps(secret))[3:-3],
        json.dumps(json.dumps(secret, ensure_ascii=False), ensure_ascii=False)[3:-3],
    }
    encoded = secret.encode("utf-8", "surrogatepass")
    forms |= {encoded.hex(), encoded.hex().upper(), repr(encoded)[2:-1]}
    for url in (quote(encoded, safe=""), quote(encoded), quote_plus(encoded)):
        forms |= {url, re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), url)}
    forms |= _base64_forms(encoded)
    lines = [line.strip() for line in secret.splitlines()]
    if len(lines) > 1:
        forms |= {line for line in lines if len(line) >= _SHORTEST_LINE and not line.startswith("-----")}
    return {form for form in forms if len(form) >= SHORTEST}


def _base64_forms(data: bytes) -> set[str]:
    """`data` in base64, alone or at any place of a longer text (`user:password`)."""
    forms: set[str] = set()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        alone = encode(data).decode()
        forms |= {alone, alone.rstrip("=")}
        for before in range(3):
            # Only characters whose six bits all belong to `data`.
            first, last = -(-8 * before // 6), 8 * (before + len(data)) // 6
            forms.add(encode(bytes(before) + data).decode()[first:last])
    return forms
