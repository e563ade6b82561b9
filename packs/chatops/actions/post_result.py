"""chatops.post_result: tell a chat how an execution ended."""

from post import post_message
from rest_api import RestApi, quoted
from st2common.runners.base_action import Action

# What only Stormcrow's own chats show; other bots pass over it.
OURS = "stormcrow"
TONES = {"succeeded": "good", "canceled": "warning", "failed": "bad", "timeout": "bad", "abandoned": "bad"}


class PostResultAction(Action):
    def run(self, execution_id, channel, *, user=None, whisper=False, route="chatops", context=None):
        """`{enabled, posted}`: the execution that posted it, null where the alias wants no answer."""
        api = RestApi()
        text = api.get(f"/executions/{quoted(execution_id)}/result_text")
        if not text["enabled"]:
            return {"enabled": False, "posted": None}
        status = api.get(f"/executions/{quoted(execution_id)}/attribute/status")
        extra = {OURS: {"tone": TONES.get(status, "neutral")}, **(text.get("extra") or {})}
        posted = post_message(
            api,
            message=text["message"],
            channel=channel,
            user=user,
            whisper=whisper,
            route=route,
            context=context,
            extra=extra,
        )
        return {"enabled": True, "posted": posted}
