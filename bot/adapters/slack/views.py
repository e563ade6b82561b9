"""Forms and details as Slack's modals, and what people filled in as the values of an answer. Pure.

What a form belongs to travels in its metadata, and what its fields are called in the ids of their blocks.
Both are read strictly, and whoever gets the values checks them against the question as it stands then.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from bot.adapters.slack import actions, limits, rich
from bot.adapters.slack.mrkdwn import cut, size, visible
from bot.adapters.slack.page import Features, Page
from bot.chat import Piece, Prompt, Question, Text
from bot.port import Asked
from engine.errors import BadInput

ANSWER = "crow.answer"
ABOUT = "crow.about"
_DECISION = "crow.decision"
_FIELD = "crow.q."
# The one element of each field's block.
ELEMENT = "v"
# Views take no tables and no plans.
_PLAIN = Features(table=False, plan=False)
_LABEL, _ABOUT, _TITLE = 200, 400, 3_000
# With the title, the decision and the line that says what is left out.
_MOST_FIELDS = limits.VIEW_BLOCKS - 5
_OWN_NUMBER = "#"
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,15})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a modal belongs to."""

    prompt_id: str
    button: str = ""
    """The value of the button that opened it; empty: the form itself says which one."""
    channel: str = ""
    """Where the question stands."""
    thread: str = ""
    home: str = ""
    """Not empty: it was opened in the Home tab, which is drawn again afterwards."""

    def as_metadata(self) -> str:
        return json.dumps({name: value for name, value in asdict(self).items() if value})


def form_of(view: Mapping[str, Any]) -> Form | None:
    """What a view of ours belongs to; None when its metadata is not exactly ours."""
    try:
        found = json.loads(view.get("private_metadata") or "")
    except (ValueError, TypeError, RecursionError):
        return None
    names = set(Form.__dataclass_fields__)
    if not isinstance(found, dict) or not found.keys() <= names or not found.get("prompt_id"):
        return None
    if not all(isinstance(value, str) for value in found.values()):
        return None
    return Form(**found)


# drawing


def answer(asked: Asked, form: Form) -> dict[str, Any] | None:
    """The form of a question. None: it has more fields than a modal takes, and is answered by words."""
    prompt = asked.prompt
    if len(prompt.questions) > _MOST_FIELDS:
        return None
    pressed = next((one for one in prompt.buttons if one.value == form.button), None)
    label = pressed.label if pressed else "Send"
    blocks = [rich.words(cut(asked.title or asked.text, _TITLE)), *_fields(prompt)]
    return _modal(
        ANSWER,
        title=f"{label}?" if pressed else "Answer",
        blocks=blocks,
        submit=label,
        metadata=form.as_metadata(),
    )


def details(pieces: Sequence[Piece], *, title: str, note: str = "") -> dict[str, Any]:
    """All about a question or an execution, to be read only."""
    said = (Text(text=note), *pieces) if note else pieces
    return _modal(ABOUT, title=title, blocks=_shown(said), close="Close")


def deciding(pieces: Sequence[Piece], asked: Asked, form: Form) -> dict[str, Any]:
    """All about a question, and its form, for somebody who may answer it."""
    prompt = asked.prompt
    shown = _shown(pieces)
    fields = [*_decision(prompt), *_fields(prompt)]
    if len(shown) + len(fields) > limits.VIEW_BLOCKS:
        return details(pieces, title="Details", note=f"To answer: {prompt.answer_with}")
    return _modal(
        ANSWER,
        title="Details",
        blocks=[*shown, *fields],
        submit="Send",
        close="Close",
        metadata=replace(form, button="").as_metadata(),
    )


def _modal(
    callback_id: str,
    *,
    title: str,
    blocks: Sequence[Mapping[str, Any]],
    submit: str = "",
    close: str = "Back",
    metadata: str = "",
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": "modal",
        "callback_id": callback_id,
        "title": actions.plain(title, limits.TITLE),
        "close": actions.plain(close, limits.TITLE),
        "blocks": list(blocks),
    }
    if submit:
        made["submit"] = actions.plain(submit, limits.TITLE)
    if metadata:
        made["private_metadata"] = metadata
    return made


def _shown(pieces: Sequence[Piece]) -> list[dict[str, Any]]:
    page = Page(_PLAIN, around=(), plan_title="", named={})
    for piece in pieces:
        page.add(piece)
    left_out = [rich.words("… more of it: say `status` and its id")] if page.is_cut or page.files else []
    return [*page.blocks, *left_out]


def _decision(prompt: Prompt) -> list[dict[str, Any]]:
    if not prompt.buttons:
        return []
    options = [_option(button.label, button.value) for button in prompt.buttons]
    element = {"type": "radio_buttons", "action_id": ELEMENT, "options": options}
    return [
        {
            "type": "input",
            "block_id": _DECISION,
            # Nothing has to be chosen to read it; Send without a choice says that it is needed.
            "label": actions.plain("Your decision", _LABEL),
            "element": element,
        }
    ]


def _fields(prompt: Prompt) -> list[dict[str, Any]]:
    return [_field(question) for question in prompt.questions]


def _field(question: Question) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": "input",
        "block_id": block_id(question.name),
        "label": actions.plain(f"{'🔒 ' if question.is_secret else ''}{question.label}", _LABEL),
        "element": {**_element(question), "action_id": ELEMENT},
        "optional": not question.is_required,
    }
    about = [visible(question.about), "secret: it is not shown again" if question.is_secret else ""]
    hint = " · ".join(part for part in about if part.strip())
    return {**made, "hint": actions.plain(hint, _ABOUT)} if hint else made


