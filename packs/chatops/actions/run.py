"""chatops.run: start what a text asks for, and tell the chat that it was started."""

from post import post_message
from rest_api import RestApi, RestApiError
from st2common.runners.base_action import Action
from started import acknowledgement


class RunAction(Action):
    def run(self, text, channel, user=None, whisper=False):
        """`{started, message}`: the ids of the executions, and what the chat was told.

        A text that fits nothing, or cannot be started, is told in the chat, and is no failure of this.
        """
        api = RestApi()
        command = {
            "command": text,
            "user": user or "chatops",
            "source_channel": channel,
            "notification_route": "hubot",
        }
        try:
            results = api.post("/aliasexecution/match_and_execute", command)["results"]
            message = "\n".join(map(acknowledgement, results))
        except RestApiError as error:
            results, message = [], f"That could not be started. {error.message}"
        post_message(api, message=message, channel=channel, user=user, whisper=whisper)
        return {"started": [result["execution"]["id"] for result in results], "message": message}
