"""What people do with an alert: the API's /alerts, under the name of whoever runs this."""

from rest_api import RestApi, RestApiError, quoted
from st2common.runners.base_action import Action


class BoardAction(Action):
    def run(self, what, alert, duration=None):
        """`what`: ack, silence, unsilence, resolve or show. Gives the alert, or (False, {"error"})."""
        api = RestApi()
        path = "/alerts/" + quoted(alert)
        try:
            if what == "show":
                return True, api.get(path)
            body = {"for": duration} if what == "silence" else {}
            return True, api.post(path + "/" + what, body)
        except RestApiError as error:
            return False, {"error": error.message}
