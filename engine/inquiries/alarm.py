"""What is said where somebody has approved alone in an emergency: to all who were asked, and why."""

from collections.abc import Iterator

from engine.inquiries import words
from engine.notices import Notice
from engine.people import People
from engine.records.inquiry import Inquiry, Vote


def broken_glass(inquiry: Inquiry, vote: Vote, people: People) -> Iterator[Notice]:
    """A notice in each channel where it is asked or would have been next; each is a new message.

    Whoever was asked by name, role or group is called.
    """
    asked = inquiry.asked
    later = asked.escalation.places if asked.escalation is not None else ()
    seen: set[tuple[str, str]] = set()
    for number, place in enumerate(dict.fromkeys((*inquiry.places, *later))):
        where = (place.adapter, place.channel)
        if where in seen:
            continue
        seen.add(where)
        what = asked.subject.action if asked.subject is not None else asked.origin.action
        yield Notice(
            key=f"break-glass:{inquiry.id}:{number}",
            channel=place.channel,
            adapter=place.adapter,
            title=f"{vote.name} has broken the glass",
            text=f"{vote.name} approved {what} alone: {vote.reason}",
            tone="bad",
            fields=(
                ("asked by", asked.origin.name),
                ("wanted", words.wanted(inquiry)),
                ("digest", asked.subject.digest[:12] if asked.subject is not None else ""),
            )[: 3 if asked.subject is not None else 2],
            commands=(("Details", f"status {inquiry.id}"),),
            people=_others(inquiry, vote, people),
        )


def _others(inquiry: Inquiry, vote: Vote, people: People) -> tuple[str, ...]:
    """Who was asked, but for the one who decided; nobody where everybody was."""
    asked = [people.everybody_in(audience) or frozenset() for audience in inquiry.audiences]
    return tuple(sorted(one for one in frozenset().union(*asked) if not people.is_one_of(one, (vote.user,))))
