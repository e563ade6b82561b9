"""The engine's door to the journal: follow it, be told of it, put into it what a chat is told."""

from collections.abc import Callable, Collection

from engine.notices import Notice, tell
from engine.store.database import Database, Listener
from engine.store.reader import Handle, JournalReader, Wants


class JournalCalls:
    """What the engine's callers may do with the journal; a part of class Engine, which makes these."""

    database: Database
    _readers: list[JournalReader]

    def subscribe(
        self,
        reader: str,
        handle: Handle,
        *,
        kinds: Collection[str],
        shares: bool = False,
        wants: Wants = lambda _entry: True,
    ) -> Callable[[], None]:
        """Follow the journal from the cursor of `reader`, as engine.store.reader says; gives what ends it."""
        made = JournalReader(self.database, reader, handle, kinds=kinds, shares=shares, wants=wants)
        self._readers.append(made)
        return made.stop

    def attach(self, listener: Listener) -> Callable[[], None]:
        """Be told of journal entries right after each commit, of other servers on our database too: for live
        views. Not from your thread; must return at once; an entry may come twice. Also told, with id 0:
        `execution.output` (data: {"seq": the newest chunk})."""
        return self.database.attach_everywhere(listener)

    def tell(self, notice: Notice) -> None:
        """Have something said in a chat; durable when it returns."""
        self.database.write(lambda connection: tell(connection, notice))
