"""The actions that change which packs are installed; they say what is missing until there is an installer."""

import os

from st2common.runners.base_action import Action


class InstallerAction(Action):
    def run(self, packs=None, **_parameters):
        """(False, `{error, hint}`): these actions have their parameters, but cannot do their work yet."""
        named = ", ".join(packs or []) or "the packs"
        error = f"Nothing was done for {named}: this version of Stormcrow has no pack installer."
        hint = (
            "Put the folder of the pack into a pack folder of config.yaml (settings: content, packs), "
            "run `stormcrow reload`, and look at it with `stormcrow pack list`."
        )
        self.logger.error(
            "%s %s (execution %s)", error, hint, os.environ.get("ST2_ACTION_EXECUTION_ID", "unknown")
        )
        return False, {"error": error, "hint": hint}
