"""core.inject_trigger: fire a trigger through the generic webhook of the REST API."""

from rest_api import RestApi
from st2common.runners.base_action import Action


class InjectTriggerAction(Action):
    def run(self, trigger=None, trigger_name=None, payload=None, trace_tag=None):
        """`trigger` and its older name `trigger_name` are alternatives; one must be given."""
        if trigger and trigger_name:
            raise ValueError("Give trigger or trigger_name, not both.")
        ref = trigger or trigger_name
        if not ref:
            raise ValueError("Give the trigger to fire, for example trigger=mypack.something_happened.")
        headers = {"St2-Trace-Tag": trace_tag} if trace_tag else {}
        body = {"trigger": ref, "payload": payload or {}}
        return RestApi().request("POST", "/webhooks/st2", body=body, headers=headers)
