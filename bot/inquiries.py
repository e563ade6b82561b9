"""What is said about an inquiry: what is asked and will be done, of whom and until when, who has said what.

All of it comes from the record. While it waits the message carries a prompt; with the end that goes
away, and the message says who decided, when, and why. Every text in it is data.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot import formatting, forms, inquiry_facts
from bot.chat import Button, Code, Fields, Piece, Prompt, Question, Reply, Table, Text, Tone
from bot.results import cut_pieces
from engine.errors import EngineError
from engine.people import People
from engine.records.execution import Execution
from engine.records.inquiry import Inquiry, InquiryState
from engine.service import Engine
from engine.subjects import RUNNER

APPROVE, REJECT = "approve", "reject"
REASON = "reason"
_DIGEST_LENGTH = 12
# How much of the question, of one value and how many parameters the message shows; Details shows all.
_TEXT_LIMIT = 2_000
_VALUE_LIMIT = 400
_HEADLINE = 160
_ROWS = 15
_VOTES = 12
# More people than that are not called by name: it would be noise.
_CALLED = 10
_TONES: Mapping[InquiryState, Tone] = {
    InquiryState.PENDING: Tone.WARNING,
    InquiryState.ANSWERED: Tone.GOOD,
    InquiryState.APPROVED: Tone.GOOD,
    InquiryState.REJECTED: Tone.BAD,
    InquiryState.EXPIRED: Tone.BAD,
    InquiryState.CANCELED: Tone.WARNING,
}


def key_of(inquiry: Inquiry, number: int) -> str:
    """The message at place `number` of the inquiry; it is edited for as long as the inquiry changes."""
    return f"inquiry:{inquiry.id}:{number}"


def reply(inquiry: Inquiry, *, prefix: str) -> Reply:
    """The message as it now is. `prefix`: what stands before a command at that place."""
    if not inquiry.is_pending:
        return _ended(inquiry)
    pieces = (*_question(inquiry), *_subject(inquiry), _facts(inquiry), *_votes(inquiry))
    if inquiry.nobody:
        pieces = (*pieces, Text(text=f"⚠ {formatting.clean(inquiry.nobody)}"))
    return replace(
        _framed(inquiry, pieces),
        title="" if _text(inquiry) else headline(inquiry),
        prompt=prompt(inquiry, prefix=prefix),
    )


def _ended(inquiry: Inquiry) -> Reply:
    pieces = (_decision(inquiry), *_given(inquiry), *_votes(inquiry), *_was_about(inquiry))
    return replace(_framed(inquiry, pieces), title=headline(inquiry))


def _framed(inquiry: Inquiry, pieces: tuple[Piece, ...]) -> Reply:
    state = inquiry.state
    if state in (InquiryState.APPROVED, InquiryState.REJECTED) and not inquiry.asked.is_approval:
        # A yes or no that a workflow goes on with.
        state = InquiryState.ANSWERED
    return Reply(
        pieces=pieces,
        tone=_TONES[state],
        status=state.value,
        execution_id=inquiry.id,
        inquiry_id=inquiry.id,
        action=formatting.clean(inquiry.asked.origin.action),
        named=dict(_named(inquiry)),
    )


def _named(inquiry: Inquiry) -> Iterator[tuple[str, str]]:
    """Who stands in its texts: (name, user)."""
    yield inquiry.asked.origin.name, inquiry.asked.origin.user
    yield from ((vote.name, vote.user) for vote in inquiry.votes)
    if inquiry.outcome is not None:
        yield inquiry.outcome.name, inquiry.outcome.user


def headline(inquiry: Inquiry) -> str:
    """One line that stands for it: the question, or what would be done."""
    asked = inquiry.asked
    text = _text(inquiry)
    if text:
        return formatting.cut(inquiry_facts.one_line(text), _HEADLINE).text
    if asked.subject is not None:
        return f"Run {formatting.clean(asked.subject.action)}?"
    names = [question.label for question in forms.questions_of(asked.schema) if question.name]
    return f"What about {', '.join(names[:6])}?" if names else "An answer is needed."


def _text(inquiry: Inquiry) -> str:
    """The question in words: its own, else that of the one thing to be decided; empty: there is none."""
    asked = inquiry.asked
    if asked.text.strip() or not is_yes_or_no(inquiry):
        return asked.text.strip()
    questions = forms.questions_of(asked.schema)
    return next(one.about for one in questions if one.name == asked.decision)


def _question(inquiry: Inquiry) -> Iterator[Piece]:
    text = _text(inquiry)
    if text:
        pieces, lines_left = cut_pieces(formatting.pieces_of(text), _TEXT_LIMIT)
        yield from pieces
        if lines_left:
            yield Text(text=f"… {lines_left:,} more lines: {_all_of(inquiry)}")


def _subject(inquiry: Inquiry) -> Iterator[Piece]:
    """Exactly what is approved: the action, its rendered parameters, and the digest of both."""
    subject = inquiry.asked.subject
    if subject is None:
        return
    rows = [("action", formatting.clean(subject.action))]
    shown = list(subject.parameters.items())
    rows += [(formatting.clean(name), _value(value, inquiry)) for name, value in shown[:_ROWS]]
    if len(shown) > _ROWS:
        rows.append(("…", f"{len(shown) - _ROWS} more parameters: {_all_of(inquiry)}"))
    rows.append(("digest", subject.digest[:_DIGEST_LENGTH]))
    yield Fields(title="what is approved" if inquiry.asked.is_approval else "about", rows=tuple(rows))
    plan = formatting.clean(subject.plan).strip("\n")
    if plan:
        pieces, lines_left = cut_pieces((Code(text=plan, title="plan"),), _TEXT_LIMIT)
        yield from pieces
        if lines_left:
            yield Text(text=f"… {lines_left:,} more lines: {_all_of(inquiry)}")


def _was_about(inquiry: Inquiry) -> Iterator[Piece]:
    subject = inquiry.asked.subject
    if subject is not None:
        digest = subject.digest[:_DIGEST_LENGTH]
        action = formatting.clean(subject.action)
        yield Text(text=f"{action}, digest {digest}; its parameters: {_all_of(inquiry)}")


def _all_of(inquiry: Inquiry) -> str:
    """The command that shows what is cut in the message."""
    return f"status {formatting.short_id(inquiry.id)}"


def _value(value: Any, inquiry: Inquiry) -> str:
    text = formatting.clean(value if isinstance(value, str) else forms.as_text(value))
    if len(text) <= _VALUE_LIMIT:
        return text
    return f"{text[:_VALUE_LIMIT]}… ({len(text) - _VALUE_LIMIT:,} more characters: {_all_of(inquiry)})"


def _facts(inquiry: Inquiry) -> Fields:
    return Fields(rows=tuple(inquiry_facts.rows(inquiry)))


def _votes(inquiry: Inquiry) -> Iterator[Piece]:
    """Who has said what, where more than the one answer counts."""
    if not inquiry.votes or (inquiry.asked.quorum is None and not inquiry.is_pending):
        return
    lines = [inquiry_facts.vote_line(vote) for vote in inquiry.votes[-_VOTES:]]
    left = len(inquiry.votes) - len(lines)
    if left:
        lines.insert(0, f"… {left} earlier")
    yield Text(text="\n".join(lines))


def _decision(inquiry: Inquiry) -> Text:
    return Text(text=inquiry_facts.decision(inquiry))


def _given(inquiry: Inquiry) -> Iterator[Piece]:
    """The values that were given; secret ones are masked in the record already."""
    response = inquiry.outcome.response if inquiry.outcome else None
    hidden = {inquiry.asked.decision, REASON} if inquiry.asked.decision else set()
    if isinstance(response, Mapping):
        secret = forms.secret_names(inquiry.asked.schema)
        rows = tuple(
            (formatting.clean(str(name)), "********" if name in secret else _value(value, inquiry))
            for name, value in response.items()
            if name not in hidden
        )
        if rows:
            yield Fields(rows=rows[:_ROWS])
    elif response is not None and not forms.secret_names(inquiry.asked.schema):
        yield Text(text=_value(response, inquiry))


# the prompt


def prompt(inquiry: Inquiry, *, prefix: str) -> Prompt:
    """Buttons for a yes or no, else the form of the schema."""
    word = formatting.short_id(inquiry.id)
    if not is_yes_or_no(inquiry):
        questions = forms.questions_of(inquiry.asked.schema)
        said = f"{prefix}answer {word} {forms.example(questions)}"
        return Prompt(id=inquiry.id, questions=questions, answer_with=said)
    yes, no = ("Approve", "Reject") if inquiry.asked.is_approval else ("Yes", "No")
    reason = " REASON" if inquiry.asked.needs_reason else ""
    return Prompt(
        id=inquiry.id,
        questions=questions_beside(inquiry),
        buttons=(
            Button(label=yes, value=APPROVE, style="primary"),
            Button(label=no, value=REJECT, style="danger"),
        ),
        answer_with=f"{prefix}approve {word}{reason} · {prefix}reject {word}{reason}",
    )


def is_yes_or_no(inquiry: Inquiry) -> bool:
    """Whether a decision is all that it needs; whatever else may be given, may be left out."""
    asked = inquiry.asked
    if not asked.decision:
        return False
    others = [one for one in forms.questions_of(asked.schema) if one.name not in (asked.decision, REASON)]
    return asked.is_approval or not others


def questions_beside(inquiry: Inquiry) -> tuple[Question, ...]:
    """What may be written beside the buttons: the other properties, and a reason."""
    asked = inquiry.asked
    others = tuple(
        one for one in forms.questions_of(asked.schema) if one.name not in (asked.decision, REASON)
    )
    reason = Question(name=REASON, label="Reason", is_required=asked.needs_reason)
    return (*others, reason)


def asked_people(inquiry: Inquiry, people: People) -> tuple[str, ...]:
    """Who may answer and has not yet; empty where that is everybody, or more than can be called by name."""
    found = [people.everybody_in(audience) for audience in inquiry.audiences]
    if any(one is None for one in found):
        return ()
    named = frozenset().union(*(one for one in found if one is not None))
    out = [vote.user for vote in inquiry.votes]
    if inquiry.asked.is_separate:
        out += inquiry.asked.origin.people
    left = sorted(one for one in named if not people.is_one_of(one, out))
    return tuple(left) if len(left) <= _CALLED else ()


# around it


def nudge(inquiry: Inquiry, change: str, *, prefix: str) -> Reply | None:
    """The message in its thread that calls people again; None for changes that need none."""
    word = formatting.short_id(inquiry.id)
    if change == "reminder":
        said = f"Still waits: {headline(inquiry)}"
    elif change == "escalation":
        said = f"Nobody has answered, so {inquiry_facts.who_may(inquiry)} may now: {headline(inquiry)}"
    else:
        return None
    return Reply(
        pieces=(
            Text(text=f"{said}\nUntil {inquiry_facts.until(inquiry)}."),
            Text(text=prompt(inquiry, prefix=prefix).answer_with),
        ),
        tone=Tone.WARNING,
        title=f"Reminder {word}" if change == "reminder" else f"Escalated {word}",
    )


def of(engine: Engine, execution: Execution) -> Inquiry | None:
    """The inquiry that an execution is; None when it is none, or was never asked."""
    if execution.runner != RUNNER:
        return None
    try:
        return engine.inquiries.get(execution.id)
    except EngineError:
        return None


def details(inquiry: Inquiry, *, prefix: str = "") -> tuple[Piece, ...]:
    """All of it, for the detail view: whole values, the whole digest, every vote."""
    pieces: list[Piece] = []
    if not inquiry.is_pending:
        pieces.append(_decision(inquiry))
    else:
        pieces.append(Text(text=f"To answer: {prompt(inquiry, prefix=prefix).answer_with}"))
    pieces.extend(formatting.pieces_of(_text(inquiry)))
    subject = inquiry.asked.subject
    if subject is not None:
        rows = [("action", formatting.clean(subject.action))]
        for name, value in subject.parameters.items():
            text = value if isinstance(value, str) else forms.as_text(value)
            rows.append((formatting.clean(name), formatting.clean(text)))
        pieces.append(Fields(title="what is approved", rows=(*rows, ("digest", subject.digest))))
        if subject.plan.strip():
            pieces.append(Code(text=formatting.clean(subject.plan), title="plan"))
    pieces.append(_facts(inquiry))
    pieces += [Text(text=inquiry_facts.vote_line(vote)) for vote in inquiry.votes]
    return tuple(pieces)


def listed(inquiries: Sequence[Inquiry], *, mine: bool, prefix: str) -> Reply:
    """Those that wait, oldest first. `mine`: only those that this person may answer."""
    if not inquiries:
        none = "Nothing waits for you." if mine else "Nothing waits for an answer."
        more = f" What waits for others: {prefix}inquiries all" if mine else ""
        return Reply(pieces=(Text(text=none + more),))
    rows = tuple(
        (
            formatting.short_id(one.id),
            headline(one),
            formatting.clean(one.asked.origin.name),
            inquiry_facts.who_may(one),
            "—" if one.deadline_at is None else inquiry_facts.moment(one.deadline_at),
        )
        for one in inquiries
    )
    how = f"{prefix}approve ID · {prefix}reject ID · {prefix}answer ID ... · all about one: {prefix}status ID"
    return Reply(
        title=f"{len(rows)} {'waits' if len(rows) == 1 else 'wait'} for an answer",
        pieces=(Table(columns=("id", "question", "asked by", "who", "until"), rows=rows), Text(text=how)),
        tone=Tone.WARNING,
    )
