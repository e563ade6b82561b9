"""An action without effect, which a spare process runs while it waits for a real one."""

from st2common.runners.base_action import Action


class Rehearsal(Action):
    def __init__(self, config=None, action_service=None):
        # Without the logger, which would stay.
        self.config = config
        self.action_service = action_service

    def run(self, text, number):
        return {"text": text, "number": number}
