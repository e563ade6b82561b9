"""chatops.match: which alias does a text fit?"""

from rest_api import RestApi
from st2common.runners.base_action import Action


class MatchAction(Action):
    def run(self, text):
        """`{name, alias, representation}`: the alias' name, its document, the format that fits.

        Raises RestApiError with the engine's words when none fits, or several.
        """
        found = RestApi().post("/actionalias/match", {"command": text})
        return {
            "name": found["actionalias"]["name"],
            "alias": found["actionalias"],
            "representation": found["representation"],
        }
