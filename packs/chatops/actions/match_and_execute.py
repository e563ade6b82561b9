"""chatops.match_and_execute: start what a text asks for."""

from rest_api import RestApi
from st2common.runners.base_action import Action
from started import acknowledgement


class MatchAndExecuteAction(Action):
    def run(self, text, source_channel=None, user=None):
        """`{message, results}`: the acknowledgements, a line each, and the engine's answer to each match.

        Raises RestApiError with the engine's words when nothing fits, or when it cannot be started.
        """
        command = {
            "command": text,
            "user": user or "chatops",
            "source_channel": source_channel or "chatops",
            "notification_route": "hubot",
        }
        answer = RestApi().post("/aliasexecution/match_and_execute", command)
        return {"message": "\n".join(map(acknowledgement, answer["results"])), "results": answer["results"]}
