"""Questions as modals within Slack's limits, and back to exactly the values that were filled in."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.adapters.slack import limits, views
from bot.adapters.slack.views import ELEMENT, Form, block_id, errors, filled, form_of, value_of
from bot.chat import Button, Fields, Prompt, Question, Text
from bot.port import Asked
from engine.errors import BadInput
from tests.bot.adapters.slack.reading import PIECES, SHORT, TEXTS

FORM = Form(prompt_id="a" * 24, channel="C1", thread="1.2")
YES_NO = (
    Button(label="Approve", value="approve", style="primary"),
    Button(label="Reject", value="reject", style="danger"),
)
QUESTIONS = st.builds(
    Question,
    name=SHORT,
    label=SHORT,
    about=TEXTS,
    type=st.sampled_from(["string", "integer", "number", "boolean", "array", "object", "any"]),
    choices=st.one_of(
        st.lists(SHORT, max_size=4, unique=True).map(tuple),
        st.integers(9, 120).map(lambda many: tuple(map(str, range(many)))),
    ),
    default=SHORT,
    is_required=st.booleans(),
    is_secret=st.booleans(),
    is_long=st.booleans(),
    is_searched=st.booleans(),
)
SLOW = settings(
    max_examples=15,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def asked(*questions: Question, buttons: tuple[Button, ...] = ()) -> Asked:
    prompt = Prompt(id=FORM.prompt_id, questions=questions, buttons=buttons, answer_with="answer aaaa ...")
    return Asked(channel="C1", text="Which version?", prompt=prompt, title="Which version?")


def given_state(**values: Any) -> dict[str, Any]:
    """A view as Slack sends it: name of a question -> its element's value."""
    return {"state": {"values": {block_id(name): {ELEMENT: value} for name, value in values.items()}}}


def fields(view: Mapping[str, Any] | None) -> dict[str, Any]:
    assert view is not None
    return {block["label"]["text"]: block["element"] for block in view["blocks"] if block["type"] == "input"}


@SLOW
@given(st.lists(QUESTIONS, max_size=6, unique_by=lambda one: one.name), TEXTS)
def test_every_form_is_within_the_limits_of_a_view(questions: list[Question], title: str) -> None:
    made = views.answer(
        Asked(channel="C1", text=title, title=title, prompt=Prompt(id="a", questions=tuple(questions))), FORM
    )
    assert made is not None
    assert limits.of_view(made) == []


@SLOW
@given(st.lists(PIECES, max_size=8), TEXTS)
def test_all_details_are_within_the_limits_of_a_view(pieces: list[Any], note: str) -> None:
    assert limits.of_view(views.details(pieces, title=note, note=note)) == []
    reason = Question(name="reason", label="Reason")
    assert limits.of_view(views.deciding(pieces, asked(reason, buttons=YES_NO), FORM)) == []


def test_each_type_has_the_field_that_fits_it() -> None:
    made = fields(
        views.answer(
            asked(
                Question(name="version", label="version", is_required=True),
                Question(name="env", label="env", choices=("staging", "prod"), default="prod"),
                Question(name="pods", label="pods", type="integer", default="2"),
                Question(name="sure", label="sure", type="boolean", choices=("yes", "no")),
                Question(name="on", label="on", type="array", choices=("a", "b"), default="a, b"),
                Question(name="notes", label="notes", is_long=True),
                Question(name="host", label="host", is_searched=True),
            ),
            FORM,
        )
    )
    kinds = {label: element["type"] for label, element in made.items()}
    assert kinds == {
        "version": "plain_text_input",
        "env": "static_select",
        "pods": "number_input",
        "sure": "radio_buttons",
        "on": "multi_static_select",
        "notes": "plain_text_input",
        "host": "external_select",
    }
    assert made["env"]["initial_option"]["value"] == "prod"
    assert made["pods"]["initial_value"] == "2"
    assert [one["value"] for one in made["on"]["initial_options"]] == ["a", "b"]
    assert made["notes"]["multiline"] is True


def test_a_secret_has_no_initial_value_and_says_what_it_is() -> None:
    view = views.answer(asked(Question(name="token", label="token", default="hunter2", is_secret=True)), FORM)
    assert view is not None
    assert "hunter2" not in json.dumps(view)
    assert "🔒 token" in fields(view)
    assert "not shown again" in view["blocks"][-1]["hint"]["text"]


