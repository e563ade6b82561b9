"""Offers: a command that runs when somebody says yes to it, under their own rights, and once."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from bot import formatting
from bot.asked import Asked
from bot.chat import Author, Button, Message, Place, Reply, Text, Tone
from bot.identities import account_of
from bot.port import ChatAdapter, Outgoing
from engine.clock import utcnow
from engine.errors import Conflict, Denied, NotFound
from engine.records.comforts import Offer, OfferKind
from engine.service import Engine
from engine.store import comforts as store

# Keys of commands are known as long, so that none is run twice.
KEPT_FOR = timedelta(hours=23)
_FORGOTTEN_AFTER = timedelta(days=7)
_YES_OR_NO: tuple[OfferKind, ...] = ("fix", "edit")


class Offers:
    """Of one adapter."""

    def __init__(self, engine: Engine, adapter: ChatAdapter) -> None:
        self._engine = engine
        self._adapter = adapter

    def id_of(self, asked: Asked, kind: OfferKind) -> str:
        return id_of(asked.message, kind)

    def make(self, asked: Asked, kind: OfferKind, body: Mapping[str, Any]) -> Offer:
        """Committed when it returns."""
        offer = Offer(
            id=self.id_of(asked, kind),
            adapter=self._adapter.name,
            channel=asked.message.channel,
            person=account_of(self._adapter.name, asked.message.author).ref,
            kind=kind,
            body=body,
            made_at=utcnow(),
        )
        vault = self._engine.vault
        self._engine.database.submit(partial(store.forget_offers, before=utcnow() - _FORGOTTEN_AFTER))
        self._engine.database.write(lambda connection: store.make_offer(connection, vault, offer))
        return offer

    def question(
        self, asked: Asked, kind: OfferKind, *, command: str, said: str, label: str, only_for: str = ""
    ) -> Reply:
        """Asks whether to run `command`; the button, or `yes`, does it. `only_for`: this person alone."""
        body = {
            "command": command,
            "key": answer_key(asked),
            "place": _place_json(asked),
            "only_for": only_for,
        }
        offer = self.make(asked, kind, body)
        return Reply(
            pieces=(Text(text=said), Text(text=f"To run it, say: {asked.prefix}yes")),
            tone=Tone.WARNING,
            buttons=(Button(label=label, command=f"yes {offer.id}", style="primary"),),
            is_private=bool(only_for),
        )

    # taking them

    def find(self, wanted: str, *, kinds: Collection[OfferKind] = ()) -> Offer | None:
        """By its id or the end of it; `kinds`: only those."""
        with self._engine.database.read() as connection:
            found = store.offer(connection, self._engine.vault, wanted)
        if found is None or found.adapter != self._adapter.name or (kinds and found.kind not in kinds):
            return None
        return found

    def open(self, asked: Asked, wanted: str) -> Offer:
        """What a yes means at this place: the one that is named, or the last one of this person here.

        Raises NotFound, Denied, Conflict.
        """
        found = self.find(wanted, kinds=_YES_OR_NO) if wanted else self._newest(asked)
        if found is None:
            raise NotFound(
                "There is nothing here that you could say yes to.", hint="Type the command that you mean."
            )
        if found.channel != asked.message.channel:
            raise Denied("That was offered in another channel.", hint="Type the command here.")
        check_age(found)
        return found

    def _newest(self, asked: Asked) -> Offer | None:
        message = asked.message
        with self._engine.database.read() as connection:
            return store.newest_offer(
                connection,
                self._engine.vault,
                adapter=self._adapter.name,
                channel=message.channel,
                person=account_of(self._adapter.name, message.author).ref,
                kinds=_YES_OR_NO,
            )

    def take(self, offer: Offer, asked: Asked) -> None:
        """It is this person's now, or was with this very message. Raises Conflict: it was taken before."""
        name, delivery = asked.identity.chat_user, asked.message.key
        is_theirs = self._engine.database.write(
            partial(store.take_offer, offer_id=offer.id, by=name, delivery=delivery)
        )
        if not is_theirs:
            raise already(self.find(offer.id) or offer)

    def give_back(self, offer: Offer, asked: Asked) -> None:
        """They may not run it; somebody else perhaps may."""
        self._engine.database.write(
            partial(store.give_offer_back, offer_id=offer.id, delivery=asked.message.key)
        )

    def close(self, offer: Offer, name: str, shown: str) -> None:
        """Its message says from now on who ran what; the button is gone."""
        said = Text(text=f"{formatting.clean(name)} ran: {formatting.clean(shown)}")
        reply = Reply(pieces=(said,), tone=Tone.NEUTRAL)
        outgoing = Outgoing(key=str(offer.body["key"]), place=place_of(offer), reply=reply)
        if not self._adapter.capabilities.edits:
            return
        self._engine.database.write(self._adapter.posting_job([replace(outgoing, only_for=only_for(offer))]))


def id_of(message: Message, kind: OfferKind) -> str:
    """The same for the same message."""
    return hashlib.sha256(f"offer:{kind}:{message.key}".encode()).hexdigest()[:24]


def check_age(offer: Offer) -> None:
    """Raises Conflict for what was taken, or is too old."""
    if offer.made_at < utcnow() - KEPT_FOR:
        raise Conflict("That was offered too long ago.", hint="Type the command again.")


def already(offer: Offer) -> Conflict:
    return Conflict(f"That was run already, by {formatting.clean(offer.taken_by)}.")


def is_for(offer: Offer, author: Author) -> bool:
    """Whether it was made to them."""
    return offer.person == account_of(offer.adapter, author).ref


def answer_key(asked: Asked) -> str:
    """The key of the first answer to a message."""
    return f"answer:{asked.message.key}:0"


def only_for(offer: Offer) -> str:
    return str(offer.body.get("only_for") or "")


def _place_json(asked: Asked) -> dict[str, Any]:
    place = asked.message.answer_place
    return {"channel": place.channel, "thread": place.thread, "reply_to": place.reply_to}


def answered_at(offer: Offer, message: Message) -> Message:
    """What says yes, as said where the answer belongs: what was edited is answered in its own thread."""
    if offer.kind != "edit":
        return message
    return replace(message, thread=place_of(offer).thread)


def place_of(offer: Offer) -> Place:
    """Where its message stands."""
    found = offer.body["place"]
    return Place(channel=found["channel"], thread=found["thread"], reply_to=found["reply_to"])
