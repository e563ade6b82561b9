"""examples.greet: greet somebody; the smallest useful Python action."""

import os

from st2common.runners.base_action import Action

GREETINGS = {
    "plain": "Hello, {}!",
    "formal": "Good day, {}. We are honoured.",
    "cheerful": "Hey {}, great to see you!",
}


class GreetAction(Action):
    def run(self, name="world", style="plain"):
        """`{greeting, process}`; `process` differs from run to run, because each run is a fork of its own."""
        self.logger.debug("greeting %s", name)
        return {"greeting": GREETINGS[style].format(name), "process": os.getpid()}
