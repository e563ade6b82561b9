"""Posting a message, as an execution of chatops.post_message."""


def post_message(api, **parameters):
    """The id of the execution that posts it; parameters that are None are left out."""
    given = {name: value for name, value in parameters.items() if value is not None}
    answer = api.post("/executions", {"action": "chatops.post_message", "parameters": given})
    return answer["id"]
