"""packs.search: search the pack index."""

import pack_api
from st2common.runners.base_action import Action


class SearchAction(Action):
    def run(self, query):
        """A list of index entries, empty when nothing fits; (False, `{error}`) where no index can be read."""
        try:
            return pack_api.ask_index({"query": query}) or []
        except pack_api.NoIndex as error:
            return False, {"error": str(error)}
