"""A JSON schema as the questions of a form, and what people give as an answer that fits the schema.

Texts of people become values by the type that the schema declares. What is wrong is said for each
field in a sentence; a secret value is never part of it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import orjson

from bot import formatting
from bot.chat import BadAnswer, Question
from engine.errors import BadInput, nearest
from engine.expressions.schema import Problem, compile_validator

Type = Literal["string", "integer", "number", "boolean", "array", "object", "any"]
_TYPES: tuple[Type, ...] = get_args(Type)
# A text that may be longer than this gets a field of several lines.
_LONG_FROM = 200
_SENTENCE_LENGTH = 300
_REQUIRED = "This is needed."
_TRUE = frozenset({"true", "yes", "y", "on", "1"})
_FALSE = frozenset({"false", "no", "n", "off", "0"})
# name=value, where a value with spaces stands in quotes, or is JSON.
_NAME = re.compile(r"\s*(?P<name>[\w.-]+)=")
_QUOTED = re.compile(r"""(?:"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>[^']*)')(?=\s|$)""", re.DOTALL)
_BARE = re.compile(r"\S*")
_JSON = json.JSONDecoder()


def questions_of(schema: Mapping[str, Any]) -> tuple[Question, ...]:
    """One question for each property, in the order of the schema; what is required comes as it is written.

    A schema that is no object with properties makes one question without a name.
    """
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or not properties:
        if schema.get("type") in (None, "object"):
            return (Question(name="", label="response", type="object", about="JSON", is_long=True),)
        return (_question("", schema),)
    return tuple(
        _question(str(name), part if isinstance(part, Mapping) else {}) for name, part in properties.items()
    )


def _question(name: str, part: Mapping[str, Any]) -> Question:
    declared = _type_of(part)
    title = part.get("title")
    is_secret = part.get("secret") is True
    longest = part.get("maxLength")
    is_long = declared == "string" and isinstance(longest, int) and longest >= _LONG_FROM
    return Question(
        name=name,
        label=formatting.clean(str(title)) if title else name or "response",
        about=_about(part),
        type=declared,
        choices=tuple(_shown(choice) for choice in _choices(part)),
        default="" if is_secret or "default" not in part else _shown(part["default"]),
        is_required=part.get("required") is True and "default" not in part,
        is_secret=is_secret,
        is_long=(is_long or (declared == "object")) and not is_secret,
    )


def _type_of(part: Mapping[str, Any]) -> Type:
    """The declared type; of several the first that is one of ours."""
    written = part.get("type")
    declared = written if isinstance(written, list) else [written]
    return next((one for one in _TYPES if one in declared), "any")


def _choices(part: Mapping[str, Any]) -> Sequence[Any]:
    """The values of an enum, of an array those of its items; a boolean has two."""
    items = part.get("items")
    found = (
        items.get("enum") if _type_of(part) == "array" and isinstance(items, Mapping) else part.get("enum")
    )
    if isinstance(found, list):
        return found
    return (True, False) if _type_of(part) == "boolean" else ()


def _about(part: Mapping[str, Any]) -> str:
    """What the schema says about a property, and between which bounds a value lies."""
    facts = [formatting.clean(str(part["description"]))] if part.get("description") else []
    low, high = part.get("minimum"), part.get("maximum")
    if low is not None and high is not None:
        facts.append(f"{low} to {high}")
    elif low is not None or high is not None:
        facts.append(f"at least {low}" if low is not None else f"at most {high}")
    if _type_of(part) == "array" and not _choices(part):
        facts.append("several, with commas between them")
    return " · ".join(facts)


def _shown(value: Any) -> str:
    """A value as a person reads and types it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return formatting.clean(value)
    if isinstance(value, list) and all(isinstance(one, str) and "," not in one for one in value):
        return ", ".join(formatting.clean(one) for one in value)
    return as_text(value)


def as_text(value: Any) -> str:
    """Any value as JSON."""
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


# from texts to values


def fill(schema: Mapping[str, Any], given: Mapping[str, str]) -> Any:
    """The response that the values of a form make. What is empty is left out, unless the schema wants it.

    Raises BadAnswer, and BadInput for a field that the form does not have.
    """
    questions = questions_of(schema)
    for name in given:
        if all(question.name != name for question in questions):
            known = [question.name for question in questions if question.name]
            raise BadInput(
                f"There is no field {formatting.clean(name)[:60]!r}.",
                hint=nearest(name, known) or f"There are: {', '.join(known)}.",
            )
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for question in questions:
        part = _part(schema, question.name)
        text = given.get(question.name, "")
        if not text.strip():
            if question.is_required:
                problems[question.name] = _REQUIRED
            continue
        try:
            value = _value(part, text)
        except ValueError as error:
            problems[question.name] = str(error)
            continue
        wrong = _problem(part, question, value)
        if wrong:
            problems[question.name] = wrong
        else:
            values[question.name] = value
    if problems:
        raise BadAnswer(problems)
    return values.get("", {}) if questions[0].name == "" else values


def problems(schema: Mapping[str, Any], given: Mapping[str, str]) -> Mapping[str, str]:
    """What `fill` would find wrong: question's name -> a sentence."""
    try:
        fill(schema, given)
    except BadAnswer as error:
        return error.problems
    except BadInput as error:
        return {"": error.message}
    return {}


