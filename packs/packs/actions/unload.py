"""packs.unload: not here, and why."""

from st2common.runners.base_action import Action


class UnloadAction(Action):
    def run(self, packs):
        """(False, `{error, hint}`): content is files, so that what stands on the disk is loaded."""
        return False, {
            "error": f"Content is files: what stands on the disk is loaded. {', '.join(packs)} stays.",
            "hint": "Remove a pack with packs.uninstall, or switch its content off in overrides/.",
        }
