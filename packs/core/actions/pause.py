"""core.pause: wait for a while."""

import random as chance
import time

from st2common.runners.base_action import Action


class PauseAction(Action):
    def run(self, max_pause, random=False):
        """The seconds that were waited."""
        if max_pause < 0:
            raise ValueError("max_pause must not be negative.")
        seconds = chance.uniform(0, max_pause) if random else max_pause
        self.logger.info("waiting for %.1f s", seconds)
        time.sleep(seconds)
        return seconds