def _part(schema: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    if not name:
        return schema
    part = schema["properties"].get(name)
    return part if isinstance(part, Mapping) else {}


def _value(part: Mapping[str, Any], text: str) -> Any:
    """The value that a text means by the type of its property. Raises ValueError with a sentence."""
    declared = _type_of(part)
    choices = _choices(part)
    if declared == "array":
        return _list(text, choices, part)
    if declared == "boolean":
        return _boolean(text)
    for choice in choices:
        if text in (choice, _shown(choice)):
            return choice
    if choices:
        raise ValueError(f"Choose one of: {', '.join(_shown(choice) for choice in choices)}.")
    if declared in ("integer", "number"):
        return _number(text, is_whole=declared == "integer")
    if declared == "object":
        return _json(text, dict, 'an object in JSON, like {"a": 1}')
    if declared == "any":
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return text
    return text


def _boolean(text: str) -> bool:
    word = text.strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError("Say yes or no.")
    return word in _TRUE


def _number(text: str, *, is_whole: bool) -> int | float:
    plain = text.strip()
    if is_whole:
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", plain):
            raise ValueError("This must be a whole number.")
        return int(plain)
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?", plain):
        raise ValueError("This must be a number.")
    return float(plain) if re.search(r"[.eE]", plain) else int(plain)


def _list(text: str, choices: Sequence[Any], part: Mapping[str, Any]) -> list[Any]:
    """A list in JSON, or values with commas between them."""
    if text.lstrip().startswith("["):
        given: list[Any] = _json(text, list, "a list in JSON, or values with commas between them")
    else:
        given = [one.strip() for one in text.split(",") if one.strip()]
        items = part.get("items")
        if isinstance(items, Mapping) and not choices and _type_of(items) not in ("array", "any"):
            return [_value(items, one) for one in given]
    if not choices:
        return given
    return [_value({"enum": list(choices)}, one) if isinstance(one, str) else one for one in given]


def _json(text: str, kind: type, wanted: str) -> Any:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"This must be {wanted}.") from error
    if not isinstance(value, kind):
        raise ValueError(f"This must be {wanted}.")
    return value


def _problem(part: Mapping[str, Any], question: Question, value: Any) -> str:
    """Why a value does not fit its property; empty: it does."""
    name = question.name or "response"
    found = compile_validator({"type": "object", "properties": {name: part}}).problem({name: value})
    if found is None:
        return ""
    return _sentence(found, is_secret=question.is_secret)


# from words


def read_words(schema: Mapping[str, Any], words: str) -> Any:
    """What stands behind `answer ID`: JSON, name=value pairs, or the one value that is asked for.

    Raises BadAnswer, and BadInput where the words can be none of these.
    """
    text = words.strip()
    questions = questions_of(schema)
    names = {question.name for question in questions}
    if text.startswith("{"):
        try:
            response = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise BadInput(f"That is not JSON: {error}") from error
        return checked(schema, response)
    pairs = pairs_in(text) if _NAME.match(text) else None
    if pairs is not None and (len(questions) > 1 or pairs.keys() <= names):
        return fill(schema, pairs)
    if len(questions) == 1:
        return fill(schema, {questions[0].name: _unquoted(text)})
    raise BadInput(
        f"There are {len(questions)} values to give, so each needs its name.",
        hint=f"For example: {example(questions)}",
    )


def checked(schema: Mapping[str, Any], response: Any) -> Any:
    """A whole response that fits. Raises BadAnswer."""
    found = compile_validator(schema).problem(response)
    if found is None:
        return response
    questions = questions_of(schema)
    at = str(found.path[0]) if found.path else ""
    question = next((one for one in questions if one.name == at), None)
    # A sentence about the whole of it may show the values of every field.
    is_secret = question.is_secret if question else any(one.is_secret for one in questions)
    said = _REQUIRED if found.keyword == "required" else _sentence(found, is_secret=is_secret)
    raise BadAnswer({at if question else "": said})


def _sentence(problem: Problem, *, is_secret: bool) -> str:
    """What is wrong, as jsonschema words it, which shows the value; of a secret only the keyword."""
    if is_secret:
        return f"This does not fit ({problem.keyword})."
    return formatting.clean(formatting.cut(problem.message, _SENTENCE_LENGTH).text)


def pairs_in(text: str) -> dict[str, str] | None:
    """`a=1 b="two words" c=[1, 2]` as texts; None where something stands between that is no pair."""
    found: dict[str, str] = {}
    position = 0
    while position < len(text):
        name = _NAME.match(text, position)
        if name is None:
            return None if text[position:].strip() else found
        found[name["name"]], position = _given(text, name.end())
    return found


def _given(text: str, start: int) -> tuple[str, int]:
    """The value that begins there, and where it ends."""
    quoted = _QUOTED.match(text, start)
    if quoted is not None:
        double = quoted["double"]
        value = quoted["single"] if double is None else re.sub(r"\\(.)", r"\1", double, flags=re.DOTALL)
        return value, quoted.end()
    if text[start : start + 1] in ("[", "{"):
        try:
            _, end = _JSON.raw_decode(text, start)
        except (ValueError, RecursionError):
            pass
        else:
            return text[start:end], end
    bare = _BARE.match(text, start)
    end = bare.end() if bare else start
    return text[start:end], end


def _unquoted(text: str) -> str:
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1] if is_quoted else text


def example(questions: Sequence[Question]) -> str:
    """The words that answer them: `version=... env=staging|prod`, without those that may be left out."""
    wanted = [one for one in questions if one.is_required] or list(questions[:1])
    if len(questions) == 1:
        return "|".join(wanted[0].choices) or "..."
    return " ".join(f"{one.name}={'|'.join(one.choices) or '...'}" for one in wanted)


def secret_names(schema: Mapping[str, Any]) -> frozenset[str]:
    """The questions whose values are never kept in a chat."""
    return frozenset(question.name for question in questions_of(schema) if question.is_secret)
