"""Which execution a person means who names none: the newest of the thread, else their last in the channel."""

from dataclasses import dataclass

from sqlalchemy import Connection

from bot.asked import Asked
from bot.port import ChatAdapter
from engine.errors import NotFound
from engine.records.comforts import Footprint
from engine.records.execution import Execution
from engine.service import Engine
from engine.store import comforts as store
from engine.store import outbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    execution: Execution
    is_guess: bool
    """Nothing here names it: it is the person's last in the channel, and is said to be."""


class Trails:
    """Of one adapter."""

    def __init__(self, engine: Engine, adapter: ChatAdapter) -> None:
        self._engine = engine
        self._adapter = adapter

    def leave(self, asked: Asked, execution: Execution) -> None:
        """This command became `execution`, and nothing is said of it yet. Not waited for: who asks next is
        answered after it."""
        place = asked.message.answer_place
        footprint = Footprint(
            adapter=self._adapter.name,
            channel=place.channel,
            thread=place.thread or "",
            person=asked.identity.user,
            execution_id=execution.id,
        )
        self._engine.database.submit(lambda connection: store.leave(connection, footprint))

    def meant(self, asked: Asked, wanted: str) -> Meant:
        """`wanted`: an id, its end, `last`, or empty. Raises NotFound, BadInput."""
        if wanted:
            return Meant(execution=self._named(asked, wanted), is_guess=False)
        found = self.here(asked)
        if found is None:
            raise NotFound(
                "You have started nothing here yet, so I do not know which one you mean.",
                hint=f"Name it: {asked.prefix}{asked.text.split(maxsplit=1)[0].lower()} ID",
            )
        return found

    def _named(self, asked: Asked, wanted: str) -> Execution:
        try:
            return self._engine.execution(wanted)
        except NotFound as error:
            hint = (
                f"What runs for you: {asked.prefix}status · an id is the end of the first line of an answer."
            )
            raise NotFound(error.message, hint=hint) from error

    def here(self, asked: Asked) -> Meant | None:
        """What is meant where no id is given; None: there is nothing."""
        # Through the writer, so that what was said a moment ago is known.
        in_thread, of_person = self._engine.database.write(lambda connection: self._look(connection, asked))
        found = in_thread or of_person
        if found is None:
            return None
        return Meant(execution=self._engine.execution(found), is_guess=in_thread is None)

    def _look(self, connection: Connection, asked: Asked) -> tuple[str | None, str | None]:
        message, name = asked.message, self._adapter.name
        in_thread = None
        if message.thread is not None:
            threads = {message.thread}
            root = outbox.by_message(connection, name, message.channel, message.thread)
            if root is not None:
                # The thread of a message of ours is known by our own id.
                threads.add(root.id)
            in_thread = store.newest_in_thread(connection, name, threads)
        of_person = store.newest_of_person(connection, name, message.channel, asked.identity.user)
        return in_thread, of_person
