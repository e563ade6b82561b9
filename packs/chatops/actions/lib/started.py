"""What the chat is told when an execution was started."""


def acknowledgement(result):
    """`result`: one of the engine's answers to a command; its alias' own words, or ours."""
    return result.get("message") or f"Started {result['execution']['id']}."
