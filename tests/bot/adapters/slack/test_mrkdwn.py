"""Whatever a text says, Slack finds no mention, link or broadcast in it."""

import html

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.slack import mrkdwn
from tests.bot.adapters.slack.reading import TEXTS, controls

ANYTHING = st.one_of(st.text(), TEXTS)
same = settings(derandomize=True, deadline=None, max_examples=50)


@same
@given(ANYTHING)
def test_no_control_of_slack_is_found_in_data(text: str) -> None:
    assert controls(mrkdwn.inert(text)) == []
    assert controls(mrkdwn.code(text)) == []


@same
@given(ANYTHING)
def test_data_is_read_as_what_it_was(text: str) -> None:
    assert html.unescape(mrkdwn.inert(text)) == mrkdwn.visible(text).replace("`", "\u02cb") or "&" in text


@same
@given(ANYTHING)
def test_nothing_ends_a_code_block_from_within(text: str) -> None:
    fenced = mrkdwn.code(text)
    assert fenced[:4] + fenced[-4:] == "```\n\n```"
    assert "```" not in fenced[4:-4]


@same
@given(ANYTHING)
def test_no_character_that_turns_or_hides_text_stays(text: str) -> None:
    shown = mrkdwn.visible(text)
    assert not set(shown) & {
        chr(code) for code in (0x200B, 0x202E, 0x2066, 0x00AD, 0x061C, 0x1B, 0x07, 0xFEFF)
    }
    assert mrkdwn.visible(shown) == shown


@same
@given(ANYTHING, st.integers(20, 300))
def test_what_is_cut_is_within_its_limit_and_stays_inert(text: str, most: int) -> None:
    short = mrkdwn.inert_within(text, most)
    assert mrkdwn.size(short) <= most
    assert controls(short) == []


@same
@given(ANYTHING, ANYTHING)
def test_a_link_leads_to_its_address_and_nowhere_else(label: str, url: str) -> None:
    assert len(controls(mrkdwn.link(label, url))) <= mrkdwn.is_url(url)


def test_an_address_that_could_end_the_link_is_only_shown() -> None:
    assert mrkdwn.link("runbook", "https://x/|a><!channel>") == "runbook: https://x/|a&gt;&lt;!channel&gt;"
    assert mrkdwn.link("run", "javascript:alert(1)") == "run: javascript:alert(1)"
    assert mrkdwn.link("a|b", "https://x/?a=1&b=2") == "<https://x/?a=1&amp;b=2|a\u00a6b>"


def test_only_an_id_of_a_person_is_called() -> None:
    assert mrkdwn.mention("U0123ABCD") == "<@U0123ABCD>"
    assert [mrkdwn.mention(wrong) for wrong in ("", "!channel", "U1> <!here", "u0123abcd", "S0123")] == [
        ""
    ] * 5


def test_hidden_characters_are_named_and_emoji_stay_whole() -> None:
    assert mrkdwn.visible("a\u200bb\u00adc") == "a\u2039U+200B\u203ab\u2039U+00AD\u203ac"
    assert mrkdwn.visible("\U0001f469\u200d\U0001f4bb") == "\U0001f469\u200d\U0001f4bb"
