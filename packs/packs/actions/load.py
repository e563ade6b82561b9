"""packs.load: read content from the disk again."""

from rest_api import RestApi, RestApiError
from st2common.runners.base_action import Action

NO_DOOR = (
    "This version of Stormcrow cannot reload over its API: run `stormcrow reload`, or send the server SIGHUP."
)


class LoadAction(Action):
    def run(self, register="all", packs=None):
        """How many of each kind were loaded, as `{actions: 3, ...}`."""
        question = {"types": [kind.strip() for kind in register.split(",") if kind.strip()]}
        if packs:
            question["packs"] = packs
        try:
            return RestApi(timeout_s=240).post("/packs/register", question)
        except RestApiError as error:
            if error.status in (404, 405):
                raise RuntimeError(NO_DOOR) from error
            raise
