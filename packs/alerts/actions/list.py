"""alerts.list: what the board has, newest first."""

from rest_api import RestApi
from st2common.runners.base_action import Action


class ListAction(Action):
    def run(self, all=False, channel=None, limit=20):
        """`{alerts: [...]}`; `all`: also what is resolved."""
        query = {"limit": limit, "all": "true" if all else "false"}
        if channel:
            query["channel"] = channel
        return {"alerts": RestApi().get("/alerts", query)}
