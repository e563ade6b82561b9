"""What came in and what rules made of it, to read."""

from engine.errors import NotFound
from engine.records.trigger import Enforcement, EnforcementFilter, InstanceFilter, TriggerInstance
from engine.store import triggers as store
from engine.store.database import Database


class TriggerHistory:
    def __init__(self, database: Database) -> None:
        self._database = database

    def instance(self, instance_id: str) -> TriggerInstance:
        """Raises NotFound."""
        with self._database.read() as connection:
            found = store.get(connection, instance_id)
        if found is None:
            raise NotFound(
                f'There is no trigger instance "{instance_id}".',
                hint="List them: stormcrow trigger instances",
            )
        return found

    def instances(self, wanted: InstanceFilter) -> tuple[list[TriggerInstance], int]:
        """The page, and how many there are in all."""
        with self._database.read() as connection:
            return store.page(connection, wanted)

    def enforcement(self, enforcement_id: str) -> Enforcement:
        """Raises NotFound."""
        with self._database.read() as connection:
            found = store.enforcement(connection, enforcement_id)
        if found is None:
            raise NotFound(f'There is no rule enforcement "{enforcement_id}".')
        return found

    def enforcements(self, wanted: EnforcementFilter) -> tuple[list[Enforcement], int]:
        """The page, newest first, and how many there are in all."""
        with self._database.read() as connection:
            return store.enforcements(connection, wanted)
