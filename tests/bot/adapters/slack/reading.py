"""A message as Slack reads it: what is parsed as a mention, a link or a broadcast, and what only shows."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from bot.chat import (
    Branch,
    Button,
    Code,
    Fields,
    Link,
    LongText,
    Prompt,
    Question,
    Reply,
    Table,
    Text,
    Tone,
    Tree,
)

_CONTROL = re.compile(r"<([^<>]*)>")
# Keys under which Slack takes a text object, or a plain text that it parses.
_PARSED_KEYS = ("text", "pretext", "title", "value", "footer", "author_name", "fallback")
_LOUD = ("user", "usergroup", "channel", "broadcast", "team", "link")


def controls(text: str) -> list[str]:
    """What Slack would take for a mention, channel, broadcast, date or link."""
    return _CONTROL.findall(text)


def parsed_texts(message: Mapping[str, Any]) -> Iterator[str]:
    """Every text of a message in which Slack looks for controls."""
    yield message.get("text", "")
    for block in message.get("blocks", ()):
        yield from _mrkdwn(block)
    for attachment in message.get("attachments", ()):
        yield from (str(attachment[key]) for key in _PARSED_KEYS if key in attachment)
        for field in attachment.get("fields", ()):
            yield from (str(field[key]) for key in ("title", "value"))
        for block in attachment.get("blocks", ()):
            yield from _mrkdwn(block)


def _mrkdwn(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if value.get("type") == "mrkdwn":
            yield value["text"]
        for one in value.values():
            yield from _mrkdwn(one)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for one in value:
            yield from _mrkdwn(one)


def loud(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The elements of rich text that call somebody or lead somewhere."""
    return [one for one in _objects(message) if one.get("type") in _LOUD]


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
        for one in value.values():
            yield from _objects(one)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for one in value:
            yield from _objects(one)


def shown(value: Any) -> str:
    """All texts of blocks, one after the other."""
    return "\n".join(
        str(one[key]) for one in _objects(value) for key in ("text", "title") if isinstance(one.get(key), str)
    )


# random replies

HOSTILE = st.sampled_from(
    [
        "<!channel>",
        "<!here|all>",
        "<@U0ATTACK1>",
        "<#C1|ops>",
        "<https://evil.example|https://good.example>",
        "@here @channel #ops",
        "```",
        "`x`",
        "&lt;!channel&gt;",
        "\u202efdp.exe",
        "zero\u200bwidth\u2066x",
        "*bold* _it_ ~no~",
        "> quote",
        ":rotating_light:",
        "\x1b[31mred\x1b]0;title\x07",
        "🔴 failed · deploy.prod",
        "\U0001f9d1\u200d\U0001f4bb" * 3,
        "<!subteam^S1|sre>",
        "<!date^1|x>",
        "a|b>c<d&e",
    ]
)
TEXTS = st.one_of(
    st.text(max_size=60),
    HOSTILE,
    st.lists(st.one_of(HOSTILE, st.text(max_size=10)), max_size=6).map("\n".join),
    st.builds(lambda text, times: text * times, st.one_of(HOSTILE, st.text(max_size=9)), st.integers(1, 900)),
)
SHORT = st.one_of(st.text(max_size=30), HOSTILE)
IDS = st.one_of(st.just(""), st.text("0123456789abcdef", min_size=24, max_size=24), SHORT)
PIECES = st.one_of(
    st.builds(Text, text=TEXTS),
    st.builds(Code, text=TEXTS, title=SHORT),
    st.builds(Fields, rows=st.lists(st.tuples(SHORT, TEXTS), max_size=20).map(tuple), title=SHORT),
    st.builds(LongText, name=SHORT, text=TEXTS),
    st.integers(1, 23).flatmap(
        lambda width: st.builds(
            Table,
            columns=st.tuples(*[SHORT] * width),
            rows=st.lists(st.tuples(*[SHORT] * width), max_size=6).map(tuple),
        )
    ),
    st.builds(
        Tree,
        branches=st.lists(
            st.builds(
                Branch,
                name=SHORT,
                depth=st.integers(0, 5),
                status=st.sampled_from(["", "succeeded", "failed", "running", "pending", "odd"]),
                note=SHORT,
                elapsed_s=st.one_of(st.none(), st.floats(0, 1e6)),
                execution_id=IDS,
            ),
            max_size=60,
        ).map(tuple),
        title=SHORT,
    ),
)
BUTTONS = st.builds(
    Button, label=SHORT, command=TEXTS, value=TEXTS, style=st.sampled_from(["normal", "primary", "danger"])
)
LINKS = st.builds(
    Link,
    label=TEXTS,
    url=st.one_of(TEXTS, st.just("http://x/" + "y" * 900), st.just("https://ok.example/a?b=1&c")),
)
PROMPTS = st.builds(
    Prompt,
    id=IDS,
    questions=st.lists(
        st.builds(Question, name=SHORT, label=SHORT, is_required=st.booleans()), max_size=3
    ).map(tuple),
    buttons=st.lists(BUTTONS, max_size=3).map(tuple),
    answer_with=TEXTS,
)
EXTRAS = st.one_of(
    st.just({}),
    st.builds(
        lambda color, text, title: {
            "color": color,
            "slack": {
                "attachments": [{"text": text, "title": title, "fields": [{"title": title, "value": text}]}]
            },
        },
        st.sampled_from(["good", "#ff00aa", "no colour"]),
        TEXTS,
        SHORT,
    ),
    st.builds(
        lambda text: {"slack": {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": text}}]}},
        TEXTS,
    ),
)
REPLIES = st.builds(
    Reply,
    pieces=st.lists(PIECES, max_size=8).map(tuple),
    pretext=TEXTS,
    title=TEXTS,
    tone=st.sampled_from(Tone),
    status=SHORT,
    execution_id=IDS,
    action=SHORT,
    elapsed_s=st.one_of(st.none(), st.floats(0, 1e6)),
    buttons=st.lists(BUTTONS, max_size=6).map(tuple),
    links=st.lists(LINKS, max_size=4).map(tuple),
    extra=EXTRAS,
    mention=st.sampled_from(["", "U0ANN", "<!channel>", "U1> <!here"]),
    calls=st.lists(st.sampled_from(["U0ANN", "<!here>", "S0123", "@bob"]), max_size=3).map(tuple),
    inquiry_id=IDS,
    prompt=st.one_of(st.none(), PROMPTS),
)
