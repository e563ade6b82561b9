"""packs.show: what the pack index knows of a pack."""

import pack_api
from st2common.runners.base_action import Action


class ShowAction(Action):
    def run(self, pack):
        """`{pack}`: its entry in the index; (False, `{error}`) when the index does not know it."""
        try:
            found = pack_api.ask_index({"pack": pack})
        except pack_api.NoIndex as error:
            return False, {"error": str(error)}
        if not found:
            return False, {"error": f"The index knows no pack {pack}."}
        return True, {"pack": found}