def _element(question: Question) -> dict[str, Any]:
    is_list = question.type == "array"
    if question.is_searched or len(question.choices) > limits.OPTIONS:
        return _searched(question, is_list=is_list)
    if question.choices:
        return _chosen(question, is_list=is_list)
    initial = question.default if size(question.default) <= limits.INITIAL_TEXT else ""
    value = {"initial_value": initial} if initial and not question.is_secret else {}
    if question.type in ("integer", "number"):
        # Slack opens no form whose number is none.
        is_number = _NUMBER.fullmatch(initial) is not None
        own = value if is_number else {}
        return {"type": "number_input", "is_decimal_allowed": question.type == "number", **own}
    return {"type": "plain_text_input", "multiline": question.is_long, **value}


def _searched(question: Question, *, is_list: bool) -> dict[str, Any]:
    made = {
        "type": "multi_external_select" if is_list else "external_select",
        "min_query_length": 0,
        "placeholder": actions.plain("Type to search", limits.PLACEHOLDER),
    }
    if question.default and not is_list:
        made["initial_option"] = option(question.default)
    return made


def _chosen(question: Question, *, is_list: bool) -> dict[str, Any]:
    options = [option(choice) for choice in question.choices]
    if is_list:
        defaults = _several(question.default)
        initial = [option(choice) for choice in question.choices if choice in defaults]
        return {
            "type": "multi_static_select",
            "options": options,
            **({"initial_options": initial} if initial else {}),
        }
    has_default = question.default in question.choices
    are_few = question.type == "boolean" and len(question.choices) <= limits.CHECKBOXES
    return {
        "type": "radio_buttons" if are_few else "static_select",
        "options": options,
        **({"initial_option": option(question.default)} if has_default else {}),
    }


def _several(default: str) -> list[str]:
    """The values of a default as people type it: JSON, or with commas between them."""
    try:
        found = json.loads(default)
    except ValueError:
        found = None
    return found if isinstance(found, list) else [part.strip() for part in default.split(",")]


def option(choice: str, about: str = "") -> dict[str, Any]:
    """One thing to choose; what is too long to be a value goes by a number of its own."""
    return _option(choice or "—", value_of(choice), about)


def options(choices: Sequence[str]) -> list[dict[str, Any]]:
    """As many as Slack takes, each once."""
    return [option(choice) for choice in dict.fromkeys(choices[: limits.OPTIONS])]


def _option(label: str, value: str, about: str = "") -> dict[str, Any]:
    made: dict[str, Any] = {"text": actions.plain(label, limits.OPTION_TEXT), "value": value}
    return {**made, "description": actions.plain(about, limits.OPTION_TEXT)} if about else made


def value_of(choice: str) -> str:
    is_short = 0 < size(choice) <= limits.OPTION_VALUE and not choice.startswith(_OWN_NUMBER)
    return choice if is_short else f"{_OWN_NUMBER}{number(choice)}"


def block_id(name: str) -> str:
    """Of the field of a question; its name may have any characters and any length."""
    return f"{_FIELD}{number(name)}"


def number(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:20]


# reading


def filled(view: Mapping[str, Any], prompt: Prompt, form: Form) -> tuple[str, dict[str, str]]:
    """The button that is meant, and question's name -> what was written. Raises BadInput."""
    state = view.get("state")
    blocks = state.get("values") if isinstance(state, Mapping) else None
    if not isinstance(blocks, Mapping):
        raise BadInput("That form cannot be read.", hint="Close it and open it again.")
    questions = {block_id(question.name): question for question in prompt.questions}
    button = form.button
    values: dict[str, str] = {}
    for name, elements in blocks.items():
        given = elements.get(ELEMENT) if isinstance(elements, Mapping) else None
        if not isinstance(given, Mapping):
            raise BadInput("That form cannot be read.", hint="Close it and open it again.")
        if name == _DECISION and not form.button:
            button = _chosen_values(given)[0] if _chosen_values(given) else ""
        elif name in questions:
            values[questions[name].name] = _text(given, questions[name])
        else:
            raise BadInput("There is a field in that form that the question does not have.")
    return button, values


def _text(given: Mapping[str, Any], question: Question) -> str:
    written = given.get("value")
    if isinstance(written, str):
        return written
    names = {value_of(choice): choice for choice in question.choices}
    chosen = [names.get(value, value) for value in _chosen_values(given)]
    if question.type == "array":
        return json.dumps(chosen) if chosen else ""
    return chosen[0] if chosen else ""


def _chosen_values(given: Mapping[str, Any]) -> list[str]:
    several, one = given.get("selected_options"), given.get("selected_option")
    options = several if isinstance(several, list) else [one]
    return [
        option["value"]
        for option in options
        if isinstance(option, Mapping) and isinstance(option.get("value"), str)
    ]


def searched(payload: Mapping[str, Any], prompt: Prompt) -> Question | None:
    """The question whose choices are asked for; None: it is none of this form."""
    wanted = payload.get("block_id")
    return next((one for one in prompt.questions if block_id(one.name) == wanted), None)


def errors(problems: Mapping[str, str], view: Mapping[str, Any], prompt: Prompt) -> dict[str, str]:
    """Block id -> sentence; what belongs to no field of it stands at the first one."""
    shown = [block["block_id"] for block in view.get("blocks") or () if block.get("type") == "input"]
    known = {question.name: block_id(question.name) for question in prompt.questions}
    found: dict[str, str] = {}
    for name, problem in problems.items():
        at = known.get(name, "")
        at = at if at in shown else (shown[0] if shown else "")
        if at:
            found[at] = " ".join(filter(None, (found.get(at), cut(visible(problem), _LABEL))))
    return found
