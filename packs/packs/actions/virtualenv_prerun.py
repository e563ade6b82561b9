"""packs.virtualenv_prerun: the packs that need a virtual environment after a download."""

import pack_api
from st2common.runners.base_action import Action


class VirtualenvPrerunAction(Action):
    def run(self, packs_status=None, packs_list=None):
        """Names of the packs that came in well, those of earlier rounds first, each once."""
        return list(dict.fromkeys([*(packs_list or []), *pack_api.succeeded(packs_status)]))
