"""A reply as people read it: names in its texts, ids where they are data."""

import pytest

from bot.adapters.slack.blocks import render
from bot.chat import Code, Fields, LongText, Piece, Reply, Table, Text
from bot.formatting import as_text
from bot.naming import named
from engine.names import Names
from tests.bot.adapters.slack.reading import controls, loud, parsed_texts
from tests.engine.test_names import Chat

ANN = "slack.T1.U22"


@pytest.fixture
def names() -> Names:
    made = Names()
    made.join("slack", Chat({"U22": "ann"}, {"C012345": "#ops"}))
    return made


@pytest.mark.parametrize(
    "piece",
    [Text(text=f"by {ANN}"), Fields(rows=(("by", ANN),)), Table(columns=("by",), rows=((ANN,),))],
)
def test_every_piece_of_words_has_names(names: Names, piece: Piece) -> None:
    shown = as_text(named(Reply(pieces=(piece,)), names, chat="web"))
    assert "ann (slack)" in shown
    assert "U22" not in shown


@pytest.mark.parametrize("piece", [Code(text=ANN), LongText(name="x.txt", text=ANN)])
def test_output_stays_as_it_is(names: Names, piece: Piece) -> None:
    assert named(Reply(pieces=(piece,)), names, chat="slack").pieces == (piece,)


def test_slack_mentions_whom_the_record_names(names: Names) -> None:
    reply = named(Reply(pieces=(Text(text=f"acked by {ANN}."),), named={ANN: ANN}), names, chat="slack")
    assert loud({"blocks": render(reply).blocks}) == [{"type": "user", "user_id": "U22"}]


def test_an_id_in_data_calls_nobody(names: Names) -> None:
    reply = named(Reply(pieces=(Text(text=f"{ANN} is ill"),)), names, chat="slack")
    assert loud({"blocks": render(reply).blocks}) == []
    assert "ann (slack) is ill" in render(reply).plain


def test_slack_draws_a_channel_as_a_channel(names: Names) -> None:
    reply = named(Reply(pieces=(Text(text="Not in slack:C012345."),)), names, chat="slack")
    assert loud({"blocks": render(reply).blocks}) == [{"type": "channel", "channel_id": "C012345"}]
    assert "Not in #ops." in render(reply).plain


def test_slack_draws_a_channel_whose_name_it_cannot_say_now(names: Names) -> None:
    reply = named(Reply(pieces=(Text(text="Not in slack:C999999."),)), names, chat="slack")
    assert loud({"blocks": render(reply).blocks}) == [{"type": "channel", "channel_id": "C999999"}]


def test_another_chat_gets_names_only(names: Names) -> None:
    reply = named(Reply(pieces=(Text(text=f"by {ANN}"),), named={ANN: ANN}), names, chat="irc")
    assert not reply.named
    assert as_text(reply) == "by ann (slack)"


@pytest.mark.parametrize("name", ["<!channel>", "<@U1>", "a|b>c<d&e", "\u202efdp", "x\n<!here>", "*b*`c`"])
def test_no_name_is_markup(name: str) -> None:
    names = Names()
    names.join("slack", Chat({}, {}))
    names.learn(ANN, name)
    record = f"{name} ({ANN})"
    reply = Reply(pieces=(Text(text=f"{ANN} and {' '.join(record.split())}"),), named={record: ANN})
    message = render(named(reply, names, chat="slack"))
    drawn = {"text": message.text, "blocks": message.blocks}
    assert not any(controls(text) for text in parsed_texts(drawn))
    assert all(one == {"type": "user", "user_id": "U22"} for one in loud(drawn))
    assert "\u202e" not in str(drawn)
