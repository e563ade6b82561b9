"""The elements of Block Kit, and what Slack allows in each."""

from bot.slack_emulator.block_rules import (
    Found,
    Rule,
    any_of,
    anything,
    boolean,
    both,
    by_type,
    number,
    one_of,
    plain,
    say,
    several,
    shape,
    string,
    text,
    url,
)

_ID = string(most=255)
_CONFIRM = shape(
    needs={"title": plain(100), "text": text(300)},
    may={"confirm": plain(30), "deny": plain(30), "style": one_of("primary", "danger")},
)
_OPTION = shape(
    needs={"text": text(75), "value": string(most=150)},
    may={"description": text(75), "url": url()},
)
_OPTIONS = several(_OPTION, most=100)
_GROUPS = several(shape(needs={"label": plain(75), "options": _OPTIONS}), most=100)

_ACTED = {"action_id": _ID, "confirm": _CONFIRM, "focus_on_load": boolean}
_CHOOSING = {**_ACTED, "placeholder": plain(150)}
_LISTED = {**_CHOOSING, "options": _OPTIONS, "option_groups": _GROUPS}
_SEVERAL = {"max_selected_items": number}
_TYPING = {
    "action_id": _ID,
    "placeholder": plain(150),
    "focus_on_load": boolean,
    "initial_value": string(most=3000),
    "dispatch_action_config": anything,
}


def _initial_is_offered(found: Found, value: dict[str, object], at: str) -> None:
    """Slack takes an initial option only as it stands among the options, to the letter."""
    groups = value.get("option_groups") or [{"options": value.get("options") or []}]
    if not isinstance(groups, list):
        return
    offered = [option for group in groups if isinstance(group, dict) for option in group.get("options") or ()]
    for name in ("initial_option", "initial_options"):
        chosen = value.get(name)
        wanted = chosen if isinstance(chosen, list) else [chosen] if chosen else []
        if any(each not in offered for each in wanted):
            say(found, f"failed to match an allowed {name}", f"{at}/{name}")


def _ids(kind: str, *, initial: str) -> dict[str, Rule]:
    more = {**_CHOOSING, initial: anything, "response_url_enabled": boolean}
    if kind == "conversations":
        more |= {"default_to_current_conversation": boolean, "filter": anything}
    return {
        f"{kind}_select": shape(needs={}, may=more),
        f"multi_{kind}_select": shape(needs={}, may={**more, f"{initial}s": anything, **_SEVERAL}),
    }


BUTTON = shape(
    needs={"text": plain(75)},
    may={
        **_ACTED,
        "value": string(most=2000),
        "url": url(),
        "style": one_of("primary", "danger"),
        "accessibility_label": string(most=75),
    },
)
IMAGE = both(
    shape(
        needs={"alt_text": string(most=2000)},
        may={"image_url": url(), "slack_file": anything},
    ),
    any_of("image_url", "slack_file"),
)
_CHOICES: dict[str, Rule] = {
    "static_select": both(
        shape(needs={}, may={**_LISTED, "initial_option": anything}),
        any_of("options", "option_groups"),
        _initial_is_offered,
    ),
    "multi_static_select": both(
        shape(needs={}, may={**_LISTED, **_SEVERAL, "initial_options": anything}),
        any_of("options", "option_groups"),
        _initial_is_offered,
    ),
    "external_select": shape(
        needs={}, may={**_CHOOSING, "initial_option": _OPTION, "min_query_length": number}
    ),
    "multi_external_select": shape(
        needs={},
        may={
            **_CHOOSING,
            **_SEVERAL,
            "initial_options": several(_OPTION, most=100),
            "min_query_length": number,
        },
    ),
    **_ids("users", initial="initial_user"),
    **_ids("channels", initial="initial_channel"),
    **_ids("conversations", initial="initial_conversation"),
    "checkboxes": both(
        shape(needs={"options": several(_OPTION, most=10)}, may={**_ACTED, "initial_options": anything}),
        _initial_is_offered,
    ),
    "radio_buttons": both(
        shape(needs={"options": several(_OPTION, most=10)}, may={**_ACTED, "initial_option": anything}),
        _initial_is_offered,
    ),
    "datepicker": shape(needs={}, may={**_CHOOSING, "initial_date": string(most=10)}),
    "timepicker": shape(needs={}, may={**_CHOOSING, "initial_time": string(most=5), "timezone": anything}),
    "datetimepicker": shape(needs={}, may={**_ACTED, "initial_date_time": number}),
}
_OVERFLOW = shape(needs={"options": several(_OPTION, most=5)}, may=_ACTED)
_TEXT_INPUTS: dict[str, Rule] = {
    "plain_text_input": shape(
        needs={}, may={**_TYPING, "multiline": boolean, "min_length": number, "max_length": number}
    ),
    "number_input": shape(
        needs={"is_decimal_allowed": boolean},
        may={**_TYPING, "initial_value": number, "min_value": number, "max_value": number},
    ),
    "email_text_input": shape(needs={}, may=_TYPING),
    "url_text_input": shape(needs={}, may=_TYPING),
    "rich_text_input": shape(needs={}, may={**_TYPING, "initial_value": anything}),
    "file_input": shape(needs={}, may={"action_id": _ID, "filetypes": anything, "max_files": number}),
}

IN_ACTIONS = by_type({"button": BUTTON, "overflow": _OVERFLOW, **_CHOICES, "workflow_button": anything})
IN_SECTION = by_type(
    {"button": BUTTON, "overflow": _OVERFLOW, "image": IMAGE, **_CHOICES, "workflow_button": anything}
)
IN_INPUT = by_type({**_CHOICES, **_TEXT_INPUTS})
IN_CONTEXT = by_type(
    {
        "image": IMAGE,
        "plain_text": shape(needs={"text": string(most=3000)}, may={"emoji": boolean}),
        "mrkdwn": shape(needs={"text": string(most=3000)}, may={"verbatim": boolean}),
    }
)
IN_CONTEXT_ACTIONS = by_type({"feedback_buttons": anything, "icon_button": anything})
