"""What people give to questions, by buttons, forms or words: read, handed to the engine, and confirmed.

Everything that is said back is for the person who answered alone. The first answer wins; whoever comes
later is told who was first, and whoever says the same again is told that it counts already.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from bot import formatting, forms, inquiries, inquiry_facts
from bot.chat import Answer, Author, BadAnswer, Fields, Piece, Reply, Text, Tone
from bot.identities import Identities, Identity, actor_of
from bot.inquiries import APPROVE, REASON, REJECT
from bot.naming import named
from bot.port import Asked, ChatAdapter
from engine.acting import acting_as
from engine.errors import BadInput, Conflict, Denied, EngineError
from engine.records.audit import Actor
from engine.records.comforts import Offer
from engine.records.inquiry import Answerer, Inquiry, Vote
from engine.rights.place import Where
from engine.service import Engine
from engine.store import chat as store

BREAK_GLASS = "breakglass"
_DECISIONS = {
    **dict.fromkeys((APPROVE, "approved", "yes"), APPROVE),
    **dict.fromkeys((REJECT, "rejected", "no"), REJECT),
}


class FormDesk(Protocol):
    """The forms of commands; class CommandForms is one."""

    def find(self, wanted: str) -> Offer | None: ...
    def secret_names(self, offer: Offer) -> frozenset[str]: ...
    def asked(self, offer: Offer, author: Author) -> Asked: ...
    def respond(self, offer: Offer, answer: Answer) -> Reply: ...
    def by_words(self, offer: Offer, words: str, author: Author) -> Reply: ...


class Responses:
    def __init__(self, engine: Engine, adapter: ChatAdapter, forms: FormDesk | None = None) -> None:
        """`forms`: of commands; without them it answers inquiries only."""
        self._engine = engine
        self._adapter = adapter
        self._forms = forms
        self._identities = Identities(engine)

    # by a button or a form

    def respond(self, answer: Answer) -> Reply:
        """Raises BadAnswer, BadInput, Denied, Conflict, NotFound: for the person who answered."""
        return self._named(self._responded(answer))

    def _named(self, reply: Reply) -> Reply:
        return named(reply, self._engine.names, chat=self._adapter.name)

    def _responded(self, answer: Answer) -> Reply:
        if self._forms is not None and (form := self._forms.find(answer.prompt_id)) is not None:
            with self._acting(answer.author):
                return self._forms.respond(form, answer)
        inquiry = self._engine.inquiries.get(answer.prompt_id)
        if answer.place.channel not in self.channels(inquiry):
            raise Denied("That question is not asked in this channel.", hint="Answer it where it stands.")
        who = self._answerer(answer.author)
        is_yes = not inquiries.is_yes_or_no(inquiry) or _decision(answer.button) == APPROVE
        self._check_open(inquiry, who, is_yes=is_yes)
        response, reason = _response(inquiry, answer.button, answer.values)
        return self._give(inquiry, response, who=who, reason=reason)

    def asked(self, wanted: str, author: Author) -> Asked:
        """What is asked, for a chat that asks it one by one. Raises NotFound, BadInput, Denied, Conflict."""
        if self._forms is not None and (form := self._forms.find(wanted)) is not None:
            return self._forms.asked(form, author)
        inquiry = self._engine.inquiries.get(wanted)
        channel = self.seen_at(inquiry, author)
        if not channel:
            raise Denied("That question is not asked where you see it.")
        self._check_open(inquiry, self._who(self._identities.of(self._adapter.name, author)))
        if not inquiry.is_pending:
            raise _too_late(inquiry)
        prompt = inquiries.prompt(inquiry, prefix="")
        about = replace(inquiries.reply(inquiry, prefix=""), prompt=None)
        return Asked(
            channel=channel,
            text=formatting.as_text(self._named(about)),
            prompt=prompt,
            title=inquiries.headline(inquiry),
            problems=partial(_problems, inquiry),
        )

    def details(self, wanted: str, author: Author, *, channel: str) -> Reply:
        """All of it, for somebody who sees it at that place, whether or not they may answer it.

        Raises NotFound, BadInput, Denied.
        """
        inquiry = self._engine.inquiries.get(wanted)
        self._identities.of(self._adapter.name, author)
        if channel not in self.channels(inquiry) or not self._adapter.sees(author, channel):
            raise Denied("That question is not asked where you see it.")
        about = inquiries.reply(inquiry, prefix="")
        return self._named(replace(about, pieces=inquiries.details(inquiry), prompt=None))

    def seen_at(self, inquiry: Inquiry, author: Author) -> str:
        """A channel in which this person sees it; empty: none."""
        return self._seen(author, self.channels(inquiry))

    def _seen(self, author: Author, channels: frozenset[str]) -> str:
        return next((one for one in sorted(channels) if self._adapter.sees(author, one)), "")

    def channels(self, inquiry: Inquiry) -> frozenset[str]:
        """Where its prompts stand in this chat, or will stand in a moment."""
        keys = [inquiries.key_of(inquiry, number) for number in range(len(inquiry.places))]
        with self._engine.database.read() as connection:
            found = store.notices(connection, self._adapter.name, keys)
        asked = [place.channel for place in inquiry.places if place.adapter == self._adapter.name]
        return frozenset([*(posting.channel for posting in found.values()), *filter(None, asked)])

    # by words

    def by_words(self, verb: str, wanted: str, words: str, author: Author) -> Reply:
        """`answer`, `approve` or `reject`, said anywhere. Raises as `respond` does."""
        if self._forms is not None and (form := self._forms.find(wanted)) is not None:
            if verb != "answer":
                raise BadInput(
                    "That is a form, and no question of yes or no.", hint=f"Say: answer {wanted} ..."
                )
            with self._acting(author):
                return self._forms.by_words(form, words, author)
        inquiry = self._engine.inquiries.get(wanted)
        who = self._answerer(author)
        if not self._is_open_to(inquiry, author):
            raise Denied("That question is asked of somebody else, in private.")
        words = words.strip()
        if verb == "answer":
            return self._by_answer(inquiry, words, who)
        if verb == BREAK_GLASS:
            who = replace(who, breaks_glass=True)
        if not inquiry.asked.decision:
            raise BadInput("That question asks for more than yes or no.", hint=_how(inquiry))
        decided = REJECT if verb == REJECT else APPROVE
        self._check_open(inquiry, who, is_yes=decided == APPROVE)
        return self._give(inquiry, _decided(inquiry, decided, words, {}), who=who, reason=words)

    def _by_answer(self, inquiry: Inquiry, words: str, who: Answerer) -> Reply:
        if not words:
            self._check_open(inquiry, who)
            return asking(inquiry)
        decision, _, rest = words.partition(" ")
        if inquiries.is_yes_or_no(inquiry) and decision.lower() in _DECISIONS:
            decision, rest = _DECISIONS[decision.lower()], rest.strip()
            self._check_open(inquiry, who, is_yes=decision == APPROVE)
            return self._give(inquiry, _decided(inquiry, decision, rest, {}), who=who, reason=rest)
        self._check_open(inquiry, who)
        return self._give(inquiry, forms.read_words(inquiry.asked.schema, words), who=who)

    def concealed(self, wanted: str) -> bool:
        """Whether the words of an answer must not be kept in the chat; also where nobody knows yet."""
        try:
            if self._forms is not None and (form := self._forms.find(wanted)) is not None:
                return bool(self._forms.secret_names(form))
            return bool(forms.secret_names(self._engine.inquiries.get(wanted).asked.schema))
        except EngineError:
            return True

    # what waits

    def waiting(self, author: Author, *, everything: bool) -> list[Inquiry]:
        """Those that this person may answer, or all that wait and are no secret; the oldest first."""
        found, _ = self._engine.inquiries.pending(limit=None)
        who = self._who(self._identities.of(self._adapter.name, author))
        known = [one for one in reversed(found) if self._is_open_to(one, author)]
        return [one for one in known if everything or self.may(one, who)]

    def _is_open_to(self, inquiry: Inquiry, author: Author) -> bool:
        """Whether it is asked where this person sees it, or of them by name."""
        channels = self.channels(inquiry)
        is_hidden = bool(channels) and not self._seen(author, channels)
        return not is_hidden or any(not one.is_everybody for one in inquiry.audiences)

    def may(self, inquiry: Inquiry, who: Answerer) -> bool:
        """Whether they may answer it somehow, if only with a no."""
        why_not = self._engine.inquiries.why_not
        return any(not why_not(inquiry, who, is_yes=is_yes) for is_yes in (True, False))

    # giving it

    def _answerer(self, author: Author) -> Answerer:
        """Whoever answers, as the chat knows them now: they may have left it. Raises Denied."""
        return self._who(self._identities.of(self._adapter.name, self._adapter.recheck(author)))

    def _acting(self, author: Author) -> AbstractContextManager[None]:
        return acting_as(actor_of(self._identities.of(self._adapter.name, author)))

    def _who(self, identity: Identity) -> Answerer:
        return Answerer(
            user=identity.user,
            name=identity.chat_user,
            account=identity.account,
            surface=self._adapter.name,
            is_verified=identity.is_verified,
        )

    def _check_open(self, inquiry: Inquiry, who: Answerer, *, is_yes: bool | None = True) -> None:
        """Before anything is said about the values: it waits, and this person may answer it."""
        if not inquiry.is_pending:
            return
        refused = self._engine.inquiries.why_not(inquiry, who, is_yes=is_yes)
        if not refused and is_yes is not False and inquiry.asked.decision and not self._is_somebody(who):
            refused = "Nothing vouches for who you are here, and a yes counts only from somebody known."
        if refused:
            raise self._denied(
                Denied("You may not answer this.", hint=formatting.clean(refused)), inquiry, who
            )

    def _is_somebody(self, who: Answerer) -> bool:
        """Whether a yes may come from them: in chats of others only from those whom they vouch for."""
        return who.is_verified or self._adapter.is_own or self._engine.people.trusts_unverified

    def _denied(self, error: Denied, inquiry: Inquiry, who: Answerer) -> Denied:
        """The error, which is recorded."""
        place = next(iter(sorted(self.channels(inquiry))), "")
        self._engine.denials.note(
            error,
            user=who.user,
            name=who.name,
            where=Where(platform=self._adapter.name, channel=place),
            verb="answer",
            what=f"{inquiry.asked.origin.action} {inquiry.id}",
        )
        return error

    def _give(self, inquiry: Inquiry, response: Any, *, who: Answerer, reason: str = "") -> Reply:
        known = _already(inquiry, response, who)
        if known is not None:
            return known
        if not inquiry.is_pending:
            raise _too_late(inquiry)
        try:
            with acting_as(Actor(user=who.user, via=who.surface, account=who.account)):
                now = self._engine.inquiries.answer(inquiry.id, response, who=who, reason=reason)
        except Denied as error:
            refused = Denied("You may not answer this.", hint=error.hint)
            raise self._denied(refused, inquiry, who) from error
        except EngineError:
            # Somebody else, or another delivery of the same, may have been faster.
            now = self._engine.inquiries.get(inquiry.id)
            known = _already(now, response, who)
            if known is not None:
                return known
            if not now.is_pending:
                raise _too_late(now) from None
            raise
        return _confirmed(now)


def _decision(button: str) -> str:
    """Raises BadInput."""
    decision = _DECISIONS.get(button)
    if decision is None:
        raise BadInput("That button does not belong to this question.")
    return decision


def _response(inquiry: Inquiry, button: str, values: Mapping[str, str]) -> tuple[Any, str]:
    """What a button or a form means, and the reason. Raises BadAnswer, BadInput."""
    given = dict(values)
    if not inquiries.is_yes_or_no(inquiry):
        return forms.fill(inquiry.asked.schema, given), ""
    decision = _decision(button)
    reason = given.pop(REASON, "").strip()
    return _decided(inquiry, decision, reason, given), reason


def _problems(inquiry: Inquiry, button: str, values: Mapping[str, str]) -> Mapping[str, str]:
    try:
        _response(inquiry, button, values)
    except BadAnswer as error:
        return error.problems
    except BadInput as error:
        return {"": error.message}
    return {}


def _decided(inquiry: Inquiry, decision: str, reason: str, given: Mapping[str, str]) -> dict[str, Any]:
    """The response of a yes or no, with what was written beside it. Raises BadAnswer, BadInput."""
    asked = inquiry.asked
    properties = asked.schema.get("properties") or {}
    others = {name: part for name, part in properties.items() if name not in (asked.decision, REASON)}
    if others:
        response = dict(forms.fill({"type": "object", "properties": others}, given))
    elif given:
        raise BadInput(f"There is no field {formatting.clean(next(iter(given)))[:60]!r}.")
    else:
        response = {}
    if asked.needs_reason and not reason:
        raise BadAnswer({REASON: "This is needed."}, hint=_how(inquiry))
    if REASON in properties and reason:
        response[REASON] = reason
    return {**response, asked.decision: decision == APPROVE}


def _already(inquiry: Inquiry, response: Any, who: Answerer) -> Reply | None:
    """The confirmation, when this person has said exactly this before; None otherwise."""
    mine = next((vote for vote in inquiry.votes if vote.user == who.user), None)
    if mine is None:
        outcome = inquiry.outcome
        if outcome is None or outcome.user != who.user:
            return None
        mine = Vote(user=outcome.user, name=outcome.name, at=outcome.at, response=outcome.response)
    decision = inquiry.asked.decision
    if decision and isinstance(response, Mapping) and isinstance(mine.response, Mapping):
        is_same = response.get(decision) == mine.response.get(decision)
    else:
        is_same = _masked(response, inquiry) == mine.response
    return _confirmed(inquiry) if is_same else None


def _masked(response: Any, inquiry: Inquiry) -> Any:
    secret = forms.secret_names(inquiry.asked.schema)
    if not isinstance(response, Mapping):
        return response
    return {name: "********" if name in secret else value for name, value in response.items()}


def _too_late(inquiry: Inquiry) -> Conflict:
    return Conflict(f"That is decided already. {inquiry_facts.decision(inquiry)}")


def _confirmed(inquiry: Inquiry) -> Reply:
    """What the answer brought about."""
    if not inquiry.is_pending:
        said, tone = inquiry_facts.decision(inquiry), Tone.GOOD
    elif inquiry.tally:
        said, tone = f"Counted. So far: {inquiry_facts.tally(inquiry.tally)}.", Tone.NEUTRAL
    else:
        said, tone = "Counted.", Tone.NEUTRAL
    return Reply(pieces=(Text(text=said),), tone=tone, is_private=True)


def _how(inquiry: Inquiry) -> str:
    return f"Say: {inquiries.prompt(inquiry, prefix='').answer_with}"


def asking(inquiry: Inquiry) -> Reply:
    """The questions one by one, and the words that answer them."""
    if not inquiry.is_pending:
        raise _too_late(inquiry)
    rows = []
    for question in inquiries.prompt(inquiry, prefix="").questions:
        facts = [question.about, "one of " + ", ".join(question.choices) if question.choices else ""]
        facts += ["needed" if question.is_required else ""]
        facts += [f"default {question.default}" if question.default else ""]
        facts += ["secret: better given in the form, or in the terminal" if question.is_secret else ""]
        rows.append((question.label, " · ".join(fact for fact in facts if fact) or question.type))
    pieces: tuple[Piece, ...] = (Text(text=_how(inquiry)),)
    if rows:
        pieces = (Fields(rows=tuple(rows)), *pieces)
    about = inquiries.reply(inquiry, prefix="")
    return Reply(title=about.title, pieces=(*about.pieces, *pieces), tone=about.tone, is_private=True)