def test_what_need_not_be_given_may_be_left_empty() -> None:
    view = views.answer(
        asked(Question(name="a", label="a", is_required=True), Question(name="b", label="b")), FORM
    )
    assert view is not None
    assert [block["optional"] for block in view["blocks"] if block["type"] == "input"] == [False, True]


def test_a_form_with_more_fields_than_a_modal_takes_is_answered_by_words() -> None:
    many = tuple(Question(name=f"q{number}", label="q") for number in range(120))
    assert views.answer(asked(*many), FORM) is None
    about = views.deciding([Text(text="all of it")], asked(*many), FORM)
    assert "submit" not in about
    assert "answer aaaa" in json.dumps(about)


def test_the_values_come_back_under_the_names_of_their_questions() -> None:
    prompt = asked(
        Question(name="version", label="v"),
        Question(name="on", label="on", type="array", choices=("a", "b, c")),
        Question(name="env", label="env", choices=("x" * 200, "prod")),
        Question(name="host", label="host", is_searched=True),
    ).prompt
    long = {"value": value_of("x" * 200)}
    view = given_state(
        version={"type": "plain_text_input", "value": "1.42.0"},
        on={"type": "multi_static_select", "selected_options": [{"value": "b, c"}]},
        env={"type": "static_select", "selected_option": long},
        host={"type": "external_select", "selected_option": {"value": "db1"}},
    )
    assert filled(view, prompt, FORM) == (
        "",
        {"version": "1.42.0", "on": '["b, c"]', "env": "x" * 200, "host": "db1"},
    )


def test_the_decision_of_the_details_is_the_button_that_is_meant() -> None:
    prompt = asked(Question(name="reason", label="Reason"), buttons=YES_NO).prompt
    view = given_state(reason={"type": "plain_text_input", "value": "freeze"})
    view["state"]["values"]["crow.decision"] = {ELEMENT: {"selected_option": {"value": "reject"}}}
    assert filled(view, prompt, FORM) == ("reject", {"reason": "freeze"})


def test_a_form_of_one_button_cannot_be_turned_into_another() -> None:
    prompt = asked(Question(name="reason", label="Reason"), buttons=YES_NO).prompt
    view = given_state(reason={"type": "plain_text_input", "value": "no"})
    view["state"]["values"]["crow.decision"] = {ELEMENT: {"selected_option": {"value": "approve"}}}
    reject = Form(prompt_id=FORM.prompt_id, button="reject", channel="C1")
    with pytest.raises(BadInput):
        filled(view, prompt, reject)


@pytest.mark.parametrize(
    "state",
    [
        None,
        [],
        {"values": None},
        {"values": {"crow.q.0": {ELEMENT: {"value": "x"}}}},
        {"values": {block_id("reason"): {"other": {"value": "x"}}}},
        {"values": {block_id("reason"): "x"}},
    ],
)
def test_a_form_that_is_not_exactly_the_one_we_drew_is_refused(state: Any) -> None:
    with pytest.raises(BadInput):
        filled({"state": state}, asked(Question(name="reason", label="r")).prompt, FORM)


@pytest.mark.parametrize(
    "metadata",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"prompt_id": 1}',
        '{"prompt_id": "a", "more": "b"}',
        '{"channel": "C1"}',
        "[" * 9_000,
        None,
        7,
    ],
)
def test_metadata_that_is_not_ours_belongs_to_nothing(metadata: Any) -> None:
    assert form_of({"private_metadata": metadata}) is None


def test_metadata_says_what_a_form_belongs_to() -> None:
    assert form_of({"private_metadata": FORM.as_metadata()}) == FORM


def test_problems_stand_at_their_fields_and_others_at_the_first() -> None:
    prompt = asked(Question(name="a", label="a"), Question(name="b", label="b")).prompt
    view = views.answer(asked(*prompt.questions), FORM)
    assert view is not None
    found = errors({"b": "This is needed.", "gone": "No such field.", "": "Too late."}, view, prompt)
    assert found == {block_id("a"): "No such field. Too late.", block_id("b"): "This is needed."}


def test_details_show_whole_values_as_data() -> None:
    view = views.details([Fields(rows=(("cmd", "rm <!channel>"),))], title="Details", note="You may not.")
    assert "rm <!channel>" in json.dumps(view)
    assert "mrkdwn" not in json.dumps(view)
    assert "submit" not in view


def test_a_default_that_is_no_number_does_not_keep_the_form_from_opening() -> None:
    made = fields(views.answer(asked(Question(name="n", label="n", type="integer", default="auto")), FORM))
    assert "initial_value" not in made["n"]
