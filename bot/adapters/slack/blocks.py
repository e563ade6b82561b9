"""A reply as a Slack message: blocks in which every text is data, within all of Slack's limits.

From the top: who is called and the words before the frame, the title, a grey line with sign, status, action,
time and id, the pieces, the buttons. Only we write grey lines, so no output can imitate one. What is too
long is cut there, and all of it is a file beside the message.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from bot import formatting
from bot.adapters.slack import actions, extras, limits, rich
from bot.adapters.slack.mrkdwn import cut, inert_within, is_url, link, mention, size, visible
from bot.adapters.slack.page import Features, Page, in_file
from bot.adapters.slack.rendered import File, Rendered
from bot.chat import Button, Code, Link, LongText, Piece, Reply, Text, Tone

# A sign for each tone, and the word where there is no status.
_SIGNS = {
    Tone.NEUTRAL: ("⚪", ""),
    Tone.RUNNING: ("🔵", "running"),
    Tone.GOOD: ("🟢", "done"),
    Tone.WARNING: ("🟡", "note"),
    Tone.BAD: ("🔴", "error"),
}
# What the parts around the pieces may take, in characters.
_PRETEXT, _TITLE, _NAME, _LINKS, _SUMMARY = 1_500, 300, 150, 1_200, 3_000
_BUTTONS, _BUTTONS_TEXT, _BUTTONS_JSON = 20, 2_000, 5_000
_CALLED = 20
_EVERYTHING = Features()


def render(reply: Reply, features: Features = _EVERYTHING) -> Rendered:
    """Pure: the same reply is the same message. Always within `limits`."""
    extra = extras.read(reply.extra)
    if extra.color:
        # In a coloured frame, where Slack does not promise to take a plan.
        features = replace(features, plan=False)
    head, shown_links = _head(reply)
    pressed = _Buttons(reply)
    tail = pressed.blocks()
    page = Page(features, around=[*head, *tail], plan_title=reply.action, named=reply.named)
    for piece in (*reply.pieces, *pressed.in_words(), *_in_words(reply, shown_links)):
        page.add(piece)
    left = [block for block in extra.blocks if not page.place(block)]
    plain = _plain(reply)
    called = " ".join(filter(None, map(mention, _called(reply))))
    files = [*page.files, *extra.files, *([extras.as_file("blocks.json", left)] if left else [])]
    if page.is_cut or size(reply.pretext) > _PRETEXT or size(reply.title) > _TITLE:
        name = _file_name(reply)
        page.blocks.append(rich.words(f"… all of it: {name}"))
        files.insert(0, File(name=name, text=plain))
    blocks, attachments = [*head, *page.blocks, *tail], [*extra.attachments]
    if extra.color and len(blocks) > len(head):
        fallback = inert_within(_summary(reply), 300)
        framed = {"color": extra.color, "fallback": fallback, "blocks": [*page.blocks, *tail]}
        blocks, attachments = head, [framed, *attachments]
    return Rendered(
        text=f"{called} {inert_within(_summary(reply), _SUMMARY)}".strip(),
        plain=plain,
        blocks=tuple(blocks),
        attachments=tuple(attachments),
        files=tuple(files),
        mention=called,
        file_name=_file_name(reply),
    )


# the frame


def _head(reply: Reply) -> tuple[list[dict[str, Any]], tuple[Link, ...]]:
    """Its blocks, and the links that stand in them."""
    blocks = []
    called = [element for user in _called(reply) for element in rich.person(user)]
    pretext = cut(visible(reply.pretext), _PRETEXT)
    if called or pretext.strip():
        blocks.append(
            rich.block([rich.section([*called, *([rich.run(pretext)] if pretext.strip() else [])])])
        )
    if reply.title.strip():
        blocks.append(rich.block([rich.section([rich.run(cut(visible(reply.title), _TITLE), bold=True)])]))
    line = status_line(reply)
    elements = [{"type": "plain_text", "text": line, "emoji": False}] if line else []
    shown: list[Link] = []
    for one in reply.links:
        text = link(cut(one.label, _NAME), one.url)
        is_short = limits.text_of(elements) + size(text) <= _LINKS and len(elements) < limits.CONTEXT
        if is_url(one.url) and is_short:
            elements.append({"type": "mrkdwn", "text": text, "verbatim": True})
            shown.append(one)
    if elements:
        blocks.append({"type": "context", "elements": elements})
    return blocks, tuple(shown)


def _called(reply: Reply) -> list[str]:
    """The ids of everybody who is called, each once."""
    return list(dict.fromkeys((reply.mention, *reply.calls)))[:_CALLED]


def status_line(reply: Reply) -> str:
    """`🔴 failed · deploy.prod · 12 s · 7f3a1c`; empty where there is nothing to tell."""
    sign, word = _SIGNS[reply.tone]
    facts = [
        visible(formatting.status_word(reply.status)) if reply.status else word,
        visible(reply.action),
        "" if reply.elapsed_s is None else formatting.duration(reply.elapsed_s),
        visible(formatting.short_id(reply.execution_id)),
    ]
    known = [cut(" ".join(fact.split()), _NAME) for fact in facts if fact.strip()]
    return f"{sign} {' · '.join(known)}" if known else ""


class _Buttons:
    """The buttons of a reply, and in words those that fit no button."""

    def __init__(self, reply: Reply) -> None:
        self._elements: list[dict[str, Any]] = []
        self._in_words: list[str] = []
        if reply.prompt is not None:
            made = [*_prompt_buttons(reply)]
            if not all(one is not None and self._take(one) for one in made):
                self._in_words.append(reply.prompt.answer_with)
            if reply.inquiry_id:
                self._take(actions.details(reply.inquiry_id, len(self._elements)))
        for button in reply.buttons:
            if not self._take(actions.command(button, len(self._elements))):
                self._in_words.append(button.command)

    def _take(self, element: dict[str, Any] | None) -> bool:
        if element is None:
            return False
        all_of_them = [*self._elements, element]
        is_small = (
            limits.text_of(all_of_them) <= _BUTTONS_TEXT and limits.json_of(all_of_them) <= _BUTTONS_JSON
        )
        if is_small and len(all_of_them) <= _BUTTONS:
            self._elements.append(element)
            return True
        return False

    def blocks(self) -> list[dict[str, Any]]:
        return [{"type": "actions", "elements": self._elements}] if self._elements else []

    def in_words(self) -> tuple[Piece, ...]:
        said = [words for words in self._in_words if words.strip()]
        return (Code(text="\n".join(said), title="To type"),) if said else ()


def _prompt_buttons(reply: Reply) -> Iterator[dict[str, Any] | None]:
    prompt = reply.prompt
    if prompt is None:
        return
    opens_form = any(question.is_required for question in prompt.questions)
    for number, button in enumerate(prompt.buttons):
        # A form is a question by itself; one press of a button alone is asked about once more.
        question = "" if opens_form else _asked(reply) or button.label
        yield actions.prompt(button, prompt.id, number, question=question)
    if prompt.questions and not prompt.buttons:
        label = "Answer" if reply.inquiry_id else "Fill in"
        yield actions.prompt(Button(label=label, style="primary"), prompt.id, 0)


def _asked(reply: Reply) -> str:
    """In a few words what is decided: the question as it stands in the message."""
    if reply.title.strip():
        return reply.title
    return next((one.text for one in reply.pieces if isinstance(one, Text) and one.text.strip()), "")


def _in_words(reply: Reply, shown: tuple[Link, ...]) -> Iterator[Piece]:
    """Links that found no place in the grey line."""
    for one in reply.links:
        if one not in shown:
            yield Text(text=f"{one.label}: {one.url}")


# in words


def _plain(reply: Reply) -> str:
    """All of it in plain words, with what the buttons say; of files only their names."""
    pieces = tuple(Text(text=in_file(one)) if isinstance(one, LongText) else one for one in reply.pieces)
    said = [button.command for button in reply.buttons if button.command.strip()]
    parts = [
        status_line(reply),
        formatting.as_text(replace(reply, pieces=pieces)),
        f"To type: {' · '.join(said)}" if said else "",
    ]
    return visible("\n".join(part for part in parts if part)).strip() or "…"


def _summary(reply: Reply) -> str:
    """What it says, without what can be done about it."""
    return _plain(replace(reply, buttons=(), links=(), prompt=None))


def _file_name(reply: Reply) -> str:
    word = "".join(letter for letter in formatting.short_id(reply.execution_id) if letter.isalnum())
    return f"stormcrow-{word}.txt" if word else "stormcrow.txt"
