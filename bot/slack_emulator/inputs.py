"""What people fill in: the state of a view's or message's fields, and what Slack's own client refuses."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.slack_emulator.seen import elements_of
from bot.slack_emulator.world import Json

Given = Mapping[str, Any]
"""Block id, action id or label -> text, an option's value or label, or several of them."""

_ONE_OPTION = ("static_select", "external_select", "radio_buttons", "overflow")
_SEVERAL_OPTIONS = ("multi_static_select", "multi_external_select", "checkboxes")
_TEXT = ("plain_text_input", "number_input", "email_text_input", "url_text_input")
_ONE_ID = {
    "users_select": "selected_user",
    "channels_select": "selected_channel",
    "conversations_select": "selected_conversation",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
}
_SEVERAL_IDS = {
    "multi_users_select": "selected_users",
    "multi_channels_select": "selected_channels",
    "multi_conversations_select": "selected_conversations",
}


class NotSent(Exception):
    """Slack's client does not send the form; `problems`: block id -> why."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{block}: {why}" for block, why in problems.items()))
        self.problems = dict(problems)


def fields(blocks: Sequence[Json]) -> Iterator[tuple[Json, Json]]:
    """Every block with each element in it that holds a value."""
    for block in blocks:
        for element in elements_of(block):
            if "action_id" in element and element.get("type") not in ("button", "workflow_button"):
                yield block, element


def state(blocks: Sequence[Json], given: Given, *, is_sent: bool = True) -> Json:
    """Slack's `state.values`: block id -> action id -> what is chosen there.

    Raises KeyError for a field that is not there, and NotSent where the form `is_sent` and is not complete.
    """
    values: dict[str, Json] = {}
    problems = {}
    used: set[str] = set()
    for block, element in fields(blocks):
        name = _name(block, element, given)
        used.add(name)
        chosen = filled(element, given.get(name)) if name in given else initial(element)
        why = _refused(block, element, chosen) if is_sent else ""
        if why:
            problems[block["block_id"]] = why
        values.setdefault(block["block_id"], {})[element["action_id"]] = chosen
    unknown = set(given) - used
    if unknown:
        raise KeyError(
            f"no such field: {', '.join(sorted(unknown))}; there are: {', '.join(sorted(names(blocks)))}"
        )
    if problems:
        raise NotSent(problems)
    return values


def names(blocks: Sequence[Json]) -> list[str]:
    return [str(block["block_id"]) for block, _element in fields(blocks)]


def _name(block: Json, element: Json, given: Given) -> str:
    label = (block.get("label") or {}).get("text", "")
    known = (block["block_id"], element["action_id"], label)
    return next((name for name in known if name in given), str(block["block_id"]))


def initial(element: Json) -> Json:
    """As the app set it up."""
    kind = element["type"]
    if kind in _TEXT:
        return {"type": kind, "value": element.get("initial_value")}
    if kind == "rich_text_input":
        return {"type": kind, "rich_text_value": element.get("initial_value")}
    if kind in _ONE_OPTION:
        return {"type": kind, "selected_option": element.get("initial_option")}
    if kind in _SEVERAL_OPTIONS:
        return {"type": kind, "selected_options": list(element.get("initial_options") or [])}
    if kind in _ONE_ID:
        return {"type": kind, _ONE_ID[kind]: element.get(_ONE_ID[kind].replace("selected", "initial"))}
    if kind in _SEVERAL_IDS:
        name = _SEVERAL_IDS[kind]
        return {"type": kind, name: list(element.get(name.replace("selected", "initial")) or [])}
    return {"type": kind}


def filled(element: Json, value: Any) -> Json:
    """As somebody left it. Raises KeyError: no such option."""
    kind = element["type"]
    if kind in _TEXT:
        return {"type": kind, "value": None if value in (None, "") else str(value)}
    if kind in _ONE_OPTION:
        return {"type": kind, "selected_option": None if value in (None, "") else option(element, value)}
    if kind in _SEVERAL_OPTIONS:
        several = [value] if isinstance(value, str) else list(value or [])
        return {"type": kind, "selected_options": [option(element, each) for each in several]}
    if kind in _ONE_ID:
        return {"type": kind, _ONE_ID[kind]: value or None}
    if kind in _SEVERAL_IDS:
        return {"type": kind, _SEVERAL_IDS[kind]: [value] if isinstance(value, str) else list(value or [])}
    if kind == "rich_text_input":
        section = {"type": "rich_text_section", "elements": [{"type": "text", "text": str(value)}]}
        return {"type": kind, "rich_text_value": {"type": "rich_text", "elements": [section]}}
    raise KeyError(f"nothing can be filled into {kind}")


def option(element: Json, wanted: Any) -> Json:
    """The option with this value or label, as the app gave it."""
    if isinstance(wanted, dict):
        return wanted
    offered = options(element)
    for each in offered:
        if wanted == each.get("value"):
            return each
    for each in offered:
        if wanted == each["text"]["text"]:
            return each
    if "external" in element["type"]:
        return {"text": {"type": "plain_text", "text": str(wanted), "emoji": True}, "value": str(wanted)}
    raise KeyError(
        f"no option {wanted!r}; there are: {', '.join(str(each.get('value')) for each in offered)}"
    )


def options(element: Json) -> list[Json]:
    groups = element.get("option_groups") or [{"options": element.get("options") or []}]
    return [each for group in groups for each in group["options"]]


def _refused(block: Json, element: Json, chosen: Json) -> str:
    """Why the client does not send this; empty: it does."""
    value = next((held for name, held in chosen.items() if name != "type"), None)
    if not value:
        is_needed = block.get("type") == "input" and not block.get("optional")
        return "Please complete this required field." if is_needed else ""
    if element["type"] == "number_input":
        return _number_refused(element, str(value))
    if element["type"] == "plain_text_input":
        if len(value) > int(element.get("max_length") or 3000):
            return f"Please enter no more than {element.get('max_length') or 3000} characters."
        if len(value) < int(element.get("min_length") or 0):
            return f"Please enter at least {element['min_length']} characters."
    most = element.get("max_selected_items")
    if most and isinstance(value, list) and len(value) > most:
        return f"Please choose no more than {most}."
    return ""


def _number_refused(element: Json, value: str) -> str:
    try:
        number = float(value) if element.get("is_decimal_allowed") else int(value)
    except ValueError:
        return "Please enter a number."
    least, most = element.get("min_value"), element.get("max_value")
    if least is not None and number < float(least):
        return f"Please enter a number of at least {least}."
    if most is not None and number > float(most):
        return f"Please enter a number of at most {most}."
    return ""
