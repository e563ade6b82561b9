"""core.uuid: make a UUID."""

import uuid

from st2common.runners.base_action import Action


class GenerateUuidAction(Action):
    def run(self, uuid_type="uuid4"):
        """The UUID as text, with dashes."""
        makers = {"uuid1": uuid.uuid1, "uuid4": uuid.uuid4}
        if uuid_type not in makers:
            raise ValueError(f"Unknown uuid_type {uuid_type!r}: use uuid1 or uuid4.")
        return str(makers[uuid_type]())
